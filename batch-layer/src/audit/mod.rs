//! The audit: accounts for every offset, from the source to the index.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;
use twofold_data::archive::{Origin, Retired};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::{Partition, partition_seed, record_hash};
use twofold_data::view::Tally;
use twofold_serving::index::{Index, Publication, Query};

pub use source::{Sources, Unasked};

use crate::BatchError;
use crate::archive::{Archive, File};

/// What the audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Audit {
    /// Whether nothing is missing and nothing is double.
    pub ok: bool,
    /// Records that entered, as far as can be told: archived and missing.
    pub records: u64,
    /// Records in the archive, each counted once.
    pub archived: u64,
    /// Records that are not where they should be: lost from the archive, or from an exact minute.
    pub missing: u64,
    /// Records that are somewhere twice.
    pub duplicated: u64,
    /// Records that `twofold prune` removed from the archive by age or size, and recorded.
    pub retired: u64,
    /// Archived records that came after their hour's files were retired: no view counts them.
    #[serde(rename = "refused")]
    pub refused_records: u64,
    /// Archived records that no generation covers yet.
    pub pending: u64,
    /// Records of the sources that are not archived yet, where the sources were asked; of many, their
    /// offsets are counted.
    pub unarchived: u64,
    /// Offsets within archive files that no record has, of which the source can no longer say
    /// whether it had one: markers of transactions, probably.
    pub unproved: u64,
    /// Archived records that no format matched.
    pub malformed: u64,
    /// Archived blank records.
    pub blank: u64,
    /// Requests that came too late for the speed layer: only the batch layer counts them.
    pub late: u64,
    /// Requests far in the future that nothing confirmed: only the batch layer counts them.
    pub ahead: u64,
    /// The generation that was audited.
    pub generation: u64,
    /// Exact minutes that were compared with the archive.
    pub minutes: u64,
    /// What is wrong, in words; the first twenty.
    pub findings: Vec<String>,
    /// Each partition.
    pub partitions: Vec<Audited>,
    /// Whether the archive itself lacks something, so that an index with more records is right.
    #[serde(skip)]
    lossy: bool,
    /// The hours of files whose records no view counts.
    #[serde(skip)]
    refused: BTreeMap<String, BTreeSet<i64>>,
}

/// What the records of each minute add up to.
type Minutes = BTreeMap<Minute, Tally>;

/// One partition's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audited {
    /// The partition.
    pub partition: String,
    /// Its first offset.
    pub first_offset: u64,
    /// The offset after its last archived record.
    pub next_offset: u64,
    /// Its files.
    pub files: usize,
    /// Its records.
    pub records: u64,
    /// Records that are retired.
    pub retired: u64,
    /// Offsets that no file covers.
    pub gaps: u64,
    /// Offsets that several files cover.
    pub overlaps: u64,
}

/// So many offsets that are not archived yet are not looked at one by one.
const MANY: u64 = 10_000;

/// So many findings are told in words.
const TOLD: usize = 20;

/// How often an audit begins again because a generation was published while it read.
const ATTEMPTS: usize = 10;

/// Audits the archive against itself, the exact index against the archive, and the archive
/// against its sources, as far as those can be asked. Archivers and batch runs may go on meanwhile.
///
/// # Errors
/// Of the stores.
pub fn audit(
    archive: &Archive,
    index: &dyn Index,
    sources: &dyn Sources,
) -> Result<Audit, BatchError> {
    let generation = || -> Result<_, BatchError> {
        Ok(index.published()?.map(|publication| publication.generation))
    };
    let mut before = generation()?;
    let mut audit = audit_once(archive, index, sources)?;
    for _ in 0..ATTEMPTS {
        let after = generation()?;
        if after == before {
            break;
        }
        before = after;
        audit = audit_once(archive, index, sources)?;
    }
    Ok(audit)
}

