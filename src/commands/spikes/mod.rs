//! `twofold spikes`: of a file, or of what is stored.

mod file;
mod live;
mod stored;

pub use live::judge;

use std::process::ExitCode;

use crate::cli::Spikes;
use crate::config::Layers;

/// Runs the detector over a file, or lists what it has found in the traffic.
pub fn run(arguments: &Spikes, layers: Layers) -> anyhow::Result<ExitCode> {
    match &arguments.file {
        Some(path) => file::run(path, arguments),
        None => stored::run(arguments, layers),
    }
}
