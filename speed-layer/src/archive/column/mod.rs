//! Columns of a row group, and how they become Parquet.
//!
//! Numbers go through the parquet crate's own writer. Texts don't: it hashes and compares every
//! value of every column a second time to build dictionaries. Here a text becomes a code as it
//! is pushed, and pages are packed from the codes.

mod bits;
mod bounds;
mod chunk;
mod number;
mod text;

use parquet::errors::Result;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

pub use number::Numbers;
pub use text::Texts;

/// A row group that is being written.
pub type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A column of a row group that is being filled.
pub trait Write {
    /// Writes the row group's next column, and is empty afterwards.
    ///
    /// # Errors
    /// None that input can reach.
    fn write(&mut self, column: ColumnDescPtr, group: &mut Group<'_>) -> Result<()>;
}

/// Rows of a page: what the page index tells apart.
const PAGE_ROWS: usize = 16 * 1024;

/// The zstd level of pages.
const ZSTD_LEVEL: i32 = 1;
