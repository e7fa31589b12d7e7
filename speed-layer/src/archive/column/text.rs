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
    /// The code that was met last at each [`place`]: most values are found here without hashing
    /// all of them. It may be one of an earlier row group.
    recent: Box<[u32; RECENT]>,
    nulls: usize,
    index: HashTable<u32>,
    hashes: Vec<u64>,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// Bytes of all rows' values.
    total: u64,
}

/// How many values are remembered as recent.
const RECENT: usize = 256;

/// Where a value is remembered: by its length, its first and its last bytes.
#[inline]
fn place(value: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let ends = match value.len() {
        8.. => word(value.first_chunk()) ^ word(value.last_chunk()).rotate_left(23),
        _ => value.iter().fold(0, |ends, byte| ends << 8 | u64::from(*byte)),
    };
    ((ends ^ value.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            codes: Vec::new(),
            recent: Box::new([NULL; RECENT]),
            nulls: 0,
            index: HashTable::new(),
            hashes: Vec::new(),
            bytes: Vec::new(),
            ends: Vec::new(),
            total: 0,
        }
    }
}

impl Texts {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: &[u8]) {
        self.total += value.len() as u64;
        let place = place(value);
        let recent = self.recent[place];
        if recent < self.ends.len() as u32 && self.value(recent) == value {
            self.codes.push(recent);
            return;
        }
        let hash = rapidhash_v3(value);
        let same = |code: &u32| self.hashes[*code as usize] == hash && self.value(*code) == value;
        let known = self.index.find(hash, same).copied();
        let code = known.unwrap_or_else(|| self.learn(hash, value));
        self.recent[place] = code;
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
    #[inline]
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
        let Self { codes, recent: _, nulls, index, hashes, bytes, ends, total } = self;
        codes.clear();
        index.clear();
        hashes.clear();
        bytes.clear();
        ends.clear();
        (*nulls, *total) = (0, 0);
        Ok(())
    }
}
