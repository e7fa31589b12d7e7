//! Killed at any instant, any number of times: the index ends as if nothing had happened.

use std::sync::Arc;

use proptest::prelude::*;
use twofold_data::minute::Grain;
use twofold_data::view::{RowSet, Summary};
use twofold_serving::index::{Index, PartitionState};

use crate::kit::*;

/// A log with disorder, gaps, late and wrong time stamps, malformed and blank lines.
fn log() -> impl Strategy<Value = Vec<String>> {
    let second =
        prop_oneof![20 => -90i64..120, 2 => -900i64..900, 1 => 3000i64..8000, 1 => Just(9_000_000)];
    let record = (second, 0usize..6, 0u8..20, prop::bool::weighted(0.8));
    prop::collection::vec(record, 1..120).prop_map(|records| {
        let mut now = 0;
        let mut write = |(step, name, shape, keeps): (i64, usize, u8, bool)| {
            let second = now + step;
            if keeps && step < 9_000_000 {
                now = second;
            }
            match shape {
                0 => String::new(),
                1 => "no format matches this".to_owned(),
                _ => line(second, &format!("192.0.2.{name}"), ["/", "/a", "/b"][name % 3]),
            }
        };
        records.into_iter().map(&mut write).collect()
    })
}

/// KLL decides by chance what it keeps; here nothing is large enough for that, so
/// the sketches agree in their values though not in their bytes.
fn comparable(mut set: RowSet) -> (RowSet, Option<[Vec<Option<u64>>; 2]>) {
    let mut quantiles = None;
    if let Some(summary) = &mut set.summary {
        let Summary { sizes, durations, .. } = summary.as_mut();
        quantiles = Some([sizes, durations].map(|sketch| {
            let sketch = std::mem::take(sketch);
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|rank| sketch.quantile(rank)).to_vec()
        }));
    }
    (set, quantiles)
}

type Everything = (Vec<(RowSet, Option<[Vec<Option<u64>>; 2]>)>, Vec<PartitionState>);

fn everything(index: &dyn Index) -> Everything {
    let sets = Grain::ALL.into_iter().flat_map(|grain| rows(index, grain));
    (sets.map(comparable).collect(), index.states().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn killed_anywhere(
        lines in log(),
        batch in 1usize..20,
        lives in prop::collection::vec(0i64..150, 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let whole = open(folder.path());
        run_all(&whole, &lines, batch).unwrap();

        let other = tempfile::tempdir().unwrap();
        let killed: Arc<dyn Index> = open(other.path());
        for writes in lives {
            let _ = run_all(&Mortal::after(killed.clone(), writes), &lines, batch);
        }
        run_all(&killed, &lines, batch).unwrap();
        prop_assert_eq!(everything(killed.as_ref()), everything(whole.as_ref()));
    }
}
