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

    /// The interrupted runs of this name in `out`, the latest repeat first.
    pub(crate) fn interrupted(out: &Path, name: &str) -> Vec<Self> {
        let mut found: Vec<(u64, Self)> = Vec::new();
        for entry in fs::read_dir(out).into_iter().flatten().flatten() {
            let path = entry.path();
            let repeat = entry.file_name().to_str().and_then(|folder| repeat_of(folder, name));
            if let Some(repeat) = repeat.filter(|_| path.join(CHECKPOINT).is_file()) {
                found.push((repeat, Self { path }));
            }
        }
        found.sort_by_key(|(repeat, _)| std::cmp::Reverse(*repeat));
        found.into_iter().map(|(_, folder)| folder).collect()
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

/// Which repeat of the run `name` a folder is; `None` for another run's.
fn repeat_of(folder: &str, name: &str) -> Option<u64> {
    match folder.strip_prefix(name)? {
        "" => Some(1),
        tail => tail.strip_prefix('.')?.parse().ok(),
    }
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
    fn interrupted_runs_are_found_latest_first() {
        let out = tempfile::tempdir().unwrap();
        assert!(RunFolder::interrupted(out.path(), "unet_cpu").is_empty());
        let mut folders: Vec<_> = (0..4).map(|_| RunFolder::fresh(out.path(), "unet_cpu").unwrap()).collect();
        for (folder, file) in folders.iter().zip([RESULTS, CHECKPOINT, CHECKPOINT, RESULTS]) {
            folder.write(file, |_| Ok(())).unwrap();
        }
        let other = RunFolder::fresh(out.path(), "unet_cpu_bf16").unwrap();
        other.write(CHECKPOINT, |_| Ok(())).unwrap();
        // A gap in the numbers hides nothing.
        fs::remove_dir_all(folders.remove(0).path()).unwrap();
        let found = RunFolder::interrupted(out.path(), "unet_cpu");
        let names: Vec<_> = found.iter().map(|folder| folder.path().file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["unet_cpu.3", "unet_cpu.2"]);
    }
}
