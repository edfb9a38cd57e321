//! A small table with the nastiest names there are, for the tests of every format.

use crate::audit::{Code, Finding};
use crate::report::model::{Block, Chart, Figure, InputFacts, Piece, Report, Section, Slice};
use crate::table::{Cell, Heading, Table, Unit, Why};
use crate::text::Untrusted;
use crate::units::Nanoseconds;

/// Names that try to leave their place.
pub(super) const NASTY: &[&str] = &[
    "a|b",
    "<script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}[0m",
    "two\nlines",
    "=HYPERLINK(\"http://evil.example\")",
    "abc\u{202e}fed",
    "nul\0",
];

/// An input with `findings`.
pub(super) fn input(path: &str, findings: Vec<Finding>) -> InputFacts {
    InputFacts {
        path: Untrusted::new(path),
        run: None,
        rank: None,
        bytes: Some(2_048),
        events_kept: 1_000,
        events_skipped: 1,
        start_unix_ns: Some(1_784_000_000_123_456_789),
        sha256: None,
        findings,
    }
}

/// An input that a warning touches.
pub(super) fn truncated() -> InputFacts {
    let notes = Finding::new(Code::NoMemory, 1, "memory was not recorded");
    input("a|b.json", vec![notes, Finding::new(Code::Truncated, 1, "input ends inside event 48,213")])
}

/// One row per name; a nested column is hidden from people.
pub(super) fn table(names: &[&str]) -> Table {
    let heading = |key, unit, shown, says| Heading { key, unit, shown, says };
    let rows = names.iter().zip(0..).map(|(name, index)| {
        vec![
            Cell::Name(Untrusted::new(name)),
            Cell::Whole(1_234 - index),
            Cell::Whole(12_118_000),
            Cell::Decimal(0.123),
            Cell::Absent(Why::MemoryOff),
            Cell::List(vec![Cell::Record(vec![("stream", Cell::Whole(7)), ("busy_ns", Cell::Decimal(f64::NAN))])]),
        ]
    });
    Table {
        command: "ops",
        headings: vec![
            heading("name", Unit::Text, true, "The operator's name; ProfilerStep* is one row."),
            heading("calls", Unit::Count, true, ""),
            heading("device_self", Unit::Nanoseconds, true, "Time of its own kernels."),
            heading("device_self", Unit::Share, true, ""),
            heading("host_self", Unit::Bytes, true, ""),
            heading("streams", Unit::Nested, false, ""),
        ],
        rows: rows.collect(),
        aside: None,
        note: None,
    }
}

/// A report with a table and a figure.
pub(super) fn report() -> Report {
    let figure = Figure {
        file: "unet_categories".to_owned(),
        title: "UNet [CUDA]".to_owned(),
        caption: vec![Piece::Plain("Device time of ".to_owned()), Piece::Name(Untrusted::new("<b>"))],
        chart: Chart::Pie { slices: vec![Slice { category: "gemm", time: Nanoseconds::new(5) }] },
    };
    let mut full = table(NASTY);
    full.headings.insert(0, Heading { key: "input", unit: Unit::Count, shown: true, says: "" });
    full.rows.iter_mut().for_each(|row| row.insert(0, Cell::Whole(0)));
    Report {
        title: "Profile of <UNet>".to_owned(),
        inputs: vec![truncated()],
        sections: vec![Section {
            title: vec![Piece::Plain("Operators of ".to_owned()), Piece::Name(Untrusted::new("unet_cuda"))],
            level: 1,
            blocks: vec![
                Block::Inputs,
                Block::Paragraph(vec![
                    Piece::Duration(Nanoseconds::new(12_118_000)),
                    Piece::Plain(" on the device, ".to_owned()),
                    Piece::Share(0.000_1),
                    Piece::Plain(" idle, ".to_owned()),
                    Piece::Ratio(2.5),
                ]),
                Block::Bullets(vec![vec![Piece::Count(1_234), Piece::Plain(" calls".to_owned())]]),
                Block::Table {
                    caption: vec![Piece::Plain("By name".to_owned())],
                    table: table(&["a|b"]),
                    of_rows: 7,
                    inputs: vec![0],
                },
                Block::Figure(figure),
            ],
        }],
        tables: vec![full],
    }
}
