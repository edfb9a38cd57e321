//! A table onto standard output, and what is to be said of its inputs beside it.

use super::args::Manner;
use super::exit::Outcome;
use super::io::Io;
use super::load::is_usable;
use super::{Error, messages};
use crate::analysis::select::NoSuchSteps;
use crate::render::{self, Format, Printed};
use crate::report::model::InputFacts;
use crate::table::Table;

/// Prints `table`, says what is to be said, and ends the command.
///
/// Where no input could be used there is no table, but scripts still get their envelope.
pub(super) fn publish(
    mut table: Table,
    facts: &[InputFacts],
    without_steps: &[(usize, NoSuchSteps)],
    format: Format,
    manner: Manner,
    io: &mut Io,
) -> Result<Outcome, Error> {
    let usable = facts.iter().filter(|facts| is_usable(facts)).count();
    let is_answered = usable > without_steps.len();
    if !is_answered {
        table.rows.clear();
        table.aside = None;
    }
    if is_answered || format == Format::Json {
        // Cut already: `top` would cut all inputs' rows as if they were one's.
        let with_input = facts.len() > 1;
        let printed = Printed { command: table.command, inputs: facts, table: &table, top: None, with_input };
        let mut bytes = Vec::new();
        render::print(format, &printed, &mut bytes).map_err(Error::Output)?;
        io.print(&bytes)?;
    }
    messages::tell_without_steps(facts, without_steps, is_answered, manner, io);
    if !is_answered {
        messages::tell_nothing_usable(facts, io);
        return Ok(Outcome::Unusable);
    }
    Ok(messages::conclude(facts, manner, io))
}
