//! Goes through the minutes as they complete, and writes the spikes that it finds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::spike::{
    Change, Direction, History, Point, Quantity, Scope, Series, Spike, Watch,
};

use super::causes::causes;
use super::complete::Complete;
use super::keys::{Keys, Turnover};
use super::minutes::{MinuteValues, each_minute, read};
use super::row::{Found, SpikeRow};
use super::store::{expectation, live, put_rows, rows};
use crate::index::{Index, IndexError};

/// The kind of the live document that says how far the judge has come.
const STATE: &str = "spike-state";

/// After a restart so many minutes are gone through again, to learn what is expected.
const LEARN: i64 = 14 * 1440;

/// The same for hosts and pages, whose rows are many.
const LEARN_KEYS: i64 = 1440;

/// How many hosts and pages are watched.
const HOSTS: usize = 10;
const PAGES: usize = 20;

/// What is watched of a host.
const OF_HOSTS: [Quantity; 2] = [Quantity::Requests, Quantity::ServerErrors];

/// What is watched of a page.
const OF_PAGES: [Quantity; 1] = [Quantity::Requests];

/// What is looked at before the minute is closed: a rise in what adds up only gets larger.
const EARLY: [Quantity; 4] =
    [Quantity::Requests, Quantity::ServerErrors, Quantity::NotFound, Quantity::Bytes];

/// Of a minute that has only begun less than this part says nothing.
const LEAST_PART: f64 = 0.25;

/// Goes through the minutes of an index.
pub struct Judge {
    index: Arc<dyn Index>,
    watches: Watches,
    /// The first minute that was not judged for good.
    next: Option<Minute>,
    /// Where the current generation's expectation was read.
    generation: u64,
    /// The spike of each series that is written last, by the name it goes by.
    named: BTreeMap<Series, Named>,
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

/// Everything that is watched.
#[derive(Clone)]
struct Watches {
    series: BTreeMap<Series, Watch>,
    hosts: Keys,
    pages: Keys,
    usual: Arc<BTreeMap<Quantity, History>>,
}

/// A change of a spike, and in which series.
type Changes = Vec<(Series, Change)>;

impl Judge {
    /// Takes up where the last one stopped: goes through the stored minutes again, without writing.
    pub fn open(index: Arc<dyn Index>) -> Result<Self, IndexError> {
        let stored = index.live_documents(STATE, Minute(0), Minute(1))?;
        let next = stored.first().and_then(|live| live.document.body["next"].as_i64()).map(Minute);
        let mut judge =
            Self { watches: Watches::new(), next, generation: 0, named: BTreeMap::new(), index };
        judge.refresh()?;
        if let Some(next) = next {
            judge.learn_again(next)?;
        }
        Ok(judge)
    }

    /// Judges what has completed since the last time, then what is not complete yet. Returns
    /// the spikes that have changed, as they are written. `now` is the wall clock (ms).
    pub fn step(&mut self, now: i64) -> Result<Vec<SpikeRow>, IndexError> {
        let Some(complete) = Complete::now(&*self.index, now)? else { return Ok(Vec::new()) };
        self.refresh()?;
        let Some(next) = self.first()? else { return Ok(Vec::new()) };
        let mut written = Vec::new();
        let mut from = next;
        // A long stretch is written in parts, so that a restart does not begin from its start.
        while from < complete.closed {
            let to = Minute((from.0 + 1440).min(complete.closed.0));
            written.extend(self.closed(from, to)?);
            from = to;
        }
        written.extend(self.early(from.max(next), complete.seen)?);
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
    fn refresh(&mut self) -> Result<(), IndexError> {
        let generation = self.index.published()?.map_or(0, |publication| publication.generation);
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
                watches.push(minute, values, &mut changes);
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
            watches.push(minute, values, &mut changes);
        })?;
        let version = to.0 as u64 * 2 + 1;
        let mut written = self.write(changes, version, false)?;
        written.extend(self.take_back(to, version)?);
        let state = live(STATE, "judge", Minute(0), json!({ "next": to.0 }), to.0.max(1) as u64);
        self.index.put_documents(&[state])?;
        self.next = Some(to);
        Ok(written)
    }

    /// Looks at minutes that late requests may still change, and at a part of the newest one, on a
    /// copy that is thrown away. Only rises are written.
    fn early(&mut self, from: Minute, seen: i64) -> Result<Vec<SpikeRow>, IndexError> {
        let newest = Minute::of(seen);
        if newest < from || newest.0 - from.0 > 60 {
            return Ok(Vec::new());
        }
        let minutes = read(&*self.index, from, newest.next(), false)?;
        let (mut watches, mut changes) = (self.watches.clone(), Changes::new());
        for minute in from.0..=newest.0 {
            let values = minutes.get(&Minute(minute)).cloned().unwrap_or_default();
            let part = ((seen + 1) - Minute(minute).start_ms()) as f64 / MINUTE_MS as f64;
            let coverage = if part >= 1.0 { 1.0 } else { part };
            if coverage >= LEAST_PART {
                watches.push_early(Minute(minute), &values, coverage, &mut changes);
            }
        }
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
            if early && self.named.get(&series).is_some_and(|named| named.version >= version) {
                continue;
            }
            let start = self.name(&series, &change, early);
            latest.insert((series, start), change.spike().clone());
        }
        if latest.is_empty() {
            return Ok(Vec::new());
        }
        let source = self.source()?;
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

