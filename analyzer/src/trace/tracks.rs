//! Host threads: a track is a (process, thread) pair as the file writes it.

use super::names::NameId;
use crate::units::widen;
use hashbrown::HashMap;

/// A process or thread id: a number, or a text where the producer wrote one ("Spans").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Identity {
    /// A number, exact; numeric text ("25738") is the same identity as the number (R52).
    Whole(i64),
    /// Any other text, by name id.
    Text(u32),
}

impl Identity {
    /// The identity that an interned text has.
    #[must_use]
    pub const fn text(name: NameId) -> Self {
        Self::Text(name.column())
    }
}

/// A host thread of one `Trace`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrackId(u32);

impl TrackId {
    /// The id as it is stored in a column.
    #[must_use]
    pub const fn column(self) -> u32 {
        self.0
    }

    /// The id out of a column.
    #[must_use]
    pub const fn from_column(value: u32) -> Self {
        Self(value)
    }

    /// The id as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        widen(self.0)
    }
}

/// Where a track is: process, then thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The process.
    pub process: Identity,
    /// The thread.
    pub thread: Identity,
}

impl Place {
    /// The same place where names have other ids: `names` gives the new id of each old one.
    pub(crate) fn renamed(self, names: &[u32]) -> Self {
        let rename = |identity| match identity {
            Identity::Text(name) => Identity::Text(names.get(widen(name)).copied().unwrap_or(u32::MAX)),
            whole @ Identity::Whole(_) => whole,
        };
        Self { process: rename(self.process), thread: rename(self.thread) }
    }
}

/// All host threads of one trace.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    places: Vec<Place>,
    lookup: HashMap<Place, u32>,
}

impl Tracks {
    /// The track at `place`, made where it is new.
    pub fn intern(&mut self, place: Place) -> TrackId {
        if let Some(&last) = self.lookup.get(&place) {
            return TrackId(last);
        }
        let id = crate::units::narrow(self.places.len());
        self.places.push(place);
        self.lookup.insert(place, id);
        TrackId(id)
    }

    /// The track at `place`, where there is one.
    #[must_use]
    pub fn find(&self, place: Place) -> Option<TrackId> {
        self.lookup.get(&place).map(|&id| TrackId(id))
    }

    /// Where `track` is.
    #[must_use]
    pub fn place(&self, track: TrackId) -> Option<Place> {
        self.places.get(track.index()).copied()
    }

    /// Where all tracks are, in order of their ids.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.places.iter().copied()
    }

    /// How many tracks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no track.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
