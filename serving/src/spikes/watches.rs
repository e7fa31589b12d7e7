//! Everything that is watched: the whole traffic, and the busiest hosts and pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use twofold_data::minute::Minute;
use twofold_data::spike::{Change, History, Point, Quantity, Scope, Series, Usual, Verdict, Watch};

use super::keys::{Keys, Turnover};
use super::minutes::MinuteValues;

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

/// So many minutes of a host or page that has come are only learnt: it may have come with a spike.
const LEARNT: u32 = 120;

/// Every watched series.
#[derive(Clone)]
pub struct Watches {
    series: BTreeMap<Series, Watch>,
    hosts: Keys,
    pages: Keys,
    /// Whether there was any traffic yet.
    begun: bool,
    /// What is usual of the whole traffic.
    pub usual: Arc<BTreeMap<Quantity, History>>,
}

/// A value that a watch has seen.
pub struct Seen<'a> {
    /// The series.
    pub series: &'a Series,
    /// The minute.
    pub minute: Minute,
    /// The value.
    pub value: f64,
    /// What the detector says of it.
    pub verdict: Verdict,
    /// What it has done to a spike.
    pub change: Option<Change>,
}

impl Seen<'_> {
    /// The change, and in which series.
    pub fn changed(self) -> Option<(Series, Change)> {
        self.change.map(|change| (self.series.clone(), change))
    }
}

impl Default for Watches {
    fn default() -> Self {
        let series =
            Quantity::ALL.into_iter().map(|quantity| (Series::whole(quantity), Watch::new(60)));
        Self {
            series: series.collect(),
            hosts: Keys::new(HOSTS),
            pages: Keys::new(PAGES),
            begun: false,
            usual: Arc::default(),
        }
    }
}

impl Watches {
    /// Shows a finished minute to every watch. Minutes before the first traffic are no silence.
    pub fn push(&mut self, minute: Minute, values: &MinuteValues, mut visit: impl FnMut(Seen<'_>)) {
        self.begun |= values.counts.requests() > 0;
        if !self.begun {
            return;
        }
        let hosts = self.hosts.see(values.hosts.as_ref());
        self.turn_over(hosts, &OF_HOSTS, Scope::Host);
        let pages = self.pages.see(values.pages.as_ref());
        self.turn_over(pages, &OF_PAGES, Scope::Page);
        for (series, watch) in &mut self.series {
            let Some(value) = value(series, values) else { continue };
            let at = minute.start_ms() / 1000;
            let usual = usual(&self.usual, series, at);
            let (verdict, change) = watch.push(&Point::whole(at, value), usual.as_ref());
            visit(Seen { series, minute, value, verdict, change });
        }
    }

    /// The watches that look at unfinished minutes, to be thrown away after it.
    pub(super) fn early(&self) -> Self {
        let copied = |quantity: &Quantity| {
            let series = Series::whole(*quantity);
            self.series.get(&series).map(|watch| (series, watch.clone()))
        };
        let usual = Arc::clone(&self.usual);
        Self { series: EARLY.iter().filter_map(copied).collect(), usual, ..Self::default() }
    }

    /// Shows an unfinished minute, or a part of one, to the watches of the whole traffic.
    pub(super) fn push_early(
        &mut self,
        minute: Minute,
        values: &MinuteValues,
        coverage: f64,
        mut visit: impl FnMut(Seen<'_>),
    ) {
        for quantity in EARLY {
            let series = Series::whole(quantity);
            let (Some(watch), Some(value)) = (self.series.get_mut(&series), values.value(quantity))
            else {
                continue;
            };
            let at = minute.start_ms() / 1000;
            let usual = usual(&self.usual, &series, at);
            let (verdict, change) = watch.push(&Point { at, value, coverage }, usual.as_ref());
            visit(Seen { series: &series, minute, value, verdict, change });
        }
    }

    /// Whether the series is watched at present.
    pub(super) fn has(&self, series: &Series) -> bool {
        self.series.contains_key(series)
    }

    /// Watches what came, and no longer what went.
    fn turn_over(&mut self, turnover: Turnover, of: &[Quantity], scope: fn(String) -> Scope) {
        let series = |key: &String, quantity: &Quantity| Series {
            quantity: *quantity,
            scope: scope(key.clone()),
        };
        for key in turnover.went {
            of.iter().for_each(|quantity| {
                self.series.remove(&series(&key, quantity));
            });
        }
        for key in turnover.came {
            for quantity in of {
                self.series
                    .entry(series(&key, quantity))
                    .or_insert_with(|| Watch::after(60, LEARNT));
            }
        }
    }
}

fn usual(usual: &BTreeMap<Quantity, History>, series: &Series, at: i64) -> Option<Usual> {
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
