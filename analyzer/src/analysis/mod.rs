//! Questions to a trace: one file each, pure functions over the tables.
//!
//! What several of them need (the forest, the launches, the steps, the category of every piece of time) is worked out
//! once, in a [`Context`]. Adding an analysis is a file here and a line in [`ALL`].

pub mod categories;
pub mod checks;
pub mod context;
pub mod forest;
pub mod idle;
pub mod intervals;
pub mod kernels;
pub mod launches;
pub mod memory;
pub mod modules;
mod nearly;
pub mod ops;
pub mod per_step;
pub mod pieces;
pub mod select;
pub mod steps;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod timeline;
mod times;

pub use context::Context;

use crate::table::{Heading, Table};

/// How operator rows are formed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Grouping {
    /// One row per name.
    #[default]
    Name,
    /// One row per name and input shapes.
    Shape,
    /// One row per module that the operators ran in.
    Module,
}

/// A question with what it may depend on.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The trace and what is known of it.
    pub context: &'a Context<'a>,
    /// How operator rows are formed; other analyses do not care.
    pub grouping: Grouping,
}

/// One analysis that gives a table.
pub struct Analysis {
    /// The command, and the name of its CSV.
    pub command: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// The columns.
    pub headings: fn() -> Vec<Heading>,
    /// The answer: all rows, in the default order.
    pub table: fn(&Question<'_>) -> Table,
    /// Whether `--top` cuts it in people's formats.
    pub cut_by_top: bool,
}

/// Every analysis, in the order of the report. (`audit` is not one: it shows the findings of all of them.)
pub const ALL: &[Analysis] = &[
    summary::ANALYSIS,
    ops::ANALYSIS,
    kernels::ANALYSIS,
    categories::ANALYSIS,
    timeline::ANALYSIS,
    steps::ANALYSIS,
    memory::ANALYSIS,
];
