//! `twofold prune`

use std::process::ExitCode;

use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::prune::{Pruned, Retention, prune};

use super::configured;
use crate::cli::Prune;
use crate::config::{self, Layers, Span};
use crate::output;
use crate::place::Place;

/// Applies the retention to index, history and archive.
pub fn run(arguments: &Prune, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let place = Place::open(&config)?;
    let (archive, history) = (Archive::open(place.archive()?)?, History::open(place.history()?)?);
    let retention = retention(&config.retention);
    let pruned = prune(&archive, &history, &*place.index()?, &retention, arguments.dry_run)?;
    if arguments.json {
        output::json(&pruned)?;
    } else {
        output::text(&text(&pruned, arguments.dry_run))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn retention(config: &config::Retention) -> Retention {
    let age = |span: Span| Some(span.as_millis()).filter(|age| *age > 0);
    Retention {
        minutes: age(config.minutes),
        hours: age(config.hours),
        history: age(config.history),
        archive: age(config.archive),
        archive_bytes: Some(config.archive_bytes).filter(|bytes| *bytes > 0),
    }
}

fn text(pruned: &Pruned, dry: bool) -> String {
    let before = |what: &str, before: &Option<String>| match before {
        Some(before) => format!("{what} before {before} go\n"),
        None => format!("{what} stay\n"),
    };
    let tense = if dry { "would be" } else { "are" };
    let mut text = before("minute rows", &pruned.minutes_before)
        + &before("hour rows", &pruned.hours_before)
        + &before("tables of the history", &pruned.history_before)
        + &format!(
            "{} files of the archive with {} records ({} bytes) {tense} retired\n",
            pruned.retired_files, pruned.retired_records, pruned.retired_bytes
        );
    if pruned.finished_files > 0 {
        let count = pruned.finished_files;
        text += &format!("{count} files that an earlier prune had recorded {tense} deleted\n");
    }
    if !dry {
        text += &format!("{} row sets are removed from the index\n", pruned.removed_row_sets);
        text += &format!("{} spikes, reviews and alerts go with them\n", pruned.removed_spikes);
    }
    text
}
