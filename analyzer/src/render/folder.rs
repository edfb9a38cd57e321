//! Where a report goes: all of it, or nothing.
//!
//! On disk every file is written into a temporary folder on the target's own file system; only when all are there does
//! [`Folder::commit`] move them into place by rename, keeping what they replace until the last one has moved. A failure
//! at any point puts everything back and leaves nothing behind.

use super::unfinished::{Unfinished, undisturbed};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Component, Path, PathBuf};
use tempfile::TempDir;
use thiserror::Error;

/// The file that names all files of a report.
const LIST: &str = "report.json";

/// A place for named files that take effect together.
pub trait Folder {
    /// Takes one file; `name` is relative, with `/` between folders. A second file of one name replaces the first.
    ///
    /// # Errors
    /// Where it cannot be written, or where `name` could lead out of the folder.
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FolderError>;

    /// Puts everything that was written into place.
    ///
    /// # Errors
    /// Where that cannot be done; what was there before is then there still.
    fn commit(&mut self) -> Result<(), FolderError>;
}

/// Why a folder could not be written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Something that is not a folder stands where one is needed.
    #[error("cannot write into {}: {} is not a folder; choose another --out", out.display(), obstacle.display())]
    NotAFolder {
        /// The folder asked for.
        out: PathBuf,
        /// What stands in the way.
        obstacle: PathBuf,
    },
    /// A folder stands where a file must go.
    #[error("cannot write {}: a folder of that name is there; move it away or choose another --out", path.display())]
    NotAFile {
        /// Where the file must go.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot write {}: nothing was changed; check free space and permissions, or choose another --out", path.display())]
    Io {
        /// The file or folder that could not be written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A name that could lead out of the folder.
    #[error("{name:?} is no name for a file below the output folder")]
    Name {
        /// The name.
        name: String,
    },
}

/// A folder in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryFolder {
    /// The files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Folder for MemoryFolder {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        parts(name)?;
        self.files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), FolderError> {
        Ok(())
    }
}

/// A folder on disk. Dropped without [`Folder::commit`], it leaves no trace.
#[derive(Debug)]
pub struct DiskFolder {
    out: PathBuf,
    staging: TempDir,
    names: BTreeSet<String>,
    _unfinished: Unfinished,
}

impl DiskFolder {
    /// Prepares to write into `out`, which need not exist. Nothing is changed there before the commit.
    ///
    /// # Errors
    /// Where `out` cannot be a folder, or the folder that holds it cannot be written.
    pub fn create(out: &Path) -> Result<Self, FolderError> {
        let out = if out.as_os_str().is_empty() { Path::new(".") } else { out };
        let standing = standing_ancestor(out);
        if !standing.is_dir() {
            return Err(FolderError::NotAFolder { out: out.to_owned(), obstacle: standing });
        }
        // In the nearest folder that exists (the target itself, where it does): on the same file system even where the
        // target is a mount of its own, and no right is needed beyond those that the result needs.
        let staging = || tempfile::Builder::new().prefix(".analyzer-").tempdir_in(&standing);
        let (staging, unfinished) = Unfinished::create(staging, TempDir::path)
            .map_err(|source| FolderError::Io { path: out.to_owned(), source })?;
        Ok(Self { out: out.to_owned(), staging, names: BTreeSet::new(), _unfinished: unfinished })
    }

    /// Where a new file waits for the commit.
    fn staged(&self, name: &str) -> PathBuf {
        self.staging.path().join("new").join(name)
    }

    /// Where a replaced file waits for the end of the commit.
    fn saved(&self, name: &str) -> PathBuf {
        self.staging.path().join("old").join(name)
    }

    fn move_all(&self, undo: &mut Undo) -> Result<(), FolderError> {
        undo.create_folders(&self.out, &self.out)?;
        for name in &self.names {
            let target = self.out.join(name);
            if let Some(parent) = target.parent() {
                undo.create_folders(parent, &self.out)?;
            }
            undo.replace(&self.staged(name), &target, &self.saved(name))?;
        }
        Ok(())
    }
}

impl Folder for DiskFolder {
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        parts(name)?;
        let staged = self.staged(name);
        let refused = |source| FolderError::Io { path: self.out.join(name), source };
        staged.parent().map_or(Ok(()), fs::create_dir_all).map_err(refused)?;
        fs::write(&staged, bytes).map_err(refused)?;
        self.names.insert(name.to_owned());
        Ok(())
    }

    fn commit(&mut self) -> Result<(), FolderError> {
        undisturbed(|| self.commit_at_once())
    }
}

impl DiskFolder {
    fn commit_at_once(&mut self) -> Result<(), FolderError> {
        let previous = previous_files(&self.out);
        let mut undo = Undo::default();
        if let Err(error) = self.move_all(&mut undo) {
            undo.run();
            return Err(error);
        }
        // Only now, when nothing can fail any more, goes what the previous report wrote and this one does not. A file that
        // refuses to go is not worth losing the new report for.
        for name in previous.iter().filter(|name| !self.names.contains(*name)) {
            remove_stale(&self.out, name);
        }
        self.names.clear();
        Ok(())
    }
}

