//! `twofold dead-letters`: what the index refused, and what no format read.

mod malformed;
mod refused;

use std::process::ExitCode;

use super::configured;
use crate::cli::{DeadLetters, DeadLettersCommand};
use crate::config::Layers;
use crate::place::Place;

/// Lists, shows, replays or drops dead letters.
pub fn run(arguments: &DeadLetters, layers: Layers) -> anyhow::Result<ExitCode> {
    let config = configured(layers, &arguments.data)?;
    let place = Place::open(&config)?;
    match &arguments.command {
        DeadLettersCommand::List { malformed: true, after, limit, json } => {
            malformed::list(&place, after.as_deref(), *limit, *json)?;
        }
        DeadLettersCommand::List { json, .. } => refused::list(&*place.index()?, *json)?,
        DeadLettersCommand::Show { id } if id.contains('@') => {
            malformed::show(&config, &place, id)?;
        }
        DeadLettersCommand::Show { id } => refused::show(&*place.index()?, id)?,
        DeadLettersCommand::Replay { malformed: true, format, dry_run, json, .. } => {
            malformed::replay(&config, &place, format, *dry_run, *json)?;
        }
        DeadLettersCommand::Replay { ids, all, .. } => {
            return refused::replay(&*place.index()?, ids, *all);
        }
        DeadLettersCommand::Drop { ids } => refused::drop(&*place.index()?, ids)?,
    }
    Ok(ExitCode::SUCCESS)
}
