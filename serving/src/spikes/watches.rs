//! Everything that is watched: the whole traffic, and the busiest hosts and pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use twofold_data::minute::{MINUTE_MS, Minute};
use twofold_data::spike::{Change, History, Point, Quantity, Scope, Series, Usual, Verdict, Watch};

use super::keys::{Keys, Turnover};
use super::minutes::{MinuteValues, Minutes};

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

/// So many minutes of a host or page that has come are only learnt: it may have come with a spike.
const LEARNT: u32 = 120;

/// Every watched series.
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
        let watched = |quantity| {
            let series = Series::whole(quantity);
            let watch = Watch::new(60).with_rarity(series.rarity());
            (series, watch)
        };
        let series = Quantity::ALL.into_iter().map(watched);
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

    /// Shows the minutes `from..=newest`, which may still change, to the watches of the whole traffic; they
    /// learn nothing. `seen` is the event time (ms) up to which the last one has come.
    pub(super) fn look_ahead(
        &self,
        (from, newest): (Minute, Minute),
        minutes: &Minutes,
        seen: i64,
        mut visit: impl FnMut(Seen<'_>),
    ) {
        let none = MinuteValues::default();
        for quantity in EARLY {
            let series = Series::whole(quantity);
            let Some(mut ahead) = self.series.get(&series).map(Watch::ahead) else { continue };
            for minute in (from.0..=newest.0).map(Minute) {
                let coverage = ((seen + 1 - minute.start_ms()) as f64 / MINUTE_MS as f64).min(1.0);
                let value = minutes.get(&minute).unwrap_or(&none).value(quantity);
                let Some(value) = value.filter(|_| coverage >= LEAST_PART) else { continue };
                let at = minute.start_ms() / 1000;
                let usual = usual(&self.usual, &series, at);
                let (verdict, change) = ahead.push(&Point { at, value, coverage }, usual.as_ref());
                visit(Seen { series: &series, minute, value, verdict, change });
            }
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
                let series = series(&key, quantity);
                let watch = Watch::after(60, LEARNT).with_rarity(series.rarity());
                self.series.entry(series).or_insert(watch);
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
