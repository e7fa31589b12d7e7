//! What no format read: it stands in the archive, and is read again once the format is right.

use anyhow::Context;
use serde::Serialize;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::replay::{self, MalformedRecord, Replay};
use twofold_data::format::{Format, Options, Parser, detect};
use twofold_data::partition::Partition;
use twofold_data::request::Line;
use twofold_serving::query::escape_terminal;

use crate::commands::{input, parts};
use crate::config::Config;
use crate::output;
use crate::place::Place;

/// So many malformed records tell which format they have.
const SAMPLE: usize = 200;

/// Lists malformed records, in the order of partitions and offsets.
pub fn list(place: &Place, after: Option<&str>, limit: usize, json: bool) -> anyhow::Result<()> {
    let archive = Archive::open(place.archive()?)?;
    let after = after.map(named).transpose()?;
    let found = replay::malformed(&archive, after.as_ref(), limit)?;
    if json {
        return output::json(&found);
    }
    if found.is_empty() {
        return output::text("no malformed records\n");
    }
    let line = |record: &MalformedRecord| {
        let MalformedRecord { id, minute, reason, format, bytes } = record;
        let [id, reason, format] = [id, reason, format].map(|text| escape_terminal(text));
        let bytes = bytes.escape_ascii();
        format!("{id}  {minute}  {reason} ({format})\n  {bytes}\n")
    };
    let mut text: String = found.iter().map(line).collect();
    if let Some(last) = found.last().filter(|_| found.len() == limit) {
        text += &format!("there may be more: --after {}\n", escape_terminal(&last.id));
    }
    output::text(&text)
}

/// One malformed record, and what each format says of it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    record: MalformedRecord,
    /// By format: `request`, `blank`, or why it is malformed.
    tried: Vec<(String, &'static str)>,
}

/// Shows one.
pub fn show(config: &Config, place: &Place, id: &str) -> anyhow::Result<()> {
    let archive = Archive::open(place.archive()?)?;
    let (partition, offset) = named(id)?;
    // The record itself comes after the one before it; before the first there is none.
    let found = match offset.checked_sub(1) {
        Some(before) => replay::malformed(&archive, Some(&(partition, before)), 1)?,
        None => replay::malformed(&archive, None, usize::MAX)?,
    };
    let record = found.into_iter().find(|record| record.id == id).with_context(|| {
        format!("`{id}` is no malformed record; `twofold dead-letters list --malformed` shows all")
    })?;
    let configured = input::format(config)?;
    let named = Format::NAMES.iter().filter_map(|name| Format::named(name));
    let tried = configured.into_iter().chain(named);
    let tried = tried.map(|format| (format.name(), outcome(&format, &record.bytes))).collect();
    output::json(&Shown { record, tried })
}

fn outcome(format: &Format, bytes: &[u8]) -> &'static str {
    match Parser::new(format).parse(bytes) {
        Line::Request(_) => "request",
        Line::Blank => "blank",
        Line::Malformed(why) => why.name(),
    }
}

/// Reads all of them again, and computes the hours again that this changes.
pub fn replay(
    config: &Config,
    place: &Place,
    formats: &[String],
    dry_run: bool,
    json: bool,
) -> anyhow::Result<()> {
    let (archive, history) = (Archive::open(place.archive()?)?, History::open(place.history()?)?);
    let formats = chosen(config, &archive, formats)?;
    let bar = output::steps_bar(Some(0), "archive");
    let mut progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let found = replay::replay(&archive, &history, &formats, dry_run, &mut progress)?;
    bar.finish_and_clear();
    if !dry_run {
        // Also where nothing is new: what an earlier replay found may not be computed yet.
        let bar = output::steps_bar(Some(0), "batch layer");
        parts::batch(place, &*place.index()?, &parts::batch_options(config), &bar)?;
        bar.finish_and_clear();
    }
    match json {
        true => output::json(&found),
        false => output::text(&told(&found)),
    }
}

fn told(found: &Replay) -> String {
    let counts = |counts: &std::collections::BTreeMap<String, u64>, join: &str| {
        let one =
            |(name, count): (&String, &u64)| format!("{count} {join}{}", escape_terminal(name));
        counts.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let Replay { malformed, readable, sealed, files, hours, dry_run, .. } = found;
    let mut text = format!("{malformed} malformed records");
    if *malformed > 0 {
        text += &format!(" ({})", counts(&found.reasons, ""));
    }
    text += &match readable {
        0 => "; none of them is read now\n".to_owned(),
        _ => format!("; {readable} are read now: {}\n", counts(&found.formats, "as ")),
    };
    if *sealed > 0 {
        text += &format!("{sealed} would be read, but retention has taken files of their hours\n");
    }
    if *readable > 0 {
        let done = if *dry_run { "would be computed again" } else { "are computed again" };
        text += &format!("{} hours {done}, from {files} files of the archive\n", hours.len());
    }
    text
}

/// The formats that are asked for; else the configured one; else the one that the records themselves have.
fn chosen(config: &Config, archive: &Archive, names: &[String]) -> anyhow::Result<Vec<Format>> {
    if !names.is_empty() {
        let named = |name: &String| {
            let format = Options { name: name.clone(), ..config.format.clone() }.format()?;
            format.with_context(|| "`auto` names no format; leave --format out".to_owned())
        };
        return names.iter().map(named).collect();
    }
    if let Some(format) = input::format(config)? {
        return Ok(vec![format]);
    }
    let sample = replay::malformed(archive, None, SAMPLE)?;
    let lines: Vec<&[u8]> = sample.iter().map(|record| record.bytes.as_slice()).collect();
    let Some(detection) = detect(&lines) else { return Ok(Vec::new()) };
    eprintln!("format: {detection}");
    Ok(vec![config.format.complete(detection.format)?])
}

/// A record by its name.
fn named(id: &str) -> anyhow::Result<(Partition, u64)> {
    Partition::of_record(id)
        .with_context(|| format!("`{id}` is no record's name; it is written access-00000@1234"))
}
