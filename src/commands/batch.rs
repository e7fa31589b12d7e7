//! `twofold batch`

use std::process::ExitCode;
use std::time::Duration;

use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::run::{Options, Outcome, Plan, plan};
use twofold_data::minute::Minute;

use super::{configured, monitor, parts, range, stop};
use crate::cli::Batch;
use crate::config::{Config, Layers, Span};
use crate::output;
use crate::place::Place;

/// How soon it is looked again while no minute is exact yet: the archiver beside it may only have begun, or have
/// said nothing of a partition so far. After each run that has computed something twice as late.
const FIRST_LOOKS: Duration = Duration::from_secs(10);

/// One run, or one every so often. Silent on success, for cron, unless somebody looks.
pub fn run(arguments: &Batch, layers: Layers) -> anyhow::Result<ExitCode> {
    let every: Option<Span> =
        arguments.every.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let config = configured(layers, &arguments.data)?;
    let place = Place::open(&config)?;
    let options = options(arguments, &config)?;
    if arguments.dry_run {
        show_plan(&dry_run(&place, &options)?, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let _monitor = if every.is_some() { monitor::start(&config)? } else { None };
    let mut look = FIRST_LOOKS;
    loop {
        let outcome = once(&place, &options, arguments.json)?;
        let Some(every) = every else { return Ok(ExitCode::SUCCESS) };
        let wait = every.duration();
        stop::sleep(if outcome.any_exact { wait } else { wait.min(look) });
        look *= if outcome.published { 2 } else { 1 };
        if stop::told() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn options(arguments: &Batch, config: &Config) -> anyhow::Result<Options> {
    let mut options = parts::batch_options(config);
    let (from, to) = range(&arguments.range)?;
    if from.is_some() || to.is_some() {
        options.again =
            Some((from.unwrap_or(Minute(i64::MIN / 2)), to.unwrap_or(Minute(i64::MAX / 2))));
    }
    Ok(options)
}

fn once(place: &Place, options: &Options, json: bool) -> anyhow::Result<Outcome> {
    let index = place.index()?;
    let bar = output::steps_bar(Some(0), "batch layer");
    let outcome = parts::batch(place, &*index, options, &bar)?;
    bar.finish_and_clear();
    if json {
        output::json(&outcome)?;
    }
    Ok(outcome)
}

fn dry_run(place: &Place, options: &Options) -> anyhow::Result<Plan> {
    let (archive, history) = (Archive::open(place.archive()?)?, History::open(place.history()?)?);
    Ok(plan(&archive, &history, &*place.index()?, options)?)
}

fn show_plan(plan: &Plan, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(plan);
    }
    let hours: String = plan.hours.iter().map(|(hour, why)| format!("{hour}  {why}\n")).collect();
    output::text(&format!(
        "{hours}{} hours to compute, {} new records; the boundary would be {}\n",
        plan.hours.len(),
        plan.new_records,
        plan.boundary
    ))
}
