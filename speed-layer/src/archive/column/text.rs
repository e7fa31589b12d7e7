//! A column of texts (or bytes) as codes.

use hashbrown::HashTable;
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;
use rapidhash::v3::rapidhash_v3;

use super::{Group, Write, chunk};

/// The code of a row without a value.
pub const NULL: u32 = u32::MAX;

/// Texts of a row group: each distinct one once, and a code a row.
#[derive(Debug, Default)]
pub struct Texts {
    codes: Vec<u32>,
    nulls: usize,
    index: HashTable<u32>,
    hashes: Vec<u64>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Bytes of all rows' values.
    total: u64,
}

impl Texts {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.total += value.len() as u64;
        let last = self.codes.last().copied().unwrap_or(NULL);
        if last != NULL && self.value(last) == value {
            self.codes.push(last);
            return;
        }
        let hash = rapidhash_v3(value);
        let same = |code: &u32| self.hashes[*code as usize] == hash && self.value(*code) == value;
        let known = self.index.find(hash, same).copied();
        let code = known.unwrap_or_else(|| self.learn(hash, value));
        self.codes.push(code);
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
    fn learn(&mut self, hash: u64, value: &[u8]) -> u32 {
        let code = self.ends.len() as u32;
        self.hashes.push(hash);
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u32);
        self.index.insert_unique(hash, code, |code| self.hashes[*code as usize]);
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
        self.ends.len()
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
    pub fn value(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] as usize };
        &self.bytes[start..self.ends[code] as usize]
    }
}

impl Write for Texts {
    fn write(&mut self, column: ColumnDescPtr, group: &mut Group<'_>) -> Result<()> {
        let (body, close) = chunk::encode(self, column)?;
        group.append_column(&body, close)?;
        let Self { codes, nulls, index, hashes, bytes, ends, total } = self;
        codes.clear();
        index.clear();
        hashes.clear();
        bytes.clear();
        ends.clear();
        (*nulls, *total) = (0, 0);
        Ok(())
    }
}
