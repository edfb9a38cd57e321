//! A file that takes its name when it is whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file on its way. Dropped without [`Scratch::commit`], it leaves no trace.
pub(super) struct Scratch {
    file: NamedTempFile,
    target: PathBuf,
}

impl Scratch {
    /// A new file for `target`, in the folder where that will stand, which must be there.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        if target.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".analyzer-").permissions(usual()).tempfile_in(folder)?;
        Ok(Self { file, target: target.to_owned() })
    }

    /// To be written to.
    pub(super) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name.
    pub(super) fn commit(self) -> io::Result<()> {
        self.file.persist(&self.target).map(drop).map_err(|error| error.error)
    }
}

/// What a file that is simply created may: the user's mask takes away from it.
fn usual() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
