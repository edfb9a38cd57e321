//! Scalars for TensorBoard: an event file is a row of records, each a protobuf `Event` in a frame with two checksums
//! (TensorFlow's record format: `u64` length, masked CRC-32C of it, the bytes, masked CRC-32C of them; little endian).

use crate::results::Results;
use prost::Message;
use std::io::{self, Write};

/// `tensorflow.Event`, the fields that are used.
#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value` with a plain number.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// What TensorBoard looks for in a file's name.
pub(crate) const PREFIX: &str = "events.out.tfevents.";
/// The end of the names of our files, by which we know them again.
pub(crate) const SUFFIX: &str = ".trainer";

/// The name of an event file of a run that ended at `unix_seconds` on `host`.
pub(crate) fn file_name(unix_seconds: u64, host: &str) -> String {
    format!("{PREFIX}{unix_seconds}.{host}{SUFFIX}")
}

/// Writes the scalars of `results`, which ended at `unix_seconds`: per epoch losses, scores and time, per step its time.
///
/// # Errors
/// Where `out` refuses.
pub(crate) fn write(results: &Results, unix_seconds: f64, out: &mut dyn Write) -> io::Result<()> {
    let start = unix_seconds - results.total_seconds;
    record(out, &Event { wall_time: start, file_version: Some("brain.Event:2".to_owned()), ..Event::default() })?;
    let mut seconds = 0.0;
    for (step, length) in (1..).zip(&results.step_seconds) {
        seconds += length;
        scalars(out, start + seconds, step, &[("step/seconds", Some(*length))])?;
    }
    let metric = results.metric.word();
    let mut seconds = 0.0;
    for epoch in &results.epochs {
        seconds += epoch.seconds;
        let numbers = [
            ("loss/train", epoch.train_loss),
            ("loss/test", epoch.test_loss),
            (&format!("{metric}/train"), epoch.train_metric),
            (&format!("{metric}/test"), epoch.test_metric),
            ("epoch/seconds", Some(epoch.seconds)),
        ];
        scalars(out, start + seconds, i64::try_from(epoch.epoch).unwrap_or(i64::MAX), &numbers)?;
    }
    Ok(())
}

fn scalars(out: &mut dyn Write, wall_time: f64, step: i64, numbers: &[(&str, Option<f64>)]) -> io::Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "TensorBoard's scalars are f32")]
    let value = numbers
        .iter()
        .filter_map(|(tag, number)| Some(Value { tag: (*tag).to_owned(), simple_value: Some((*number)? as f32) }))
        .collect();
    record(out, &Event { wall_time, step, file_version: None, summary: Some(Summary { value }) })
}

fn record(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let bytes = event.encode_to_vec();
    let length = u64::try_from(bytes.len()).map_err(io::Error::other)?.to_le_bytes();
    out.write_all(&length)?;
    out.write_all(&masked_checksum(&length).to_le_bytes())?;
    out.write_all(&bytes)?;
    out.write_all(&masked_checksum(&bytes).to_le_bytes())
}

/// CRC-32C, rotated and shifted so that a checksum of data that holds checksums stays a good one (TensorFlow, crc32c.h).
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_framed_as_tensorflow_frames_it() {
        let mut bytes = Vec::new();
        let event = Event { file_version: Some("brain.Event:2".to_owned()), ..Event::default() };
        record(&mut bytes, &event).unwrap();
        // the first record of every file that TensorFlow writes with wall time 0
        assert_eq!(bytes[..8], 15_u64.to_le_bytes());
        assert_eq!(bytes[12..14], [0x1a, 13]);
        assert_eq!(&bytes[14..27], b"brain.Event:2");
        assert_eq!(bytes.len(), 8 + 4 + 15 + 4);
    }
}
