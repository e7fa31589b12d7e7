//! Goes through the minutes as they complete, and writes the spikes that it finds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::spike::{Change, Direction, Scope, Series, Spike};

use super::causes::causes;
use super::complete::Complete;
use super::minutes::{each_minute, sums};
use super::row::{Found, SpikeRow};
use super::store::{expectation, live, put_rows, rows};
use super::watches::Watches;
use crate::index::{Index, IndexError, Mark};

/// The kind of the live document that says how far the judge has come.
const STATE: &str = "spike-state";

/// After a restart so many minutes are gone through again, to learn what is expected.
const LEARN: i64 = 14 * 1440;

/// The same for hosts and pages, whose rows are many.
const LEARN_KEYS: i64 = 1440;

/// A log is followed live if its newest request is not older (ms).
const RECENT: i64 = 5 * MINUTE_MS;

/// Goes through the minutes of an index.
pub struct Judge {
    index: Arc<dyn Index>,
    watches: Watches,
    /// The first minute that was not judged for good.
    next: Option<Minute>,
    /// Where the current generation's expectation was read.
    generation: u64,
    /// What the index was like when nothing in it was left to judge, and in which minute of the wall clock.
    judged: Option<(Mark, Minute)>,
    /// The spike of each series that is written last, by the name it goes by.
    named: BTreeMap<Series, Named>,
    /// Spikes that only unfinished minutes have shown, and that others have followed.
    orphans: Vec<(Series, Named)>,
}

/// A spike that is written.
#[derive(Debug, Clone)]
struct Named {
    start: Minute,
    spike: Spike,
    /// Whether only an unfinished minute has shown it so far.
    early: bool,
    /// Under what version it is written.
    version: u64,
}

impl Named {
    /// Whether it has a minute in common with another one in the same direction, or is next to it.
    fn is_near(&self, spike: &Spike) -> bool {
        let touching = spike.start <= self.spike.end && self.spike.start <= spike.end;
        self.spike.direction == spike.direction && touching
    }
}

/// A change of a spike, and in which series.
type Changes = Vec<(Series, Change)>;

impl Judge {
    /// Takes up where the last one stopped: goes through the stored minutes again, without writing.
    pub fn open(index: Arc<dyn Index>) -> Result<Self, IndexError> {
        let stored = index.live_documents(STATE, Minute(0), Minute(1))?;
        let next = stored.first().and_then(|live| live.document.body["next"].as_i64()).map(Minute);
        let mut judge = Self {
            watches: Watches::default(),
            next,
            generation: 0,
            judged: None,
            named: BTreeMap::new(),
            orphans: Vec::new(),
            index,
        };
        judge.refresh(None)?;
        if let Some(next) = next {
            judge.learn_again(next)?;
        }
        Ok(judge)
    }

    /// Judges what has completed since the last time, then what is not complete yet. Returns
    /// the spikes that have changed, as they are written. `now` is the wall clock (ms).
    pub fn step(&mut self, now: i64) -> Result<Vec<SpikeRow>, IndexError> {
        let mark = self.index.mark()?;
        let judged = mark.map(|mark| (mark, Minute::of(now)));
        if judged.is_some() && judged == self.judged {
            return Ok(Vec::new());
        }
        let written = self.judge(now, mark)?;
        self.judged = judged;
        Ok(written)
    }

    fn judge(&mut self, now: i64, mark: Option<Mark>) -> Result<Vec<SpikeRow>, IndexError> {
        let Some(complete) = Complete::now(&*self.index, now)? else { return Ok(Vec::new()) };
        self.refresh(mark)?;
        let Some(next) = self.first()? else { return Ok(Vec::new()) };
        let mut written = Vec::new();
        let mut from = next;
        // A long stretch is written in parts, so that a restart does not begin from its start.
        while from < complete.closed {
            let to = Minute((from.0 + 1440).min(complete.closed.0));
            written.extend(self.closed(from, to)?);
            from = to;
        }
        // Of a log that is read faster than it was written nobody knows how much of a minute is there.
        if (0..RECENT).contains(&(now - complete.seen)) {
            written.extend(self.early(from.max(next), complete.seen)?);
        }
        Ok(written)
    }

