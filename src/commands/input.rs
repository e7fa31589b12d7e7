//! What is read and in which format, for every command that reads a source.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use twofold_data::format::{Detection, Format, detect};
use twofold_speed::source::file::{FileOptions, FileSource, first_lines, peek, plan};
use twofold_speed::source::kafka::{KafkaOptions, KafkaSource, Topics, first_records};
use twofold_speed::source::{Mode, Positions, Source, SourceError};

use super::stop;
use crate::config::Config;
use crate::place::Store;

/// How many lines of each file, or records of a topic, tell the format.
const SAMPLE: usize = 200;

/// Who reads a topic: each is a consumer group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The speed layer.
    Speed,
    /// The archiver.
    Archive,
}

impl Role {
    fn group(self, config: &Config) -> String {
        let role = match self {
            Self::Speed => "speed",
            Self::Archive => "archive",
        };
        format!("{}-{role}", config.source.group)
    }
}

/// What is read.
pub enum Input {
    /// Files, and standard input where that is (part of) them.
    Files(FileOptions, Option<Box<dyn Read + Send>>),
    /// Topics.
    Kafka(KafkaOptions),
}

/// A source that is ready to be opened.
pub struct Prepared {
    /// What is read.
    pub input: Input,
    /// The format of its records.
    pub format: Format,
    /// Why it is this format, where that was not configured.
    pub detection: Option<Detection>,
    /// Bytes on disk, where the source is files.
    pub bytes: Option<u64>,
}

impl Prepared {
    /// Opens the source; standard input once only.
    ///
    /// # Errors
    /// Where a file or the registry can't be read, or the brokers don't answer.
    pub fn open(
        &mut self,
        store: &Store,
        positions: Positions,
    ) -> Result<Box<dyn Source>, SourceError> {
        Ok(match &mut self.input {
            Input::Kafka(options) => Box::new(KafkaSource::open(options.clone(), positions)?),
            Input::Files(options, stdin) => {
                let (options, store) = (options.clone(), Arc::clone(store));
                Box::new(match stdin.take() {
                    Some(stdin) => FileSource::with_stdin(options, store, positions, stdin)?,
                    None => FileSource::open(options, store, positions)?,
                })
            }
        })
    }

    /// The topics, where that is what is read, for a role of its own.
    pub fn topics_for(&self, role: Role, config: &Config) -> Option<KafkaOptions> {
        match &self.input {
            Input::Kafka(options) => {
                Some(KafkaOptions { group: role.group(config), ..options.clone() })
            }
            Input::Files(..) => None,
        }
    }
}

/// The configured format; `None` for `auto`.
pub fn format(config: &Config) -> anyhow::Result<Option<Format>> {
    Ok(config.format.format()?)
}

/// The configured topics; `None` where the source is files.
pub fn topics(config: &Config) -> anyhow::Result<Option<Topics>> {
    let mut found = None;
    for path in &config.source.paths {
        let Some(topics) = Topics::parse(path) else { continue };
        anyhow::ensure!(
            config.source.paths.len() == 1,
            "{path} can't be read together with something else; several topics of a cluster are \
             written kafka://HOST:9092/TOPIC,TOPIC2"
        );
        found = Some(topics?);
    }
    Ok(found)
}

/// How these topics are read, followed.
pub fn topics_of(config: &Config, from: Topics, role: Role) -> KafkaOptions {
    let (group, properties) = (role.group(config), config.kafka.clone());
    KafkaOptions { from, group, mode: Mode::Follow, properties }
}

/// Whether files that are to be read now can be: asked before anything is made for them. Those that
/// are followed may come later.
pub fn check(config: &Config, to_end: bool) -> anyhow::Result<()> {
    if to_end && topics(config)?.is_none() {
        plan(&of_config(config, Mode::ToEnd))?;
    }
    Ok(())
}

/// Finds the source and its format. Where nothing is there yet and the source is
/// followed, waits for the first lines.
pub fn prepare(config: &Config, to_end: bool, role: Role) -> anyhow::Result<Prepared> {
    let mode = if to_end { Mode::ToEnd } else { Mode::Follow };
    match topics(config)? {
        Some(from) => of_topics(config, KafkaOptions { mode, ..topics_of(config, from, role) }),
        None => of_files(config, mode),
    }
}

fn of_topics(config: &Config, options: KafkaOptions) -> anyhow::Result<Prepared> {
    let name = options.from.topics.join(", ");
    let mut sample = || Ok(first_records(&options, SAMPLE)?);
    let (format, detection) = completed(config, &name, options.mode, &mut sample)?;
    Ok(Prepared { input: Input::Kafka(options), format, detection, bytes: None })
}

