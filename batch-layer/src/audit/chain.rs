//! The archive held against itself: chains of files without gap or overlap, and the rows of each.

use std::ops::Range;

use twofold_data::archive::Retired;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::{Partition, partition_seed, record_hash};

use super::{Audit, Audited, Minutes};
use crate::BatchError;
use crate::archive::{Archive, File};

impl Audit {
    /// Takes in what is retired of a partition; its runs must follow one another without a gap.
    pub(super) fn retired(
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
    pub(super) fn chain(
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
    pub(super) fn file(
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
}
