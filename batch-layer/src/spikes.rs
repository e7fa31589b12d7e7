//! What the exact minutes say of spikes: what is usual at each time of the week, which of the
//! live layer's spikes stand, and which it missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use twofold_data::minute::{Grain, Minute};
use twofold_data::spike::{Collector, Quantity, Scope, Series, Spike};
use twofold_serving::index::{Document, Index, LiveDocument, Publication};
use twofold_serving::spikes::{
    EXPECTATION, Found, Listed, Review, Seen, SpikeRow, Standing, Watches, causes, each_minute,
    expectation, extent, list, put_reviews, put_rows, source,
};

use crate::BatchError;

/// Over how many days history is collected.
const DAYS: i64 = 56;

/// So many minutes before the first one to review are gone through to learn what is expected.
const LEARN: i64 = 14 * 1440;

/// The same for hosts and pages.
const LEARN_KEYS: i64 = 1440;

/// The kind of the live document that says how far spikes are reviewed.
const STATE: &str = "spike-review-state";

/// Two values that differ by less than this part are the same.
const SAME: f64 = 0.05;

/// What is usual of each quantity at each time of the week, once a day: `None` as long as the day
/// of `boundary` is known already. The minutes are those that readers see at present.
pub fn usual(index: &dyn Index, boundary: Minute) -> Result<Vec<Document>, BatchError> {
    let (Some(published), Some((first, _))) = (index.published()?, index.extent()?) else {
        return Ok(Vec::new());
    };
    let to = Grain::Day.start(boundary.min(published.boundary));
    let from = Minute(first.0.max(to.0 - DAYS * 1440));
    let known = expectation(index)?;
    let current = known.values().any(|history| history.to >= to.start_ms() / 1000);
    if to <= from || current {
        return Ok(Vec::new());
    }
    let mut collectors: BTreeMap<Quantity, Collector> = BTreeMap::new();
    let mut begun = false;
    each_minute(index, (from, to), false, |minute, values| {
        begun |= values.counts.requests() > 0;
        if !begun {
            return;
        }
        for quantity in Quantity::ALL {
            if let Some(value) = values.value(quantity) {
                collectors.entry(quantity).or_default().add(minute.start_ms() / 1000, value);
            }
        }
    })?;
    let document = |(quantity, collector): (Quantity, Collector)| {
        let body = json!(collector.finish()?);
        let (kind, id) = (EXPECTATION.to_owned(), quantity.name().to_owned());
        Some(Document { kind, id, start: from, body })
    };
    Ok(collectors.into_iter().filter_map(document).collect())
}

/// Goes through the exact minutes with the same detector, and says of each spike before the boundary
/// whether it stands.
pub fn review(index: &dyn Index, publication: &Publication) -> Result<(), BatchError> {
    let (Some((first, _)), to) = (extent(index)?, publication.boundary) else { return Ok(()) };
    let known = list(index, Minute(first.0), to)?;
    let over = |listed: &&Listed| listed.row.closed && listed.row.end <= to;
    let pending: Vec<&SpikeRow> = known
        .iter()
        .filter(over)
        .filter(|listed| listed.review.is_none() && listed.row.found == Found::Speed)
        .map(|listed| &listed.row)
        .collect();
    let from = reviewed(index)?.unwrap_or(first).max(first);
    let begin = pending.iter().map(|row| row.start).min().unwrap_or(from).min(from);
    if begin >= to {
        return Ok(());
    }
    let exact = Exact::go_through(index, (first, begin, to), &pending)?;
    let reviews = pending.iter().map(|row| exact.review(index, row, publication.generation));
    let reviews = reviews.collect::<Result<Vec<Review>, _>>()?;
    put_reviews(index, &reviews)?;
    let missed = exact.missed(index, &known, (from, to))?;
    put_rows(index, &missed, 1)?;
    let state = Document {
        kind: STATE.to_owned(),
        id: "review".to_owned(),
        start: Minute(0),
        body: json!({ "through": to.0 }),
    };
    index.put_documents(&[LiveDocument { document: state, version: publication.generation }])?;
    Ok(())
}

fn reviewed(index: &dyn Index) -> Result<Option<Minute>, BatchError> {
    let stored = index.live_documents(STATE, Minute(0), Minute(1))?;
    Ok(stored.first().and_then(|live| live.document.body["through"].as_i64()).map(Minute))
}

