//! Questions on top of an index: totals, series, top lists, a whole report.
//!
//! Every answer says which generation and boundary it was read through, and of each
//! number whether it is exact:
//!
//! - Measures add up, so over exact rows alone they are exact.
//! - Distinct clients and percentiles don't add up. They are exact where one exact row
//!   answers alone; else they are merged from sketches and come with their bounds.
//! - A top list over several rows is exact as far as the rows' floors prove it.
//! - A range that reaches beyond the boundary is an estimate, unless the input has ended.
//!
//! With a [`History`] what the rows can't answer exactly is computed from the archive's exact tables.

mod answer;
mod columns;
mod course;
mod range;
mod report;
mod scan;
mod series;
mod slice;
mod text;
mod top;
mod totals;

pub use answer::{Estimate, Instant, Measures, Percentiles, Spread, Stamp};
pub use columns::Columns;
pub use range::Range;
pub use report::{Day, Hour, Report, TopLists, report, report_in};
pub use series::{MAX_POINTS, Point, Series, SeriesQuery, round_step, series};
pub use slice::Known;
pub use slice::{Slice, SliceQuery, SliceTotals, Sliced, Slices, Slicing, slice};
pub use text::{Style, escape_terminal, render};
pub use top::{MAX_TOP, Top, TopQuery, TopRow, top};
pub use totals::{Totals, totals};

use twofold_data::view::RowSet;

use crate::index::{Index, IndexError, Publication};

/// What a question is put to.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    /// The index.
    pub index: &'a dyn Index,
    /// The exact tables of the batch layer, where exact answers to any range are wanted.
    pub history: Option<&'a dyn History>,
}

impl<'a> Stores<'a> {
    /// The index alone.
    pub fn new(index: &'a dyn Index) -> Self {
        Self { index, history: None }
    }
}

/// The batch layer's exact tables, which hold every key of every hour.
pub trait History: Send + Sync {
    /// One exact set of `view` for a whole range that lies before the boundary of
    /// `publication`, with the first `top` rows (0: all) and, for `traffic`, the exact
    /// distinct values. `None` where the tables don't cover the range in that generation.
    ///
    /// # Errors
    /// Says what could not be read.
    fn exact_set(
        &self,
        publication: &Publication,
        view: &str,
        range: Range,
        top: usize,
    ) -> Result<Option<RowSet>, String>;
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question itself is wrong: ask another one.
    #[error("{0}")]
    Question(String),
    /// The index failed or is away.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The history failed.
    #[error("the history failed: {0}")]
    History(String),
}
