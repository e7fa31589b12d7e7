//! `twofold generate`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use twofold_data::generate::{LiveTraffic, Profile, Traffic};
use twofold_data::minute::Minute;

use super::stop;
use crate::cli::Generate;
use crate::output;

/// Lines where neither --lines nor --rate says how many.
const LINES: u64 = 100_000;

/// Of weeks with labelled spikes: days, and lines a minute. Fewer would be too few to tell a spike by.
const WEEKS: (u32, u64) = (14, 100);

/// The day on which generated traffic starts, if nobody says: the same for ever.
const START: &str = "2026-03-10";

/// Writes traffic, and its answers where they are wanted.
pub fn run(arguments: &Generate) -> anyhow::Result<ExitCode> {
    let profile = Profile::named(&arguments.profile).with_context(|| {
        format!(
            "there is no profile `{}`; choose one of {}",
            arguments.profile,
            Profile::NAMES.join(", ")
        )
    })?;
    if let (true, Some(rate)) = (arguments.live, arguments.rate) {
        let start = Timestamp::now().as_second() - i64::from(arguments.days.unwrap_or(1)) * 86_400;
        let traffic = LiveTraffic::new(profile, start, arguments.seed, rate.max(0.0));
        live(traffic, start, &mut open(&arguments.out)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let start = arguments.start.as_deref().unwrap_or(START);
    let start = Minute::parse(start)
        .with_context(|| format!("--start is `{start}`; write a UTC day, such as 2026-11-23"))?;
    let days = arguments.days.unwrap_or(if profile.labelled { WEEKS.0 } else { 1 });
    let seconds = profile.seconds.unwrap_or(u64::from(days) * 86_400);
    let of_rate = arguments.rate.map(|rate| (rate.max(0.0) * seconds as f64) as u64);
    let usual = if profile.labelled { WEEKS.1 * u64::from(days) * 1440 } else { LINES };
    let lines = arguments.lines.or(of_rate).unwrap_or(usual);
    let bar = output::steps_bar(Some(lines), "generating");
    let traffic = Traffic::new(profile, start.start_ms() / 1000, arguments.seed);
    let mut out = open(&arguments.out)?;
    let answers = traffic.write(days, lines, &mut out, |done| bar.set_position(done))?;
    out.flush()?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.answers {
        let body = serde_json::to_vec_pretty(&answers)?;
        std::fs::write(path, body).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes traffic from `start` (seconds since the Unix epoch) up to now, and then as time goes by,
/// until the process is told to stop.
pub fn live(mut traffic: LiveTraffic, start: i64, out: &mut impl Write) -> anyhow::Result<()> {
    let mut second = start;
    while !stop::told() {
        while second < Timestamp::now().as_second() && !stop::told() {
            traffic.second(second, out)?;
            second += 1;
        }
        out.flush()?;
        stop::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn open(path: &str) -> anyhow::Result<Box<dyn Write>> {
    if path == "-" {
        return Ok(Box::new(BufWriter::new(io::stdout().lock())));
    }
    let file = File::create(path).with_context(|| format!("cannot write {path}"))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 20, file)))
}
