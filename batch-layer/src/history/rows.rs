//! The rows of an hour as they were computed: the sets in one table, the rows of all of them, one
//! behind the other, in a second one, column by column.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::Serialize;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, MEASURES, Row, RowSet, State, Summary, view_index};

use super::History;
use super::table::to_parquet;
use crate::BatchError;
use crate::archive::damaged;

/// The sets without their rows, and where those stand.
fn sets_path(folder: &str) -> String {
    format!("{folder}/rows.parquet")
}

/// The rows of all sets, one set behind the other.
fn ranks_path(folder: &str) -> String {
    format!("{folder}/ranks.parquet")
}

impl History {
    /// Writes the rows of an hour and its minutes.
    ///
    /// # Errors
    /// Of the store.
    pub(super) fn write_rows(&self, folder: &str, sets: &[RowSet]) -> Result<(), BatchError> {
        let groups = grouped(sets);
        self.write(&ranks_path(folder), to_parquet([ranks(groups.iter().flatten())?])?)?;
        let mut first = 0;
        let heads = groups.iter().map(|sets| heads(sets, &mut first));
        let heads = heads.collect::<Result<Vec<_>, _>>()?;
        self.write(&sets_path(folder), to_parquet(heads)?)
    }

    /// The rows of an hour, as they were computed, of the views and grains that `wanted` picks.
    ///
    /// # Errors
    /// Of the store; [`BatchError::Damaged`] where they don't read.
    pub fn read_rows(
        &self,
        folder: &str,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Result<Vec<RowSet>, BatchError> {
        let path = sets_path(folder);
        let mut sets = Vec::new();
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.read(&path)?)?;
        let groups = groups(reader.metadata(), &wanted);
        let mut places = Vec::new();
        for batch in reader.with_row_groups(groups).build()? {
            let batch = batch?;
            let heads = Heads::of(&batch).ok_or_else(|| damaged(&path, "it holds no rows"))?;
            let is_wanted = |row: &usize| wanted(heads.views.value(*row), heads.grains.value(*row));
            for row in (0..batch.num_rows()).filter(is_wanted) {
                let set = serde_json::from_str(heads.bodies.value(row));
                sets.push(set.map_err(|error| damaged(&path, error))?);
                places.extend(heads.place(row));
            }
        }
        if !places.is_empty() {
            self.read_ranks(&ranks_path(folder), &mut sets, &places)?;
        }
        Ok(sets)
    }

    /// Reads the rows of sets, of which it is known where they stand, in order.
    fn read_ranks(
        &self,
        path: &str,
        sets: &mut [RowSet],
        places: &[Range<usize>],
    ) -> Result<(), BatchError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(self.read(path)?)?;
        let total = reader.metadata().file_metadata().num_rows() as usize;
        let follow = |(one, next): (&Range<usize>, &Range<usize>)| one.end <= next.start;
        let end = places.last().map_or(0, |last| last.end);
        if end > total || !places.iter().zip(places.iter().skip(1)).all(follow) {
            return Err(damaged(path, "it has not the rows of its sets"));
        }
        let present = places.iter().filter(|place| !place.is_empty()).cloned();
        let selection = RowSelection::from_consecutive_ranges(present, total);
        let mut rows = Vec::new();
        for batch in reader.with_row_selection(selection).with_batch_size(BATCH).build()? {
            rows.extend(ranked(&batch?).ok_or_else(|| damaged(path, "it holds no rows"))?);
        }
        let mut rows = rows.into_iter();
        for (set, place) in sets.iter_mut().zip(places) {
            set.rows = rows.by_ref().take(place.len()).collect();
        }
        Ok(())
    }
}

/// Rows that are read at once.
const BATCH: usize = 8192;

/// The sets of a batch.
struct Heads<'a> {
    views: &'a StringArray,
    grains: &'a StringArray,
    bodies: &'a StringArray,
    /// Where the first row of each stands, and how many it has. Before version 3 of the history the
    /// rows stood in the bodies.
    places: Option<(&'a UInt64Array, &'a UInt64Array)>,
}

