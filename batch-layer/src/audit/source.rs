//! What the audit asks of the sources themselves, where they can still say.

use std::ops::Range;

use twofold_data::archive::Origin;
use twofold_data::partition::Partition;

use super::Audit;

/// So many offsets that are not archived yet are not looked at one by one.
const MANY: u64 = 10_000;

/// The sources of the archive.
pub trait Sources {
    /// The partitions that there are now.
    fn partitions(&self) -> Vec<Partition>;

    /// The offsets that the partition has now: from the first that is still there to the one
    /// after the last. `None` where nobody can say.
    fn extent(&self, partition: &Partition) -> Option<Range<u64>>;

    /// Which partition it is now, as an origin names it; `None` where nobody can say.
    fn identity(&self, partition: &Partition) -> Option<String>;

    /// The offsets of the records within a range, read again; `None` where nobody can say.
    fn offsets(&self, partition: &Partition, range: &Range<u64>) -> Option<Vec<u64>>;
}

/// Nobody asks the sources.
pub struct Unasked;

impl Sources for Unasked {
    fn partitions(&self) -> Vec<Partition> {
        Vec::new()
    }

    fn extent(&self, _partition: &Partition) -> Option<Range<u64>> {
        None
    }

    fn identity(&self, _partition: &Partition) -> Option<String> {
        None
    }

    fn offsets(&self, _partition: &Partition, _range: &Range<u64>) -> Option<Vec<u64>> {
        None
    }
}

impl Audit {
    /// Holds the end of a chain against what the source has.
    pub(super) fn source(&mut self, sources: &dyn Sources, origin: &Origin, next_offset: u64) {
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
    pub(super) fn holes(
        &mut self,
        sources: &dyn Sources,
        partition: &Partition,
        holes: &[Range<u64>],
    ) {
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
