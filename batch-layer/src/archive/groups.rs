//! What a row group can hold, as far as its statistics tell.

use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

/// The statistics of a column, where the row group has any of it.
pub(crate) fn statistics<'a>(group: &'a RowGroupMetaData, name: &str) -> Option<&'a Statistics> {
    let mut columns = group.columns().iter();
    columns.find(|column| column.column_path().string() == name)?.statistics()
}

/// Whether a row group can hold records from `from` (ms) on and before `to` (ms).
pub(crate) fn may_be_within(group: &RowGroupMetaData, from: i64, to: i64) -> bool {
    let Some(Statistics::Int64(times)) = statistics(group, "time") else { return true };
    times.min_opt().is_none_or(|least| *least < to)
        && times.max_opt().is_none_or(|most| *most >= from)
}

/// Whether a row group can hold a text in the column `name`; any group can where none is wanted.
pub(crate) fn may_hold(group: &RowGroupMetaData, name: &str, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted.map(str::as_bytes) else { return true };
    let statistics = statistics(group, name);
    let least = statistics.and_then(Statistics::min_bytes_opt);
    let most = statistics.and_then(Statistics::max_bytes_opt);
    least.is_none_or(|least| least <= wanted) && most.is_none_or(|most| most >= wanted)
}
