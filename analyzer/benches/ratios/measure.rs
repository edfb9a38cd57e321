//! Time and peak memory of one process. Everything that is compared is a process of its own, started alike.

use flate2::bufread::MultiGzDecoder;
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;
use wait4::Wait4;

/// As large as the pieces in which the kernel reads ahead on a plain disk; larger ones gain nothing.
const BUFFER: usize = 128 << 10;

/// A command line: a program and its arguments.
pub(crate) type CommandLine = Vec<OsString>;

fn command(line: &[OsString]) -> Result<Command, Box<dyn Error>> {
    let (program, arguments) = line.split_first().ok_or("no program to run")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}

fn failed(line: &[OsString], status: ExitStatus) -> Box<dyn Error> {
    format!("{line:?} failed: {status}").into()
}

/// What a run cost.
pub(crate) struct Cost {
    /// Seconds from before its start to after its end.
    pub(crate) wall: f64,
    /// Seconds of all its threads together: what a busy machine disturbs less.
    pub(crate) cpu: f64,
    /// Its largest resident size in bytes. What the parent holds counts too, for until its program is loaded a child is a
    /// copy of its parent: ask from a small process.
    pub(crate) peak: u64,
}

/// Runs to the end, output thrown away.
pub(crate) fn cost(line: &[OsString]) -> Result<Cost, Box<dyn Error>> {
    let started = Instant::now();
    let ended = command(line)?.stdout(Stdio::null()).spawn()?.wait4()?;
    let wall = started.elapsed().as_secs_f64();
    if !ended.status.success() {
        return Err(failed(line, ended.status));
    }
    let cpu = (ended.rusage.utime + ended.rusage.stime).as_secs_f64();
    Ok(Cost { wall, cpu, peak: ended.rusage.maxrss })
}

/// What a run prints.
pub(crate) fn output(line: &[OsString]) -> Result<String, Box<dyn Error>> {
    let output = command(line)?.stderr(Stdio::inherit()).output()?;
    if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(failed(line, output.status)) }
}

/// How many bytes a gzip file holds: the least that any reader of it must do.
pub(crate) fn inflate(path: &Path) -> Result<u64, Box<dyn Error>> {
    let mut text = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, File::open(path)?));
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        match text.read(&mut buffer)? {
            0 => return Ok(bytes),
            read => bytes += u64::try_from(read)?,
        }
    }
}
