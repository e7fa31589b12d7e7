//! What a filter admits, counted from the archive: any combination, before the boundary.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, PrimitiveArray};
use parquet::file::metadata::RowGroupMetaData;
use twofold_data::class::{Classifier, PageRules};
use twofold_data::facts::Facts;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::request::{Request, RequestLine};
use twofold_data::view::{Counts, Filter, Key, State, status_key};
use twofold_data::window::aggregate::Aggregate;
use twofold_serving::query::{Known, Range, Sliced, Slicing};

use crate::BatchError;
use crate::archive::columns::{Coded, Columns, OF_REQUESTS};
use crate::archive::groups::{may_be_within, may_hold};
use crate::archive::{Archive, File, Text, damaged};

/// Counts what the filter admits. Where the range holds more than `most` records, only its end is
/// searched, and [`Sliced::covered`] says from where on. Memory is bounded as a window's is.
///
/// # Errors
/// Of the store; [`BatchError::Damaged`] where a file doesn't read.
pub fn slice(
    archive: &Archive,
    question: &Slicing,
    rules: PageRules,
    most: u64,
) -> Result<Sliced, BatchError> {
    let corrected = serde_json::from_value(question.publication.info["corrected"].clone());
    archive.see_those(&corrected.unwrap_or_default())?;
    let (files, covered) = files(archive, question, most)?;
    let mut search = Search::new(question, covered, rules);
    if !covered.is_empty() {
        files.iter().try_for_each(|file| search.file(archive, file))?;
    }
    Ok(search.finish())
}

/// The files that have records in the range, as many as hold `most` records, newest first; and
/// the part of the range of which they hold everything.
fn files(
    archive: &Archive,
    question: &Slicing,
    most: u64,
) -> Result<(Vec<File>, Range), BatchError> {
    let range = question.range;
    let hours = Grain::Hour.start(range.from.0).0..range.to.0.0;
    let mut files = Vec::new();
    for origin in archive.origins()? {
        for file in archive.listed(&origin.partition, 0)? {
            let known = file.meta.hours.range(hours.clone());
            let records: u64 = known.clone().map(|(_, records)| records).sum();
            let last = known.last().map(|(hour, _)| *hour);
            files.extend(last.map(|last| (last, records, file)));
        }
    }
    files.sort_by_key(|(last, ..)| std::cmp::Reverse(*last));
    let (mut sum, mut covered, mut wanted) = (0u64, range, Vec::new());
    for (last, records, file) in files {
        sum = sum.saturating_add(records);
        if sum > most {
            // What follows has nothing after this one's last hour, cut to whole steps.
            let from = Grain::Hour.end(Minute(last)).0;
            let step = question.step;
            let from = (from + step - 1).div_euclid(step) * step;
            covered.from.0 = Minute(from).max(covered.from.0);
            break;
        }
        wanted.push(file);
    }
    Ok((wanted, covered))
}

struct Search<'a> {
    question: &'a Slicing,
    covered: Range,
    classifier: Classifier,
    whole: Aggregate,
    steps: BTreeMap<i64, Known>,
    /// By step of the keys' courses.
    courses: BTreeMap<i64, Aggregate>,
}

/// How many keys of a view each step of a course counts exactly: there are a few dozen steps.
const COURSE_KEYS: usize = 512;

impl<'a> Search<'a> {
    fn new(question: &'a Slicing, covered: Range, rules: PageRules) -> Self {
        let classifier = Classifier::with_rules(rules);
        let (steps, courses) = (BTreeMap::new(), BTreeMap::new());
        Self { question, covered, classifier, whole: Aggregate::default(), steps, courses }
    }

    fn file(&mut self, archive: &Archive, file: &File) -> Result<(), BatchError> {
        let name = file.meta.partition.to_string();
        let through = self.question.publication.info["offsets"][&name].as_u64().unwrap_or(0);
        let wanted = |group: &RowGroupMetaData| may_be_among(group, self.question);
        for batch in archive.read(&file.path, OF_REQUESTS, Text::Dictionary, wanted)? {
            let batch = batch?;
            let columns = Columns::of(&batch)
                .ok_or_else(|| damaged(&file.path, "its columns are not the archive's"))?;
            self.batch(&columns, through);
        }
        Ok(())
    }

    fn batch(&mut self, columns: &Columns<'_>, through: u64) {
        let Self { question, covered, classifier, whole, steps, courses } = self;
        let (from, to) = (covered.from.0.start_ms(), covered.to.0.start_ms());
        let masks = masks(columns, &question.only, classifier);
        for row in 0..columns.time.len() {
            let time = columns.time.value(row);
            let status = columns.status.value(row) as u16;
            let wanted = (from..to).contains(&time)
                && (columns.offset.value(row) as u64) < through
                && question.only.admits_status(status)
                && masks.iter().all(|mask| mask.admits(row));
            if !wanted {
                continue;
            }
            let facts = classifier.classify(&request(columns, row));
            if question.only.admits(&facts) {
                whole.fold(&facts, 0);
                let minute = Minute::of(time).0;
                if let Some(step) = question.course {
                    let course = courses.entry(minute.div_euclid(step) * step);
                    course.or_insert_with(|| Aggregate::with_cap(COURSE_KEYS)).fold(&facts, 0);
                }
                let step = minute.div_euclid(question.step);
                count(steps.entry(step).or_default(), &facts);
            }
        }
    }