/// What the exact minutes show.
#[derive(Default)]
struct Exact {
    spikes: Vec<(Series, Spike)>,
    /// What was observed and expected in the minutes of each spike to review: sums, and their count.
    sums: BTreeMap<String, (f64, f64, u64)>,
}

impl Exact {
    fn go_through(
        index: &dyn Index,
        (first, begin, to): (Minute, Minute, Minute),
        pending: &[&SpikeRow],
    ) -> Result<Self, BatchError> {
        let mut exact = Self::default();
        let usual = Arc::new(expectation(index)?);
        let mut watches = Watches::default();
        watches.usual = usual;
        let from = Minute(first.0.max(begin.0 - LEARN));
        let keyed = Minute(from.0.max(begin.0 - LEARN_KEYS));
        for (span, keys) in [((from, keyed), false), ((keyed, to), true)] {
            each_minute(index, span, keys, |minute, values| {
                watches.push(minute, values, |seen| exact.see(seen, pending));
            })?;
        }
        Ok(exact)
    }

    fn see(&mut self, seen: Seen<'_>, pending: &[&SpikeRow]) {
        let inside = |row: &&&SpikeRow| {
            row.series == *seen.series && (row.start..row.end).contains(&seen.minute)
        };
        if let Some(row) = pending.iter().find(inside) {
            let sums = self.sums.entry(row.id.clone()).or_default();
            *sums = (sums.0 + seen.value, sums.1 + seen.verdict.expected, sums.2 + 1);
        }
        let Some((series, change)) = seen.changed() else { return };
        let spike = change.spike().clone();
        let same = self.spikes.iter_mut().rev().find(|(known, old)| {
            *known == series && old.start == spike.start && old.direction == spike.direction
        });
        match same {
            Some((_, old)) => *old = spike,
            None => self.spikes.push((series, spike)),
        }
    }

    /// The exact spikes of a series in a span.
    fn shows(&self, row: &SpikeRow) -> bool {
        self.spikes.iter().any(|(series, spike)| {
            let (start, end) = (Minute::of(spike.start * 1000), Minute::of(spike.end * 1000));
            *series == row.series && spike.direction == row.direction && row.touches(start, end)
        })
    }

    fn review(
        &self,
        index: &dyn Index,
        row: &SpikeRow,
        generation: u64,
    ) -> Result<Review, BatchError> {
        let (observed, expected, count) = self.sums.get(&row.id).copied().unwrap_or_default();
        let count = count.max(1) as f64;
        let (observed, expected) = (observed / count, expected / count);
        let (standing, reason) = match self.shows(row) {
            true => (Standing::Confirmed, "the exact minutes show it, too".to_owned()),
            false => (Standing::Withdrawn, why(index, row, observed, expected)?),
        };
        let (id, start) = (row.id.clone(), row.start);
        Ok(Review { id, start, standing, reason, observed, expected, generation })
    }

    /// Spikes of the whole traffic that begin in a span and that the live layer has not found.
    fn missed(
        &self,
        index: &dyn Index,
        known: &[Listed],
        (from, to): (Minute, Minute),
    ) -> Result<Vec<SpikeRow>, BatchError> {
        let source = source(index)?;
        let mut missed = Vec::new();
        for (series, spike) in &self.spikes {
            let start = Minute::of(spike.start * 1000);
            let mut row = SpikeRow::new(&source, series, start, spike, Found::Batch);
            let found = known.iter().any(|listed| {
                listed.row.series == *series && listed.row.touches(row.start, row.end)
            });
            let new = (from..to).contains(&start) && spike.closed && series.scope == Scope::All;
            if new && !found {
                row.causes = causes(index, &row)?;
                missed.push(row);
            }
        }
        Ok(missed)
    }
}

/// Why the exact minutes don't show a spike.
fn why(
    index: &dyn Index,
    row: &SpikeRow,
    observed: f64,
    expected: f64,
) -> Result<String, BatchError> {
    if (observed - row.observed).abs() > SAME * row.observed.abs().max(1.0) {
        return Ok(format!("late data: {observed:.0} a minute, not {:.0}", row.observed));
    }
    // Known of the whole traffic alone.
    let bots = causes(index, row)?.bots.unwrap_or_default().during;
    let before = row.causes.bots.map_or(bots, |bots| bots.during);
    Ok(if (bots - before).abs() > SAME {
        format!("bots reclassified: {:.0} %, not {:.0} %", bots * 100.0, before * 100.0)
    } else {
        format!("estimate off: {expected:.0} a minute were to be expected, not {:.0}", row.expected)
    })
}
