//! `twofold run`: speed layer, archiver, periodic batch and serving in one process.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use twofold_batch::run::Options as BatchOptions;
use twofold_serving::index::Index;
use twofold_speed::source::kafka::KafkaSource;
use twofold_speed::source::{Positions, Source, SourceError, share};
use twofold_speed::{archive, resume};

use super::input::{Prepared, Role};
use super::{configured_input, flag, input, parts, serve, spikes, stop};
use crate::cli::Run;
use crate::config::{Config, Layers};
use crate::output;
use crate::place::{Place, Store};

/// What one process does for a laptop: files are archived and computed sooner than in a service.
const SOON: &str = "5m";

/// Watches a log: history first, then what is written to it.
pub fn run(arguments: &Run, mut layers: Layers) -> anyhow::Result<ExitCode> {
    // From here on Ctrl-C ends it well.
    stop::flag();
    for key in ["archive.max_age", "batch.every"] {
        if layers.is_default(key) {
            flag(&mut layers, key, Some(SOON))?;
        }
    }
    serve::listen(&mut layers, &arguments.listen)?;
    let config = configured_input(layers, &arguments.input)?;
    input::check(&config, arguments.input.to_end)?;
    if !arguments.no_serve {
        serve::reach(&config.serve)?;
    }
    let place = Place::create(&config)?;
    let server = if arguments.no_serve { None } else { Some(serve::start(&config, &place)?) };
    // Before the input: a log without a line yet is waited for, and the page says so.
    if let Some(server) = &server {
        eprintln!("listening on {}", server.url);
    }
    let prepared = input::prepare(&config, arguments.input.to_end, Role::Speed)?;
    if let Some(detection) = &prepared.detection {
        eprintln!("format: {detection}");
    }
    let outcome = Whole { config: &config, place: &place }.run(prepared, arguments.input.to_end);
    if let Some(server) = server {
        server.stop();
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

/// All layers over one data directory.
pub struct Whole<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The data directory.
    pub place: &'a Place,
}

impl Whole<'_> {
    /// Runs all layers until the input ends (and a last batch run is done), or until the
    /// process is told to stop.
    pub fn run(&self, prepared: Prepared, to_end: bool) -> anyhow::Result<()> {
        let over = AtomicBool::new(false);
        let index: Arc<dyn Index> = self.place.index()?;
        thread::scope(|scope| {
            let batches = (!to_end).then(|| scope.spawn(|| self.batches(&over)));
            let judge = scope.spawn(|| spikes::judge(self.config, &index, &over));
            let layers = self.layers(prepared, &index);
            stop::tell(&over);
            if judge.join().is_err() {
                tracing::error!("the spike detector panicked");
            }
            let batched = batches.map(|thread| thread.join());
            layers?;
            anyhow::ensure!(!matches!(batched, Some(Err(_))), "the batch thread panicked");
            Ok(())
        })?;
        if to_end && !stop::told() {
            self.batch(true)?;
        }
        Ok(())
    }

    /// Speed layer and archiver side by side.
    fn layers(&self, mut prepared: Prepared, index: &Arc<dyn Index>) -> anyhow::Result<()> {
        let store = self.place.archive()?;
        let bar = output::bytes_bar(prepared.bytes, "reading");
        let format = prepared.format.clone();
        let (mut for_speed, mut open) = self.sources(&mut prepared, index, &store)?;
        let hidden = indicatif::ProgressBar::hidden();
        let result = thread::scope(|scope| {
            let archiver = scope.spawn(|| {
                let options = parts::archive_options(self.config, &format);
                let done = parts::archive(&mut open, &store, &options, stop::flag(), &hidden);
                if done.is_err() {
                    stop::tell(stop::flag())
                }
                done
            });
            let speed = parts::speed(
                &mut for_speed,
                Arc::clone(index),
                &format,
                self.config,
                stop::flag(),
                &bar,
            );
            if speed.is_err() {
                stop::tell(stop::flag());
            }
            drop(for_speed);
            let archived = archiver.join().map_err(|_| anyhow::anyhow!("the archiver panicked"))?;
            speed.and(archived.map(|_| ()))
        });
        bar.finish_and_clear();
        result
    }

    /// The speed layer's source, and what opens the archiver's. Files are read once for both, as
    /// standard input has to be; a topic is read by a group of each, whose lags then show.
    fn sources(
        &self,
        prepared: &mut Prepared,
        index: &Arc<dyn Index>,
        store: &Store,
    ) -> anyhow::Result<(Box<dyn Source>, Open)> {
        let for_speed = resume::positions(Arc::clone(index));
        if let Some(options) = prepared.topics_for(Role::Archive, self.config) {
            let open = move |positions| {
                Ok(Box::new(KafkaSource::open(options.clone(), positions)?) as Box<dyn Source>)
            };
            return Ok((prepared.open(store, for_speed)?, Box::new(open)));
        }
        let positions = vec![for_speed, archive::positions(Arc::clone(store))?];
        let shared = share(positions, |positions| prepared.open(store, positions))?;
        let [for_speed, for_archive]: [_; 2] = shared
            .try_into()
            .map_err(|_| anyhow::anyhow!("the source was not shared between two"))?;
        let mut for_archive: Option<Box<dyn Source>> = Some(Box::new(for_archive));
        let open = move |_| for_archive.take().ok_or_else(another_archiver);
        Ok((Box::new(for_speed), Box::new(open)))
    }

    /// A run that fails says so; the next one does its work, too.
    fn batches(&self, over: &AtomicBool) {
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(200);
        while !over.load(Ordering::Relaxed) && !stop::told() {
            if waited >= self.config.batch.every.duration() {
                waited = Duration::ZERO;
                if let Err(error) = self.batch(false) {
                    tracing::warn!("{error:#}; it is tried again in {}", self.config.batch.every);
                }
            }
            thread::sleep(step);
            waited += step;
        }
    }

    /// One batch run; the source has been read to its end, or may go on.
    fn batch(&self, at_end: bool) -> anyhow::Result<()> {
        let bar = output::steps_bar(Some(0), "batch layer");
        let index = self.place.index()?;
        let options = BatchOptions { at_end, ..parts::batch_options(self.config) };
        parts::batch(self.place, &*index, &options, &bar)
            .context("`twofold audit` says whether anything is missing")?;
        bar.finish_and_clear();
        Ok(())
    }
}

/// Opens the archiver's source.
type Open = Box<dyn FnMut(Positions) -> Result<Box<dyn Source>, SourceError> + Send>;

/// A shared source can't be opened again; in one process there is no other archiver.
fn another_archiver() -> SourceError {
    SourceError::Input {
        path: "the archive".into(),
        reason:
            "another twofold archives into this data directory; stop it, or start this one again"
                .into(),
    }
}
