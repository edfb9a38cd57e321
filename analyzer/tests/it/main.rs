//! Every promise of the command line, kept by the real binary: one test crate, so polars is linked once.
//!
//! The tools come first, then what is tested: numbers against other tools, numbers against each other, damaged input,
//! the shape of the output, the goldens, and the house rules of the source itself.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and the line says where")]

mod corpus;
mod harness;
mod model;

mod reference_torch;
mod reference_tracelens;

mod determinism;
mod invariants;

mod bad_input;
mod malformed;

mod cli_shape;
mod golden;
mod interrupt;
mod repeats;
mod slice;

mod house;
