//! Profiling a few steps with Kineto, after the training and apart from its times.

use crate::error::{Error, TorchError};
use crate::interrupt;
use crate::run_folder::RunFolder;
use crate::shim::{self, Range};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use tch::Device;

/// Runs one step under tracing that is thrown away (it loads what tracing needs), then records `steps` more. Returns false
/// if an interrupt came in between: then nothing is written.
///
/// # Errors
/// Where a step or Kineto fails, or the trace cannot be written.
pub(crate) fn record<F>(
    folder: &RunFolder,
    trace_name: &str,
    device: Device,
    steps: u64,
    mut step: F,
) -> Result<bool, Error>
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
    metadata()?;
    // The profiler is ended whatever happened: it would hold on to its buffers.
    let raw = folder.file(".trace.json");
    let stopped = shim::profiler_stop(&raw).map_err(Error::from).and(outcome);
    let kept = if interrupt::asked() { Ok(false) } else { stopped.and_then(|()| compress(folder, &raw, trace_name)) };
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

fn compress(folder: &RunFolder, raw: &Path, trace_name: &str) -> Result<bool, Error> {
    // Kineto does not tell: no document, or one without its end, is how a full disk shows.
    let mut file = File::open(raw).map_err(|_| not_written(folder, trace_name))?;
    if !is_whole(&mut file).map_err(Error::file("read the trace", raw))? {
        return Err(not_written(folder, trace_name));
    }
    folder.write(trace_name, |out| {
        let mut encoder = GzEncoder::new(out, Compression::default());
        io::copy(&mut BufReader::new(&mut file), &mut encoder)?;
        encoder.finish()?;
        Ok(())
    })?;
    Ok(true)
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
    use std::io::Write;

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