    /// The first minute to judge: the one after the last, or the first there is.
    fn first(&mut self) -> Result<Option<Minute>, IndexError> {
        if self.next.is_none() {
            let extent = self.index.extent()?;
            // Malformed records before any request stand in the first minute of 1970.
            self.next = extent.map(|(from, to)| Minute(from.0.max(to.0 - LEARN)));
        }
        Ok(self.next)
    }

    /// Reads what is usual again where the batch layer has published.
    fn refresh(&mut self, mark: Option<Mark>) -> Result<(), IndexError> {
        let generation = match mark {
            Some(mark) => mark.generation,
            None => self.index.published()?.map_or(0, |publication| publication.generation),
        };
        if generation != self.generation {
            self.watches.usual = Arc::new(expectation(&*self.index)?);
            self.generation = generation;
        }
        Ok(())
    }

    fn learn_again(&mut self, next: Minute) -> Result<(), IndexError> {
        let extent = self.index.extent()?.map_or(next, |(from, _)| from);
        let from = Minute(extent.0.max(next.0 - LEARN));
        let keys = Minute(from.0.max(next.0 - LEARN_KEYS));
        let (watches, mut changes) = (&mut self.watches, Changes::new());
        for (span, keyed) in [((from, keys), false), ((keys, next), true)] {
            each_minute(&*self.index, span, keyed, |minute, values| {
                watches.push(minute, values, |seen| changes.extend(seen.changed()));
            })?;
        }
        self.remember(from, next, changes)
    }

