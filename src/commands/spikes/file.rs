//! Anyone's series: each point with its score, then the spikes. In memory that does not
//! grow with the file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use twofold_data::spike::table::{Observation, SAMPLE, Table};
use twofold_data::spike::{Change, Point, Spike, Verdict, Watch};

use crate::cli::Spikes;

/// Judges every row of the file at `path`, in its order.
pub fn run(path: &str, arguments: &Spikes) -> anyhow::Result<ExitCode> {
    let mut input = open(path)?;
    let sample = sample(&mut *input).with_context(|| format!("cannot read {path}"))?;
    let table = Table::new(&sample, arguments.time.as_deref(), arguments.value.as_deref())
        .with_context(|| format!("{path} is no series"))?;
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut printer: Box<dyn Printer> =
        if arguments.json { Box::new(Json { out, first: true }) } else { Box::new(Text { out }) };
    printer.begin(&table)?;
    let (spikes, order) = judge(table, sample, &mut *input, &mut *printer)
        .with_context(|| format!("cannot read {path}"))?;
    printer.end(&spikes)?;
    if let Some(warning) = order.warning(path) {
        eprintln!("{warning}");
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &str) -> anyhow::Result<Box<dyn BufRead>> {
    if path == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot read {path}"))?;
    Ok(Box::new(BufReader::with_capacity(1 << 18, file)))
}

fn sample(input: &mut dyn BufRead) -> io::Result<Vec<String>> {
    let mut lines = Vec::with_capacity(SAMPLE);
    let mut line = Vec::new();
    while lines.len() < SAMPLE && next(input, &mut line)? {
        lines.push(String::from_utf8_lossy(&line).into_owned());
    }
    if let Some(first) = lines.first_mut().filter(|first| first.starts_with('\u{feff}')) {
        first.remove(0);
    }
    Ok(lines)
}

/// Reads the next line, of any bytes. False at the end.
fn next(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(input.read_until(b'\n', line)? > 0)
}

fn judge(
    mut table: Table,
    sample: Vec<String>,
    input: &mut dyn BufRead,
    printer: &mut dyn Printer,
) -> anyhow::Result<(Vec<Spike>, Order)> {
    let mut watch = Watch::new(table.step());
    let mut spikes: Vec<Spike> = Vec::new();
    let mut order = Order::default();
    let mut row = |number: usize, line: &str| -> anyhow::Result<()> {
        let Some(seen) = table.row(number, line) else { return Ok(()) };
        order.add(number, seen.at);
        let (verdict, change) = match seen.value {
            Some(value) => watch.push(&Point::whole(seen.at, value), None),
            None => (Verdict::default(), None),
        };
        match change {
            Some(Change::Opened(spike)) => spikes.push(spike),
            Some(Change::Grown(spike) | Change::Closed(spike)) => {
                if let Some(last) = spikes.last_mut() {
                    *last = spike;
                }
            }
            None => {}
        }
        Ok(printer.point(&seen, &verdict, watch.open().is_some())?)
    };
    let count = sample.len();
    for (number, line) in sample.iter().enumerate() {
        row(number, line)?;
    }
    drop(sample);
    let mut line = Vec::new();
    for number in count.. {
        if !next(input, &mut line)? {
            break;
        }
        row(number, &String::from_utf8_lossy(&line))?;
    }
    Ok((spikes, order))
}

/// Whether each row is later than the one before it: rows are judged as they come.
#[derive(Default)]
struct Order {
    last: Option<i64>,
    /// How many are not, and the line of the first of these.
    wrong: usize,
    first: usize,
}

impl Order {
    fn add(&mut self, number: usize, at: i64) {
        if self.last.replace(at).is_some_and(|last| at <= last) {
            self.wrong += 1;
            if self.wrong == 1 {
                self.first = number + 1;
            }
        }
    }

    fn warning(&self, path: &str) -> Option<String> {
        let (wrong, first) = (self.wrong, self.first);
        (wrong > 0).then(|| {
            format!(
                "{path}: {wrong} rows are not later than the row before them, the first in line {first}: scores mean \
                 something only where rows are sorted by time, with one row a step"
            )
        })
    }
}

/// Where points and spikes go.
trait Printer {
    fn begin(&mut self, table: &Table) -> io::Result<()>;
    fn point(&mut self, seen: &Observation<'_>, verdict: &Verdict, spike: bool) -> io::Result<()>;
    fn end(&mut self, spikes: &[Spike]) -> io::Result<()>;
}

/// CSV: the points, then the spikes as comments.
struct Text<W: Write> {
    out: W,
}

impl<W: Write> Printer for Text<W> {
    fn begin(&mut self, _: &Table) -> io::Result<()> {
        writeln!(self.out, "time,value,expected,score,spike")
    }

    fn point(&mut self, seen: &Observation<'_>, verdict: &Verdict, spike: bool) -> io::Result<()> {
        let value = seen.value.map(|value| value.to_string()).unwrap_or_default();
        let time = if seen.time.is_empty() { written(seen.at) } else { cell(seen.time) };
        let (expected, score) = (verdict.expected, verdict.score);
        writeln!(self.out, "{time},{value},{expected:.2},{score:.4},{}", u8::from(spike))
    }

    fn end(&mut self, spikes: &[Spike]) -> io::Result<()> {
        writeln!(self.out, "# {} spikes", spikes.len())?;
        for spike in spikes {
            let open = if spike.closed { "" } else { ", still going on" };
            writeln!(
                self.out,
                "# {} to {}{open}: {:.1} where {:.1} was expected ({}, {}, score {:.3})",
                written(spike.start),
                written(spike.end),
                spike.observed,
                spike.expected,
                spike.direction.name(),
                spike.severity.name(),
                spike.score,
            )?;
        }
        self.out.flush()
    }
}

/// One JSON document, written as it comes.
struct Json<W: Write> {
    out: W,
    first: bool,
}

/// A point in JSON.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    time: &'a str,
    at: i64,
    value: Option<f64>,
    expected: f64,
    score: f64,
    spike: bool,
}

impl<W: Write> Printer for Json<W> {
    fn begin(&mut self, table: &Table) -> io::Result<()> {
        let columns = table.columns();
        let head = json!({
            "time_column": columns.time_name(),
            "value_column": columns.value_name(),
            "step_seconds": table.step(),
        });
        let head = head.to_string();
        write!(self.out, "{},\n\"points\":[", head.trim_end_matches('}'))
    }

    fn point(&mut self, seen: &Observation<'_>, verdict: &Verdict, spike: bool) -> io::Result<()> {
        let Verdict { expected, score, .. } = *verdict;
        let point =
            Judged { time: seen.time, at: seen.at, value: seen.value, expected, score, spike };
        self.out.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut self.out, &point).map_err(io::Error::from)
    }

    fn end(&mut self, spikes: &[Spike]) -> io::Result<()> {
        write!(self.out, "\n],\n\"spikes\":")?;
        let spikes: Vec<_> = spikes.iter().map(described).collect();
        serde_json::to_writer_pretty(&mut self.out, &spikes).map_err(io::Error::from)?;
        writeln!(self.out, "}}")?;
        self.out.flush()
    }
}

/// A spike in JSON, with its times as people read them.
fn described(spike: &Spike) -> serde_json::Value {
    let mut value = json!(spike);
    value["from"] = json!(written(spike.start));
    value["to"] = json!(written(spike.end));
    value
}

/// `2026-11-23T18:04:00Z`.
fn written(at: i64) -> String {
    jiff::Timestamp::from_second(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// A time as it was written, without what would break a line of CSV or a terminal.
fn cell(time: &str) -> String {
    time.chars().filter(|c| !c.is_control() && !['"', ','].contains(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_out_of_order_are_told() {
        let told = |times: &[i64]| {
            let mut order = Order::default();
            times.iter().enumerate().for_each(|(number, at)| order.add(number, *at));
            order.warning("a.csv")
        };
        assert_eq!(told(&[60, 120, 240]), None);
        let warning = told(&[60, 120, 120, 60, 180]).unwrap_or_default();
        assert!(warning.starts_with("a.csv: 2 rows"), "{warning}");
        assert!(warning.contains("in line 3"), "{warning}");
    }
}
