//! The audit: accounts for every offset, from the source to the index.

mod chain;
mod minutes;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use twofold_data::minute::Minute;
use twofold_data::partition::Partition;
use twofold_data::view::Tally;
use twofold_serving::index::{Index, Publication};

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
    let mut publication = index.published()?;
    for _ in 0..ATTEMPTS {
        let audit = audit_once(archive, index, sources, publication.as_ref())?;
        let newer = index.published()?;
        let generation = |of: &Option<Publication>| of.as_ref().map(|of| of.generation);
        if generation(&newer) == generation(&publication) {
            return Ok(audit);
        }
        publication = newer;
    }
    audit_once(archive, index, sources, publication.as_ref())
}

/// The order matters while archivers go on: what a generation covers and where chains ended is read
/// before the files are listed, so that the list holds all of it; origins are read after it, so
/// that each file has one.
fn audit_once(
    archive: &Archive,
    index: &dyn Index,
    sources: &dyn Sources,
    publication: Option<&Publication>,
) -> Result<Audit, BatchError> {
    let mut audit = Audit::default();
    let ends: BTreeMap<Partition, u64> = archive
        .partitions()?
        .into_iter()
        .filter_map(|(origin, end)| Some((origin.partition, end?.next_offset)))
        .collect();
    let corrected = publication.map(|publication| publication.info["corrected"].clone());
    let corrected = corrected.and_then(|paths| serde_json::from_value(paths).ok());
    archive.see_those(&corrected.unwrap_or_default())?;
    let mut chains: BTreeMap<Partition, Vec<File>> = BTreeMap::new();
    for file in archive.scan()? {
        chains.entry(file.meta.partition.clone()).or_default().push(file);
    }
    let covered = publication.map(|publication| &publication.info["offsets"]);
    let refused = publication.map(|publication| publication.info["refused"].clone());
    audit.refused = refused.and_then(|map| serde_json::from_value(map).ok()).unwrap_or_default();
    let mut retired = archive.retired()?;
    let mut minutes = Minutes::new();
    for origin in archive.origins()? {
        let files = chains.remove(&origin.partition).unwrap_or_default();
        let name = origin.partition.to_string();
        let through = covered.and_then(|covered| covered[&name].as_u64()).unwrap_or(0);
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
        audit.index(index, publication, minutes)?;
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
}
