//! Which rows answer a range: the boundary splits it, the coarsest grain covers it.

use twofold_data::minute::{Grain, Minute};

use super::{Layer, Span};

/// Covers `from..to` with spans that neither overlap nor cross the boundary: before it
/// batch rows, from it on speed rows; days where whole days fit, hours where hours
/// do, minutes at the edges, and nothing coarser than `coarsest`.
///
/// From `live` on only minutes are used: the speed layer writes its hour and day
/// rows less often than its minutes, so that those of the present lag behind.
pub fn spans(
    from: Minute,
    to: Minute,
    boundary: Option<Minute>,
    live: Minute,
    coarsest: Grain,
) -> Vec<Span> {
    let boundary = boundary.unwrap_or(from).clamp(from, to.max(from));
    let live = live.clamp(boundary, to.max(boundary));
    let mut spans = Vec::new();
    cover(Layer::Batch, from, boundary, coarsest, &mut spans);
    cover(Layer::Speed, boundary, live, coarsest, &mut spans);
    cover(Layer::Speed, live, to, Grain::Minute, &mut spans);
    spans
}

/// Covers `from..to` with rows of one layer, coarsest in the middle.
fn cover(layer: Layer, from: Minute, to: Minute, coarsest: Grain, spans: &mut Vec<Span>) {
    if from >= to {
        return;
    }
    let finer = match coarsest {
        Grain::Minute => return spans.push(Span { layer, grain: Grain::Minute, from, to }),
        Grain::Hour => Grain::Minute,
        Grain::Day => Grain::Hour,
    };
    let first = coarsest.end(Minute(from.0 - 1));
    let last = coarsest.start(to);
    if first >= last {
        return cover(layer, from, to, finer, spans);
    }
    cover(layer, from, first, finer, spans);
    spans.push(Span { layer, grain: coarsest, from: first, to: last });
    cover(layer, last, to, finer, spans);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grain() -> impl Strategy<Value = Grain> {
        prop::sample::select(Grain::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn each_minute_is_covered_once_by_the_layer_of_its_side(
            from in -5000i64..5000, length in 0i64..9000, boundary in prop::option::of(-6000i64..15000),
            live in -6000i64..15000, coarsest in grain(),
        ) {
            let (from, to) = (Minute(from), Minute(from + length));
            let boundary = boundary.map(Minute);
            let mut next = from;
            for span in spans(from, to, boundary, Minute(live), coarsest) {
                prop_assert_eq!(span.from, next);
                prop_assert!(span.to > span.from && span.grain <= coarsest);
                prop_assert_eq!(span.grain.start(span.from), span.from);
                prop_assert_eq!(span.grain.start(span.to), span.to);
                let boundary = boundary.unwrap_or(from);
                match span.layer {
                    Layer::Batch => prop_assert!(span.to <= boundary),
                    Layer::Speed => prop_assert!(span.from >= boundary),
                }
                next = span.to;
            }
            prop_assert_eq!(next, to);
        }
    }

    #[test]
    fn a_week_takes_few_rows() {
        let from = Minute::parse("2026-11-01T10:30Z").unwrap();
        let to = Minute::parse("2026-11-08T10:30Z").unwrap();
        let spans = spans(from, to, Some(to), to, Grain::Day);
        let rows: i64 = spans.iter().map(|s| (s.to.0 - s.from.0) / s.grain.minutes()).sum();
        assert_eq!(rows, 30 + 13 + 6 + 10 + 30);
    }
}
