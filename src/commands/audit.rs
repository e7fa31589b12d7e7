//! `twofold audit`

use std::ops::Range;
use std::process::ExitCode;

use twofold_batch::archive::Archive;
use twofold_batch::audit::{Audit, Sources, Unasked, audit};
use twofold_data::partition::Partition;
use twofold_serving::query::escape_terminal;
use twofold_speed::source::kafka::Inspector;

use super::input::{self, Role};
use super::{configured, kafka_properties};
use crate::cli;
use crate::config::Layers;
use crate::output;
use crate::place::Place;

/// Accounts for every offset; exit status 1 if any is missing or double.
pub fn run(arguments: &cli::Audit, mut layers: Layers) -> anyhow::Result<ExitCode> {
    kafka_properties(&mut layers, &arguments.kafka)?;
    let mut config = configured(layers, &arguments.data)?;
    if !arguments.source.is_empty() {
        config.source.paths.clone_from(&arguments.source);
    }
    let place = Place::to_read(&config)?;
    let archive = Archive::open(place.archive()?)?;
    let sources: Box<dyn Sources> = match input::topics(&config)? {
        Some(from) => {
            let options = input::topics_of(&config, from, Role::Archive);
            Box::new(Brokers(Inspector::open(&options)?))
        }
        None => Box::new(Unasked),
    };
    let audit = audit(&archive, &*place.index()?, &*sources)?;
    if arguments.json {
        output::json(&audit)?;
    } else {
        output::text(&table(&audit))?;
    }
    Ok(if audit.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The topics, asked by the audit.
struct Brokers(Inspector);

impl Sources for Brokers {
    fn partitions(&self) -> Vec<Partition> {
        self.0.partitions()
    }

    fn extent(&self, partition: &Partition) -> Option<Range<u64>> {
        self.0.extent(partition)
    }

    fn identity(&self, partition: &Partition) -> Option<String> {
        self.0.identity(partition)
    }

    fn offsets(&self, partition: &Partition, range: &Range<u64>) -> Option<Vec<u64>> {
        self.0.offsets(partition, range)
    }
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
        ("retired", audit.retired),
        ("missing", audit.missing),
        ("duplicated", audit.duplicated),
        ("pending", audit.pending),
        ("not archived yet", audit.unarchived),
        ("unproved offsets", audit.unproved),
        ("malformed", audit.malformed),
        ("blank", audit.blank),
        ("late", audit.late),
        ("ahead", audit.ahead),
        ("refused", audit.refused_records),
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
