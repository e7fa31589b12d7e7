//! What the audit asks of the sources themselves, where they can still say.

use std::ops::Range;

use twofold_data::partition::Partition;

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
