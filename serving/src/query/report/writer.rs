//! A report from the sets of all views.

use std::collections::BTreeMap;

use twofold_data::minute::Grain;
use twofold_data::view::VIEWS;

use super::minutes::Minutes;
use super::{Report, TopLists};
use crate::query::answer::Spread;
use crate::query::scan::{Reader, Scan, Scanned};
use crate::query::top::Gathered;
use crate::query::{Instant, MAX_TOP, QueryError, Range, Stores, TopQuery, top, totals};

/// The fields that are exact whenever the range is settled.
const ADDITIVE: &[&str] = &[
    "requests",
    "malformed",
    "blank",
    "bytes",
    "measures",
    "first_minute",
    "last_minute",
    "busiest_minutes",
    "hours",
    "days",
];

/// Writes one report.
pub(super) struct Writer<'a> {
    stores: &'a Stores<'a>,
    range: Range,
    scanned: Scanned,
    views: BTreeMap<String, Gathered>,
    /// The names of the fields that are estimates.
    estimated: Vec<&'static str>,
}

impl<'a> Writer<'a> {
    /// Reads the sets of all views.
    pub(super) fn read(
        stores: &'a Stores<'a>,
        reader: &mut Reader<'_>,
        range: Range,
    ) -> Result<Self, QueryError> {
        let views: Vec<&str> = VIEWS.iter().map(|view| view.name).collect();
        let mut gathered: BTreeMap<String, Gathered> = BTreeMap::new();
        let scan = Scan { views: &views, range, coarsest: Grain::Day, sketches: true };
        let scanned = reader.scan(&scan, |_, set| match gathered.get_mut(&set.view) {
            Some(view) => view.add(set),
            None => gathered.entry(set.view.clone()).or_default().add(set),
        })?;
        Ok(Self { stores, range, scanned, views: gathered, estimated: Vec::new() })
    }

    pub(super) fn write(mut self, n: usize, minutes: Minutes) -> Result<Report, QueryError> {
        let traffic = self.views.get("traffic").and_then(|gathered| gathered.union.top(0));
        let totals = totals::of_union(self.stores, &self.scanned, self.range, traffic)?;
        self.mark(totals.exact, ADDITIVE);
        self.mark_faded(totals.exact, &minutes);
        self.mark_spread(&totals.spread);
        let status = self.list("statuses", MAX_TOP, "status")?.into_iter().collect();
        let methods = self.list("methods", MAX_TOP, "methods")?.into_iter().collect();
        let top = self.lists(n)?;
        let measure = |name| totals.measures.0.get(name).unwrap_or(0);
        let clients = totals.spread.distinct_clients;
        Ok(Report {
            stamp: totals.stamp,
            exact: self.estimated.is_empty(),
            estimated: self.estimated,
            requests: measure("requests"),
            malformed: totals.tally.malformed,
            blank: totals.tally.blank,
            bytes: measure("bytes"),
            measures: totals.measures,
            distinct_clients: clients.value,
            distinct_clients_bounds: [clients.low, clients.high],
            distinct_human_clients: totals.spread.distinct_human_clients.value,
            sizes: totals.spread.sizes,
            durations: totals.spread.durations,
            status,
            methods,
            first_minute: minutes.first.map(Instant),
            last_minute: minutes.last.map(Instant),
            hours: minutes.hours(),
            days: minutes.days(),
            timezone: minutes.timezone(),
            busiest_minutes: minutes.busiest,
            top,
        })
    }

    fn lists(&mut self, n: usize) -> Result<TopLists, QueryError> {
        Ok(TopLists {
            top_clients: self.list("clients", n, "top_clients")?,
            top_pages: self.list("pages", n, "top_pages")?,
            top_errors: self.list("errors", n, "top_errors")?,
            top_referrers: self.list("referrers", n, "top_referrers")?,
            top_agents: self.list("agents", n, "top_agents")?,
            top_systems: self.list("systems", n, "top_systems")?,
            top_hosts: self.list("hosts", n, "top_hosts")?,
        })
    }

    /// The first `n` rows of a view, which the report holds as `field`.
    fn list(
        &mut self,
        view: &'static str,
        n: usize,
        field: &'static str,
    ) -> Result<Vec<(String, u64)>, QueryError> {
        let query = TopQuery { view, range: self.range, n, by: 0, trend: false };
        let empty = Gathered::default();
        let gathered = self.views.get(view).unwrap_or(&empty);
        let list = top::of_gathered(self.stores, &self.scanned, &query, gathered)?;
        self.mark(list.exact, &[field]);
        let pair = |row: top::TopRow| (row.key, row.measures.0.requests());
        Ok(list.rows.into_iter().map(pair).collect())
    }

    /// What minutes tell is only known to the hour or the day where they have faded.
    fn mark_faded(&mut self, settled: bool, minutes: &Minutes) {
        let coarsest = minutes.coarsest.filter(|_| settled);
        self.mark(!settled || minutes.tell_days_and_hours(), &["hours", "days"]);
        let of_minutes = &["first_minute", "last_minute", "busiest_minutes"];
        self.mark(coarsest <= Some(Grain::Minute), of_minutes);
    }

    fn mark_spread(&mut self, spread: &Spread) {
        self.mark(spread.distinct_clients.exact, &["distinct_clients"]);
        self.mark(spread.distinct_human_clients.exact, &["distinct_human_clients"]);
        self.mark(spread.sizes.is_none_or(|sizes| sizes.exact), &["sizes"]);
        self.mark(spread.durations.is_none_or(|durations| durations.exact), &["durations"]);
    }

    fn mark(&mut self, exact: bool, fields: &[&'static str]) {
        if !exact {
            self.estimated.extend(fields);
        }
    }
}
