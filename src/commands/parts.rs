//! The parts that `run` puts together and the other commands start alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::run::{Options as BatchOptions, Outcome};
use twofold_data::class::PageRules;
use twofold_data::format::Format;
use twofold_data::window::watermark::Limits;
use twofold_serving::index::Index;
use twofold_serving::pulse::Step;
use twofold_speed::archive;
use twofold_speed::source::{Notice, Positions, Source, SourceError};
use twofold_speed::speed::{self, Event};

use crate::config::Config;
use crate::place::{Place, Store};

/// The limits by which times are judged, in both the speed layer and the archiver.
pub fn limits(config: &Config) -> Limits {
    Limits { lateness: config.speed.lateness.as_millis(), ahead: config.speed.ahead.as_millis() }
}

/// The rules by which paths become pages.
pub fn rules(config: &Config) -> PageRules {
    PageRules { collapse_numbers: config.page.collapse_numbers }
}

/// What the speed layer is told.
pub fn speed_options(config: &Config) -> speed::Options {
    let defaults = speed::Options::default();
    let mut bounds = defaults.bounds;
    bounds.limits = limits(config);
    bounds.keys = config.speed.max_keys;
    let emit_interval = config.speed.emit_interval.duration();
    speed::Options { bounds, rules: rules(config), emit_interval, ..defaults }
}

/// What the archiver is told.
pub fn archive_options(config: &Config, format: &Format) -> archive::Options {
    archive::Options {
        format: format.clone(),
        limits: limits(config),
        max_bytes: config.archive.max_bytes,
        max_age: config.archive.max_age.duration(),
        backfill: false,
        accept_loss: false,
    }
}

/// What a batch run is told.
pub fn batch_options(config: &Config) -> BatchOptions {
    BatchOptions {
        settle: config.batch.settle.as_millis(),
        rules: rules(config),
        timezone: config.timezone.0.clone(),
        ..BatchOptions::default()
    }
}

/// Runs the speed layer until its input ends or `stop` is set.
pub fn speed(
    source: &mut dyn Source,
    index: Arc<dyn Index>,
    format: &Format,
    config: &Config,
    stop: &Arc<AtomicBool>,
    bar: &ProgressBar,
) -> anyhow::Result<speed::Progress> {
    let mut watch = |event: Event<'_>| match event {
        Event::Progress(progress) => bar.set_position(progress.bytes),
        Event::Notice(notice) => say(bar, notice),
    };
    speed::run(source, index, format, speed_options(config), stop, &mut watch)
        .context("the speed layer stopped")
}

/// Runs the archiver until its input ends or `stop` is set.
pub fn archive(
    open: impl FnMut(Positions) -> Result<Box<dyn Source>, SourceError>,
    store: &Store,
    options: &archive::Options,
    stop: &AtomicBool,
    bar: &ProgressBar,
) -> anyhow::Result<archive::Progress> {
    let watch = |progress: archive::Progress, notice: Option<&Notice>| {
        bar.set_position(progress.bytes);
        if let Some(notice) = notice {
            say(bar, notice);
        }
    };
    archive::run(open, store, options, stop, watch).context("the archiver stopped")
}

/// So long a batch run may take for an hour, or for days and publication.
const BATCH: Duration = Duration::from_secs(900);

/// Runs the batch layer once.
pub fn batch(
    place: &Place,
    index: &dyn Index,
    options: &BatchOptions,
    bar: &ProgressBar,
) -> anyhow::Result<Outcome> {
    let (archive, history) = (Archive::open(place.archive()?)?, History::open(place.history()?)?);
    let step = Step::begin("the batch run computes an hour, merges days and publishes", BATCH);
    let mut progress = |done: usize, total: usize| {
        step.advance();
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    twofold_batch::run::run(&archive, &history, index, options, &mut progress)
        .context("the batch run failed")
}

fn say(bar: &ProgressBar, notice: &Notice) {
    bar.suspend(|| eprintln!("twofold: {notice}"));
}
