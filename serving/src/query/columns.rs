//! A series column by column: a tenth of the text, and what charts want.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use twofold_data::view::MEASURES;

use super::{Point, Range, Series, Stamp};

/// A series that is written column by column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Columns {
    /// The generation and boundary it was read through.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The range, cut to what is stored; `None` where that is nothing.
    pub range: Option<Range>,
    /// The length of a step in minutes.
    pub step: i64,
    /// One list for each name, all of one length: `at` (seconds since the Unix epoch), `exact` (0 or
    /// 1), the measures, and what else was asked for.
    pub columns: Points,
}

/// The points of a series, which are written column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    points: Vec<Point>,
    /// The measures that are told.
    measures: &'static [&'static str],
}

impl Columns {
    /// The columns of a series.
    pub fn of(series: Series) -> Self {
        let Series { stamp, range, step, points } = series;
        Self { stamp, range, step, columns: Points { points, measures: &[] } }
    }

    /// The columns of a series that counts nothing but `measures`.
    pub fn only(series: Series, measures: &'static [&'static str]) -> Self {
        let mut columns = Self::of(series);
        columns.columns.measures = measures;
        columns
    }
}

/// The classes of status that have a column; there is hardly a request of another one.
const CLASSES: [(&str, usize); 5] =
    [("status_1xx", 1), ("status_2xx", 2), ("status_3xx", 3), ("status_4xx", 4), ("status_5xx", 5)];

impl Serialize for Points {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let points = self.points.as_slice();
        map.serialize_entry("at", &List(points, |point: &Point| point.start.0.0 * 60))?;
        map.serialize_entry("exact", &List(points, |point: &Point| i64::from(point.exact)))?;
        map.serialize_entry("minutes", &List(points, |point: &Point| point.minutes))?;
        for (at, measure) in MEASURES.iter().enumerate() {
            if self.measures.is_empty() || self.measures.contains(&measure.name) {
                map.serialize_entry(
                    measure.name,
                    &List(points, |point: &Point| point.measures.0.0[at]),
                )?;
            }
        }
        if points.iter().any(|point| point.missed > 0) {
            map.serialize_entry("missed", &List(points, |point: &Point| point.missed))?;
        }
        if points.iter().any(|point| point.classes.is_some()) {
            for (name, class) in CLASSES {
                let count = |point: &Point| point.classes.map_or(0, |classes| classes[class]);
                map.serialize_entry(name, &List(points, count))?;
            }
        }
        map.end()
    }
}

/// One value of each point.
struct List<'a, F>(&'a [Point], F);

impl<T: Serialize, F: Fn(&Point) -> T> Serialize for List<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}