/// The order matters while archivers go on: what a generation covers and where chains ended is read
/// before the files are listed, so that the list holds all of it; origins are read after it, so
/// that each file has one.
fn audit_once(
    archive: &Archive,
    index: &dyn Index,
    sources: &dyn Sources,
) -> Result<Audit, BatchError> {
    let mut audit = Audit::default();
    let publication = index.published()?;
    let ends: BTreeMap<Partition, u64> = archive
        .partitions()?
        .into_iter()
        .filter_map(|(origin, end)| Some((origin.partition, end?.next_offset)))
        .collect();
    let mut chains: BTreeMap<Partition, Vec<File>> = BTreeMap::new();
    for file in archive.scan()? {
        chains.entry(file.meta.partition.clone()).or_default().push(file);
    }
    let covered = publication.as_ref().map(|publication| publication.info["offsets"].clone());
    let refused = publication.as_ref().map(|publication| publication.info["refused"].clone());
    audit.refused = refused.and_then(|map| serde_json::from_value(map).ok()).unwrap_or_default();
    let mut retired = archive.retired()?;
    let mut minutes = Minutes::new();
    for (origin, _) in archive.partitions()? {
        let files = chains.remove(&origin.partition).unwrap_or_default();
        let name = origin.partition.to_string();
        let through = covered.as_ref().and_then(|covered| covered[&name].as_u64()).unwrap_or(0);
        let runs = retired.remove(&origin.partition).unwrap_or_default();
        audit.retired(&origin.partition, origin.first_offset, &runs, &mut minutes);
        let kept_from = runs.last().map_or(origin.first_offset, |run| run.next_offset);
        let put = ends.get(&origin.partition).copied().unwrap_or(origin.first_offset);
        let files = files.into_iter().filter(|file| file.meta.next_offset > kept_from).collect();
        let mut audited = audit.chain(
            &origin.partition,
            kept_from,
            put.max(kept_from),
            files,
            |audit, file, known| {
                let holes = audit.file(archive, file, known..through, &mut minutes)?;
                // A file's offsets count bytes: between two lines there are always some.
                if origin.identity.starts_with("kafka:") {
                    audit.holes(sources, &file.meta.partition, &holes);
                }
                Ok(())
            },
        )?;
        audit.source(sources, &origin, audited.next_offset);
        audited.first_offset = origin.first_offset;
        audited.retired = runs.iter().map(|run| run.records).sum();
        audit.partitions.push(audited);
    }
    for partition in sources.partitions() {
        let name = partition.to_string();
        if !audit.partitions.iter().any(|audited| audited.partition == name) {
            let extent = sources.extent(&partition).unwrap_or_default();
            audit.unarchived += extent.end - extent.start;
        }
    }
    for partition in chains.keys() {
        audit.find(format!("{partition} has files, but no origin"));
    }
    if let Some(publication) = publication {
        audit.generation = publication.generation;
        audit.index(index, &publication, minutes)?;
    }
    for state in index.states()? {
        audit.late += state.late;
        audit.ahead += state.ahead;
    }
    audit.records = audit.archived + audit.retired + audit.missing;
    audit.ok = audit.missing == 0 && audit.duplicated == 0 && audit.findings.is_empty();
    Ok(audit)
}

impl Audit {
    fn find(&mut self, finding: String) {
        if self.findings.len() < TOLD {
            self.findings.push(finding);
        }
    }

    /// Holds the end of a chain against what the source has.
    fn source(&mut self, sources: &dyn Sources, origin: &Origin, next_offset: u64) {
        let partition = &origin.partition;
        if let Some(found) = sources.identity(partition).filter(|found| *found != origin.identity) {
            let known = &origin.identity;
            return self.find(format!(
                "{partition}: the source was {known} and is {found} now: it was deleted and made again"
            ));
        }
        let Some(extent) = sources.extent(partition) else { return };
        self.unarchived += waiting(sources, partition, extent.start.max(next_offset)..extent.end);
        if extent.start > next_offset {
            self.missing += 1;
            self.find(format!(
                "{partition}: the source has lost the offsets {next_offset} to {} before they were \
                 archived",
                extent.start - 1
            ));
        }
        if extent.end < next_offset {
            self.find(format!(
                "{partition}: the source ends at {}, the archive at {next_offset}: the source has lost \
                 records, or is another one",
                extent.end
            ));
        }
    }