/// What a commit has done so far, to be taken back last to first.
#[derive(Default)]
struct Undo {
    steps: Vec<Step>,
}

enum Step {
    /// A folder that was not there.
    Created(PathBuf),
    /// A file now at the first path; what it replaced waits at the second.
    Placed(PathBuf, Option<PathBuf>),
}

impl Undo {
    /// Creates `folder` and its missing parents; `out` is for the error.
    fn create_folders(&mut self, folder: &Path, out: &Path) -> Result<(), FolderError> {
        let missing: Vec<&Path> =
            folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Ok(()) => self.steps.push(Step::Created(path.to_owned())),
                // `a/../b` names a folder that came to be a moment ago.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
                Err(source) => return Err(FolderError::Io { path: path.to_owned(), source }),
            }
        }
        if folder.is_dir() {
            return Ok(());
        }
        Err(FolderError::NotAFolder { out: out.to_owned(), obstacle: folder.to_owned() })
    }

    /// Moves `new` to `target`; what is there moves to `saved` first.
    fn replace(&mut self, new: &Path, target: &Path, saved: &Path) -> Result<(), FolderError> {
        let refused = |source| FolderError::Io { path: target.to_owned(), source };
        match fs::symlink_metadata(target) {
            Ok(standing) if standing.is_dir() => return Err(FolderError::NotAFile { path: target.to_owned() }),
            Ok(_) => {
                saved.parent().map_or(Ok(()), fs::create_dir_all).map_err(refused)?;
                fs::rename(target, saved).map_err(refused)?;
                self.steps.push(Step::Placed(target.to_owned(), Some(saved.to_owned())));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.steps.push(Step::Placed(target.to_owned(), None));
            }
            Err(source) => return Err(refused(source)),
        }
        fs::rename(new, target).map_err(refused)
    }

    /// Takes everything back. Each step is tried, whatever became of the others: there is nobody left to tell.
    fn run(self) {
        for step in self.steps.into_iter().rev() {
            let _ = match step {
                Step::Created(folder) => fs::remove_dir(folder),
                Step::Placed(target, Some(saved)) => fs::rename(saved, target),
                Step::Placed(target, None) => fs::remove_file(target),
            };
        }
    }
}

/// The nearest of `out` and its parents that exists.
fn standing_ancestor(out: &Path) -> PathBuf {
    let standing = out.ancestors().find(|path| !path.as_os_str().is_empty() && path.exists());
    // A relative path with nothing standing begins in the working folder.
    standing.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The parts of a name that stays below its folder.
fn parts(name: &str) -> Result<Vec<&str>, FolderError> {
    let plain = |part: &str| matches!(Path::new(part).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    let harmless = |part: &&str| plain(part) && !part.contains(['\\', ':', '\0']);
    let parts: Vec<&str> = name.split('/').collect();
    if parts.iter().all(harmless) { Ok(parts) } else { Err(FolderError::Name { name: name.to_owned() }) }
}

/// What the report that lies in `out` says it wrote; nothing where there is none, or where it is not ours.
fn previous_files(out: &Path) -> Vec<String> {
    #[derive(Deserialize)]
    struct Previous {
        schema_version: u32,
        command: String,
        files: Vec<String>,
    }
    let Ok(file) = File::open(out.join(LIST)) else { return Vec::new() };
    match serde_json::from_reader::<_, Previous>(BufReader::new(file)) {
        Ok(previous) if previous.schema_version >= 1 && previous.command == "report" => previous.files,
        _ => Vec::new(),
    }
}

/// Removes a file of the previous report, and its folder where that is empty then.
///
/// The list comes from a file that anybody may have written: only names that a report gives are taken, only files, and
/// nothing behind a link that leads elsewhere.
fn remove_stale(out: &Path, name: &str) {
    let Ok(parts) = parts(name) else { return };
    let folder = match parts[..] {
        [file] if file.starts_with("report.") => None,
        [folder @ ("charts" | "tables"), _] => Some(out.join(folder)),
        _ => return,
    };
    let is = |path: &Path, kind: fn(&fs::FileType) -> bool| {
        fs::symlink_metadata(path).is_ok_and(|metadata| kind(&metadata.file_type()))
    };
    let path = out.join(name);
    if folder.as_deref().is_none_or(|folder| is(folder, fs::FileType::is_dir)) && is(&path, fs::FileType::is_file) {
        let _ = fs::remove_file(path);
        // Fails, as it should, where somebody else's file is in there.
        let _ = folder.map(fs::remove_dir);
    }
}

#[cfg(test)]
mod tests;
