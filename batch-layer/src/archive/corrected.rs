//! Corrections: what the archive's readers see in place of rows that were malformed.
//!
//! Which corrections there are to see is a matter of the generation: a correction whose hours are not
//! computed again yet would put archive and index at odds.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, PoisonError};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::ArrowError;
use arrow_select::concat::concat_batches;
use arrow_select::interleave::interleave_record_batch;
use object_store::path::Path;
use object_store::{PutMode, PutOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::file::metadata::RowGroupMetaData;
use twofold_data::archive::{CORRECTED, Corrected, Correction, FileMeta, SCHEMA_VERSION};

use super::{Archive, Text};
use crate::BatchError;

/// The corrections that are seen, by their paths.
pub type Corrections = BTreeMap<String, Correction>;

/// The record batches of a file, corrected.
pub struct Batches {
    put: ParquetRecordBatchReader,
    corrected: Option<Rows>,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.put.next();
        match (batch, &mut self.corrected) {
            (Some(Ok(batch)), Some(rows)) => Some(rows.correct(&batch)),
            (None, Some(rows)) => rows.rest(),
            (batch, _) => batch,
        }
    }
}

/// Corrected rows on their way into the file's.
struct Rows {
    /// Every corrected offset of the file, also where its row was left out by statistics.
    offsets: HashSet<i64>,
    /// The rows in no order, and their places by offset.
    rows: Option<RecordBatch>,
    order: Vec<usize>,
    done: usize,
}

impl Rows {
    /// The batch without rows that are corrected, and with corrected ones up to its last offset.
    fn correct(&mut self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let put = offsets(batch)?;
        let mut indices = Vec::with_capacity(put.len());
        for (row, offset) in put.iter().enumerate() {
            while self.next_offset()?.is_some_and(|next| next <= *offset) {
                indices.push((1, self.order[self.done]));
                self.done += 1;
            }
            if !self.offsets.contains(offset) {
                indices.push((0, row));
            }
        }
        match &self.rows {
            Some(rows) => interleave_record_batch(&[batch, rows], &indices),
            None => interleave_record_batch(&[batch], &indices),
        }
    }

    /// What comes after the file's last row.
    fn rest(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        let rows = self.rows.as_ref().filter(|_| self.done < self.order.len())?;
        let left = self.order[self.done..].iter().map(|row| (0, *row));
        self.done = self.order.len();
        Some(interleave_record_batch(&[rows], &left.collect::<Vec<_>>()))
    }

    fn next_offset(&self) -> Result<Option<i64>, ArrowError> {
        let (Some(rows), Some(row)) = (&self.rows, self.order.get(self.done)) else {
            return Ok(None);
        };
        Ok(offsets(rows)?.get(*row).copied())
    }
}

fn offsets(batch: &RecordBatch) -> Result<&[i64], ArrowError> {
    let column = batch.column_by_name("offset");
    let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
    let column = column.ok_or_else(|| ArrowError::SchemaError("there are no offsets".into()))?;
    Ok(column.values())
}

impl Archive {
    /// From here on these corrections are seen.
    pub fn see(&self, corrections: Corrections) {
        let mut seen = self.corrections.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = Arc::new(corrections);
    }

    /// From here on the corrections at these paths are seen; one that has gone is none.
    ///
    /// # Errors
    /// Of the store.
    pub fn see_those(&self, paths: &BTreeSet<String>) -> Result<(), BatchError> {
        let mut known = self.seen().as_ref().clone();
        known.retain(|path, _| paths.contains(path));
        for path in paths {
            if !known.contains_key(path)
                && let Some(correction) = self.correction(path)?
            {
                known.insert(path.clone(), correction);
            }
        }
        self.see(known);
        Ok(())
    }

    /// The corrections that are seen.
    pub fn seen(&self) -> Arc<Corrections> {
        let seen = self.corrections.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&seen)
    }

    /// Every correction there is, in order, seen or not.
    ///
    /// # Errors
    /// Of the store.
    pub fn corrections(&self) -> Result<Corrections, BatchError> {
        let numbered = |path: &String| path.ends_with(".json");
        let mut all = Corrections::new();
        for path in self.list(CORRECTED)?.into_iter().filter(numbered) {
            if let Some(correction) = self.correction(&path)? {
                all.insert(path, correction);
            }
        }
        Ok(all)
    }

    fn correction(&self, path: &str) -> Result<Option<Correction>, BatchError> {
        let Some(correction) = self.json::<Correction>(path)? else { return Ok(None) };
        if correction.schema > SCHEMA_VERSION {
            let (found, known) = (correction.schema, SCHEMA_VERSION);
            return Err(BatchError::TooNew { path: path.to_owned(), found, known });
        }
        Ok(Some(correction))
    }

    /// Puts an object, unless there is one of that name; says whether there was none.
    ///
    /// # Errors
    /// Of the store.
    pub fn create(&self, path: &str, body: bytes::Bytes) -> Result<bool, BatchError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.runtime.block_on(self.store.put_opts(&Path::from(path), body.into(), options)) {
            Ok(_) => Ok(true),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(BatchError::store(path, &error)),
        }
    }

    /// The paths of all corrected rows, whether a correction names them or not.
    ///
    /// # Errors
    /// Of the store.
    pub fn corrected_rows(&self) -> Result<Vec<String>, BatchError> {
        let mut paths = self.list(CORRECTED)?;
        paths.retain(|path| path.ends_with(".parquet"));
        Ok(paths)
    }

    /// Reads columns as [`Archive::read_as_put`] does, with what is seen of corrections in place of
    /// the rows that they correct. `offset` is among the columns.
    ///
    /// # Errors
    /// As [`Archive::read_as_put`].
    pub fn read(
        &self,
        path: &str,
        columns: &[&str],
        text: Text,
        wanted: impl Fn(&RowGroupMetaData) -> bool,
    ) -> Result<Batches, BatchError> {
        let put = self.read_as_put(path, columns, text, &wanted)?;
        let seen = self.seen();
        let files: Vec<&Corrected> = seen.values().filter_map(|one| one.files.get(path)).collect();
        if files.is_empty() {
            return Ok(Batches { put, corrected: None });
        }
        let (mut all, mut batches) = (HashSet::new(), Vec::new());
        for file in files {
            for batch in self.read_as_put(&file.rows, &["offset"], text, |_| true)? {
                all.extend(offsets(&batch?)?);
            }
            for batch in self.read_as_put(&file.rows, columns, text, &wanted)? {
                batches.push(batch?);
            }
        }
        let schema = batches.first().map(RecordBatch::schema);
        let rows = schema.map(|schema| concat_batches(&schema, &batches)).transpose()?;
        let mut order = Vec::new();
        if let Some(rows) = &rows {
            let at = offsets(rows)?;
            order.extend(0..at.len());
            order.sort_by_key(|row| at[*row]);
        }
        Ok(Batches { put, corrected: Some(Rows { offsets: all, rows, order, done: 0 }) })
    }

    /// What a file says of itself, with what is seen of corrections.
    pub(super) fn corrected(&self, path: &str, mut meta: FileMeta) -> FileMeta {
        for corrected in self.seen().values().filter_map(|one| one.files.get(path)) {
            for (hour, records) in &corrected.left {
                let left = meta.hours.get_mut(hour);
                left.into_iter().for_each(|count| *count = count.saturating_sub(*records));
            }
            for (hour, records) in &corrected.hours {
                *meta.hours.entry(*hour).or_default() += records;
            }
        }
        meta.hours.retain(|_, records| *records > 0);
        meta
    }
}
