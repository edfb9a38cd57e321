//! The real program, run as a user runs it, on the CPU and in small.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and the line says where")]

mod bad_input;
mod files;
mod harness;
mod learning;
mod resume;
