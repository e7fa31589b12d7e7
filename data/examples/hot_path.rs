//! The hot paths of a record, each in a function of its own, so that `cargo xtask instructions` can
//! count what the processor does in it.
//!
//! ```text
//! hot_path parse|classify|fold
//! ```

use std::error::Error;
use std::hint::black_box;

use twofold_data::class::Classifier;
use twofold_data::format::{Format, Parser};
use twofold_data::generate::{Profile, Traffic};
use twofold_data::request::{Line, Request};
use twofold_data::window::Aggregate;

/// As many as a busy minute has.
const LINES: u64 = 20_000;

const SEED: u64 = 1;

fn main() -> Result<(), Box<dyn Error>> {
    let mut log = Vec::new();
    Traffic::new(Profile::bench(), 0, SEED).write(1, LINES, &mut log, |_| ())?;
    let records: Vec<&[u8]> = log.trim_ascii_end().split(|byte| *byte == b'\n').collect();
    let format = Format::named("combined").ok_or("the format is gone")?;
    let mut parser = Parser::new(&format);
    match std::env::args().nth(1).as_deref() {
        Some("parse") => parse(&mut parser, &records),
        Some("fold") => {
            let mut classifier = Classifier::new();
            learn(&mut parser, &mut classifier, &records);
            fold(&mut parser, &mut classifier, &records);
        }
        Some("classify") => {
            let mut classifier = Classifier::new();
            learn(&mut parser, &mut classifier, &records);
            classify_all(&mut parser, &mut classifier, &records);
        }
        _ => return Err("hot_path parse|classify|fold".into()),
    }
    println!("{} records", records.len());
    Ok(())
}

/// From bytes to requests.
#[inline(never)]
fn parse(parser: &mut Parser, records: &[&[u8]]) {
    for record in records {
        black_box(&parser.parse(record));
    }
}

/// User agents are looked up once, and then remembered.
#[inline(never)]
fn learn(parser: &mut Parser, classifier: &mut Classifier, records: &[&[u8]]) {
    for record in records {
        if let Line::Request(request) = parser.parse(record) {
            black_box(classifier.agent(request.user_agent));
        }
    }
}

fn classify_all(parser: &mut Parser, classifier: &mut Classifier, records: &[&[u8]]) {
    for record in records {
        if let Line::Request(request) = parser.parse(record) {
            classify(classifier, &request);
        }
    }
}

/// From a request to its facts.
#[inline(never)]
fn classify(classifier: &mut Classifier, request: &Request<'_>) {
    black_box(&classifier.classify(request));
}

/// From bytes to the sums of a window: parse, classify, fold.
#[inline(never)]
fn fold(parser: &mut Parser, classifier: &mut Classifier, records: &[&[u8]]) {
    let mut window = Aggregate::default();
    for (record, hash) in records.iter().zip(0..) {
        match parser.parse(record) {
            Line::Request(request) => window.fold(&classifier.classify(&request), hash),
            Line::Malformed(_) => window.malformed(hash),
            Line::Blank => window.blank(hash),
        }
    }
    black_box(&window);
}
