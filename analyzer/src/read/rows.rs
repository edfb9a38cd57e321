//! What a stretch of events comes to: rows of the tables, and what was odd on the way.
//!
//! Several readers fill rows of their own at the same time; [`Rows::append`] puts them one behind the other.

use super::tally::ContentTally;
use crate::trace::events::{
    DeviceBuilder, HostBuilder, LaunchConfig, MemoryBuilder, PythonBuilder, SyncBuilder, Translation,
};
use crate::trace::names::{NameId, Names};
use crate::trace::tracks::{Place, Tracks};
use hashbrown::HashMap;

/// What rows point to, each thing once. Several builders have their own, and one of them learns from the others.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) names: Names,
    pub(super) tracks: Tracks,
    pub(super) configs: Vec<LaunchConfig>,
    config_ids: HashMap<LaunchConfig, u32>,
}

/// What one [`Ids`] has learnt since it was last asked.
#[derive(Debug, Default)]
pub(super) struct News {
    /// It has forgotten all that it told before.
    starts_anew: bool,
    names: Vec<String>,
    places: Vec<Place>,
    configs: Vec<LaunchConfig>,
}

impl Ids {
    /// Room for so many names.
    pub(super) fn with_room_for(most_names: u32) -> Self {
        Self { names: Names::with_room_for(most_names), ..Self::default() }
    }

    pub(super) fn config(&mut self, config: LaunchConfig) -> u32 {
        if let Some(&id) = self.config_ids.get(&config) {
            return id;
        }
        let id = crate::units::narrow(self.configs.len());
        self.configs.push(config);
        self.config_ids.insert(config, id);
        id
    }

    /// What is new since `told` was last handed in.
    pub(super) fn news(&self, told: &mut Told) -> News {
        let names =
            (told.names..self.names.len()).map(|id| self.names.get(NameId::from_column(crate::units::narrow(id))));
        let news = News {
            starts_anew: std::mem::take(&mut told.is_forgotten),
            names: names.map(str::to_owned).collect(),
            places: self.tracks.places().skip(told.places).collect(),
            configs: self.configs.get(told.configs..).unwrap_or_default().to_vec(),
        };
        *told = Told {
            names: self.names.len(),
            places: self.tracks.len(),
            configs: self.configs.len(),
            is_forgotten: false,
        };
        news
    }

    /// Learns the news of another; `translation` is of that other, and grows by them.
    pub(super) fn learn(&mut self, news: News, translation: &mut Translation) {
        if news.starts_anew {
            *translation = Translation::default();
        }
        translation.names.extend(news.names.iter().map(|name| self.names.intern(name).column()));
        let places =
            news.places.into_iter().map(|place| self.tracks.intern(place.renamed(&translation.names)).column());
        translation.tracks.extend(places);
        translation.configs.extend(news.configs.into_iter().map(|config| self.config(config)));
    }
}

/// How much of an [`Ids`] was told already.
#[derive(Debug, Default)]
pub(super) struct Told {
    names: usize,
    places: usize,
    configs: usize,
    is_forgotten: bool,
}

impl Told {
    /// All is forgotten, and will be told anew.
    pub(super) fn forgotten() -> Self {
        Self { is_forgotten: true, ..Self::default() }
    }
}

/// The rows of a stretch of events.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) host: HostBuilder,
    pub(super) device: DeviceBuilder,
    pub(super) python: PythonBuilder,
    pub(super) syncs: SyncBuilder,
    pub(super) memory: MemoryBuilder,
    /// Starts of complete events that are in no table: they count for the extent.
    pub(super) other_starts: Vec<i64>,
    /// The longest finished events, for the check against the profiler's span: `(length, start, name)`.
    pub(super) long_events: Vec<(i64, i64, NameId)>,
    pub(super) odd: Odd,
}

/// What was odd among events, and what is known of them without a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Odd {
    /// Events kept, whatever they are.
    pub(super) kept: u64,
    /// Length of the longest span of the profiler.
    pub(super) longest_span_ns: i64,
    pub(super) negative_durations: ContentTally,
    pub(super) missing_durations: ContentTally,
    pub(super) unfinished: ContentTally,
    pub(super) unknown_categories: ContentTally,
    pub(super) unknown_phases: u64,
}

impl Rows {
    /// Moves the rows of `other` behind these. Their ids are translated by `ids` to those of `names`; `other` is empty
    /// then, and keeps its memory.
    pub(super) fn append(&mut self, other: &mut Self, ids: &Translation, names: &Names) {
        let renamed = |name: NameId| NameId::from_column(ids.name(name.column()));
        self.host.append(&mut other.host, ids);
        self.device.append(&mut other.device, ids);
        self.python.append(&mut other.python, ids);
        self.syncs.append(&mut other.syncs, ids);
        self.memory.append(&mut other.memory, ids);
        self.other_starts.append(&mut other.other_starts);
        let long = other.long_events.drain(..);
        self.long_events.extend(long.map(|(length, start, name)| (length, start, renamed(name))));
        let odd = std::mem::take(&mut other.odd);
        self.odd.kept += odd.kept;
        self.odd.longest_span_ns = self.odd.longest_span_ns.max(odd.longest_span_ns);
        self.odd.negative_durations.join(odd.negative_durations, renamed, names);
        self.odd.missing_durations.join(odd.missing_durations, renamed, names);
        self.odd.unfinished.join(odd.unfinished, renamed, names);
        self.odd.unknown_categories.join(odd.unknown_categories, renamed, names);
        self.odd.unknown_phases += odd.unknown_phases;
    }

    /// Drops all rows, and keeps their memory.
    pub(super) fn clear(&mut self) {
        self.host.clear();
        self.device.clear();
        self.python.clear();
        self.syncs.clear();
        self.memory.clear();
        self.other_starts.clear();
        self.long_events.clear();
        self.odd = Odd::default();
    }
}
