//! `twofold export`

use std::io::{self, BufWriter};
use std::process::ExitCode;

use twofold_batch::archive::Archive;
use twofold_batch::export::export;
use twofold_data::archive::Retired;

use super::configured;
use crate::cli::Export;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Writes the original log, byte for byte.
pub fn run(arguments: &Export, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let archive = Archive::open(Place::to_read(&config)?.archive()?)?;
    let bar = output::steps_bar(None, "records");
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let retired = export(&archive, &mut out, |records| bar.set_position(records))?;
    bar.finish_and_clear();
    retired.iter().for_each(|run| eprintln!("not in the export: {}", told(run)));
    Ok(ExitCode::SUCCESS)
}

fn told(run: &Retired) -> String {
    let Retired { partition, records, first_offset, next_offset, reason, .. } = run;
    let when = jiff::Timestamp::from_millisecond(run.retired_at).unwrap_or_default();
    format!(
        "{records} records of {partition}, offsets {first_offset} to {next_offset}, \
         retired on {} ({reason})",
        when.strftime("%Y-%m-%d")
    )
}
