//! Which rank each trace is, and which of a run's traces are used (TRACE-FORMAT R74 to R76; CONTRACT, "runs/").
//!
//! ```text
//! claims ──> own rank: recorded, else by name ──> company: typed files, or one run folder
//!            rankless among ranks: by order ──> of several recordings of a rank in a folder the latest ──> what is missing
//! ```
//! Traces that merely stand beside each other are never said to be ranks of one run: several world sizes, or more files
//! than ranks, speak against it.

use super::inputs::Company;
use crate::audit::{Code, Finding};
use crate::run::{rank_from_name, recency};
use crate::units::{count, signed};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many file names a message lists.
const NAMED: usize = 3;

/// What a usable trace says about its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// With whom it may be ranks of one run.
    pub(super) company: Company,
    /// Its path.
    pub(super) path: &'a Path,
    /// `distributedInfo.rank`.
    pub(super) rank: Option<i64>,
    /// `distributedInfo.world_size`.
    pub(super) world_size: Option<i64>,
}

/// The place of a trace among the others.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Place {
    /// Its rank, where known.
    pub(super) rank: Option<i64>,
    /// False where a later recording of the same rank is used instead.
    pub(super) is_used: bool,
    /// What to say about it.
    pub(super) findings: Vec<Finding>,
}

/// The places of all `claims`, in their order.
pub(super) fn places(claims: &[Claim<'_>]) -> Vec<Place> {
    let mut places: Vec<Place> = claims.iter().map(own_place).collect();
    let mut companies: BTreeMap<Company, Vec<usize>> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        match claim.company {
            Company::Alone => say_missing(claims, &[index], None, &mut places),
            company => companies.entry(company).or_default().push(index),
        }
    }
    for (company, members) in companies {
        let world = only_world(claims, &members);
        rank_by_order(claims, &members, world, &mut places);
        match company {
            Company::Run(_) => keep_latest(claims, &members, &mut places),
            _ => say_twice(claims, &members, &mut places),
        }
        say_missing(claims, &members, world, &mut places);
    }
    places
}

/// A trace by itself: its rank as recorded, else by its name (R74).
fn own_place(claim: &Claim) -> Place {
    let named = || rank_from_name(&file_name(claim.path));
    let mut place = Place { rank: claim.rank.or_else(named), is_used: true, findings: Vec::new() };
    if let (None, Some(rank)) = (claim.rank, place.rank) {
        place.findings.push(Finding::new(Code::RankFromName, 1, format!("rank {rank} is taken from the file's name")));
    }
    place
}

/// The size of a distributed run that the trace belongs to.
fn world_of(claim: &Claim) -> Option<i64> {
    claim.world_size.filter(|size| *size > 1)
}

/// The world size on which all agree that have one; `None` where there are several or none.
fn only_world(claims: &[Claim], members: &[usize]) -> Option<i64> {
    let worlds: BTreeSet<i64> = members.iter().filter_map(|&index| world_of(claims.get(index)?)).collect();
    worlds.first().copied().filter(|_| worlds.len() == 1)
}

/// Gives those without a rank the lowest free ones, in their order, where the members can be one distributed run (R74).
fn rank_by_order(claims: &[Claim], members: &[usize], world: Option<i64>, places: &mut [Place]) {
    let sizes: BTreeSet<i64> = members.iter().filter_map(|&index| claims.get(index)?.world_size).collect();
    let is_one_run = match world {
        Some(world) => sizes.len() == 1 && signed(count(members.len())) <= world,
        None => sizes.is_empty(),
    };
    let mut taken: BTreeSet<i64> = members.iter().filter_map(|&index| places.get(index)?.rank).collect();
    let is_distributed = world.is_some() || !taken.is_empty();
    if !is_one_run || !is_distributed || members.len() < 2 {
        return;
    }
    for &index in members {
        let Some(place) = places.get_mut(index).filter(|place| place.rank.is_none()) else { continue };
        let free = (0..).find(|rank| !taken.contains(rank)).unwrap_or_default();
        taken.insert(free);
        place.rank = Some(free);
        let message =
            format!("no rank is recorded, neither in the trace nor in its name: taken as rank {free} by order");
        place.findings.push(Finding::new(Code::RankMissing, 1, message));
    }
}