    fn finish(self) -> Sliced {
        let (nobody, start) = (Partition::new("", 0), self.covered.from.0);
        let sets = self.whole.row_sets(&nobody, Grain::Day, start, 0, State::Exact);
        let covered = (!self.covered.is_empty()).then_some(self.covered);
        let of_step = |(start, step): (&i64, &Aggregate)| {
            step.row_sets(&nobody, Grain::Minute, Minute(*start), 0, State::Exact)
        };
        let courses = self.courses.iter().flat_map(of_step).map(Arc::new).collect();
        Sliced { covered, steps: self.steps, sets, courses }
    }
}

fn count(step: &mut Known, facts: &Facts<'_>) {
    step.counts += &Counts::of(facts);
    step.classify(status_key(facts.status), 1);
}

/// The request of a row.
fn request<'a>(columns: &Columns<'a>, row: usize) -> Request<'a> {
    let number =
        |column: &PrimitiveArray<Int64Type>| column.is_valid(row).then(|| column.value(row) as u64);
    Request {
        time: columns.time.value(row),
        host: text(columns.host, row),
        client: text(columns.client, row).unwrap_or_default(),
        line: request_line(text(columns.method, row), text(columns.path, row)),
        status: columns.status.value(row) as u16,
        bytes: number(columns.bytes),
        referrer: text(columns.referrer, row),
        user_agent: text(columns.user_agent, row),
        duration: number(columns.duration),
        ..NOBODY
    }
}

/// Which values of each column can be part of a request that the filter admits: a value is
/// classified once a batch, and most rows are done with a look at their codes.
fn masks<'a>(columns: &Columns<'a>, only: &Filter, classifier: &mut Classifier) -> Vec<Mask<'a>> {
    let mut masks = vec![Mask::of(columns.outcome, |text| text == Some("request"))];
    for key in only.keys.iter().map(|(key, _)| *key) {
        let one = Filter {
            keys: only.keys.iter().filter(|(known, _)| *known == key).cloned().collect(),
            ..Filter::default()
        };
        masks.extend(mask(columns, key, |request| one.admits(&classifier.classify(&request))));
    }
    if let Some(kind) = only.kind {
        masks.push(Mask::of(columns.user_agent, |text| classifier.agent(text).kind == kind));
    }
    masks
}

/// Which values of a key's column are admitted; `None` where no text tells it.
fn mask<'a>(
    columns: &Columns<'a>,
    key: Key,
    mut admits: impl FnMut(Request<'_>) -> bool,
) -> Option<Mask<'a>> {
    Some(match key {
        Key::Client => Mask::of(columns.client, |text| {
            admits(Request { client: text.unwrap_or_default(), ..NOBODY })
        }),
        Key::Page => Mask::of(columns.path, |path| {
            admits(Request { line: request_line(path.map(|_| ""), path), ..NOBODY })
        }),
        Key::Method => Mask::of(columns.method, |method| {
            admits(Request { line: request_line(method, None), ..NOBODY })
        }),
        Key::Host => Mask::of(columns.host, |host| admits(Request { host, ..NOBODY })),
        Key::Referrer => {
            Mask::of(columns.referrer, |referrer| admits(Request { referrer, ..NOBODY }))
        }
        Key::Agent | Key::Os => {
            Mask::of(columns.user_agent, |user_agent| admits(Request { user_agent, ..NOBODY }))
        }
        Key::None | Key::Status => return None,
    })
}

/// A request of which nothing is known.
const NOBODY: Request<'static> = Request {
    time: 0,
    utc_offset: 0,
    host: None,
    client: "",
    ident: None,
    user: None,
    line: RequestLine::Other(""),
    status: 0,
    bytes: None,
    referrer: None,
    user_agent: None,
    duration: None,
};

fn request_line<'a>(method: Option<&'a str>, path: Option<&'a str>) -> RequestLine<'a> {
    match method {
        Some(method) => {
            RequestLine::Http { method, target: path.unwrap_or_default(), protocol: "" }
        }
        None => RequestLine::Other(""),
    }
}

fn text<'a>(column: Coded<'a>, row: usize) -> Option<&'a str> {
    let values = column.values().as_string::<i32>();
    column.key(row).filter(|key| values.is_valid(*key)).map(|key| values.value(key))
}

/// Which codes of a column are admitted, and whether a missing value is.
struct Mask<'a> {
    column: Coded<'a>,
    codes: Vec<bool>,
    missing: bool,
}

impl<'a> Mask<'a> {
    fn of(column: Coded<'a>, mut admits: impl FnMut(Option<&str>) -> bool) -> Self {
        let values = column.values().as_string::<i32>();
        let value = |at| values.is_valid(at).then(|| values.value(at));
        let codes = (0..values.len()).map(|at| admits(value(at))).collect();
        Self { column, codes, missing: admits(None) }
    }

    fn admits(&self, row: usize) -> bool {
        match self.column.key(row) {
            Some(code) => self.codes.get(code).copied().unwrap_or(false),
            None => self.missing,
        }
    }
}

/// Whether a row group can hold a request that is wanted, as far as its statistics tell.
fn may_be_among(group: &RowGroupMetaData, question: &Slicing) -> bool {
    let (from, to) = (question.range.from.0.start_ms(), question.range.to.0.start_ms());
    let client = crate::lines::exactly(&question.only, Key::Client);
    may_be_within(group, from, to) && may_hold(group, "client", client.as_deref())
}
