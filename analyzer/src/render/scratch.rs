//! A file that takes its name when it is whole.

use super::unfinished::{Unfinished, undisturbed};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file on its way. Dropped without [`Scratch::commit`], it leaves no trace.
#[derive(Debug)]
pub struct Scratch {
    file: NamedTempFile,
    target: PathBuf,
    unfinished: Unfinished,
}

impl Scratch {
    /// A new file for `target`, in the folder where that will stand, which must be there.
    ///
    /// # Errors
    /// Where that folder cannot be written, or `target` is a folder.
    pub fn beside(target: &Path) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".analyzer-");
        #[cfg(unix)] // what a file that is simply created may: the user's mask takes away from it
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let (file, unfinished) = Unfinished::create(|| builder.tempfile_in(folder), NamedTempFile::path)?;
        Ok(Self { file, target: target.to_owned(), unfinished })
    }

    /// To be written to.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name; what stood there is replaced.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn commit(self) -> io::Result<()> {
        let Self { file, target, unfinished } = self;
        let committed = undisturbed(|| file.persist(target));
        drop(unfinished);
        committed.map(drop).map_err(|error| error.error)
    }
}
