//! Which column of a table holds the time, and which the values.

use super::clock::{Unit, read};

/// What is wrong with a table.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// There is no such column.
    #[error("there is no column `{wanted}`; the table has {found}")]
    NoColumn {
        /// The column asked for.
        wanted: String,
        /// Those that are there.
        found: String,
    },
    /// No column holds numbers that could be the values.
    #[error(
        "no number is in the first lines: a series is a table with one row a step, such as `2026-11-23 18:04,127`; \
         name the columns with --time and --value"
    )]
    NoValues,
}

/// The columns of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Whether the first line names the columns.
    pub header: bool,
    /// How numbers in the time column count.
    pub unit: Unit,
    names: Vec<String>,
    separator: Option<char>,
    time: Option<usize>,
    value: usize,
}

/// Names of columns that hold times, the likeliest first.
const TIMES: [&str; 9] =
    ["timestamp", "@timestamp", "time", "datetime", "date", "ts", "ds", "minute", "timestamps"];

/// Names of columns that hold values, the likeliest first.
const VALUES: [&str; 9] =
    ["value", "values", "y", "count", "requests", "hits", "volume", "total", "n"];

/// Parts of names of columns that hold what somebody else thinks of the values.
const LABELS: [&str; 6] = ["anomal", "label", "outlier", "changepoint", "score", "class"];

impl Columns {
    /// Finds the columns in the first lines of a table.
    pub(super) fn find(
        sample: &[String],
        time: Option<&str>,
        value: Option<&str>,
    ) -> Result<Self, TableError> {
        let separator = separator(sample);
        let rows: Vec<Vec<&str>> = sample
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| cells(line, separator).collect())
            .collect();
        let first = rows.first().ok_or(TableError::NoValues)?;
        let header = !first.iter().any(|cell| number(cell).is_some() || is_time(cell));
        let names = first.iter().enumerate().map(|(index, cell)| match header {
            true => (*cell).to_owned(),
            false => (index + 1).to_string(),
        });
        let names: Vec<String> = names.collect();
        let data = &rows[usize::from(header)..];
        let named = |wanted: Option<&str>| wanted.map(|name| position(&names, name)).transpose();
        let (time, value) = (named(time)?, named(value)?);
        let time = time.or_else(|| find_time(&names, data, value));
        let value = value.or_else(|| find_value(&names, data, time)).ok_or(TableError::NoValues)?;
        let numbers = |index: usize| data.iter().find_map(|row| number(row.get(index)?));
        let unit = time.and_then(numbers).map_or(Unit::Seconds, Unit::of);
        Ok(Self { header, unit, names, separator, time, value })
    }

    /// The name of the time column, or its number from 1; `None` where there is none.
    pub fn time_name(&self) -> Option<String> {
        self.time.map(|index| self.names[index].clone())
    }

    /// The name of the value column, or its number from 1.
    pub fn value_name(&self) -> String {
        self.names[self.value].clone()
    }

    /// The time of a line, as written.
    pub(super) fn time<'a>(&self, line: &'a str) -> Option<&'a str> {
        cells(line, self.separator).nth(self.time?)
    }

    /// The value of a line.
    pub(super) fn value(&self, line: &str) -> Option<f64> {
        number(cells(line, self.separator).nth(self.value)?)
    }
}

/// The separator that most lines have; `None`: blanks.
fn separator(sample: &[String]) -> Option<char> {
    let line = sample.iter().find(|line| !line.trim().is_empty())?;
    ['\t', ';', ',', '|'].into_iter().find(|separator| line.contains(*separator))
}

/// The cells of a line, without quotes. (A quoted cell holds no quotes here: times and
/// numbers have none.)
fn cells(line: &str, separator: Option<char>) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let at = move |c: char| {
        quoted ^= c == '"';
        !quoted && separator.map_or(c == ' ', |separator| c == separator)
    };
    line.trim_end_matches(['\r', '\n'])
        .split(at)
        .map(|cell| cell.trim().trim_matches('"').trim())
        .filter(move |cell| separator.is_some() || !cell.is_empty())
}

/// A cell as a number; thousands may be parted by commas.
fn number(cell: &str) -> Option<f64> {
    let plain = cell.parse::<f64>().or_else(|_| cell.replace(',', "").parse::<f64>());
    plain.ok().filter(|number| number.is_finite())
}

fn is_time(cell: &str) -> bool {
    number(cell).is_none() && read(cell, Unit::Seconds).is_some()
}

fn position(names: &[String], wanted: &str) -> Result<usize, TableError> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let numbered = || wanted.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < names.len());
    named
        .or_else(numbered)
        .ok_or_else(|| TableError::NoColumn { wanted: wanted.to_owned(), found: names.join(", ") })
}

/// A column of dates, a column named like a time, or a first column of growing numbers beside another one.
fn find_time(names: &[String], data: &[Vec<&str>], value: Option<usize>) -> Option<usize> {
    let free = |index: &usize| Some(*index) != value;
    let dates =
        |index: &usize| data.iter().any(|row| row.get(*index).is_some_and(|cell| is_time(cell)));
    let named = || known(names, &TIMES, &free);
    let growing = |index: &usize| {
        let column: Vec<f64> = data.iter().filter_map(|row| number(row.get(*index)?)).collect();
        column.len() > 1 && column.windows(2).all(|pair| pair[0] < pair[1])
    };
    (0..names.len())
        .filter(free)
        .find(dates)
        .or_else(named)
        .or_else(|| Some(0).filter(|first| names.len() > 1 && free(first) && growing(first)))
}

/// A column named like values, else the first one with numbers that is no label.
fn find_value(names: &[String], data: &[Vec<&str>], time: Option<usize>) -> Option<usize> {
    let numbers = |index: &usize| {
        Some(*index) != time
            && data.iter().any(|row| row.get(*index).and_then(|cell| number(cell)).is_some())
    };
    let label = |index: &usize| {
        let name = names[*index].to_ascii_lowercase();
        LABELS.iter().any(|label| name.contains(label))
    };
    known(names, &VALUES, &numbers)
        .or_else(|| (0..names.len()).filter(numbers).find(|index| !label(index)))
        .or_else(|| (0..names.len()).find(numbers))
}

/// The column with the likeliest name of those that `fits` admits.
fn known(names: &[String], likely: &[&str], fits: &impl Fn(&usize) -> bool) -> Option<usize> {
    likely.iter().find_map(|wanted| {
        (0..names.len()).filter(fits).find(|index| names[*index].eq_ignore_ascii_case(wanted))
    })
}