    /// Asks the source about offsets within a file that no row has.
    fn holes(&mut self, sources: &dyn Sources, partition: &Partition, holes: &[Range<u64>]) {
        for hole in holes {
            match sources.offsets(partition, hole) {
                None => self.unproved += hole.end - hole.start,
                Some(offsets) if offsets.is_empty() => {}
                Some(offsets) => {
                    self.missing += offsets.len() as u64;
                    self.lossy = true;
                    self.find(format!(
                        "{partition}: the archive lacks records that the source has, from {} on",
                        offsets[0]
                    ));
                }
            }
        }
    }

    /// Takes in what is retired of a partition; its runs must follow one another without a gap.
    fn retired(
        &mut self,
        partition: &Partition,
        first: u64,
        runs: &[Retired],
        minutes: &mut Minutes,
    ) {
        let mut next = first;
        for run in runs {
            if run.first_offset != next {
                let offset = run.first_offset;
                self.missing += 1;
                self.find(format!("{partition}: nothing says that {next} to {offset} is retired"));
            }
            next = run.next_offset;
            self.retired += run.records;
            for (minute, tally) in &run.minutes {
                *minutes.entry(Minute(*minute)).or_default() += tally;
                self.malformed += tally.malformed;
                self.blank += tally.blank;
            }
        }
    }

    /// Walks a partition's files in order of offsets.
    fn chain(
        &mut self,
        partition: &Partition,
        first_offset: u64,
        put: u64,
        mut files: Vec<File>,
        mut each: impl FnMut(&mut Self, &File, u64) -> Result<(), BatchError>,
    ) -> Result<Audited, BatchError> {
        files.sort_by_key(|file| (file.meta.first_offset, file.meta.next_offset));
        let mut audited = Audited {
            partition: partition.to_string(),
            first_offset,
            next_offset: first_offset,
            files: files.len(),
            records: 0,
            retired: 0,
            gaps: 0,
            overlaps: 0,
        };
        for file in &files {
            let (from, to) = (file.meta.first_offset, file.meta.next_offset);
            if from > audited.next_offset {
                let missing = from - audited.next_offset;
                self.gap(&mut audited, missing, &file.path);
            }
            let known = audited.next_offset;
            if from < known {
                audited.overlaps += known.min(to) - from;
                self.find(format!("{}: its offsets from {from} on are archived twice", file.path));
            }
            audited.next_offset = to.max(known);
            audited.records += file.meta.records;
            each(self, file, known)?;
        }
        if put > audited.next_offset {
            let missing = put - audited.next_offset;
            self.gap(&mut audited, missing, "the end of the chain");
            audited.next_offset = put;
        }
        Ok(audited)
    }

    /// How many records a gap held is not known any more: at least one.
    fn gap(&mut self, audited: &mut Audited, offsets: u64, before: &str) {
        audited.gaps += offsets;
        self.missing += 1;
        self.lossy = true;
        self.find(format!(
            "{}: {offsets} offsets before {before} are in no file",
            audited.partition
        ));
    }

