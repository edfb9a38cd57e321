//! The cells of the summary that no trace can fill: what the run is called, what its results say, what the audit found.

use crate::audit::verdict;
use crate::report::model::InputFacts;
use crate::run::{Origin, RunFolder};
use crate::table::{Cell, Recorded, Table, Why};

/// Fills in `model`, `torch`, `events` and `verdict` of a summary with one row; other tables stay as they are.
pub fn complete(table: &mut Table, facts: &InputFacts, run: Option<&RunFolder>) {
    if table.command != "summary" {
        return;
    }
    let mut set = |key: &str, cell: Cell| {
        if let Some(position) = table.position(key) {
            for row in &mut table.rows {
                if let Some(place) = row.get_mut(position) {
                    place.clone_from(&cell);
                }
            }
        }
    };
    set("model", model(run));
    set("torch", torch(run));
    set("events", facts.events_kept.into());
    set("verdict", verdict(&facts.findings).word().into());
}

/// The model by results.json or by the run's name. Any file has a name: that of a lone one counts only where it is made
/// like a run's (`unet_cuda.pt.trace.json`).
fn model(run: Option<&RunFolder>) -> Cell {
    let named = |run: &&RunFolder| run.origin == Origin::Folder || run.device.is_some();
    match run.filter(named) {
        Some(run) if !run.model.is_empty() => run.model.clone().into(),
        _ => Cell::Absent(Why::NotInTrace),
    }
}

fn torch(run: Option<&RunFolder>) -> Cell {
    match run.map(|run| &run.results) {
        Some(Recorded::Yes(results)) => results.software.as_ref().map(|software| software.torch.clone()).into(),
        Some(Recorded::No(why)) => Cell::Absent(*why),
        None => Cell::Absent(Why::NoResults),
    }
}
