//! Ctrl-C leaves nothing half-written: files and folders that are not whole yet are remembered, and removed when the process
//! is told to end.
//!
//! One thread that does nothing else waits for the signal, which all others block. What takes effect together is done
//! undisturbed: the signal waits until it is all there.

pub use signals::listen;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
static UNDISTURBED: Mutex<()> = Mutex::new(());

#[cfg(unix)]
mod signals {
    use super::{PATHS, UNDISTURBED, own};
    use nix::sys::signal::{SigSet, Signal, raise};
    use std::fs;

    /// Listens for Ctrl-C and a polite kill from here on. To be called before any thread is started.
    pub fn listen() {
        // Who started this in the background, or with nohup, wants it to go on.
        let ignored = ignored_signals();
        let heard = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter();
        let signals = SigSet::from_iter(heard.filter(|signal| ignored >> (*signal as i32 - 1) & 1 == 0));
        // Where blocking fails the signals do what they did before: they end the process.
        if signals.thread_block().is_ok() {
            std::thread::spawn(move || wait(signals));
        }
    }

    /// The signals that are ignored, a bit each from signal 1 on; none where the system does not say.
    fn ignored_signals() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    fn wait(signals: SigSet) {
        let Ok(signal) = signals.wait() else { return };
        let undisturbed = own(&UNDISTURBED);
        let paths = own(&PATHS);
        for path in paths.iter() {
            // Somebody may still write into a folder. What cannot be removed stays: nobody is left to be told.
            for _ in 0..10 {
                let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
                if gone.is_ok() {
                    break;
                }
            }
        }
        // Dies of the signal itself, as its parent expects; nobody else writes any more.
        let _ = signals.thread_unblock().and_then(|()| raise(signal));
        drop((paths, undisturbed));
    }
}

/// Elsewhere a process ends as it always did.
#[cfg(not(unix))]
mod signals {
    /// Does nothing.
    pub fn listen() {}
}

/// Something on disk that is not whole yet.
#[derive(Debug)]
pub(super) struct Unfinished(PathBuf);

impl Unfinished {
    /// Creates it by `create`, which says where it is.
    pub(super) fn create<T, E>(
        create: impl FnOnce() -> Result<T, E>,
        path: impl FnOnce(&T) -> &Path,
    ) -> Result<(T, Self), E> {
        undisturbed(|| {
            let created = create()?;
            let path = path(&created).to_owned();
            own(&PATHS).insert(path.clone());
            Ok((created, Self(path)))
        })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        own(&PATHS).remove(&self.0);
    }
}

/// Does `work`, and lets nothing end the process in between.
pub(super) fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let _undisturbed = own(&UNDISTURBED);
    work()
}

fn own<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
