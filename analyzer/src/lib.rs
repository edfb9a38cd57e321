//! Turns PyTorch profiler traces and training results into tables, and tables into a report. Read the modules in this
//! order: it is the order in which data flow.
#![forbid(unsafe_code)]

// Times, bytes and shares: no number travels without its unit.
pub mod units;

// Text from a file, which no renderer prints as it is.
pub mod text;

// What a table is, before anyone draws it.
pub mod table;

// What was wrong with the input, and which numbers that touches.
pub mod audit;

// What is known beforehand: category rules, kernel names.
pub mod catalog;

// A trace as columns.
pub mod trace;

// Bytes into a `Trace`. Knows every quirk of Kineto, and no analysis.
pub mod read;

// Run folders and results.json. Never opens a trace.
pub mod run;

// Statistics of repeated measurements. Knows no step and no kernel.
pub mod stats;

// Questions to a trace: one file each, pure functions.
pub mod analysis;

// A part of a trace, as a smaller trace.
pub mod slice;

// Runs beside each other.
pub mod compare;

// What a report says, before anyone draws it.
pub mod report;

// The only formatting: terminal, Markdown, JSON, CSV, charts.
pub mod render;

// Arguments, plans, outcomes: the only part that speaks to the outside.
pub mod cli;
