//! The raw lines behind a number.

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use twofold_data::class::{Classifier, KEY_BYTES, PageRules};
use twofold_data::facts::Facts;
use twofold_data::format::Format;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Filter, Key};
use twofold_serving::api::{LineFilter, Seen};

use crate::BatchError;
use crate::archive::groups::{may_be_within, may_hold, statistics};
use crate::archive::{Archive, File, Records, Text, damaged, record};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The minute that it counts for.
    pub minute: String,
    /// Its partition.
    pub partition: String,
    /// Its offset.
    pub offset: u64,
    /// `request`, `blank`, or why it is malformed.
    pub outcome: String,
    /// The client, where it is a request.
    pub client: Option<String>,
    /// The path, where it is an HTTP request.
    pub path: Option<String>,
    /// The status, where it is a request.
    pub status: Option<u16>,
    /// The line itself; what is not UTF-8 is shown as U+FFFD.
    pub line: String,
}

impl Found {
    /// The line that was seen.
    pub fn new(seen: &Seen<'_>, partition: &Partition, offset: u64, line: String) -> Self {
        Self {
            minute: Minute::of(seen.time).to_string(),
            partition: partition.to_string(),
            offset,
            outcome: seen.outcome.to_owned(),
            client: seen.client.map(str::to_owned),
            path: seen.path.map(str::to_owned),
            status: seen.status,
            line,
        }
    }
}

/// What was read to find the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Effort {
    /// Files that were opened.
    pub files_read: usize,
    /// Files that were left out by what they say of their hours.
    pub files_skipped: usize,
    /// Row groups that were left out by their statistics.
    pub row_groups_skipped: usize,
}

/// Finds lines in the order of partitions and offsets.
///
/// # Errors
/// Of the store.
pub fn lines(
    archive: &Archive,
    filter: &LineFilter,
    rules: PageRules,
) -> Result<(Vec<Found>, Effort), BatchError> {
    let (mut found, mut effort) = (Vec::new(), Effort::default());
    let mut classifier = Classifier::with_rules(rules);
    archive.see(archive.corrections()?);
    for origin in archive.origins()? {
        let Some(since) = since(filter, &origin.partition) else { continue };
        for file in archive.listed(&origin.partition, since)? {
            if found.len() >= filter.limit {
                return Ok((found, effort));
            }
            if !Wanted(filter).may_be_in(&file) {
                effort.files_skipped += 1;
                continue;
            }
            effort.files_read += 1;
            search(archive, &file, filter, &mut classifier, &mut found, &mut effort)?;
        }
    }
    Ok((found, effort))
}

/// The first offset that is wanted of a partition; `None` where it lies before what is wanted.
fn since(filter: &LineFilter, partition: &Partition) -> Option<u64> {
    match &filter.after {
        Some((after, _)) if partition < after => None,
        Some((after, offset)) if partition == after => Some(offset + 1),
        _ => Some(0),
    }
}

fn search(
    archive: &Archive,
    file: &File,
    filter: &LineFilter,
    classifier: &mut Classifier,
    found: &mut Vec<Found>,
    effort: &mut Effort,
) -> Result<(), BatchError> {
    let since = since(filter, &file.meta.partition).unwrap_or(u64::MAX);
    let format = Format::named(&file.meta.format).ok_or_else(|| {
        damaged(&file.path, format!("it is in the unknown format `{}`", file.meta.format))
    })?;
    let skipped = std::cell::Cell::new(0);
    let wanted = |group: &RowGroupMetaData| {
        let wanted = Wanted(filter).may_be_among(group);
        skipped.set(skipped.get() + usize::from(!wanted));
        wanted
    };
    let mut line = Vec::new();
    for batch in archive.read(&file.path, &record::COLUMNS, Text::Plain, wanted)? {
        if found.len() >= filter.limit {
            break;
        }
        let batch = batch?;
        let mut records = Records::of(&file.path, &batch)?;
        for row in 0..batch.num_rows() {
            if found.len() >= filter.limit {
                break;
            }
            let offset = records.offset.value(row) as u64;
            if offset < since || !filter.admits(&seen(&records, row)) {
                continue;
            }
            let admits = |facts: Facts<'_>| filter.only.admits(&facts);
            if !filter.only.is_empty() && !records.facts(row, classifier).is_some_and(admits) {
                continue;
            }
            line.clear();
            records.rebuild(row, &format, &mut line);
            let text = String::from_utf8_lossy(&line);
            if filter.admits_text(&text) {
                let seen = seen(&records, row);
                found.push(Found::new(&seen, &file.meta.partition, offset, text.into_owned()));
            }
        }
    }
    effort.row_groups_skipped += skipped.get();
    Ok(())
}

fn seen<'a>(records: &Records<'a>, row: usize) -> Seen<'a> {
    let outcome = records.outcome.value(row);
    Seen {
        time: records.time.value(row),
        outcome,
        client: Records::text(records.client, row),
        path: Records::text(records.path, row),
        status: (outcome == "request").then(|| records.status.value(row) as u16),
    }
}

/// The text that a key of the filter is in the column; `None` where the key may have been cut.
pub(crate) fn exactly(filter: &Filter, key: Key) -> Option<String> {
    let found = filter.keys.iter().find(|(known, _)| *known == key);
    found.map(|(_, text)| text.clone()).filter(|text| text.len() < KEY_BYTES)
}

/// A filter, held against what files, row groups and records say.
struct Wanted<'a>(&'a LineFilter);

impl Wanted<'_> {
    fn may_be_in(&self, file: &File) -> bool {
        let from = self.0.from.map_or(i64::MIN, |from| Grain::Hour.start(from).0);
        let to = self.0.to.map_or(i64::MAX, |to| to.0);
        file.meta.hours.range(from..).next().is_some_and(|(hour, _)| *hour < to)
    }

    fn may_be_among(&self, group: &RowGroupMetaData) -> bool {
        let (from, to) = self.0.span();
        let of_status = match (self.0.status, statistics(group, "status")) {
            (Some(wanted), Some(Statistics::Int32(statuses))) => {
                let wanted = i32::from(wanted);
                statuses.min_opt().is_none_or(|least| *least <= wanted)
                    && statuses.max_opt().is_none_or(|most| *most >= wanted)
            }
            _ => true,
        };
        may_be_within(group, from, to)
            && of_status
            && may_hold(group, "client", exactly(&self.0.only, Key::Client).as_deref())
            && may_hold(group, "client", self.0.client.as_deref())
            && may_hold(group, "path", self.0.path.as_deref())
    }
}