fn of_config(config: &Config, mode: Mode) -> FileOptions {
    let mut options = FileOptions::new(config.source.paths.clone(), mode);
    if !config.source.topic.is_empty() {
        options.topic = twofold_speed::source::file::topic(&config.source.topic);
    }
    options
}

fn of_files(config: &Config, mode: Mode) -> anyhow::Result<Prepared> {
    let options = of_config(config, mode);
    let mut stdin: Option<Box<dyn Read + Send>> = None;
    let mut peeked = Vec::new();
    if options.sources.iter().any(|source| source == "-") {
        let first =
            peek(Box::new(std::io::stdin()), SAMPLE).context("cannot read standard input")?;
        peeked.extend(first.lines);
        stdin = Some(first.stream);
    }
    let bytes = stdin.is_none().then(|| total(&options)).transpose()?.flatten();
    let name = options.sources.join(", ");
    let mut sample = || {
        let files = plan(&options).unwrap_or_default();
        let lines = first_lines(&files, SAMPLE).into_iter().flat_map(|first| first.lines);
        Ok(peeked.iter().cloned().chain(lines).collect())
    };
    let (mut format, detection) = completed(config, &name, mode, &mut sample)?;
    if format.has_directives() {
        let files = first_lines(&plan(&options).unwrap_or_default(), usize::MAX);
        let lines = peeked.iter().chain(files.iter().flat_map(|file| &file.lines));
        format.learn(lines.map(Vec::as_slice));
    }
    Ok(Prepared { input: Input::Files(options, stdin), format, detection, bytes })
}

/// What is to be read; nothing is known where a followed file is not there yet.
fn total(options: &FileOptions) -> anyhow::Result<Option<u64>> {
    match plan(options) {
        Ok(files) => Ok(Some(files.iter().map(|file| file.disk_bytes).sum())),
        Err(_) if options.mode == Mode::Follow => Ok(None),
        Err(error) => Err(error.into()),
    }
}

type Sample<'a> = dyn FnMut() -> anyhow::Result<Vec<Vec<u8>>> + 'a;

/// The configured format, or the one that the first lines have.
fn completed(
    config: &Config,
    name: &str,
    mode: Mode,
    sample: &mut Sample<'_>,
) -> anyhow::Result<(Format, Option<Detection>)> {
    if let Some(format) = format(config)? {
        return Ok((format, None));
    }
    let detection = detected(config, name, mode, sample)?;
    Ok((config.format.complete(detection.format.clone())?, Some(detection)))
}

fn detected(
    config: &Config,
    name: &str,
    mode: Mode,
    sample: &mut Sample<'_>,
) -> anyhow::Result<Detection> {
    let mut told = false;
    loop {
        let sample = sample()?;
        let lines: Vec<&[u8]> = sample.iter().map(Vec::as_slice).collect();
        if let Some(detection) = detect(&lines) {
            return Ok(detection);
        }
        let blank = lines.iter().all(|line| line.trim_ascii().is_empty());
        if mode == Mode::ToEnd || !blank || stop::told() {
            return unknown(name, &lines);
        }
        if !std::mem::replace(&mut told, true) {
            eprintln!("waiting for the first lines of {name}{}", why_none(config));
        }
        stop::sleep(Duration::from_millis(500));
    }
}

/// Why there is nothing to read yet, as the end of a message: the error that the files give until they are
/// there. Empty where they give none, and where Kafka is the source.
fn why_none(config: &Config) -> String {
    match plan(&of_config(config, Mode::Follow)) {
        Err(error) if topics(config).is_ok_and(|topics| topics.is_none()) => format!(": {error}"),
        _ => String::new(),
    }
}

/// An empty log has no format, and any will do; lines that no format reads are an error.
fn unknown(name: &str, lines: &[&[u8]]) -> anyhow::Result<Detection> {
    let line = lines.iter().find(|line| !line.trim_ascii().is_empty());
    if lines.iter().any(|line| line.contains(&0)) {
        anyhow::bail!(
            "{name} is no text: there are zero bytes in its first lines; if it is a log after all, name its \
             format with --format (one of {})",
            Format::NAMES.join(", ")
        );
    }
    if let Some(line) = line {
        let line: String = String::from_utf8_lossy(line).chars().take(200).collect();
        anyhow::bail!(
            "no known format reads the first lines of {name}, such as {line:?}; name one with --format \
             (one of {}), or map the fields of JSON lines in [format.fields]",
            Format::NAMES.join(", ")
        );
    }
    let format = Format::named("combined").context("the format `combined` is built in")?;
    Ok(Detection { format, matched: 0, of: 0, trailing: 0, runner_up: None })
}
