//! Run folders: what lies in `runs/`, what results.json says, and which runs belong together (CONTRACT, "runs/").
//!
//! The flow: a path as typed -> [`folder::discover`] (which run folders and lone traces are there) -> per folder its
//! [`results::Results`] and the names of its trace files -> [`pairing`] (repeats, and each CUDA group beside its CPU
//! group) with [`config`] (may these two be compared at all). Traces are named here and never opened.

pub mod config;
pub mod folder;
pub mod naming;
pub mod pairing;
pub mod results;

pub use folder::{DiscoverError, Discovery, Origin, RunFolder, discover};
pub use naming::{rank_from_name, recency};
pub use results::{Results, ResultsError};
