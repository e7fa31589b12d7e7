//! `twofold demo`: the tour.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use jiff::Timestamp;
use twofold_batch::archive::Archive;
use twofold_batch::audit::{Unasked, audit};
use twofold_data::generate::{LiveTraffic, Profile, Spike, Traffic};
use twofold_serving::query::{Range, Stores, report};

use super::input::Role;
use super::run::Whole;
use super::{configured, flag, input, serve, stop};
use crate::cli::Demo;
use crate::config::{Config, Layers};
use crate::output;
use crate::place::Place;

/// Lines a second of the live traffic, on average.
const LIVE_RATE: f64 = 20.0;

const SEED: u64 = 42;

/// A day of traffic through all layers, served, then kept live.
pub fn run(arguments: &Demo, mut layers: Layers) -> anyhow::Result<ExitCode> {
    flag(&mut layers, "serve.listen", arguments.listen.as_deref())?;
    for (key, value) in [("archive.max_age", "10s"), ("batch.every", "20s"), ("batch.settle", "2m")]
    {
        flag(&mut layers, key, Some(value))?;
    }
    let own = tempfile::tempdir()?;
    let mut config = configured(layers, &arguments.data)?;
    if arguments.data.dir.is_none() {
        config.data = own.path().join("data").to_string_lossy().into_owned();
    }
    let log = own.path().join("access.log");
    config.source.paths = vec![log.to_string_lossy().into_owned()];
    let place = Place::create(&config)?;
    generate(&log, arguments.lines)?;
    let whole = Whole { config: &config, place: &place };
    whole.run(input::prepare(&config, true, Role::Speed)?, true)?;
    tell(&place)?;
    if arguments.once || stop::told() {
        return Ok(ExitCode::SUCCESS);
    }
    live(&config, &place, &log)?;
    Ok(ExitCode::SUCCESS)
}

/// The day that ended with the last full minute.
fn generate(log: &Path, lines: u64) -> anyhow::Result<()> {
    let bar = output::steps_bar(Some(lines), "making a day of traffic");
    let start = Timestamp::now().as_second() / 60 * 60 - 86_400;
    // Six hours ago, wherever on the clock that is.
    let spike = Spike { start: (start as u64 + 18 * 3600) % 86_400, length: 600, times: 6.0 };
    let profile = Profile { spike: Some(spike), ..Profile::demo() };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(log)?);
    Traffic::new(profile, start, SEED).write(1, lines, &mut out, |done| bar.set_position(done))?;
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

/// What happened, in a few lines.
fn tell(place: &Place) -> anyhow::Result<()> {
    let index = place.index()?;
    let report = report(&Stores::new(&*index), Range::ALL, 3)?;
    let audit = audit(&Archive::open(place.archive()?)?, &*index, &Unasked)?;
    let busiest = report
        .busiest_minutes
        .first()
        .map(|(minute, count)| format!("{minute} with {count} requests"));
    let verdict =
        if audit.ok { "nothing is missing and nothing is double" } else { "NOT in order" };
    output::text(&format!(
        "\nA day of traffic went through all layers:\n  \
         {} requests, {} malformed and {} blank lines\n  \
         the speed layer estimated every minute; {} requests came too late for it\n  \
         the archive holds all {} records; the batch layer replaced the estimates (generation {})\n  \
         audit: {verdict}\n  \
         busiest minute: {}\n",
        report.requests,
        report.malformed,
        report.blank,
        audit.late,
        audit.archived,
        audit.generation,
        busiest.unwrap_or_default(),
    ))
}

/// Serves, and keeps traffic flowing until the process is told to stop.
fn live(config: &Config, place: &Place, log: &Path) -> anyhow::Result<()> {
    let server = serve::start(config, place)?;
    let data = place.folder().display();
    output::text(&format!(
        "\nLive traffic keeps flowing: {}\n\nTry next, in another terminal:\n  \
         twofold report --data {data}\n  \
         twofold lines --data {data} --status 500 --limit 5\n  \
         twofold accuracy --data {data}\n  \
         twofold audit --data {data}\n  \
         twofold run --source /var/log/nginx/access.log\n\nCtrl-C ends the demo.\n",
        server.url
    ))?;
    let path: PathBuf = log.to_owned();
    let traffic = thread::spawn(move || write_live(&path));
    let prepared = input::prepare(config, false, Role::Speed)?;
    Whole { config, place }.run(prepared, false)?;
    server.stop();
    traffic.join().map_err(|_| anyhow::anyhow!("the traffic's thread panicked"))?
}

fn write_live(log: &Path) -> anyhow::Result<()> {
    let mut out =
        OpenOptions::new().append(true).open(log).context("cannot go on with the demo's log")?;
    let start = Timestamp::now().as_second();
    let traffic = LiveTraffic::new(Profile::demo(), start, SEED, LIVE_RATE);
    super::generate::live(traffic, start, &mut out)
}