impl<'a> Heads<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
        Some(Self {
            views: text("view")?,
            grains: text("grain")?,
            bodies: text("body")?,
            places: number("first").zip(number("rows")),
        })
    }

    fn place(&self, row: usize) -> Option<Range<usize>> {
        let (first, rows) = self.places?;
        let first = first.value(row) as usize;
        Some(first..first.saturating_add(rows.value(row) as usize))
    }
}

/// Which row groups may have rows that are wanted: of a group of one view and one grain that is
/// known by its statistics.
fn groups(file: &ParquetMetaData, wanted: impl Fn(&str, &str) -> bool) -> Vec<usize> {
    let only = |group: usize, column: usize| -> Option<&str> {
        let Statistics::ByteArray(texts) = file.row_group(group).column(column).statistics()?
        else {
            return None;
        };
        let (least, most) = (texts.min_opt()?, texts.max_opt()?);
        std::str::from_utf8(least.data()).ok().filter(|_| least == most)
    };
    let may_have = |group: &usize| match (only(*group, 0), only(*group, 1)) {
        (Some(view), Some(grain)) => wanted(view, grain),
        _ => true,
    };
    (0..file.num_row_groups()).filter(may_have).collect()
}

/// The rows of the hour, few and asked for by all, then those of the minutes, a view a group; at
/// least one group.
fn grouped(sets: &[RowSet]) -> Vec<Vec<&RowSet>> {
    let mut sets: Vec<&RowSet> = sets.iter().collect();
    let group = |set: &RowSet| match set.grain {
        Grain::Hour => None,
        _ => view_index(&set.view),
    };
    sets.sort_by_key(|set| group(set));
    let groups = sets.chunk_by(|a, b| group(a) == group(b)).map(<[_]>::to_vec);
    let groups: Vec<_> = groups.collect();
    if groups.is_empty() { vec![Vec::new()] } else { groups }
}

/// A [`RowSet`] without its rows.
#[derive(Serialize)]
struct Head<'a> {
    view: &'a str,
    grain: Grain,
    start: Minute,
    partition: &'a Option<Partition>,
    version: u64,
    state: State,
    rows: [(); 0],
    floor: u64,
    keys: Option<u64>,
    summary: &'a Option<Box<Summary>>,
}

impl<'a> From<&'a RowSet> for Head<'a> {
    fn from(set: &'a RowSet) -> Self {
        let RowSet { view, grain, start, partition, version, state, rows: _, .. } = set;
        Self {
            view,
            grain: *grain,
            start: *start,
            partition,
            version: *version,
            state: *state,
            rows: [],
            floor: set.floor,
            keys: set.keys,
            summary: &set.summary,
        }
    }
}

/// The sets without their rows; `first` is where those of the first stand.
fn heads(sets: &[&RowSet], first: &mut u64) -> Result<RecordBatch, BatchError> {
    let bodies = sets.iter().map(|set| serde_json::to_string(&Head::from(*set)));
    let bodies = bodies.collect::<Result<Vec<_>, _>>();
    let bodies = bodies.map_err(|error| BatchError::Failed(error.to_string()))?;
    let text = |of: fn(&RowSet) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(sets.iter().map(|set| of(set))))
    };
    let firsts = sets.iter().map(|set| {
        let end = *first + set.rows.len() as u64;
        std::mem::replace(first, end)
    });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("view", text(|set| &set.view)),
        ("grain", text(|set| set.grain.name())),
        ("start", Arc::new(Int64Array::from_iter_values(sets.iter().map(|set| set.start.0)))),
        ("body", Arc::new(StringArray::from_iter_values(bodies))),
        ("first", number(firsts)),
        ("rows", number(sets.iter().map(|set| set.rows.len() as u64))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn ranks<'a>(
    sets: impl Iterator<Item = &'a &'a RowSet> + Clone,
) -> Result<RecordBatch, BatchError> {
    let rows = || sets.clone().flat_map(|set| &set.rows);
    let keys = StringArray::from_iter_values(rows().map(|row| &row.key));
    let mut columns: Vec<(&str, ArrayRef)> = vec![("key", Arc::new(keys))];
    for (at, measure) in MEASURES.iter().enumerate() {
        columns.push((measure.name, number(rows().map(|row| row.counts.0[at]))));
    }
    columns.push(("missed", number(rows().map(|row| row.missed))));
    Ok(RecordBatch::try_from_iter(columns)?)
}

