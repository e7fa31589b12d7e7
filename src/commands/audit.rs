//! `twofold audit`

use std::collections::BTreeMap;
use std::process::ExitCode;

use twofold_batch::archive::Archive;
use twofold_batch::audit::{Audit, audit};
use twofold_serving::query::escape_terminal;

use super::configured;
use crate::cli;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Accounts for every offset; exit status 1 if any is missing or double.
pub fn run(arguments: &cli::Audit, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let place = Place::open(&config)?;
    let archive = Archive::open(place.archive()?)?;
    let audit = audit(&archive, &*place.index()?, &BTreeMap::new())?;
    if arguments.json {
        output::json(&audit)?;
    } else {
        output::text(&table(&audit))?;
    }
    Ok(if audit.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(audit: &Audit) -> String {
    let mut text = format!(
        "{:<24} {:>6} {:>12} {:>16} {:>8} {:>8}\n",
        "partition", "files", "records", "next offset", "gaps", "overlaps"
    );
    for one in &audit.partitions {
        let name = escape_terminal(&one.partition);
        text += &format!(
            "{name:<24} {:>6} {:>12} {:>16} {:>8} {:>8}\n",
            one.files, one.records, one.next_offset, one.gaps, one.overlaps
        );
    }
    text += "\n";
    for (name, value) in [
        ("records", audit.records),
        ("archived", audit.archived),
        ("missing", audit.missing),
        ("duplicated", audit.duplicated),
        ("pending", audit.pending),
        ("malformed", audit.malformed),
        ("blank", audit.blank),
        ("late", audit.late),
        ("ahead", audit.ahead),
        ("exact minutes compared", audit.minutes),
    ] {
        text += &format!("{name:<24} {value:>12}\n");
    }
    for finding in &audit.findings {
        text += &format!("! {}\n", escape_terminal(finding));
    }
    let verdict =
        if audit.ok { "nothing is missing and nothing is double" } else { "NOT in order" };
    text + verdict + "\n"
}
