//! A second count of the same requests, by Polars: the declaration of views and measures as
//! expressions, held against the fold.
//!
//! Each run counts a sample of its requests twice before it publishes anything. Whatever breaks
//! one of the two countings (a compiler, a careless change, a flipped bit) must break the other in
//! the same way to be published.

use polars::prelude::*;
use twofold_data::view::{Amount, Counts, Key, MEASURES, Predicate, VIEWS, View};

use super::codes::NONE;
use super::fold::{self, Group, Minutes};
use super::frame::{Frame, KEYS, Texts};
use crate::BatchError;

/// Requests that are counted twice.
const SAMPLE: usize = 1 << 15;

/// The largest size that is added up: Polars' sums wrap, the fold's don't, so both get smaller ones.
const LARGEST: u64 = 1 << 40;

/// Counts the first requests of a frame by Polars and by the fold.
///
/// # Errors
/// [`BatchError::Failed`] where they differ, or Polars fails.
pub fn verify(frame: &Frame, texts: &Texts) -> Result<(), BatchError> {
    let mut sample = frame.head(SAMPLE);
    sample.bytes.iter_mut().for_each(|bytes| *bytes = LARGEST.min(*bytes));
    compare(&sample, texts)
}

fn compare(frame: &Frame, texts: &Texts) -> Result<(), BatchError> {
    let mut folded = vec![vec![Vec::new(); 60]; VIEWS.len()];
    fold::add(frame, texts, &mut folded);
    let requests = measured(frame)?;
    for (view, folded) in VIEWS.iter().zip(folded) {
        if sorted(grouped(&requests, view)?) != sorted(folded) {
            return Err(BatchError::Failed(format!(
                "the view {} is counted differently by Polars: nothing is published; please report this",
                view.name
            )));
        }
    }
    Ok(())
}

fn sorted(mut minutes: Minutes) -> Minutes {
    minutes.iter_mut().for_each(|groups| groups.sort_unstable_by_key(|group| group.code));
    minutes
}

/// The requests with one column a measure.
fn measured(frame: &Frame) -> Result<LazyFrame, BatchError> {
    let mut columns = vec![
        Column::new("minute".into(), &frame.minute),
        Column::new("status".into(), &frame.status),
        Column::new("bytes".into(), &frame.bytes),
        Column::new("kind".into(), &frame.kind),
        Column::new("first".into(), &frame.time),
        Column::new("last".into(), &frame.time),
    ];
    for (key, codes) in KEYS.iter().zip(&frame.keys) {
        columns.push(Column::new(column(*key).into(), codes));
    }
    let measures = MEASURES.iter().map(|measure| {
        let amount = match measure.add {
            Amount::One => lit(1u64),
            Amount::Bytes => col("bytes"),
        };
        (amount * admits(&measure.only).cast(DataType::UInt64)).alias(measure.name.to_owned() + "_")
    });
    let requests = DataFrame::new(frame.len(), columns)?.lazy();
    Ok(requests.with_columns(measures.collect::<Vec<_>>()))
}

/// The sums of a view by minute and key.
fn grouped(requests: &LazyFrame, view: &View) -> Result<Minutes, BatchError> {
    let code = match view.key {
        Key::None => lit(0u32),
        key => col(column(key)),
    };
    let wanted = code.clone().neq(lit(NONE)).and(admits(&view.only));
    let sums =
        MEASURES.iter().map(|measure| col(measure.name.to_owned() + "_").sum().alias(measure.name));
    let sums = sums.chain([col("first").min(), col("last").max()]);
    let code = code.cast(DataType::UInt32).alias("code");
    let rows = requests.clone().filter(wanted).with_column(code);
    let groups =
        rows.group_by([col("minute"), col("code")]).agg(sums.collect::<Vec<_>>()).collect()?;
    groups_of(&groups)
}

fn groups_of(frame: &DataFrame) -> Result<Minutes, BatchError> {
    let column = |name: &str| Ok::<_, PolarsError>(frame.column(name)?.as_materialized_series());
    let (minutes, codes) = (column("minute")?.u32()?, column("code")?.u32()?);
    let (first, last) = (column("first")?.i64()?, column("last")?.i64()?);
    let mut groups = vec![Vec::new(); 60];
    for row in 0..frame.height() {
        let mut counts = Counts::default();
        for (count, measure) in counts.0.iter_mut().zip(MEASURES) {
            *count = column(measure.name)?.u64()?.get(row).unwrap_or(0);
        }
        groups[minutes.get(row).unwrap_or(0) as usize % 60].push(Group {
            code: codes.get(row).unwrap_or(NONE),
            counts,
            first: first.get(row).unwrap_or(0),
            last: last.get(row).unwrap_or(0),
        });
    }
    Ok(groups)
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

/// The column of a key.
fn column(key: Key) -> &'static str {
    match key {
        Key::None => "minute",
        Key::Status => "status",
        Key::Method => "method",
        Key::Client => "client",
        Key::Page => "page",
        Key::Referrer => "referrer",
        Key::Agent => "agent",
        Key::Os => "os",
        Key::Host => "host",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Requests out of numbers, with a few codes of every key, and keys that are absent.
    fn frame(seeds: &[u64]) -> (Frame, Texts) {
        let mut texts = Texts::default();
        let codes = KEYS.map(|key| ["a", "b", "c"].map(|text| texts.code(key, text)));
        let mut frame = Frame::default();
        for seed in seeds {
            let pick = |shift: u32, of: u64| (seed >> shift) % of;
            frame.minute.push(pick(0, 60) as u32);
            frame.time.push(pick(3, 100_000) as i64);
            frame.status.push([200, 304, 404, 403, 500, 0, 999][pick(9, 7) as usize]);
            frame.bytes.push(pick(12, 1 << 40));
            frame.kind.push(pick(20, 3) as u32);
            frame.user_agent.push(NONE);
            for (at, codes) in codes.iter().enumerate() {
                let code = pick(22 + 3 * at as u32, 4) as usize;
                frame.keys[at].push(codes.get(code).copied().unwrap_or(NONE));
            }
        }
        (frame, texts)
    }

    proptest! {
        #[test]
        fn polars_counts_what_the_fold_counts(seeds in prop::collection::vec(any::<u64>(), 1..300)) {
            let (frame, texts) = frame(&seeds);
            compare(&frame, &texts).unwrap();
        }

        #[test]
        fn a_fold_of_chunks_is_the_fold_of_the_whole(
            seeds in prop::collection::vec(any::<u64>(), 1..300),
            at in any::<prop::sample::Index>(),
        ) {
            let (left, right) = seeds.split_at(at.index(seeds.len() + 1));
            let (mut parts, mut whole) =
                (vec![vec![Vec::new(); 60]; VIEWS.len()], vec![vec![Vec::new(); 60]; VIEWS.len()]);
            for part in [left, right] {
                let (frame, texts) = frame(part);
                fold::add(&frame, &texts, &mut parts);
            }
            let (frame, texts) = frame(&seeds);
            fold::add(&frame, &texts, &mut whole);
            for (part, whole) in parts.into_iter().zip(whole) {
                prop_assert_eq!(sorted(part), sorted(whole));
            }
        }
    }

    #[test]
    fn a_difference_is_seen() {
        let (mut frame, texts) = frame(&[3]);
        let before = grouped(&measured(&frame).unwrap(), &VIEWS[0]).unwrap();
        frame.bytes[0] += 1;
        let after = grouped(&measured(&frame).unwrap(), &VIEWS[0]).unwrap();
        assert_ne!(before, after);
        verify(&frame, &texts).unwrap();
    }
}
