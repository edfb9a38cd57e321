//! Profiling a few steps with Kineto, after the training and apart from its times.

use crate::error::{Error, TorchError};
use crate::interrupt;
use crate::run_folder::RunFolder;
use crate::shim::{self, Range};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tch::Device;

/// How Kineto writes a kernel's category.
const KERNEL: &[u8] = br#""cat": "kernel""#;

/// How a recording ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recording {
    /// The trace is there.
    Whole,
    /// The trace is there, but nothing of the GPU is in it, though the steps ran there.
    WithoutKernels,
    /// An interrupt came in between: nothing is written.
    Interrupted,
}

/// Runs one step under tracing that is thrown away (it loads what tracing needs), then records `steps` more.
///
/// # Errors
/// Where a step or Kineto fails, or the trace cannot be written.
pub(crate) fn record<F>(
    folder: &RunFolder,
    trace_name: &str,
    device: Device,
    steps: u64,
    mut step: F,
) -> Result<Recording, Error>
where
    F: FnMut(u64) -> Result<(), Error>,
{
    shim::profiler_prepare(device)?;
    step(0)?;
    shim::profiler_start(device)?;
    let mut outcome = Ok(());
    for number in 1..=steps {
        if interrupt::asked() {
            break;
        }
        let name = CString::new(format!("ProfilerStep#{number}")).unwrap_or_default();
        let _range = Range::new(&name);
        outcome = step(number);
        if outcome.is_err() {
            break;
        }
    }
    let described = metadata();
    // The profiler is ended whatever happened: it would hold on to its buffers.
    let raw = folder.file(".trace.json");
    let stopped = shim::profiler_stop(&raw).and(described).map_err(Error::from).and(outcome);
    let kept = if interrupt::asked() {
        Ok(Recording::Interrupted)
    } else {
        stopped.and_then(|()| compress(folder, &raw, trace_name)).map(|has_kernels| {
            if has_kernels || !device.is_cuda() { Recording::Whole } else { Recording::WithoutKernels }
        })
    };
    // Kineto writes beside and renames; neither file is for others.
    for left in [&raw, &folder.file(".trace.json.tmp")] {
        drop(std::fs::remove_file(left));
    }
    kept
}

/// What torch's Python profiler says of itself in a trace, and who we are.
fn metadata() -> Result<(), TorchError> {
    let torch = format!("\"{}\"", shim::torch_version());
    let trainer = format!("\"{}\"", env!("CARGO_PKG_VERSION"));
    for (key, json) in [
        ("record_shapes", "1"),
        ("profile_memory", "1"),
        ("torch_version", torch.as_str()),
        ("trainer", trainer.as_str()),
    ] {
        shim::profiler_metadata(key, json)?;
    }
    Ok(())
}

/// Gzips the trace into its place; whether GPU kernels are in it.
fn compress(folder: &RunFolder, raw: &Path, trace_name: &str) -> Result<bool, Error> {
    // Kineto does not tell: no document, or one without its end, is how a full disk shows.
    let mut file = File::open(raw).map_err(|_| not_written(folder, trace_name))?;
    if !is_whole(&mut file).map_err(Error::file("read the trace", raw))? {
        return Err(not_written(folder, trace_name));
    }
    let mut has_kernels = false;
    folder.write(trace_name, |out| {
        let mut encoder = GzEncoder::new(out, Compression::default());
        for line in BufReader::new(&mut file).split(b'\n') {
            let line = line?;
            has_kernels |= line.windows(KERNEL.len()).any(|part| part == KERNEL);
            encoder.write_all(&line)?;
            encoder.write_all(b"\n")?;
        }
        encoder.finish()?;
        Ok(())
    })?;
    Ok(has_kernels)
}

fn not_written(folder: &RunFolder, trace_name: &str) -> Error {
    let source = io::Error::other("Kineto could not finish it; is the disk full?");
    Error::File { doing: "write", path: folder.file(trace_name), source }
}

/// Whether the JSON object in `file` has its closing brace; leaves the file at its start.
fn is_whole(file: &mut File) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(64)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(tail.trim_ascii_end().ends_with(b"}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_trace_is_noticed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"{\"traceEvents\": [{\"ph\": \"X\"").unwrap();
        assert!(!is_whole(&mut file).unwrap());
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"}]\n}\n").unwrap();
        assert!(is_whole(&mut file).unwrap());
    }
}