    /// Counts a file's rows, and tallies those that the generation covers by minute. Rows before
    /// `covered` are in another file already; those from its end on are pending. Returns the
    /// offsets of the file that no row has.
    fn file(
        &mut self,
        archive: &Archive,
        file: &File,
        covered: Range<u64>,
        minutes: &mut Minutes,
    ) -> Result<Vec<Range<u64>>, BatchError> {
        let mut holes = Vec::new();
        let seed = partition_seed(&file.meta.partition);
        let refused = self.refused.remove(&file.path).unwrap_or_default();
        let (mut double, mut next) = (0, file.meta.first_offset);
        let rows = archive.rows(file, |row| {
            if row.offset < next
                || row.offset < covered.start
                || row.offset >= file.meta.next_offset
            {
                double += 1;
                return;
            }
            if row.offset > next {
                holes.push(next..row.offset);
            }
            next = row.offset + 1;
            let tally = row.tally(record_hash(seed, row.offset));
            self.malformed += tally.malformed;
            self.blank += tally.blank;
            if row.offset >= covered.end {
                self.pending += 1;
            } else if refused.contains(&Grain::Hour.start(row.minute).0) {
                self.refused_records += 1;
            } else {
                *minutes.entry(row.minute).or_default() += &tally;
            }
        })?;
        self.archived += rows - double;
        self.duplicated += double;
        if double > 0 {
            self.find(format!("{}: {double} of its rows are double or not its own", file.path));
        }
        if rows != file.meta.records {
            self.missing += file.meta.records.saturating_sub(rows);
            self.lossy |= rows < file.meta.records;
            self.find(format!(
                "{}: it has {rows} rows and should have {}",
                file.path, file.meta.records
            ));
        }
        if next < file.meta.next_offset {
            holes.push(next..file.meta.next_offset);
        }
        Ok(holes)
    }

    /// Holds each exact minute (hour or day, where minutes have faded) against the archive and
    /// what was retired from it.
    fn index(
        &mut self,
        index: &dyn Index,
        publication: &Publication,
        mut minutes: Minutes,
    ) -> Result<(), BatchError> {
        let boundary = publication.boundary;
        let stored = index.extent()?.map_or(boundary, |(from, _)| from);
        let from = minutes.keys().next().copied().unwrap_or(boundary).min(stored);
        let mut day = Grain::Day.start(from);
        while day < boundary {
            // A stretch of days without a record is read at once, from the days' rows.
            let next = minutes
                .range(day..)
                .next()
                .map_or(boundary, |(minute, _)| Grain::Day.start(*minute));
            let (to, grain) = match next > day {
                true => (next.min(boundary), Grain::Day),
                false => (Grain::Day.end(day).min(boundary), publication.finest(day)),
            };
            let query =
                Query { views: &["traffic"], from: day, to, coarsest: grain, sketches: false };
            for set in index.read(&query)?.exact {
                let tally = set.summary.as_ref().map(|summary| summary.tally).unwrap_or_default();
                let span = set.start..set.grain.end(set.start);
                self.compare(set.start, tally, take(&mut minutes, span));
            }
            day = to;
        }
        for (minute, tally) in minutes.range(..boundary) {
            self.missing += tally.records;
            self.find(format!(
                "{minute}: the exact index lacks the minute's {} records",
                tally.records
            ));
        }
        Ok(())
    }

    fn compare(&mut self, minute: Minute, exact: Tally, archived: Tally) {
        self.minutes += 1;
        if exact == archived {
            return;
        }
        let (has, should) = (exact.records, archived.records);
        self.missing += should.saturating_sub(has);
        match self.lossy {
            true => self.missing += has.saturating_sub(should),
            false => self.duplicated += has.saturating_sub(should),
        }
        self.find(match has == should {
            true => {
                format!("{minute}: the exact index counts {has} records, but not the archive's")
            }
            false => {
                format!("{minute}: the exact index counts {has} records, the archive {should}")
            }
        });
    }
}

/// How many records of the source wait for the archiver. Few offsets are looked at: markers of
/// transactions and aborted records are none.
fn waiting(sources: &dyn Sources, partition: &Partition, offsets: Range<u64>) -> u64 {
    let count = offsets.end.saturating_sub(offsets.start);
    match count {
        0 | MANY.. => count,
        _ => sources.offsets(partition, &offsets).map_or(count, |found| found.len() as u64),
    }
}

/// Takes the minutes of a span out, and adds them up.
fn take(minutes: &mut Minutes, span: Range<Minute>) -> Tally {
    let found: Vec<Minute> = minutes.range(span).map(|(minute, _)| *minute).collect();
    let mut sum = Tally::default();
    found.iter().filter_map(|minute| minutes.remove(minute)).for_each(|tally| sum += &tally);
    sum
}
