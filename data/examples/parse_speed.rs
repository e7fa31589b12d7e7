//! How long it takes to parse and to rebuild the lines of a log, on one thread.
//!
//! ```text
//! python3 gen_logs.py 500k.log 500000            # or: twofold generate
//! cargo run --release -p twofold-data --example parse_speed -- 500k.log [FORMAT]
//! ```
//!
//! Without a format's name, the log's first lines decide.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use twofold_data::format::{Format, Parser, detect};
use twofold_data::request::Line;

const ROUNDS: usize = 5;

/// A source parses what it has just read, so the bytes are in the cache: a block
/// this long is touched before its clock starts.
const BLOCK_RECORDS: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: parse_speed FILE [FORMAT]")?;
    let log = std::fs::read(path)?;
    let records: Vec<&[u8]> =
        log.strip_suffix(b"\n").unwrap_or(&log).split(|b| *b == b'\n').collect();
    let format = match arguments.next() {
        Some(name) => Format::named(&name).ok_or("no format has this name")?,
        None => detect(&records[..records.len().min(1000)]).ok_or("no format fits")?.format,
    };
    println!(
        "{}: {} records, {} bytes each",
        format.name(),
        records.len(),
        log.len() / records.len()
    );
    let parse = fastest(|| parse_all(&format, &records, |_, _| ()));
    let mut exact = 0;
    let mut out = Vec::new();
    let both = fastest(|| {
        exact = 0;
        parse_all(&format, &records, |line, record| {
            if let Line::Request(request) = line {
                out.clear();
                exact += usize::from(format.rebuild(request, &mut out) && out == record);
            }
        })
    });
    let each = |time: Duration| time.as_secs_f64() * 1e9 / records.len() as f64;
    println!("parse:   {:6.1} ns per record", each(parse));
    println!("rebuild: {:6.1} ns per record, {exact} exactly", each(both.saturating_sub(parse)));
    Ok(())
}

fn parse_all<'a>(
    format: &Format,
    records: &[&'a [u8]],
    mut then: impl FnMut(&Line<'_>, &'a [u8]),
) -> Duration {
    let mut parser = Parser::new(format);
    let mut time = Duration::ZERO;
    for block in records.chunks(BLOCK_RECORDS) {
        black_box(
            block.iter().flat_map(|record| *record).map(|byte| u64::from(*byte)).sum::<u64>(),
        );
        let start = Instant::now();
        for record in block {
            then(black_box(&parser.parse(record)), record);
        }
        time += start.elapsed();
    }
    time
}

/// The fastest of some rounds: the others were disturbed.
fn fastest(mut round: impl FnMut() -> Duration) -> Duration {
    (0..ROUNDS).map(|_| round()).min().unwrap_or_default()
}
