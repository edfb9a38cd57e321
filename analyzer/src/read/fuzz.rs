//! What must hold of any bytes whatever: called by the fuzz targets (`fuzz/`), and by the replay of their corpus.

use super::reference::{self, Tables};
use super::{Limits, ReadTrace, read_with};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read as _, Write as _};

/// Larger than any input of a fuzzer.
const ONE_BLOCK: usize = 1 << 20;

/// What a reading comes to, in words; and the tables, where there are any.
fn told(input: &[u8], block_bytes: usize, readers: usize) -> (String, Option<ReadTrace>) {
    match read_with(input, &Limits::default(), block_bytes, readers) {
        Err(error) => (error.to_string(), None),
        Ok(read) => {
            let counts = (read.events_kept, read.events_skipped);
            let tables = Tables::of(&read.trace);
            (format!("{tables:?} {:?} {counts:?} {:?}", read.findings, read.trace.metadata), Some(read))
        }
    }
}

/// Reads text behind a first byte that says how it is cut: blocks of any size and several readers give what one block gives,
/// and of strict JSON that is what `serde_json` finds in it.
///
/// # Panics
/// Where that does not hold.
pub fn reader(data: &[u8]) {
    let Some((&first, text)) = data.split_first() else { return };
    let block_bytes = 4 + usize::from(first) * 3;
    let (whole, read) = told(text, ONE_BLOCK, 0);
    assert_eq!(told(text, block_bytes, 0).0, whole, "blocks of {block_bytes} bytes");
    assert_eq!(told(text, block_bytes, 3).0, whole, "blocks of {block_bytes} bytes, three readers");
    let Some(reference) = reference::read(text) else { return };
    match read {
        None => assert_eq!(reference.kept, 0, "{whole}"),
        Some(read) => {
            assert_eq!(Tables::of(&read.trace), reference.tables);
            assert_eq!(read.events_kept, reference.kept);
        }
    }
}

/// Reads gzip data: what another decoder inflates reads as the text does; and so does text, behind two bytes, in two members.
///
/// # Panics
/// Where that does not hold.
pub fn gzip(data: &[u8]) {
    if data.starts_with(&[0x1f, 0x8b]) {
        let mut text = Vec::new();
        let inflated = MultiGzDecoder::new(data).read_to_end(&mut text);
        let (read, _) = told(data, 64, 3);
        if inflated.is_ok() && !text.starts_with(&[0x1f, 0x8b]) {
            assert_eq!(read, told(&text, ONE_BLOCK, 0).0);
        }
        return;
    }
    let Some(([cut, level], text)) = data.split_first_chunk() else { return };
    let (head, tail) = text.split_at(usize::from(*cut) * text.len() / 256);
    let members = [head, tail].map(|part| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(u32::from(level % 10)));
        encoder.write_all(part).and_then(|()| encoder.finish()).unwrap_or_default()
    });
    if !text.starts_with(&[0x1f, 0x8b]) {
        assert_eq!(told(&members.concat(), 64, 3).0, told(text, ONE_BLOCK, 0).0);
    }
}
