//! Trains two models on libtorch and writes down how it went: results.json, scalars for TensorBoard, a profiler trace.
//!
//! The flow: command line -> [`cli::args::Plan`] -> [`run`] (device, folder) -> [`training`] (data, model, optimizer) ->
//! [`profile`] -> files. Everything that tch does not offer is in [`shim`], with all of the project's C++ and `unsafe`.

mod checkpoint;
mod cli;
mod data;
mod error;
mod host;
mod interrupt;
mod metrics;
mod model;
mod optimizer;
mod profile;
mod progress;
mod results;
mod run;
mod run_folder;
mod shim;
mod tensorboard;
mod training;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os())
}
