//! The folder of one run: which one it is, and files that are there whole or not at all.

use crate::error::Error;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The results' file name.
pub(crate) const RESULTS: &str = "results.json";
/// The checkpoint's file name: there from an interrupt until the run is complete.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// One run's folder. Dropped without a file in it, it goes away again.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// A new folder in `out`: `<name>`, or `<name>.2`, `.3` and so on, since no run replaces another.
    ///
    /// # Errors
    /// Where it cannot be made, or not be written to.
    pub(crate) fn fresh(out: &Path, name: &str) -> Result<Self, Error> {
        fs::create_dir_all(out).map_err(Error::file("create the folder", out))?;
        let mut repeat = 1;
        let folder = loop {
            let path = repeat_path(out, name, repeat);
            match fs::create_dir(&path) {
                Ok(()) => break Self { path },
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => repeat += 1,
                Err(error) => return Err(Error::file("create the folder", &path)(error)),
            }
        };
        // Better now than after an hour of training.
        folder.staging().map_err(Error::file("write to", &folder.path))?;
        Ok(folder)
    }

    /// The interrupted run of this name in `out`: of several the last.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn interrupted(out: &Path, name: &str) -> Result<Self, Error> {
        let folders = (1..).map(|repeat| repeat_path(out, name, repeat)).take_while(|path| path.is_dir());
        folders.filter(|path| path.join(CHECKPOINT).is_file()).last().map(|path| Self { path }).ok_or_else(|| {
            let problem = format!("holds no interrupted run {name} to go on with: start it without --resume");
            Error::Resume { path: out.to_owned(), problem }
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name` in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes the file `name`: what `write` wrote is there whole, or what was there before stays.
    ///
    /// # Errors
    /// Where it cannot be written; a full disk is one way.
    pub(crate) fn write<F>(&self, name: &str, write: F) -> Result<(), Error>
    where
        F: FnOnce(&mut dyn Write) -> io::Result<()>,
    {
        let path = self.file(name);
        let written = || -> io::Result<()> {
            let mut staging = BufWriter::new(self.staging()?);
            write(&mut staging)?;
            let file = staging.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        written().map_err(Error::file("write", &path))
    }

    /// Removes the file `name`; one that is not there is no error.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// A hidden file beside the others, gone when dropped.
    fn staging(&self) -> io::Result<tempfile::NamedTempFile> {
        let everyone = fs::Permissions::from_mode(0o666); // less what the user's umask takes
        tempfile::Builder::new().prefix(".").suffix(".tmp").permissions(everyone).tempfile_in(&self.path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        // Only an empty folder can be removed so: a run that left nothing leaves no folder either.
        drop(fs::remove_dir(&self.path));
    }
}

fn repeat_path(out: &Path, name: &str, repeat: u64) -> PathBuf {
    if repeat == 1 { out.join(name) } else { out.join(format!("{name}.{repeat}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_run_replaces_another_and_none_leaves_an_empty_folder() {
        let out = tempfile::tempdir().unwrap();
        let first = RunFolder::fresh(out.path(), "unet_cpu").unwrap();
        first.write("results.json", |file| file.write_all(b"{}")).unwrap();
        let second = RunFolder::fresh(out.path(), "unet_cpu").unwrap();
        assert_eq!(second.path(), out.path().join("unet_cpu.2"));
        let path = second.path().to_owned();
        drop(second);
        assert!(!path.exists());
        drop(first);
        assert!(out.path().join("unet_cpu/results.json").exists());
    }

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let out = tempfile::tempdir().unwrap();
        let folder = RunFolder::fresh(out.path(), "unet_cpu").unwrap();
        folder.write("results.json", |file| file.write_all(b"old")).unwrap();
        let failed = folder.write("results.json", |file| {
            file.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(failed.unwrap_err().to_string().starts_with("cannot write "));
        assert_eq!(fs::read(folder.file("results.json")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_last_interrupted_run_is_found() {
        let out = tempfile::tempdir().unwrap();
        assert!(RunFolder::interrupted(out.path(), "unet_cpu").unwrap_err().to_string().contains("without --resume"));
        let folders: Vec<_> = (0..3).map(|_| RunFolder::fresh(out.path(), "unet_cpu").unwrap()).collect();
        for (folder, file) in folders.iter().zip([CHECKPOINT, CHECKPOINT, RESULTS]) {
            folder.write(file, |_| Ok(())).unwrap();
        }
        assert_eq!(RunFolder::interrupted(out.path(), "unet_cpu").unwrap().path(), out.path().join("unet_cpu.2"));
    }
}
