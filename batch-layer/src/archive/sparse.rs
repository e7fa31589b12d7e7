//! A Parquet file of which only some stretches are at hand.

use std::collections::BTreeMap;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

/// Stretches of a file by where they start.
pub struct Sparse {
    stretches: BTreeMap<u64, Bytes>,
}

impl Sparse {
    /// The stretches that start at `starts`.
    pub fn new(starts: impl Iterator<Item = u64>, stretches: Vec<Bytes>) -> Self {
        Self { stretches: starts.zip(stretches).collect() }
    }

    /// From `start` to the end of the stretch that holds it.
    fn from(&self, start: u64) -> Result<Bytes> {
        let before = self.stretches.range(..=start).next_back();
        let (begin, bytes) = before.ok_or_else(|| absent(start))?;
        let inside = usize::try_from(start - begin).map_err(|_| absent(start))?;
        if inside >= bytes.len() {
            return Err(absent(start));
        }
        Ok(bytes.slice(inside..))
    }
}

/// The reader looks only where the footer says that a wanted column lies.
fn absent(start: u64) -> ParquetError {
    ParquetError::EOF(format!("byte {start} belongs to no column that was asked for"))
}

impl Length for Sparse {
    fn len(&self) -> u64 {
        let last = self.stretches.last_key_value();
        last.map_or(0, |(start, bytes)| start + bytes.len() as u64)
    }
}

impl ChunkReader for Sparse {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(absent(start + length as u64));
        }
        Ok(bytes.slice(..length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_at_hand_is_read() {
        let stretches = vec![Bytes::from_static(b"abcd"), Bytes::from_static(b"xyz")];
        let sparse = Sparse::new([10, 20].into_iter(), stretches);
        assert_eq!(sparse.get_bytes(11, 3).unwrap(), "bcd");
        assert_eq!(sparse.get_read(21).unwrap().into_inner(), "yz");
        assert_eq!(sparse.len(), 23);
        for (start, length) in [(9, 1), (14, 1), (11, 4), (23, 1)] {
            assert!(sparse.get_bytes(start, length).is_err(), "{start} {length}");
        }
    }
}