    /// The name of a spike: its first minute, as it was when it was first written.
    fn name(&mut self, series: &Series, change: &Change, early: bool) -> Minute {
        let spike = change.spike();
        let start = Minute::of(spike.start * 1000);
        let same = self.named.get(series).filter(|named| {
            let touching = spike.start <= named.spike.end && named.spike.start <= spike.end;
            named.spike.direction == spike.direction && touching
        });
        let (start, early) = match same {
            Some(named) => (named.start, named.early && early),
            None => (start, early),
        };
        self.named.insert(series.clone(), Named { start, spike: spike.clone(), early, version: 0 });
        start
    }

    /// Closes what only unfinished minutes have shown and the finished ones do not.
    fn take_back(&mut self, to: Minute, version: u64) -> Result<Vec<SpikeRow>, IndexError> {
        let over = |named: &Named| named.early && Minute::of(named.spike.end * 1000) <= to;
        let gone: Vec<(Series, Named)> = self
            .named
            .iter()
            .filter(|(_, named)| over(named))
            .map(|(series, named)| (series.clone(), named.clone()))
            .collect();
        let mut rows = Vec::new();
        for (series, Named { start, mut spike, .. }) in gone {
            spike.closed = true;
            rows.push(SpikeRow::new(&self.source()?, &series, start, &spike, Found::Speed));
            self.named.remove(&series);
        }
        put_rows(&*self.index, &rows, version)?;
        Ok(rows)
    }

    /// The topics whose traffic is judged, as one name.
    fn source(&self) -> Result<String, IndexError> {
        let states = self.index.states()?;
        let mut topics: Vec<&str> = states.iter().map(|state| &*state.partition.topic).collect();
        topics.dedup();
        Ok(topics.join("+"))
    }
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

impl Watches {
    fn new() -> Self {
        let series =
            Quantity::ALL.into_iter().map(|quantity| (Series::whole(quantity), Watch::new(60)));
        Self {
            series: series.collect(),
            hosts: Keys::new(HOSTS),
            pages: Keys::new(PAGES),
            usual: Arc::default(),
        }
    }

    /// Shows a finished minute to every watch.
    fn push(&mut self, minute: Minute, values: &MinuteValues, changes: &mut Changes) {
        let hosts = self.hosts.see(values.hosts.as_ref());
        self.turn_over(hosts, &OF_HOSTS, Scope::Host);
        let pages = self.pages.see(values.pages.as_ref());
        self.turn_over(pages, &OF_PAGES, Scope::Page);
        for (series, watch) in &mut self.series {
            let Some(value) = value(series, values) else { continue };
            let at = minute.start_ms() / 1000;
            let usual = usual(&self.usual, series, at);
            let (_, change) = watch.push(&Point::whole(at, value), usual.as_ref());
            changes.extend(change.map(|change| (series.clone(), change)));
        }
    }

    /// Shows an unfinished minute, or a part of one, to the watches of the whole traffic.
    fn push_early(
        &mut self,
        minute: Minute,
        values: &MinuteValues,
        coverage: f64,
        changes: &mut Changes,
    ) {
        for quantity in EARLY {
            let series = Series::whole(quantity);
            let (Some(watch), Some(value)) = (self.series.get_mut(&series), values.value(quantity))
            else {
                continue;
            };
            let at = minute.start_ms() / 1000;
            let usual = usual(&self.usual, &series, at);
            let (_, change) = watch.push(&Point { at, value, coverage }, usual.as_ref());
            changes.extend(change.map(|change| (series, change)));
        }
    }

    fn turn_over(&mut self, turnover: Turnover, of: &[Quantity], scope: fn(String) -> Scope) {
        for key in turnover.went {
            for quantity in of {
                self.series.remove(&Series { quantity: *quantity, scope: scope(key.clone()) });
            }
        }
        for key in turnover.came {
            for quantity in of {
                let series = Series { quantity: *quantity, scope: scope(key.clone()) };
                self.series.entry(series).or_insert_with(|| Watch::new(60));
            }
        }
    }
}

fn usual(
    usual: &BTreeMap<Quantity, History>,
    series: &Series,
    at: i64,
) -> Option<twofold_data::spike::Usual> {
    let whole = series.scope == Scope::All;
    usual.get(&series.quantity).filter(|_| whole).and_then(|history| history.usual(at))
}

/// The value of a series in a minute. Of a key that the rows don't list it is 0 if they list every
/// key, and unknown otherwise.
fn value(series: &Series, values: &MinuteValues) -> Option<f64> {
    let (set, key) = match &series.scope {
        Scope::All => return values.value(series.quantity),
        Scope::Host(host) => (values.hosts.as_ref(), host),
        Scope::Page(page) => (values.pages.as_ref(), page),
    };
    let Some(set) = set else { return Some(0.0) };
    match set.rows.iter().find(|row| row.key == *key) {
        Some(row) => Some(row.counts.0[series.quantity.measure()] as f64),
        None => (set.floor == 0).then_some(0.0),
    }
}
