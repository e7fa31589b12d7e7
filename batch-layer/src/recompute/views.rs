//! The declaration of views and measures as Polars expressions.

use polars::prelude::*;
use twofold_data::view::{Amount, Counts, MEASURES, Predicate, View};

use super::codes::NONE;
use super::frame::key_column;
use crate::BatchError;

/// Sums by minute and key: one row each, in no order.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// The minute of the hour in the upper half, the key's code in the lower.
    pub keys: Vec<u64>,
    /// The measures.
    pub counts: Vec<Counts>,
    /// The first and the last event time (ms).
    pub times: Vec<(i64, i64)>,
}

/// Requests with one column a measure, beside those of the frame.
pub fn measured(frame: DataFrame) -> Result<DataFrame, BatchError> {
    let columns: Vec<Expr> = MEASURES
        .iter()
        .map(|measure| {
            let amount = match measure.add {
                Amount::One => lit(1u64),
                Amount::Bytes => col("bytes"),
            };
            (amount * admits(&measure.only).cast(DataType::UInt64))
                .alias(measure.name.to_owned() + "_")
        })
        .collect();
    let times = [col("time").alias("first"), col("time").alias("last")];
    Ok(frame.lazy().with_columns(columns).with_columns(times).collect()?)
}

/// Sums the measures of a view's requests by minute and key.
pub fn group(measured: &DataFrame, view: &View) -> Result<DataFrame, BatchError> {
    let code = match view.key {
        twofold_data::view::Key::None => lit(0u64),
        key => col(key_column(key)).cast(DataType::UInt64),
    };
    let key = (col("minute").cast(DataType::UInt64) * lit(1u64 << 32) + code.clone()).alias("key");
    let mut wanted = code.neq(lit(u64::from(NONE)));
    if view.only != Predicate::All {
        wanted = wanted.and(admits(&view.only));
    }
    let sums =
        MEASURES.iter().map(|measure| col(measure.name.to_owned() + "_").sum().alias(measure.name));
    let times = [col("first").min(), col("last").max()];
    let rows = measured.clone().lazy().filter(wanted).with_column(key);
    Ok(rows.group_by([col("key")]).agg(sums.chain(times).collect::<Vec<_>>()).collect()?)
}

/// The columns whose values are few, with the bits that they get in one key.
const FEW: [(&str, u32); 6] =
    [("minute", 6), ("status", 10), ("method", 12), ("agent", 14), ("os", 12), ("host", 10)];

/// Whether a view can be grouped from the [`few`] combinations instead of from each request.
pub fn is_of_few(view: &View) -> bool {
    use twofold_data::view::Key;
    let few = matches!(
        view.key,
        Key::None | Key::Status | Key::Method | Key::Agent | Key::Os | Key::Host
    );
    few && view.only == Predicate::All
}

/// Sums by the combinations of all that has few values, with the columns of [`measured`]: six
/// views are grouped from these instead of from every request. `None` where there are too many values.
pub fn few(measured: &DataFrame) -> Result<Option<DataFrame>, BatchError> {
    for (name, bits) in FEW {
        let codes = measured.column(name)?.as_materialized_series().u32()?.clone();
        let most = codes.iter().flatten().filter(|code| *code != NONE).max().unwrap_or(0);
        if most >= (1 << bits) - 1 {
            return Ok(None);
        }
    }
    let packed = FEW.iter().fold(lit(0u64), |packed, (name, bits)| {
        let size = 1u64 << bits;
        packed * lit(size) + col(*name).cast(DataType::UInt64) % lit(size)
    });
    let values = FEW.iter().map(|(name, _)| col(*name).first());
    let sums = MEASURES.iter().map(|measure| col(measure.name.to_owned() + "_").sum());
    let aggregates = values.chain(sums).chain([col("first").min(), col("last").max()]);
    let rows = measured.clone().lazy().with_column(packed.alias("packed"));
    Ok(Some(rows.group_by([col("packed")]).agg(aggregates.collect::<Vec<_>>()).collect()?))
}

/// Adds groups of several chunks up.
pub fn merge(parts: Vec<DataFrame>) -> Result<DataFrame, BatchError> {
    let [one] = &parts[..] else {
        let lazy: Vec<LazyFrame> = parts.into_iter().map(IntoLazy::lazy).collect();
        let all = concat(lazy, UnionArgs::default())?;
        return Ok(all.group_by([col("key")]).agg(sums()).collect()?);
    };
    Ok(one.clone())
}

/// The sums of a whole hour by key, whatever the minute.
pub fn by_hour(groups: &DataFrame) -> Result<DataFrame, BatchError> {
    let code = (col("key") % lit(1u64 << 32)).alias("key");
    let rows = groups.clone().lazy().with_column(code);
    Ok(rows.group_by([col("key")]).agg(sums()).collect()?)
}

fn sums() -> Vec<Expr> {
    let sums = MEASURES.iter().map(|measure| col(measure.name).sum());
    sums.chain([col("first").min(), col("last").max()]).collect()
}

/// A predicate of the declaration.
fn admits(predicate: &Predicate) -> Expr {
    match predicate {
        Predicate::All => lit(true),
        Predicate::Status(low, high) => {
            let status = col("status");
            status.clone().gt_eq(lit(u32::from(*low))).and(status.lt_eq(lit(u32::from(*high))))
        }
        Predicate::Kind(kind) => col("kind").eq(lit(*kind as u32)),
        Predicate::Any(some) => {
            some.iter().map(admits).reduce(Expr::or).unwrap_or_else(|| lit(false))
        }
    }
}

impl Groups {
    /// The groups out of Polars' columns.
    pub fn of(frame: &DataFrame) -> Result<Self, BatchError> {
        let numbers = |name: &str| -> Result<Vec<u64>, BatchError> {
            let column = frame.column(name)?.as_materialized_series().rechunk();
            Ok(column.u64()?.cont_slice()?.to_vec())
        };
        let times = |name: &str| -> Result<Vec<i64>, BatchError> {
            let column = frame.column(name)?.as_materialized_series().rechunk();
            Ok(column.i64()?.cont_slice()?.to_vec())
        };
        let keys = numbers("key")?;
        let mut counts = vec![Counts::default(); keys.len()];
        for (at, measure) in MEASURES.iter().enumerate() {
            for (count, value) in counts.iter_mut().zip(numbers(measure.name)?) {
                count.0[at] = value;
            }
        }
        let times = times("first")?.into_iter().zip(times("last")?).collect();
        Ok(Self { keys, counts, times })
    }

    /// The groups' positions by minute of the hour.
    pub fn by_minute(&self) -> Vec<Vec<u32>> {
        let mut minutes = vec![Vec::new(); 60];
        for (at, key) in self.keys.iter().enumerate() {
            minutes[(key >> 32) as usize % 60].push(at as u32);
        }
        minutes
    }

    /// The code of a group's key.
    pub fn code(&self, at: u32) -> u32 {
        self.keys[at as usize] as u32
    }
}
