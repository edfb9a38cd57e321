//! A long trace from a short one: the recorded events again and again, each time a little later.
//!
//! ```text
//! recorded:  header | events                                | names, span, window end
//! tiled:     header | events | events + 1 | ... | events + n | names, span and window end, reaching over all of them
//! ```
//!
//! Text in, text out, so that the result keeps Kineto's layout and digits: only the numbers that must differ between
//! two repetitions are replaced. Times move by whole microseconds, so that no fraction changes.

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

const TIME: &str = "\"ts\": ";
const LENGTH: &str = "\"dur\": ";
const STEP: &str = "\"ProfilerStep#";
/// Numbers that name something once in a trace. They share one stride, so that equal ones stay equal.
const IDS: [&str; 5] = ["\"correlation\": ", "\"External id\": ", "\"id\": ", "\"Ev Idx\": ", "\"Sequence number\": "];

/// One trace in both forms.
pub(crate) struct Tiled {
    pub(crate) json: PathBuf,
    pub(crate) gzip: PathBuf,
}

/// The trace `recorded` (gzip), tiled to at least so many bytes of JSON, in `folder`; made only where it is not there yet or is older than `recorded`.
pub(crate) fn tiled(name: &str, recorded: &Path, folder: &Path, least_bytes: u64) -> Result<Tiled, Box<dyn Error>> {
    let json = folder.join(format!("{name}.json"));
    let gzip = folder.join(format!("{name}.json.gz"));
    if !(is_newer(&json, recorded)? && is_newer(&gzip, recorded)?) {
        fs::create_dir_all(folder)?;
        let mut text = String::new();
        GzDecoder::new(BufReader::new(File::open(recorded)?)).read_to_string(&mut text)?;
        let trace = Recorded::of(&text, least_bytes)
            .ok_or_else(|| format!("{}: not in Kineto's layout", recorded.display()))?;
        write_aside(&json, |out| trace.write(out))?;
        write_aside(&gzip, |out| {
            let mut encoder = GzEncoder::new(out, Compression::new(6));
            io::copy(&mut File::open(&json)?, &mut encoder)?;
            encoder.finish().map(drop)
        })?;
    }
    Ok(Tiled { json, gzip })
}

fn is_newer(made: &Path, source: &Path) -> io::Result<bool> {
    Ok(made.exists() && made.metadata()?.modified()? > source.metadata()?.modified()?)
}

/// A file that is there whole or not at all.
fn write_aside(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let aside = path.with_extension("tmp");
    let mut out = BufWriter::new(File::create(&aside)?);
    write(&mut out)?;
    out.flush()?;
    fs::rename(aside, path)
}

/// A recorded trace, cut where the tiling needs it.
struct Recorded<'a> {
    header: &'a str,
    events: Template<'a>,
    /// Metadata, the profiler's span, the end of the recording window: what a trace has once.
    closing: Template<'a>,
    tiles: i64,
}

impl<'a> Recorded<'a> {
    /// `None` if `text` is not laid out as Kineto does it, or not with everything that a trace has once at its end.
    fn of(text: &'a str, least_bytes: u64) -> Option<Self> {
        let (header, rest) = text.split_at(behind(text, "\"traceEvents\": [\n")?);
        let once = behind(&rest[..rest.find("\"ph\": \"M\"")?], "  },\n")?;
        let (events, closing) = rest.split_at(once);

        let period = numbers(rest, TIME).max()? - numbers(events, TIME).min()? + 1;
        let ids = IDS.iter().flat_map(|id| numbers(events, id)).max()? + 1;
        let steps = numbers(events, STEP).max()? - numbers(events, STEP).min()? + 1;
        let mut strides = vec![(TIME, period), (STEP, steps)];
        strides.extend(IDS.map(|id| (id, ids)));

        let tiles = i64::try_from(least_bytes.div_ceil(u64::try_from(events.len()).ok()?)).ok()?;
        let closing = Template::of(closing, |event| {
            if event.contains("\"cat\": \"Trace\"") {
                vec![(LENGTH, period)]
            } else if event.contains("\"Record Window End\"") {
                vec![(TIME, period)]
            } else {
                Vec::new()
            }
        });
        Some(Self { header, events: Template::of(events, |_| strides.clone()), closing, tiles })
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(self.header.as_bytes())?;
        for tile in 0..self.tiles {
            self.events.write(tile, out)?;
        }
        self.closing.write(self.tiles - 1, out)
    }
}

/// Where the last `mark` in `text` ends.
fn behind(text: &str, mark: &str) -> Option<usize> {
    text.rfind(mark).map(|at| at + mark.len())
}

/// The whole part of every number that follows `mark`.
fn numbers(text: &str, mark: &str) -> impl Iterator<Item = i64> {
    text.match_indices(mark).filter_map(move |(at, _)| whole(&text[at + mark.len()..])).map(|(number, _)| number)
}

/// The digits that `text` begins with: their value and how many there are.
fn whole(text: &str) -> Option<(i64, usize)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..digits].parse().ok().map(|number| (number, digits))
}

/// Text with numbers that grow from tile to tile.
struct Template<'a> {
    numbers: Vec<Growing<'a>>,
    tail: &'a str,
}

/// A number, the text before it, and by how much it grows.
struct Growing<'a> {
    before: &'a str,
    number: i64,
    stride: i64,
}

impl<'a> Template<'a> {
    /// `strides` tells for an event which marks precede a number that grows, and by how much.
    fn of(text: &'a str, strides: impl Fn(&str) -> Vec<(&'static str, i64)>) -> Self {
        let mut numbers = Vec::new();
        let (mut begin, mut done) = (0, 0);
        for event in text.split_inclusive("  },\n") {
            let strides = strides(event);
            for (quote, _) in event.match_indices('"') {
                let Some((mark, stride)) = strides.iter().find(|(mark, _)| event[quote..].starts_with(mark)) else {
                    continue;
                };
                let at = begin + quote + mark.len();
                if let Some((number, digits)) = whole(&text[at..]) {
                    numbers.push(Growing { before: &text[done..at], number, stride: *stride });
                    done = at + digits;
                }
            }
            begin += event.len();
        }
        Self { numbers, tail: &text[done..] }
    }

    fn write(&self, tile: i64, out: &mut impl Write) -> io::Result<()> {
        for Growing { before, number, stride } in &self.numbers {
            write!(out, "{before}{}", number + tile * stride)?;
        }
        out.write_all(self.tail.as_bytes())
    }
}
