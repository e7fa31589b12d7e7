//! What would be read, for the command line: the list, the total, the first lines.

use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::head;
use super::options::FileOptions;
use super::places::{self, advice};
use super::text::{Compression, Counter, Found, Text};
use crate::source::SourceError;

/// A file that would be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Where it is.
    pub path: PathBuf,
    /// Its bytes on disk, as [`super::FileSource::counter`] counts them.
    pub disk_bytes: u64,
    /// How it is stored.
    pub compression: Compression,
}

/// The files that `options` name now, oldest first. Standard input is not among them.
///
/// # Errors
/// Where a source is not there, matches nothing, or is a file that can't be read.
pub fn plan(options: &FileOptions) -> Result<Vec<Planned>, SourceError> {
    let mut problems = Vec::new();
    let places = places::find(&options.sources, options.rotated, &mut problems);
    if let Some((path, reason)) = problems.into_iter().next() {
        return Err(SourceError::Input { path, reason });
    }
    let mut planned = Vec::with_capacity(places.len());
    for place in places {
        match head::open(&place.path) {
            Ok((_, compression)) => {
                let disk_bytes = place.stat.size;
                planned.push(Planned { path: place.path, disk_bytes, compression });
            }
            Err(error) if is_named(options, &place.path) => {
                return Err(SourceError::Input { path: place.path, reason: advice(&error) });
            }
            Err(_) => {}
        }
    }
    Ok(planned)
}

fn is_named(options: &FileOptions, path: &Path) -> bool {
    options.sources.iter().any(|source| Path::new(source) == path)
}

/// The first lines of one file, without their `\n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstLines {
    /// The file.
    pub path: PathBuf,
    /// Its first lines.
    pub lines: Vec<Vec<u8>>,
}

/// So much of each file is looked at for its first lines.
const LOOKED_AT: usize = 1 << 20;

/// The first `count` lines of each file, by which formats are told; files that
/// can't be read are left out, reading them will say why.
pub fn first_lines(planned: &[Planned], count: usize) -> Vec<FirstLines> {
    let read = planned.iter().filter_map(|file| {
        let start = start_of(&file.path).ok()?;
        Some(FirstLines { path: file.path.clone(), lines: lines_of(&start, count) })
    });
    read.collect()
}

fn lines_of(start: &[u8], count: usize) -> Vec<Vec<u8>> {
    let whole = start.strip_suffix(b"\n").unwrap_or(start);
    let lines = whole.split(|byte| *byte == b'\n').take(count).map(<[u8]>::to_vec);
    if whole.is_empty() { Vec::new() } else { lines.collect() }
}

fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let (file, compression) = head::open(path)?;
    let mut text = Text::new(file, compression, Counter::default())?;
    let mut start = vec![0; LOOKED_AT];
    let mut filled = 0;
    while let Found::Bytes(count) = text.read(&mut start[filled..])? {
        filled += count;
    }
    start.truncate(filled);
    Ok(start)
}

/// A stream whose first bytes have been looked at, and which still delivers them.
pub struct Peeked {
    /// The first lines, without their `\n`.
    pub lines: Vec<Vec<u8>>,
    /// All of the stream.
    pub stream: Box<dyn Read + Send>,
}

/// Looks at the first `count` lines of standard input; waits for at least one
/// read, and not for more than the writer has written.
///
/// # Errors
/// Of the stream.
pub fn peek(mut stream: Box<dyn Read + Send>, count: usize) -> io::Result<Peeked> {
    let mut start = vec![0; LOOKED_AT];
    let mut filled = 0;
    while filled < start.len() && !start[..filled].contains(&b'\n') {
        match stream.read(&mut start[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    start.truncate(filled);
    let lines = lines_of(&start, count);
    Ok(Peeked { lines, stream: Box::new(Cursor::new(start).chain(stream)) })
}
