//! What is read and in which format, for every command that reads a source.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use twofold_data::format::{Detection, Format, detect};
use twofold_speed::source::file::{FileOptions, FileSource, first_lines, peek, plan};
use twofold_speed::source::{Mode, Positions, Source, SourceError};

use crate::config::Config;
use crate::place::Store;

/// How many lines of each file tell the format.
const SAMPLE: usize = 200;

/// A source that is ready to be opened.
pub struct Prepared {
    /// What is read.
    pub options: FileOptions,
    /// The format of its records.
    pub format: Format,
    /// Why it is this format, where that was not configured.
    pub detection: Option<Detection>,
    /// Bytes on disk, where the source is files.
    pub bytes: Option<u64>,
    /// Standard input, where that is (part of) the source.
    pub stdin: Option<Box<dyn Read + Send>>,
}

impl Prepared {
    /// Opens the source; standard input once only.
    ///
    /// # Errors
    /// Where a file or the registry can't be read.
    pub fn open(&mut self, store: &Store, positions: Positions) -> Result<FileSource, SourceError> {
        let (options, store) = (self.options.clone(), Arc::clone(store));
        match self.stdin.take() {
            Some(stdin) => FileSource::with_stdin(options, store, positions, stdin),
            None => FileSource::open(options, store, positions),
        }
    }

    /// The same, for who doesn't care what kind of source it is.
    ///
    /// # Errors
    /// Where a file or the registry can't be read.
    pub fn open_boxed(
        &mut self,
        store: &Store,
        positions: Positions,
    ) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(self.open(store, positions)?))
    }
}

/// The configured format; `None` for `auto`.
pub fn format(config: &Config) -> anyhow::Result<Option<Format>> {
    Ok(config.format.format()?)
}

/// Finds the files and the format. Where nothing is there yet and the source is
/// followed, waits for the first lines.
pub fn prepare(config: &Config, to_end: bool) -> anyhow::Result<Prepared> {
    let mode = if to_end { Mode::ToEnd } else { Mode::Follow };
    let mut options = FileOptions::new(config.source.paths.clone(), mode);
    if !config.source.topic.is_empty() {
        options.topic = twofold_speed::source::file::topic(&config.source.topic);
    }
    let mut stdin: Option<Box<dyn Read + Send>> = None;
    let mut sample = Vec::new();
    if options.sources.iter().any(|source| source == "-") {
        let peeked =
            peek(Box::new(std::io::stdin()), SAMPLE).context("cannot read standard input")?;
        sample.extend(peeked.lines);
        stdin = Some(peeked.stream);
    }
    let bytes = stdin.is_none().then(|| total(&options)).transpose()?.flatten();
    let configured = format(config)?;
    let (format, detection) = match configured {
        Some(format) => (format, None),
        None => {
            let detection = detected(&options, sample)?;
            (config.format.complete(detection.format.clone())?, Some(detection))
        }
    };
    Ok(Prepared { options, format, detection, bytes, stdin })
}

/// What is to be read; nothing is known where a followed file is not there yet.
fn total(options: &FileOptions) -> anyhow::Result<Option<u64>> {
    match plan(options) {
        Ok(files) => Ok(Some(files.iter().map(|file| file.disk_bytes).sum())),
        Err(_) if options.mode == Mode::Follow => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn detected(options: &FileOptions, mut sample: Vec<Vec<u8>>) -> anyhow::Result<Detection> {
    let mut told = false;
    loop {
        let files = plan(options).unwrap_or_default();
        sample.extend(first_lines(&files, SAMPLE).into_iter().flat_map(|first| first.lines));
        let lines: Vec<&[u8]> = sample.iter().map(Vec::as_slice).collect();
        if let Some(detection) = detect(&lines) {
            return Ok(detection);
        }
        let blank = lines.iter().all(|line| line.trim_ascii().is_empty());
        if options.mode == Mode::ToEnd || !blank {
            return unknown(options, &lines);
        }
        if !std::mem::replace(&mut told, true) {
            eprintln!("waiting for the first lines of {}", options.sources.join(", "));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// An empty log has no format, and any will do; lines that no format reads are an error.
fn unknown(options: &FileOptions, lines: &[&[u8]]) -> anyhow::Result<Detection> {
    let line = lines.iter().find(|line| !line.trim_ascii().is_empty());
    if let Some(line) = line {
        let line: String = String::from_utf8_lossy(line).chars().take(200).collect();
        anyhow::bail!(
            "no known format reads the first lines of {}, such as {line:?}; name one with --format \
             (one of {}), or map the fields of JSON lines in [format.fields]",
            options.sources.join(", "),
            Format::NAMES.join(", ")
        );
    }
    let format = Format::named("combined").context("the format `combined` is built in")?;
    Ok(Detection { format, matched: 0, of: 0, trailing: 0, runner_up: None })
}