fn number(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

fn ranked(batch: &RecordBatch) -> Option<Vec<Row>> {
    let keys = batch.column_by_name("key")?.as_string_opt::<i32>()?;
    let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<UInt64Type>();
    let measures: Vec<_> = MEASURES.iter().map(|m| number(m.name)).collect::<Option<_>>()?;
    let missed = number("missed")?;
    let row = |at: usize| Row {
        key: keys.value(at).to_owned(),
        counts: Counts(std::array::from_fn(|measure| measures[measure].value(at))),
        missed: missed.value(at),
    };
    Some((0..batch.num_rows()).map(row).collect())
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn set(view: &str, grain: Grain, start: i64, rows: u64) -> RowSet {
        let row = |at| Row { key: format!("{view} {at}"), counts: Counts([at; 8]), missed: at };
        RowSet {
            view: view.into(),
            grain,
            start: Minute(start),
            partition: None,
            version: 7,
            state: State::Exact,
            rows: (0..rows).map(row).collect(),
            floor: 3,
            keys: Some(rows),
            summary: (view == "traffic").then(Box::default),
        }
    }

    fn sets() -> Vec<RowSet> {
        let minutes = (0..60).flat_map(|minute| {
            ["traffic", "clients", "pages"].map(|view| set(view, Grain::Minute, minute, 300))
        });
        let hours = ["traffic", "clients", "pages"].map(|view| set(view, Grain::Hour, 0, 1));
        minutes.chain([set("methods", Grain::Minute, 5, 0)]).chain(hours).collect()
    }

    fn sorted(mut sets: Vec<RowSet>) -> Vec<RowSet> {
        sets.sort_by_key(|set| (set.view.clone(), set.grain, set.start));
        sets
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let history = History::open(Arc::new(InMemory::new())).unwrap();
        history.write_rows("folder", &sets()).unwrap();
        assert_eq!(sorted(history.read_rows("folder", |_, _| true).unwrap()), sorted(sets()));
        let wanted = |view: &str, grain: &str| view == "pages" && grain == "minute";
        let pages = history.read_rows("folder", wanted).unwrap();
        let expected: Vec<_> =
            sets().into_iter().filter(|set| wanted(&set.view, set.grain.name())).collect();
        assert_eq!(sorted(pages), sorted(expected));
        history.write_rows("empty", &[]).unwrap();
        assert_eq!(history.read_rows("empty", |_, _| true).unwrap(), []);
    }

    /// Up to version 2 of the history a set's body held its rows.
    #[test]
    fn rows_of_an_older_twofold_are_read() {
        let history = History::open(Arc::new(InMemory::new())).unwrap();
        let sets = sets();
        let text = |of: fn(&RowSet) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(sets.iter().map(of)))
        };
        let starts = Int64Array::from_iter_values(sets.iter().map(|set| set.start.0));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("view", text(|set| set.view.to_string())),
            ("grain", text(|set| set.grain.name().to_owned())),
            ("start", Arc::new(starts)),
            ("body", text(|set| serde_json::to_string(set).unwrap())),
        ];
        let old = to_parquet([RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
        history.write(&sets_path("folder"), old).unwrap();
        assert_eq!(history.read_rows("folder", |_, _| true).unwrap(), sets);
    }
}
