//! A column of texts (or bytes) as codes.

use hashbrown::HashTable;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;
use rapidhash::v3::rapidhash_v3;

use super::{Group, Write, chunk};

/// The code of a row without a value.
pub const NULL: u32 = u32::MAX;

/// Texts of a row group: each distinct one once, and a code a row.
#[derive(Debug)]
pub struct Texts {
    codes: Vec<u32>,
    /// The value that was met last at each place: most are found here without hashing all of them.
    /// It may be one of an earlier row group.
    recent: Box<[Known; RECENT]>,
    nulls: usize,
    index: HashTable<Known>,
    bytes: Vec<u8>,
    /// Where the value of each code lies in `bytes`.
    spans: Vec<Span>,
    /// Bytes of all rows' values.
    total: u64,
}

/// A distinct value in the index, with enough of its hash to tell it from nearly all others: a
/// group has tens of thousands, which no cache holds, so each place that is looked at counts.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: u32,
    code: u32,
}

impl Known {
    /// The hash as the index takes it, whose two ends it looks at.
    fn spread(&self) -> u64 {
        spread(self.hash)
    }
}

fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// How many values are remembered as recent.
const RECENT: usize = 256;

/// What a value is remembered by: its length, its first and its last bytes.
#[inline]
fn ends(value: &[u8]) -> u64 {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = match value.len() {
        8.. => word(value.first_chunk()) ^ word(value.last_chunk()).rotate_left(23),
        _ => value.iter().fold(0, |ends, byte| ends << 8 | u64::from(*byte)),
    };
    (ends ^ value.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether two texts are equal; most that are compared are, and short.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() || a.len() > 16 {
        return a == b;
    }
    match (a.first_chunk::<8>(), a.last_chunk::<8>()) {
        (Some(first), Some(last)) => Some(first) == b.first_chunk() && Some(last) == b.last_chunk(),
        _ => a.iter().eq(b),
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            codes: Vec::new(),
            recent: Box::new([Known { hash: 0, code: NULL }; RECENT]),
            nulls: 0,
            index: HashTable::new(),
            bytes: Vec::new(),
            spans: Vec::new(),
            total: 0,
        }
    }
}

impl Texts {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.total += value.len() as u64;
        let ends = ends(value);
        let place = (ends >> 56) as usize % RECENT;
        let recent = self.recent[place];
        // The text itself is looked at only where it is likely to be the same.
        if recent.hash == ends as u32
            && recent.code < self.spans.len() as u32
            && is_same(self.value(recent.code), value)
        {
            self.codes.push(recent.code);
            return;
        }
        let hash = rapidhash_v3(value) as u32;
        let same = |known: &Known| known.hash == hash && is_same(self.value(known.code), value);
        let known = self.index.find(spread(hash), same).map(|known| known.code);
        let code = known.unwrap_or_else(|| self.learn(hash, value));
        self.recent[place] = Known { hash: ends as u32, code };
        self.codes.push(code);
    }

    /// Adds a row, which mostly has the value of the row before.
    #[inline]
    pub fn push_repeated(&mut self, value: &[u8]) {
        match self.codes.last() {
            Some(last) if *last != NULL && is_same(self.value(*last), value) => {
                self.total += value.len() as u64;
                self.codes.push(*last);
            }
            _ => self.push(value),
        }
    }

    /// Adds a row that may have no value.
    #[inline]
    pub fn push_option(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_null(),
        }
    }

    /// Adds a row without a value.
    #[inline]
    pub fn push_null(&mut self) {
        self.nulls += 1;
        self.codes.push(NULL);
    }

    #[cold]
    fn learn(&mut self, hash: u32, value: &[u8]) -> u32 {
        let code = self.spans.len() as u32;
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        self.spans.push(Span { start, end: self.bytes.len() as u32 });
        self.index.insert_unique(spread(hash), Known { hash, code }, Known::spread);
        code
    }

    /// The code of each row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Rows without a value.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// How many distinct values there are.
    pub fn distinct(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of the distinct values.
    pub fn distinct_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of all rows' values.
    pub fn total_bytes(&self) -> u64 {
        self.total
    }

    /// The value of a code.
    #[inline]
    pub fn value(&self, code: u32) -> &[u8] {
        let Span { start, end } = self.spans[code as usize];
        &self.bytes[start as usize..end as usize]
    }
}

impl Write for Texts {
    fn write(&mut self, column: ColumnDescPtr, group: &mut Group<'_>) -> Result<()> {
        let (body, close) = chunk::encode(self, column)?;
        group.append_column(&body, close)?;
        let Self { codes, recent: _, nulls, index, bytes, spans, total } = self;
        codes.clear();
        index.clear();
        bytes.clear();
        spans.clear();
        (*nulls, *total) = (0, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_keeps_its_value(
            values in prop::collection::vec(prop::option::of("[ab]{0,20}"), 0..200),
            repeated in any::<bool>(),
        ) {
            let mut texts = Texts::default();
            for value in &values {
                match value {
                    Some(value) if repeated => texts.push_repeated(value.as_bytes()),
                    value => texts.push_option(value.as_ref().map(String::as_bytes)),
                }
            }
            let of = |code: &u32| (*code != NULL).then(|| texts.value(*code));
            let found: Vec<_> = texts.codes().iter().map(of).collect();
            let expected: Vec<_> = values.iter().map(|v| v.as_ref().map(String::as_bytes)).collect();
            prop_assert_eq!(found, expected);
            let distinct: std::collections::BTreeSet<_> = values.iter().flatten().collect();
            prop_assert_eq!(texts.distinct(), distinct.len());
            let total: usize = values.iter().flatten().map(String::len).sum();
            prop_assert_eq!(texts.total_bytes(), total as u64);
        }
    }
}
