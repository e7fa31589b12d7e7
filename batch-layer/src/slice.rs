//! What a filter admits, counted from the archive: any combination, before the boundary.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, TimestampMillisecondType};
use arrow_array::{Array, DictionaryArray, PrimitiveArray, RecordBatch};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;
use twofold_data::class::{Classifier, PageRules};
use twofold_data::facts::Facts;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::request::{Request, RequestLine};
use twofold_data::view::{Counts, Filter, Key, State, status_key};
use twofold_data::window::aggregate::Aggregate;
use twofold_serving::query::{Known, Range, Sliced, Slicing};

use crate::BatchError;
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
    for (origin, _) in archive.partitions()? {
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
}

impl<'a> Search<'a> {
    fn new(question: &'a Slicing, covered: Range, rules: PageRules) -> Self {
        let classifier = Classifier::with_rules(rules);
        Self { question, covered, classifier, whole: Aggregate::default(), steps: BTreeMap::new() }
    }

    fn file(&mut self, archive: &Archive, file: &File) -> Result<(), BatchError> {
        let name = file.meta.partition.to_string();
        let through = self.question.publication.info["offsets"][&name].as_u64().unwrap_or(0);
        let wanted = |group: &RowGroupMetaData| may_be_among(group, self.question);
        for batch in archive.read(&file.path, &COLUMNS, Text::Dictionary, wanted)? {
            let batch = batch?;
            let columns = Columns::of(&batch)
                .ok_or_else(|| damaged(&file.path, "its columns are not the archive's"))?;
            self.batch(&columns, through);
        }
        Ok(())
    }

    fn batch(&mut self, columns: &Columns<'_>, through: u64) {
        let Self { question, covered, classifier, whole, steps } = self;
        let (from, to) = (covered.from.0.start_ms(), covered.to.0.start_ms());
        let masks = columns.masks(&question.only, classifier);
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
            let facts = classifier.classify(&columns.request(row));
            if question.only.admits(&facts) {
                whole.fold(&facts, 0);
                let step = Minute::of(time).0.div_euclid(question.step);
                count(steps.entry(step).or_default(), &facts);
            }
        }
    }

    fn finish(self) -> Sliced {
        let (nobody, start) = (Partition::new("", 0), self.covered.from.0);
        let sets = self.whole.row_sets(&nobody, Grain::Day, start, 0, State::Exact);
        let covered = (!self.covered.is_empty()).then_some(self.covered);
        Sliced { covered, steps: self.steps, sets }
    }
}

fn count(step: &mut Known, facts: &Facts<'_>) {
    step.counts += &Counts::of(facts);
    step.classify(status_key(facts.status), 1);
}

/// The archive's columns that are read.
const COLUMNS: [&str; 12] = [
    "time",
    "offset",
    "outcome",
    "host",
    "client",
    "method",
    "path",
    "status",
    "bytes",
    "referrer",
    "user_agent",
    "duration",
];

type Coded<'a> = &'a DictionaryArray<Int32Type>;

/// A batch's columns, typed.
struct Columns<'a> {
    time: &'a PrimitiveArray<TimestampMillisecondType>,
    offset: &'a PrimitiveArray<Int64Type>,
    outcome: Coded<'a>,
    host: Coded<'a>,
    client: Coded<'a>,
    method: Coded<'a>,
    path: Coded<'a>,
    status: &'a PrimitiveArray<Int16Type>,
    bytes: &'a PrimitiveArray<Int64Type>,
    referrer: Coded<'a>,
    user_agent: Coded<'a>,
    duration: &'a PrimitiveArray<Int64Type>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Option<Self> {
        let column = |name: &str| batch.column_by_name(name).map(AsRef::as_ref);
        let text = |name: &str| column(name)?.as_dictionary_opt::<Int32Type>();
        Some(Self {
            time: column("time")?.as_primitive_opt()?,
            offset: column("offset")?.as_primitive_opt()?,
            outcome: text("outcome")?,
            host: text("host")?,
            client: text("client")?,
            method: text("method")?,
            path: text("path")?,
            status: column("status")?.as_primitive_opt()?,
            bytes: column("bytes")?.as_primitive_opt()?,
            referrer: text("referrer")?,
            user_agent: text("user_agent")?,
            duration: column("duration")?.as_primitive_opt()?,
        })
    }

    fn request(&self, row: usize) -> Request<'a> {
        let number = |column: &PrimitiveArray<Int64Type>| {
            column.is_valid(row).then(|| column.value(row) as u64)
        };
        Request {
            time: self.time.value(row),
            host: text(self.host, row),
            client: text(self.client, row).unwrap_or_default(),
            line: request_line(text(self.method, row), text(self.path, row)),
            status: self.status.value(row) as u16,
            bytes: number(self.bytes),
            referrer: text(self.referrer, row),
            user_agent: text(self.user_agent, row),
            duration: number(self.duration),
            ..NOBODY
        }
    }

    /// Which values of each column can be part of a request that the filter admits: a value is
    /// classified once a batch, and most rows are done with a look at their codes.
    fn masks(&self, only: &Filter, classifier: &mut Classifier) -> Vec<Mask<'a>> {
        let mut masks = vec![Mask::of(self.outcome, |text| text == Some("request"))];
        for key in only.keys.iter().map(|(key, _)| *key) {
            let one = Filter {
                keys: only.keys.iter().filter(|(known, _)| *known == key).cloned().collect(),
                ..Filter::default()
            };
            let mut admits = |request: Request<'_>| one.admits(&classifier.classify(&request));
            masks.push(match key {
                Key::Client => Mask::of(self.client, |text| {
                    admits(Request { client: text.unwrap_or_default(), ..NOBODY })
                }),
                Key::Page => Mask::of(self.path, |path| {
                    admits(Request { line: request_line(path.map(|_| ""), path), ..NOBODY })
                }),
                Key::Method => Mask::of(self.method, |method| {
                    admits(Request { line: request_line(method, None), ..NOBODY })
                }),
                Key::Host => Mask::of(self.host, |host| admits(Request { host, ..NOBODY })),
                Key::Referrer => {
                    Mask::of(self.referrer, |referrer| admits(Request { referrer, ..NOBODY }))
                }
                Key::Agent | Key::Os => {
                    Mask::of(self.user_agent, |user_agent| admits(Request { user_agent, ..NOBODY }))
                }
                Key::None | Key::Status => continue,
            });
        }
        if let Some(kind) = only.kind {
            masks.push(Mask::of(self.user_agent, |text| classifier.agent(text).kind == kind));
        }
        masks
    }
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
    let statistics = |name: &str| {
        let mut columns = group.columns().iter();
        columns.find(|column| column.column_path().string() == name)?.statistics()
    };
    let (from, to) = (question.range.from.0.start_ms(), question.range.to.0.start_ms());
    let in_time = match statistics("time") {
        Some(Statistics::Int64(times)) => {
            times.min_opt().is_none_or(|least| *least < to)
                && times.max_opt().is_none_or(|most| *most >= from)
        }
        _ => true,
    };
    let client = crate::lines::exactly(&question.only, Key::Client);
    in_time
        && client.is_none_or(|client| {
            let statistics = statistics("client");
            let least = statistics.and_then(Statistics::min_bytes_opt);
            let most = statistics.and_then(Statistics::max_bytes_opt);
            least.is_none_or(|least| least <= client.as_bytes())
                && most.is_none_or(|most| most >= client.as_bytes())
        })
}
