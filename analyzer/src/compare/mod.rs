//! Comparisons of runs: numbers that the analyses and results.json gave, set beside each other (METRICS 10 and 11).
//!
//! Pure functions over values: nothing here opens a file or formats a number.

pub mod speedup;
pub mod variants;
