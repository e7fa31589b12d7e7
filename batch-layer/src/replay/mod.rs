//! Malformed records of the archive: looked at, and read again once the format is right.
//!
//! What a corrected format reads goes beside the archive as a [`Correction`]; the next batch run computes
//! the hours again that these records leave and those that they come to, at their own event time.
//! The archive's own files stay as they are, so an export is still the log, byte for byte.

mod leftovers;
mod records;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use twofold_data::archive::{
    Corrected, Correction, SCHEMA_VERSION, corrected_path, correction_path,
};
use twofold_data::format::{Format, Parser};
use twofold_data::minute::{Grain, Minute};
use twofold_data::request::Line;

pub use records::{MalformedRecord, malformed};

use crate::BatchError;
use crate::archive::{Archive, File};
use crate::history::{History, to_parquet};
use crate::manifest::Manifest;
use crate::run::{now, run_name};
use rows::Rows;

/// What a replay found, and did unless it was a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Replay {
    /// Malformed records of the archive, those of earlier replays left out.
    pub malformed: u64,
    /// The same by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Those of them that are read now.
    pub readable: u64,
    /// The same by the format that reads them.
    pub formats: BTreeMap<String, u64>,
    /// Those that would be read, but count for hours that retention has taken files of: they
    /// can't be computed again.
    pub sealed: u64,
    /// Archive files with records that are read now.
    pub files: u64,
    /// The hours that the next batch run computes again because of them.
    pub hours: BTreeSet<String>,
    /// Whether nothing was written.
    pub dry_run: bool,
}

/// Reads every malformed record again, in the format that its file was read in (a newer twofold may
/// understand more) and then in each of `formats`. `progress` hears how many files of how many are done.
///
/// # Errors
/// Of the stores; [`BatchError::Failed`] where another replay was quicker.
pub fn replay(
    archive: &Archive,
    history: &History,
    formats: &[Format],
    dry_run: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Replay, BatchError> {
    let earlier = archive.corrections()?;
    let number = leftovers::newest(&earlier) + 1;
    archive.see(earlier);
    let mut files = Vec::new();
    for origin in archive.origins()? {
        files.extend(archive.listed(&origin.partition, 0)?);
    }
    let mut again = Again {
        archive,
        manifest: history.newest()?,
        formats,
        number,
        run: run_name(),
        corrected: BTreeMap::new(),
        found: Replay { dry_run, ..Replay::default() },
    };
    for (done, file) in files.iter().enumerate() {
        progress(done, files.len());
        again.file(file)?;
    }
    progress(files.len(), files.len());
    again.finish()
}

/// A replay that goes on.
struct Again<'a> {
    archive: &'a Archive,
    manifest: Manifest,
    formats: &'a [Format],
    /// That of the correction which this replay is to be.
    number: u64,
    run: String,
    corrected: BTreeMap<String, Corrected>,
    found: Replay,
}

impl Again<'_> {
    fn file(&mut self, file: &File) -> Result<(), BatchError> {
        let mut parsers = self.parsers(file);
        let mut rows = Rows::new(&file.meta.partition);
        let (mut left, mut hours) = (BTreeMap::new(), BTreeMap::new());
        let found = &mut self.found;
        let manifest = &self.manifest;
        records::visit(self.archive, file, 0, |record| {
            found.malformed += 1;
            *found.reasons.entry(record.reason.to_owned()).or_default() += 1;
            let read =
                parsers.iter_mut().find_map(|(name, parser)| match parser.parse(record.bytes) {
                    Line::Request(request) => Some((name, request)),
                    Line::Blank | Line::Malformed(_) => None,
                });
            let Some((name, request)) = read else { return true };
            let [from, to] = [record.time, request.time].map(hour);
            if manifest.refuses(from) || manifest.refuses(to) {
                found.sealed += 1;
                return true;
            }
            found.readable += 1;
            *found.formats.entry(name.clone()).or_default() += 1;
            *left.entry(from).or_default() += 1;
            *hours.entry(to).or_default() += 1;
            rows.push(&record, &request);
            true
        })?;
        if rows.is_empty() {
            return Ok(());
        }
        self.found.files += 1;
        let touched = left.keys().chain(hours.keys());
        self.found.hours.extend(touched.map(|hour| Minute(*hour).to_string()));
        if self.found.dry_run {
            return Ok(());
        }
        let path = corrected_path(self.number, &self.run, &file.path);
        let records = rows.len() as u64;
        self.archive.create(&path, to_parquet([rows.finish()?])?)?;
        self.corrected.insert(file.path.clone(), Corrected { rows: path, records, left, hours });
        Ok(())
    }

    /// What reads a file's records: its own format first.
    fn parsers(&self, file: &File) -> Vec<(String, Parser)> {
        let own = Format::named(&file.meta.format);
        let all = own.iter().chain(self.formats);
        all.map(|format| (format.name(), Parser::new(format))).collect()
    }

    fn finish(self) -> Result<Replay, BatchError> {
        if self.corrected.is_empty() {
            return Ok(self.found);
        }
        let correction = Correction {
            schema: SCHEMA_VERSION,
            made_at: now(),
            formats: self.found.formats.keys().cloned().collect(),
            files: self.corrected,
        };
        let body = serde_json::to_vec_pretty(&correction)
            .map_err(|error| BatchError::Failed(error.to_string()))?;
        let first = self.archive.create(&correction_path(self.number), body.into())?;
        leftovers::sweep(self.archive)?;
        match first {
            true => Ok(self.found),
            false => {
                Err(BatchError::Failed("another replay was quicker: run this one again".into()))
            }
        }
    }
}

/// The first minute of the hour that a time (ms) lies in.
fn hour(time: i64) -> i64 {
    Grain::Hour.start(Minute::of(time)).0
}
