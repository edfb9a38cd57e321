//! Ctrl-C and a polite kill: the first asks the training to end after its step, the second ends the process at once.
//!
//! No signal handler runs on a thread that computes. oneDNN's generated kernels move the stack pointer into buffers of
//! their own while they run; a handler's frame there overwrites the heap in front (seen as glibc's "corrupted size vs.
//! prev_size" in one interrupt out of two). So both signals are blocked before torch starts its threads, which inherit
//! that, and one thread that does nothing else waits for them.

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);
static TERMINATED: AtomicBool = AtomicBool::new(false);
/// What a shell says of a process that ended by Ctrl-C.
pub(crate) const EXIT_CODE: u8 = 130;

/// Listens from here on. To be called before torch is.
pub(crate) fn listen() {
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    // Where blocking fails the signals do what they did before: they end the process.
    if signals.thread_block().is_ok() {
        std::thread::spawn(move || wait(signals));
    }
}

fn wait(signals: SigSet) {
    while let Ok(signal) = signals.wait() {
        TERMINATED.fetch_or(signal == Signal::SIGTERM, Ordering::SeqCst);
        if ASKED.swap(true, Ordering::SeqCst) {
            // Asked twice: nothing may hold it up, not even torch's own end.
            let _ = kill(Pid::this(), Signal::SIGKILL);
        }
        drop(writeln!(std::io::stderr(), "\nending after this step; once more ends at once and keeps nothing"));
    }
}

/// Whether it was by SIGTERM, which reaches one process alone; Ctrl-C reaches those that it started too.
pub(crate) fn is_termination() -> bool {
    TERMINATED.load(Ordering::SeqCst)
}

/// Asks the process `id` to end politely.
pub(crate) fn terminate(id: u32) {
    // One that is gone already needs no asking.
    let _ = i32::try_from(id).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
}

/// Whether an end was asked for.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}
