//! Anybody's series: a table of lines, in which columns of times and of values are found.

mod clock;
mod columns;

pub use clock::Unit;
pub use columns::{Columns, TableError};

/// How many lines are looked at to find out what a table is like.
pub const SAMPLE: usize = 256;

/// Seconds between two rows that carry no time. Whoever numbers the rows of a series of requests
/// mostly has hours (Yahoo's S5 does); a season that isn't there gets no weight.
const HOUR: i64 = 3600;

/// One row of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation<'a> {
    /// The time as written; the number of the row where there is none.
    pub time: &'a str,
    /// Seconds since the Unix epoch.
    pub at: i64,
    /// The value; `None` where there is no number.
    pub value: Option<f64>,
}

/// Reads the rows of one series.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Columns,
    step: i64,
    row: i64,
    last: Option<i64>,
}

impl Table {
    /// The table that begins with these lines (all, or the first [`SAMPLE`] of them). Columns are
    /// given by name or by number from 1; without, they are found.
    ///
    /// # Errors
    /// Where the columns aren't there, or nothing in the table is a number.
    pub fn new(
        sample: &[String],
        time: Option<&str>,
        value: Option<&str>,
    ) -> Result<Self, TableError> {
        let columns = Columns::find(sample, time, value)?;
        let mut table = Self { columns, step: HOUR, row: 0, last: None };
        table.step = table.sampled_step(sample);
        Ok(table)
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Seconds between two rows: the median of the sample.
    pub fn step(&self) -> i64 {
        self.step
    }

    /// The row of a line; `None` for the header and for a blank line. Where a time can't be
    /// read, the row is taken to follow the one before it.
    pub fn row<'a>(&mut self, number: usize, line: &'a str) -> Option<Observation<'a>> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() || (number == 0 && self.columns.header) {
            return None;
        }
        let following = self.last.map_or(0, |last| last + self.step);
        let written = self.columns.time(line);
        let (time, at) = match (written, self.columns.unit) {
            (Some(text), Unit::Index) => (text, Some(following)),
            (Some(text), unit) => (text, clock::read(text, unit)),
            (None, _) => ("", Some(following)),
        };
        let at = at.unwrap_or(following);
        (self.row, self.last) = (self.row + 1, Some(at));
        Some(Observation { time, at, value: self.columns.value(line) })
    }

    fn sampled_step(&self, sample: &[String]) -> i64 {
        let mut reader = self.clone();
        let rows = sample.iter().enumerate().filter_map(|(number, line)| reader.row(number, line));
        let times: Vec<i64> = rows.map(|row| row.at).collect();
        let mut steps: Vec<i64> =
            times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(HOUR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Table, Vec<(i64, Option<f64>)>) {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut table = Table::new(&lines, None, None).unwrap();
        let rows = lines
            .iter()
            .enumerate()
            .filter_map(|(number, line)| table.row(number, line).map(|row| (row.at, row.value)));
        let rows = rows.collect();
        (table, rows)
    }

    #[test]
    fn columns_and_step_are_found() {
        let (table, rows) = read(
            "timestamp,value\n2014-04-01 00:00:00,20.5\n2014-04-01 00:05:00,-3\n\
             2014-04-01 00:10:00,\n2014-04-01 00:20:00,7\n",
        );
        assert_eq!((table.step(), table.columns().value_name()), (300, "value".to_owned()));
        let values: Vec<_> = rows.iter().map(|row| row.1).collect();
        assert_eq!(values, [Some(20.5), Some(-3.0), None, Some(7.0)]);
        assert_eq!(rows[3].0 - rows[0].0, 1200);
    }

    #[test]
    fn a_label_is_not_taken_for_the_value() {
        let (table, rows) = read("is_anomaly;ts;requests\n0;1400000000;12\n1;1400000060;99\n");
        assert_eq!(table.columns().value_name(), "requests");
        assert_eq!(rows, [(1_400_000_000, Some(12.0)), (1_400_000_060, Some(99.0))]);
    }

    #[test]
    fn a_table_needs_neither_header_nor_time() {
        let (table, rows) = read("5\n6\n7\n");
        assert_eq!(table.step(), 3600);
        assert_eq!(rows, [(0, Some(5.0)), (3600, Some(6.0)), (7200, Some(7.0))]);
        let (table, rows) = read("1 10\n2 11\n3 12\n");
        assert_eq!((table.step(), rows[2]), (3600, (7200, Some(12.0))));
        let (table, rows) = read("1400000000000\t5\n1400000001000\t6\n");
        assert_eq!((table.step(), rows[1]), (1, (1_400_000_001, Some(6.0))));
    }

    #[test]
    fn quotes_and_thousands_are_understood() {
        let (_, rows) = read("\"time\",\"n\"\n\"2014-04-01\",\"1,234\"\n\"2014-04-02\",\"7\"\n");
        assert_eq!(rows, [(1_396_310_400, Some(1234.0)), (1_396_396_800, Some(7.0))]);
    }

    #[test]
    fn a_missing_column_is_named() {
        let lines = ["a,b".to_owned(), "1,2".to_owned()];
        let error = Table::new(&lines, Some("when"), None).unwrap_err().to_string();
        assert!(error.contains("`when`") && error.contains("a, b"), "{error}");
        let error = Table::new(&["x,y".to_owned()], None, None).unwrap_err().to_string();
        assert!(error.contains("no number"), "{error}");
    }
}
