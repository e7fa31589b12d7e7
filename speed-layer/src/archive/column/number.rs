//! A column of numbers.

use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::ColumnDescPtr;

use super::{Group, Write};

/// Numbers of a row group, of which some may be absent.
pub struct Numbers<T: DataType> {
    values: Vec<T::T>,
    /// For each row whether it has a value: 1 or 0.
    levels: Vec<i16>,
}

impl<T: DataType> Default for Numbers<T> {
    fn default() -> Self {
        Self { values: Vec::new(), levels: Vec::new() }
    }
}

impl<T: DataType> Numbers<T> {
    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: T::T) {
        self.values.push(value);
        self.levels.push(1);
    }

    /// Adds a row that may have no value.
    #[inline]
    pub fn push_option(&mut self, value: Option<T::T>) {
        match value {
            Some(value) => self.push(value),
            None => self.levels.push(0),
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.levels.len()
    }
}

impl<T: DataType> Write for Numbers<T> {
    fn write(&mut self, _: ColumnDescPtr, group: &mut Group<'_>) -> Result<()> {
        let missing = || ParquetError::General("the schema has fewer columns".into());
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<T>().write_batch(&self.values, Some(&self.levels), None)?;
        column.close()?;
        self.values.clear();
        self.levels.clear();
        Ok(())
    }
}
