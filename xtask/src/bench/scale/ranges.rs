//! How long an answer takes, as the range that is asked of grows.

use std::time::Instant;

use super::{Chart, Scale, Series};
use crate::bench::job::api::{Latencies, START, Server};
use crate::bench::log::generate;
use crate::bench::machine;
use crate::run;

/// The log's days, and how many lines they have together.
const DAYS: u64 = 30;
const LINES: u64 = 2_000_000;

/// What is asked, without its range.
const QUESTIONS: [(&str, &str); 4] = [
    ("totals", "totals?"),
    ("top pages", "top/pages?n=10&"),
    ("series", "series?step=auto&split=true&columns=true&"),
    ("404s, all about them", "slice?status=404&step=auto&n=10&"),
];

/// The ranges, in hours and in the API's words.
const RANGES: [(f64, &str); 6] =
    [(0.25, "15m"), (1.0, "1h"), (6.0, "6h"), (24.0, "24h"), (168.0, "7d"), (720.0, "30d")];

/// Each question alone, for each range.
pub struct Ranges;

impl Scale for Ranges {
    fn name(&self) -> &'static str {
        "api-range"
    }

    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String> {
        let folder = run::scratch("bench/ranges")?;
        let days = DAYS.to_string();
        let log = folder.join("access.log");
        generate("demo", LINES, &["--start", START, "--days", &days], &log)?;
        let server = Server::start(&folder)?;
        server.wait_for(LINES)?;
        let series = QUESTIONS.map(|(name, question)| {
            let points =
                RANGES.map(|(hours, range)| Ok((hours, first_answer(&server, question, range)?)));
            let points = points.into_iter().collect::<Result<_, String>>()?;
            Ok(Series { name: name.to_owned(), points })
        });
        let chart = Chart {
            title: format!("An answer that is not kept yet, {LINES} lines in {DAYS} days"),
            across: "hours asked about".into(),
            upwards: "milliseconds".into(),
            series: series.into_iter().collect::<Result<_, String>>()?,
            machine: machine::describe_with_load(),
        };
        drop(server);
        run::emptied(&folder)?;
        Ok(vec![(self.name(), chart)])
    }
}

/// The median (ms) of a few first answers: a number with other zeros before it is another question.
fn first_answer(server: &Server, question: &str, range: &str) -> Result<f64, String> {
    let mut latencies = Latencies::default();
    for number in 1..=5 {
        let asked = format!("{question}last={}{range}", "0".repeat(number));
        let from = Instant::now();
        let answer = server.ask(&asked)?;
        latencies.add(from.elapsed());
        if !answer["generation"].is_u64() {
            return Err(format!("{asked} is answered without a generation: {answer}"));
        }
    }
    Ok(latencies.at(0.5))
}