    /// Finds the names under which the spikes that were found again are stored.
    fn remember(&mut self, from: Minute, next: Minute, changes: Changes) -> Result<(), IndexError> {
        for (row, version) in rows(&*self.index, from, Minute(next.0 + 60))? {
            let again = changes.iter().rev().find(|(series, change)| {
                let spike = change.spike();
                let (start, end) = (Minute::of(spike.start * 1000), Minute::of(spike.end * 1000));
                *series == row.series && spike.direction == row.direction && row.touches(start, end)
            });
            let early = version % 2 == 0;
            match again {
                Some((series, change)) => {
                    let spike = change.spike().clone();
                    self.named
                        .insert(series.clone(), Named { start: row.start, spike, early, version });
                }
                None if !row.closed => {
                    let spike = restored(&row);
                    self.named.insert(
                        row.series.clone(),
                        Named { start: row.start, spike, early: true, version },
                    );
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Judges minutes that don't change any more.
    fn closed(&mut self, from: Minute, to: Minute) -> Result<Vec<SpikeRow>, IndexError> {
        let (watches, mut changes) = (&mut self.watches, Changes::new());
        each_minute(&*self.index, (from, to), true, |minute, values| {
            watches.push(minute, values, |seen| changes.extend(seen.changed()));
        })?;
        let version = to.0 as u64 * 2 + 1;
        let mut written = self.write(changes, version, false)?;
        written.extend(self.take_back(to, version)?);
        let state = live(STATE, "judge", Minute(0), json!({ "next": to.0 }), to.0.max(1) as u64);
        self.index.put_documents(&[state])?;
        self.next = Some(to);
        Ok(written)
    }

    /// Looks at minutes that late requests may still change, and at a part of the newest one, and learns
    /// nothing from them. Only rises are written.
    fn early(&mut self, from: Minute, seen: i64) -> Result<Vec<SpikeRow>, IndexError> {
        let newest = Minute::of(seen);
        if newest < from || newest.0 - from.0 > 60 {
            return Ok(Vec::new());
        }
        let minutes = sums(&*self.index, from, newest.next())?;
        let mut changes = Changes::new();
        self.watches
            .look_ahead((from, newest), &minutes, seen, |seen| changes.extend(seen.changed()));
        changes.retain(|(_, change)| {
            change.spike().direction == Direction::Up && !matches!(change, Change::Closed(_))
        });
        self.write(changes, newest.0 as u64 * 2, true)
    }

    /// Writes the last state of each spike that has changed.
    fn write(
        &mut self,
        changes: Changes,
        version: u64,
        early: bool,
    ) -> Result<Vec<SpikeRow>, IndexError> {
        let mut latest: BTreeMap<(Series, Minute), Spike> = BTreeMap::new();
        for (series, change) in changes {
            let known =
                early && self.named.get(&series).is_some_and(|named| named.version >= version);
            if known || self.part_of_a_whole(&series, change.spike()) {
                continue;
            }
            let start = self.name(&series, &change, early);
            latest.insert((series, start), change.spike().clone());
        }
        if latest.is_empty() {
            return Ok(Vec::new());
        }
        let source = source(&*self.index)?;
        let mut rows = Vec::with_capacity(latest.len());
        for ((series, start), spike) in latest {
            let mut row = SpikeRow::new(&source, &series, start, &spike, Found::Speed);
            row.causes = causes(&*self.index, &row)?;
            rows.push(row);
        }
        put_rows(&*self.index, &rows, version)?;
        for row in &rows {
            if let Some(named) = self.named.get_mut(&row.series) {
                named.version = version;
            }
        }
        Ok(rows)
    }

    /// Whether a host or a page only does what the whole traffic does: that is one spike, and the
    /// key stands among its causes.
    fn part_of_a_whole(&self, series: &Series, spike: &Spike) -> bool {
        let whole = self.named.get(&Series::whole(series.quantity));
        series.scope != Scope::All && whole.is_some_and(|whole| whole.is_near(spike))
    }

    /// The name of a spike: its first minute, as it was when it was first written.
    fn name(&mut self, series: &Series, change: &Change, early: bool) -> Minute {
        let spike = change.spike();
        let start = Minute::of(spike.start * 1000);
        let same = self.named.get(series).filter(|named| named.is_near(spike));
        let (start, early) = match same {
            Some(named) => (named.start, named.early && early),
            None => (start, early),
        };
        let named = Named { start, spike: spike.clone(), early, version: 0 };
        let before = self.named.insert(series.clone(), named);
        if let Some(before) = before.filter(|before| before.early && before.start != start) {
            self.orphans.push((series.clone(), before));
        }
        start
    }

    /// Closes what only unfinished minutes have shown and the finished ones do not, and what nobody
    /// watches any more because its host or page has become too small.
    fn take_back(&mut self, to: Minute, version: u64) -> Result<Vec<SpikeRow>, IndexError> {
        let past = |named: &Named| Minute::of(named.spike.end * 1000) <= to;
        let lost =
            |series: &Series, named: &Named| !named.spike.closed && !self.watches.has(series);
        let mut gone = std::mem::take(&mut self.orphans);
        let over = self
            .named
            .iter()
            .filter(|(series, named)| past(named) && (named.early || lost(series, named)));
        gone.extend(over.map(|(series, named)| (series.clone(), named.clone())));
        let mut rows = Vec::new();
        for (series, Named { start, mut spike, .. }) in gone {
            spike.closed = true;
            rows.push(SpikeRow::new(&source(&*self.index)?, &series, start, &spike, Found::Speed));
            if self.named.get(&series).is_some_and(|named| named.start == start) {
                self.named.remove(&series);
            }
        }
        put_rows(&*self.index, &rows, version)?;
        Ok(rows)
    }
}

/// The topics whose traffic is judged, as one name: the source of spikes.
///
/// # Errors
/// Of the index.
pub fn source(index: &dyn Index) -> Result<String, IndexError> {
    let states = index.states()?;
    let mut topics: Vec<&str> = states.iter().map(|state| &*state.partition.topic).collect();
    topics.dedup();
    Ok(topics.join("+"))
}

/// As much of a spike as its row holds.
fn restored(row: &SpikeRow) -> Spike {
    Spike {
        start: row.start.start_ms() / 1000,
        end: row.end.start_ms() / 1000,
        closed: row.closed,
        ending: row.ending,
        steps: row.minutes,
        observed: row.observed,
        expected: row.expected,
        peak: row.peak,
        peak_at: row.start.start_ms() / 1000,
        score: row.score,
        surprise: 0.0,
        direction: row.direction,
        severity: row.severity,
    }
}
