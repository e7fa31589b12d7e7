//! Which files of the archive go.

use std::collections::{BTreeMap, BTreeSet};

use twofold_data::archive::Retired;
use twofold_data::minute::{Grain, MINUTE_MS, Minute};
use twofold_data::partition::Partition;

use super::Retention;
use crate::BatchError;
use crate::archive::{Archive, File};
use crate::manifest::Manifest;

/// The files that go, as the first of each partition's chain.
#[derive(Debug, Default)]
pub struct Choice {
    /// By partition, in order.
    pub retired: BTreeMap<Partition, Vec<File>>,
    /// Their bytes.
    pub bytes: u64,
    /// The rules, in words.
    pub reason: String,
    /// Files that are recorded as retired, and still there.
    pub leftovers: Vec<String>,
}

impl Choice {
    /// Looks through the archive.
    ///
    /// # Errors
    /// Of the store.
    pub fn make(
        archive: &Archive,
        manifest: &Manifest,
        retention: &Retention,
    ) -> Result<Self, BatchError> {
        let sizes = archive.sizes()?;
        let retired = archive.retired()?;
        let mut choice = Self { reason: reason(retention), ..Self::default() };
        let recorded = retired.values().flatten().flat_map(|run| &run.files);
        choice.leftovers = recorded.filter(|path| sizes.contains_key(*path)).cloned().collect();
        if retention.archive.is_none() && retention.archive_bytes.is_none() {
            return Ok(choice);
        }
        let chains = chains(archive, manifest, &retired)?;
        let mut chosen = by_age(&chains, manifest, retention.archive);
        if let Some(most) = retention.archive_bytes {
            let kept = sizes.iter().filter(|(path, _)| !choice.leftovers.contains(path));
            let all = kept.map(|(_, size)| size).sum::<u64>();
            by_size(&chains, &sizes, all.saturating_sub(most), &mut chosen);
        }
        for (partition, chain) in chains {
            let count = chosen.get(&partition).copied().unwrap_or(0);
            let files: Vec<File> = chain.into_iter().take(count).collect();
            choice.bytes += files.iter().map(|file| size(&sizes, file)).sum::<u64>();
            if !files.is_empty() {
                choice.retired.insert(partition, files);
            }
        }
        Ok(choice)
    }

    /// All files that go.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.retired.values().flatten()
    }
}

fn reason(retention: &Retention) -> String {
    let age = retention.archive.map(|age| format!("older than {} h", age / MINUTE_MS / 60));
    let size = retention.archive_bytes.map(|bytes| format!("archive larger than {bytes} bytes"));
    age.into_iter().chain(size).collect::<Vec<_>>().join(", or ")
}

/// Of each partition the files that may go at all, in order: what is published and lies
/// before the boundary. The last file of a chain that goes on stays, since an archiver resumes by it.
fn chains(
    archive: &Archive,
    manifest: &Manifest,
    retired: &BTreeMap<Partition, Vec<Retired>>,
) -> Result<BTreeMap<Partition, Vec<File>>, BatchError> {
    let mut chains: BTreeMap<Partition, Vec<File>> = BTreeMap::new();
    for file in archive.scan()? {
        chains.entry(file.meta.partition.clone()).or_default().push(file);
    }
    let ended: BTreeSet<Partition> = archive
        .partitions()?
        .into_iter()
        .filter(|(_, end)| end.as_ref().is_some_and(|end| end.ended))
        .map(|(origin, _)| origin.partition)
        .collect();
    for (partition, chain) in &mut chains {
        let through = retired.get(partition).and_then(|runs| runs.last());
        let through = through.map_or(0, |run| run.next_offset);
        chain.retain(|file| file.meta.next_offset > through);
        chain.sort_by_key(|file| file.meta.first_offset);
        if !ended.contains(partition) {
            chain.pop();
        }
        let covered = manifest.offsets.get(&partition.to_string()).copied().unwrap_or(0);
        let may_go = |file: &File| {
            file.meta.next_offset <= covered && Minute(over(file)) <= manifest.boundary
        };
        chain.truncate(chain.iter().take_while(|file| may_go(file)).count());
    }
    Ok(chains)
}

/// The end of the last plausible event hour of a file; a minute in the far future keeps nothing.
fn over(file: &File) -> i64 {
    let last = file.meta.largest_event_time.map_or(Minute(i64::MIN / 2), Minute::of);
    Grain::Hour.end(last).0
}

/// How many files of each chain are over for `age` (ms).
fn by_age(
    chains: &BTreeMap<Partition, Vec<File>>,
    manifest: &Manifest,
    age: Option<i64>,
) -> BTreeMap<Partition, usize> {
    let Some(age) = age else { return BTreeMap::new() };
    let before = manifest.boundary.0 - age / MINUTE_MS;
    let old = |chain: &Vec<File>| chain.iter().take_while(|file| over(file) <= before).count();
    chains.iter().map(|(partition, chain)| (partition.clone(), old(chain))).collect()
}

/// Takes the oldest files of all chains until `excess` bytes have gone with them.
fn by_size(
    chains: &BTreeMap<Partition, Vec<File>>,
    sizes: &BTreeMap<String, u64>,
    excess: u64,
    chosen: &mut BTreeMap<Partition, usize>,
) {
    let mut gone = 0;
    for (partition, chain) in chains {
        let count = chosen.get(partition).copied().unwrap_or(0);
        gone += chain.iter().take(count).map(|file| size(sizes, file)).sum::<u64>();
    }
    while gone < excess {
        let next = |(partition, chain): (&Partition, &Vec<File>)| {
            let file = chain.get(chosen.get(partition).copied().unwrap_or(0))?;
            Some((over(file), partition.clone(), size(sizes, file)))
        };
        let Some((_, partition, bytes)) = chains.iter().filter_map(next).min() else { return };
        *chosen.entry(partition).or_default() += 1;
        gone += bytes;
    }
}

fn size(sizes: &BTreeMap<String, u64>, file: &File) -> u64 {
    sizes.get(&file.path).copied().unwrap_or(0)
}