/// Of several recordings of one rank in a run folder the latest is used; it names the others.
fn keep_latest(claims: &[Claim], members: &[usize], places: &mut [Place]) {
    let name = |index: usize| claims.get(index).map(|claim| file_name(claim.path)).unwrap_or_default();
    let mut of_rank: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    for &index in members {
        of_rank.entry(places.get(index).and_then(|place| place.rank)).or_default().push(index);
    }
    for (rank, mut recordings) in of_rank {
        recordings.sort_by_key(|&index| recency(&name(index)));
        let Some(used) = recordings.pop() else { continue };
        for &index in &recordings {
            if let Some(place) = places.get_mut(index) {
                place.is_used = false;
            }
        }
        if recordings.is_empty() {
            continue;
        }
        let of = rank.map_or_else(String::new, |rank| format!(" of rank {rank}"));
        let names: Vec<String> = recordings.iter().map(|&index| name(index)).collect();
        let message = format!("the latest recording{of} is used, not {}", listed(&names));
        if let Some(place) = places.get_mut(used) {
            place.findings.push(Finding::new(Code::TraceNotUsed, count(names.len()), message));
        }
    }
}

/// Says of the second and every further file with a rank of one distributed run which file had it first (R75). Only where
/// both record it: a name is too little to degrade a verdict for.
fn say_twice(claims: &[Claim], members: &[usize], places: &mut [Place]) {
    let mut first: BTreeMap<(i64, i64), &Path> = BTreeMap::new();
    for &index in members {
        let Some(claim) = claims.get(index) else { continue };
        let (Some(world), Some(rank)) = (world_of(claim), claim.rank) else { continue };
        let Some(earlier) = first.get(&(world, rank)) else {
            first.insert((world, rank), claim.path);
            continue;
        };
        let message = format!("rank {rank} is in {} too: both are kept, apart", earlier.display());
        if let Some(place) = places.get_mut(index) {
            place.findings.push(Finding::new(Code::RankDup, 1, message));
        }
    }
}

/// Says once for each distributed run how many of its ranks are not there (R76). `world` is that of members which record
/// none.
fn say_missing(claims: &[Claim], members: &[usize], world: Option<i64>, places: &mut [Place]) {
    // A trace without rank is one of the ranks all the same.
    let mut given: BTreeMap<i64, (usize, BTreeSet<Given>)> = BTreeMap::new();
    for &index in members {
        let (Some(claim), Some(place)) = (claims.get(index), places.get(index).filter(|place| place.is_used)) else {
            continue;
        };
        let Some(size) = world_of(claim).or_else(|| world.filter(|_| claim.world_size.is_none())) else { continue };
        given
            .entry(size)
            .or_insert_with(|| (index, BTreeSet::new()))
            .1
            .insert(place.rank.map_or(Given::File(index), Given::Rank));
    }
    for (size, (first, ranks)) in given {
        let missing = u64::try_from(size).unwrap_or(0).saturating_sub(count(ranks.len()));
        if let Some(place) = places.get_mut(first).filter(|_| missing > 0) {
            let message = format!("{} of {size} ranks given", ranks.len());
            place.findings.push(Finding::new(Code::RanksMissing, missing, message));
        }
    }
}

/// A rank that was given: by its number, or by a file that does not say which it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Given {
    Rank(i64),
    File(usize),
}

/// The file's own name; empty for standard input.
fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `a, b, c and 5 more`.
fn listed(names: &[String]) -> String {
    let shown = names.get(..NAMED).unwrap_or(names).join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
