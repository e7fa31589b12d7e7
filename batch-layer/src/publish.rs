//! Staging rows in the index, and counting them before they are published.

use twofold_data::view::RowSet;
use twofold_serving::index::{Document, Index};

use crate::BatchError;

/// Row sets that go to the index at once.
const CHUNK: usize = 500;

/// What a run has staged.
pub struct Staging<'a> {
    index: &'a dyn Index,
    run: &'a str,
    count: u64,
}

impl<'a> Staging<'a> {
    /// Nothing is staged yet.
    pub fn new(index: &'a dyn Index, run: &'a str) -> Self {
        Self { index, run, count: 0 }
    }

    /// Stages rows.
    pub fn add(&mut self, sets: impl IntoIterator<Item = RowSet>) -> Result<(), BatchError> {
        let sets: Vec<RowSet> = sets.into_iter().collect();
        for chunk in sets.chunks(CHUNK) {
            self.index.stage(self.run, chunk, &[])?;
            self.count += chunk.len() as u64;
        }
        Ok(())
    }

    /// Stages documents.
    pub fn documents(&mut self, documents: &[Document]) -> Result<(), BatchError> {
        self.index.stage(self.run, &[], documents)?;
        self.count += documents.len() as u64;
        Ok(())
    }

    /// Counts what has arrived.
    ///
    /// # Errors
    /// If it is not what was staged.
    pub fn verify(&self) -> Result<(), BatchError> {
        let arrived = self.index.staged(self.run)?;
        if arrived == self.count {
            return Ok(());
        }
        Err(BatchError::Failed(format!("{} row sets were staged, {arrived} arrived", self.count)))
    }
}
