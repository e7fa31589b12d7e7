//! Reads logs, parses every line, and says as JSON what is in them: nothing else, so that
//! `cargo xtask bench parse` times that on one thread.
//!
//! ```text
//! parse_log FORMAT FILE
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read};

use memchr::{memchr_iter, memrchr};
use serde::Serialize;
use twofold_data::format::{Format, Parser};
use twofold_data::request::Line;

/// So many bytes are read at once, or more where a line is longer.
const BLOCK: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (format, path) = arguments.next().zip(arguments.next()).ok_or("parse_log FORMAT FILE")?;
    let format = Format::named(&format).ok_or_else(|| format!("no format is called `{format}`"))?;
    let mut parser = Parser::new(&format);
    let mut seen = Seen { statuses: vec![0; 1000], ..Seen::default() };
    let mut log = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
    each_record(&mut log, |record| seen.add(&parser.parse(record)))?;
    println!("{}", serde_json::to_string(&seen.answers())?);
    Ok(())
}

/// Calls for each record: the bytes before `\n`, or before the end.
fn each_record(log: &mut impl Read, mut then: impl FnMut(&[u8])) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    loop {
        let read = log.read(&mut block[filled..])?;
        filled += read;
        let whole = memrchr(b'\n', &block[..filled]).map_or(0, |newline| newline + 1);
        let mut start = 0;
        for newline in memchr_iter(b'\n', &block[..whole]) {
            then(&block[start..newline]);
            start = newline + 1;
        }
        block.copy_within(whole..filled, 0);
        filled -= whole;
        if read == 0 {
            break;
        }
        if filled == block.len() {
            block.resize(2 * filled, 0);
        }
    }
    if filled > 0 {
        then(&block[..filled]);
    }
    Ok(())
}

/// What was counted.
#[derive(Default)]
struct Seen {
    requests: u64,
    malformed: u64,
    bytes: u64,
    statuses: Vec<u64>,
    /// So few that they are looked through.
    methods: Vec<(String, u64)>,
}

impl Seen {
    fn add(&mut self, line: &Line<'_>) {
        let request = match line {
            Line::Request(request) => request,
            Line::Malformed(_) => return self.malformed += 1,
            Line::Blank => return,
        };
        self.requests += 1;
        self.bytes += request.bytes.unwrap_or(0);
        self.statuses[usize::from(request.status)] += 1;
        let Some(method) = request.method() else { return };
        match self.methods.iter_mut().find(|(known, _)| known == method) {
            Some((_, count)) => *count += 1,
            None => self.methods.push((method.to_owned(), 1)),
        }
    }

    /// Under the names that the generator's answers have.
    fn answers(self) -> Answers {
        let status = self.statuses.into_iter().enumerate().filter(|(_, count)| *count > 0);
        Answers {
            requests: self.requests,
            malformed: self.malformed,
            bytes: self.bytes,
            status: status.collect(),
            methods: self.methods.into_iter().collect(),
        }
    }
}

#[derive(Serialize)]
struct Answers {
    requests: u64,
    malformed: u64,
    bytes: u64,
    status: BTreeMap<usize, u64>,
    methods: BTreeMap<String, u64>,
}
