//! The report: what is in a log, on one page.

mod minutes;
mod writer;

use std::collections::BTreeMap;

use serde::Serialize;
use twofold_data::zone::Zone;

use super::scan::consistently;
use super::{Instant, MAX_TOP, Measures, Percentiles, QueryError, Range, Stamp, Stores};
use minutes::Minutes;
use writer::Writer;

/// What is in a log, or in a range of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// Whether every number of the report is exact.
    pub exact: bool,
    /// The names of the fields that are not.
    pub estimated: Vec<&'static str>,
    /// Requests.
    pub requests: u64,
    /// Records that no format matched.
    pub malformed: u64,
    /// Blank records, which stand in no other total.
    pub blank: u64,
    /// Bytes of all responses' bodies.
    pub bytes: u64,
    /// All measures.
    pub measures: Measures,
    /// Distinct clients.
    pub distinct_clients: u64,
    /// The smallest and the largest that `distinct_clients` is likely to be.
    pub distinct_clients_bounds: [u64; 2],
    /// Distinct clients that people used.
    pub distinct_human_clients: u64,
    /// Percentiles of the size in bytes.
    pub sizes: Option<Percentiles>,
    /// Percentiles of the duration in microseconds, where the log has durations.
    pub durations: Option<Percentiles>,
    /// Requests by status code.
    pub status: BTreeMap<String, u64>,
    /// Requests by method.
    pub methods: BTreeMap<String, u64>,
    /// The first minute with a request.
    pub first_minute: Option<Instant>,
    /// The last minute with a request.
    pub last_minute: Option<Instant>,
    /// The minutes with the most requests; ties in order of time.
    pub busiest_minutes: Vec<(Instant, u64)>,
    /// The hours with requests, as the time zone's clock strikes them.
    pub hours: Vec<Hour>,
    /// The days with requests, from midnight to midnight in the time zone.
    pub days: Vec<Day>,
    /// The time zone that decides days and hours.
    pub timezone: String,
    /// The top lists.
    #[serde(flatten)]
    pub top: TopLists,
}

/// The keys with the most requests; ties in name order.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TopLists {
    /// The clients with the most requests.
    pub top_clients: Vec<(String, u64)>,
    /// The pages with the most requests.
    pub top_pages: Vec<(String, u64)>,
    /// The pages with the most 404s and 5xx.
    pub top_errors: Vec<(String, u64)>,
    /// The referrers' hosts with the most requests.
    pub top_referrers: Vec<(String, u64)>,
    /// The browsers and bots with the most requests.
    pub top_agents: Vec<(String, u64)>,
    /// The operating systems with the most requests.
    pub top_systems: Vec<(String, u64)>,
    /// The virtual hosts with the most requests.
    pub top_hosts: Vec<(String, u64)>,
}

/// What happened in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hour {
    /// Its first minute.
    pub start: Instant,
    /// Requests.
    pub requests: u64,
    /// Responses with a status from 400 to 599.
    pub errors: u64,
}

/// What happened on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day {
    /// Its date.
    pub day: String,
    /// Requests.
    pub requests: u64,
    /// Responses with a status from 400 to 599.
    pub errors: u64,
}

/// Reports on a range, with lists of `top` rows, by the days and hours of the time zone that
/// the batch layer was told.
///
/// # Errors
/// [`QueryError::Question`] if the lists would be longer than [`MAX_TOP`].
pub fn report(stores: &Stores<'_>, range: Range, top: usize) -> Result<Report, QueryError> {
    let publication = stores.index.published()?;
    let zone = publication.and_then(|publication| publication.timezone());
    report_in(stores, range, top, &zone.unwrap_or_default())
}

/// The same by the days and hours of a time zone.
///
/// # Errors
/// As [`report`].
pub fn report_in(
    stores: &Stores<'_>,
    range: Range,
    top: usize,
    zone: &Zone,
) -> Result<Report, QueryError> {
    if !(1..=MAX_TOP).contains(&top) {
        return Err(QueryError::Question(format!("a list has 1 to {MAX_TOP} rows, not {top}")));
    }
    consistently(stores, |reader| {
        let minutes = Minutes::read(reader, range, top, zone)?;
        Writer::read(stores, reader, range)?.write(top, minutes)
    })
}
