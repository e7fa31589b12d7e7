//! Which rows answer a question: coarse ones where they fit, fine ones at the edges.

use twofold_data::minute::{Grain, Minute};

use super::Layer;

/// One stretch of a query's range: rows of one layer and grain whose start lies in `from..to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The layer.
    pub layer: Layer,
    /// The grain.
    pub grain: Grain,
    /// The first start.
    pub from: Minute,
    /// The first start that is too late.
    pub to: Minute,
}

/// The first and the last minute that a question can reach (about the years 68 to 9999),
/// so that no arithmetic on a hostile range overflows.
const RANGE: (Minute, Minute) = (Minute(-1_000_000_000), Minute(4_222_222_222));

/// Splits `from..to` at the boundary and covers each side with the coarsest aligned
/// rows: days, then hours, then minutes at the edges. Every minute is covered once, and
/// no span crosses the boundary.
///
/// So an hour of the batch layer is used only if all of it lies before the boundary, and
/// an hour of the speed layer only if all of it lies from the boundary on: one that began
/// earlier also counts requests which the exact rows have already.
///
/// Coarse rows of the speed layer are written again every few seconds while their
/// minutes are written every second. Hence a span says which rows *may* answer, and a
/// backend takes a coarse speed row only once it is closed; until then the finer rows of
/// that partition stand in for it. A plan can't know this, since each partition's
/// watermark is its own.
pub fn spans(from: Minute, to: Minute, boundary: Option<Minute>, coarsest: Grain) -> Vec<Span> {
    let (from, to) = (from.max(RANGE.0), to.min(RANGE.1));
    let split = boundary.unwrap_or(from).min(to).max(from);
    let mut spans = Vec::new();
    cover(Layer::Batch, from, split, coarsest, &mut spans);
    cover(Layer::Speed, split, to, coarsest, &mut spans);
    spans
}

fn cover(layer: Layer, from: Minute, to: Minute, grain: Grain, spans: &mut Vec<Span>) {
    if from >= to {
        return;
    }
    let Some(finer) = finer(grain) else {
        spans.push(Span { layer, grain, from, to });
        return;
    };
    let (first, last) = (grain.end(Minute(from.0 - 1)), grain.start(to));
    if first >= last {
        return cover(layer, from, to, finer, spans);
    }
    cover(layer, from, first, finer, spans);
    spans.push(Span { layer, grain, from: first, to: last });
    cover(layer, last, to, finer, spans);
}

/// The next finer grain.
pub(crate) fn finer(grain: Grain) -> Option<Grain> {
    match grain {
        Grain::Minute => None,
        Grain::Hour => Some(Grain::Minute),
        Grain::Day => Some(Grain::Hour),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(from: &str, to: &str, boundary: &str, coarsest: Grain, expected: &[&str]) {
        let minute = |text: &str| Minute::parse(&format!("2026-11-{text}Z")).unwrap();
        let spans = spans(minute(from), minute(to), Some(minute(boundary)), coarsest);
        let text = |span: &Span| {
            format!("{:?} {} {} {}", span.layer, span.grain.name(), span.from, span.to)
                .replace("2026-11-", "")
        };
        assert_eq!(spans.iter().map(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_hour_that_the_boundary_cuts_is_read_by_the_minute() {
        check(
            "23T16:00",
            "23T20:00",
            "23T18:20",
            Grain::Day,
            &[
                "Batch hour 23T16:00Z 23T18:00Z",
                "Batch minute 23T18:00Z 23T18:20Z",
                "Speed minute 23T18:20Z 23T19:00Z",
                "Speed hour 23T19:00Z 23T20:00Z",
            ],
        );
    }

    #[test]
    fn whole_days_are_read_by_the_day() {
        check(
            "21T23:59",
            "24T00:01",
            "24T00:00",
            Grain::Day,
            &[
                "Batch minute 21T23:59Z 22T00:00Z",
                "Batch day 22T00:00Z 24T00:00Z",
                "Speed minute 24T00:00Z 24T00:01Z",
            ],
        );
    }

    #[test]
    fn an_empty_range_has_no_spans() {
        check("23T16:00", "23T16:00", "23T18:20", Grain::Day, &[]);
        check("23T17:00", "23T16:00", "23T18:20", Grain::Day, &[]);
    }

    #[test]
    fn any_range_is_covered() {
        let all = spans(Minute(i64::MIN), Minute(i64::MAX), None, Grain::Day);
        assert!(all.iter().all(|span| span.layer == Layer::Speed));
        assert_eq!(spans(Minute(3), Minute(1), Some(Minute(i64::MAX)), Grain::Hour), []);
    }

    proptest! {
        #[test]
        fn every_minute_is_covered_once(
            from in -5000i64..5000, length in 0i64..6000, boundary in -6000i64..12_000, grain in 0usize..3,
        ) {
            let (boundary, coarsest) = (Minute(boundary), Grain::ALL[grain]);
            let (from, to) = (Minute(from), Minute(from + length));
            let mut next = from;
            for span in spans(from, to, Some(boundary), coarsest) {
                prop_assert_eq!(span.from, next, "no gap and no overlap");
                prop_assert!(span.to > span.from && span.grain <= coarsest);
                prop_assert_eq!(span.grain.start(span.from), span.from, "aligned");
                prop_assert_eq!(span.grain.start(span.to), span.to, "aligned");
                match span.layer {
                    Layer::Batch => prop_assert!(span.to <= boundary),
                    Layer::Speed => prop_assert!(span.from >= boundary),
                }
                next = span.to;
            }
            prop_assert_eq!(next, to.max(from));
        }
    }
}
