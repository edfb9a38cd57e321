//! The text itself, element by element: for whoever copies a trace instead of analysing it.
//!
//! The same documents, damage and repairs as [`read`](super::read), in the order of the text, by one thread. No event is
//! kept: memory is that of the window.

use super::categories::{Category, category};
use super::event::{Field, Slots};
use super::number::{integer, nanoseconds_from_micros};
use super::strings::inner;
use super::{ErrorKind, Limits, ReadTrace};
use crate::trace::events::HostKind;
use crate::units::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::Read;

/// Takes the elements of a trace as they come.
pub trait Visit {
    /// A member of the root object, `traceEvents` aside; `value` is strict JSON.
    fn member(&mut self, key: &str, value: &[u8]);

    /// The events begin: those of `traceEvents`, or of a root array.
    fn events(&mut self, is_root: bool);

    /// One of them that could be read.
    fn event(&mut self, event: &RawEvent<'_>);

    /// They have ended (with the text, maybe).
    fn events_ended(&mut self);
}

/// One event as it stands in the text, or as it was repaired.
pub struct RawEvent<'t> {
    text: &'t [u8],
    slots: &'t Slots,
}

/// What an event is, as far as deciding about it goes. Times are those of the columns of a [`Trace`](crate::trace::Trace).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role<'t> {
    /// The name of a process or thread (`ph` M).
    Metadata,
    /// On a host thread: an operator, a call, an annotation, an allocation, or whatever is not known.
    Host {
        /// Where it starts.
        start: Timestamp,
    },
    /// A Python frame.
    Python {
        /// Where it starts.
        start: Timestamp,
        /// Where it ends.
        end: Timestamp,
    },
    /// On a device's timeline.
    Device {
        /// Where it starts.
        start: Timestamp,
        /// The call that launched it; 0 where none is named.
        correlation: i64,
    },
    /// One end of an arrow (`ph` s, t, f).
    Flow {
        /// Where it is.
        start: Timestamp,
        /// What ties its ends together.
        id: FlowId<'t>,
        /// `s`, `t` or `f`.
        phase: u8,
    },
    /// No time is known of it.
    Unplaced,
}

/// The name of an arrow.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FlowId<'t> {
    /// Its category.
    pub category: Cow<'t, str>,
    /// Its number, as it is written.
    pub id: Cow<'t, str>,
}

impl FlowId<'_> {
    /// The correlation that this arrow follows, where it leads from a call to the work that it launched.
    #[must_use]
    pub fn correlation(&self) -> Option<i64> {
        let is_launch = !matches!(self.category.as_ref(), "fwdbwd" | "forward_backward");
        is_launch.then(|| integer(self.id.as_bytes())).flatten()
    }

    /// The same, of its own.
    #[must_use]
    pub fn into_owned(self) -> FlowId<'static> {
        FlowId { category: Cow::Owned(self.category.into_owned()), id: Cow::Owned(self.id.into_owned()) }
    }
}

/// What is read of a flow: the scanner passes over it.
#[derive(Deserialize)]
struct Flow<'t> {
    #[serde(borrow, default)]
    cat: Cow<'t, str>,
    #[serde(borrow)]
    id: Option<&'t serde_json::value::RawValue>,
    #[serde(borrow)]
    ts: &'t serde_json::value::RawValue,
}

impl<'t> RawEvent<'t> {
    pub(super) fn new(text: &'t [u8], slots: &'t Slots) -> Self {
        Self { text, slots }
    }

    /// Its text: one strict JSON object.
    #[must_use]
    pub fn text(&self) -> &'t [u8] {
        self.text
    }

    /// What it is.
    #[must_use]
    pub fn role(&self) -> Role<'t> {
        let phase = self.field(Field::Phase).unwrap_or_default();
        match phase {
            b"M" => Role::Metadata,
            [phase @ (b's' | b't' | b'f')] => self.flow(*phase).unwrap_or(Role::Unplaced),
            _ => self.timed(phase == b"X").unwrap_or(Role::Unplaced),
        }
    }

    fn timed(&self, is_complete: bool) -> Option<Role<'t>> {
        let start = self.time(Field::Start)?;
        let category = category(self.field(Field::Category).unwrap_or_default());
        Some(match category {
            _ if !is_complete => Role::Host { start },
            Category::Python => {
                let length = self.field(Field::Duration).and_then(nanoseconds_from_micros).unwrap_or(0);
                let end = Timestamp::from_nanoseconds(start.nanoseconds().saturating_add(length.max(0)));
                Role::Python { start, end }
            }
            Category::Host(HostKind::Annotation | HostKind::Op | HostKind::Runtime | HostKind::Overhead)
            | Category::Span
            | Category::Unknown => Role::Host { start },
            Category::Device(_) | Category::Sync | Category::Aside => {
                Role::Device { start, correlation: self.field(Field::Correlation).and_then(integer).unwrap_or(0) }
            }
        })
    }

    fn flow(&self, phase: u8) -> Option<Role<'t>> {
        let flow: Flow<'t> = serde_json::from_slice(self.text).ok()?;
        let bare = |value: &'t serde_json::value::RawValue| value.get().trim_matches('"');
        let start = Timestamp::from_nanoseconds(nanoseconds_from_micros(bare(flow.ts).trim().as_bytes())?);
        Some(Role::Flow {
            start,
            id: FlowId { category: flow.cat, id: Cow::Borrowed(flow.id.map_or("", bare)) },
            phase,
        })
    }

    fn time(&self, field: Field) -> Option<Timestamp> {
        self.field(field).and_then(|value| nanoseconds_from_micros(value.trim_ascii())).map(Timestamp::from_nanoseconds)
    }

    /// The value of `field`, without its quotes.
    fn field(&self, field: Field) -> Option<&'t [u8]> {
        self.slots.get(self.text, field).map(|value| inner(value).unwrap_or(value))
    }
}

/// Shows `visitor` every element of the trace in `input`. What comes back has the findings and counts of
/// [`read`](super::read), and no events.
///
/// # Errors
/// As [`read`](super::read).
pub fn visit<'v, R: Read + Send + 'v>(
    input: R,
    limits: &Limits,
    visitor: &'v mut dyn Visit,
) -> Result<ReadTrace, ErrorKind> {
    super::read_for(Some(visitor), input, limits, super::source::BLOCK_BYTES, 0)
}
