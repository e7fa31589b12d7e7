//! What the index refused.

use std::process::ExitCode;

use anyhow::Context;
use twofold_data::view::RowSet;
use twofold_serving::index::{DeadLetter, Index, Put};
use twofold_serving::query::escape_terminal;

use crate::output;

/// So many are put again at once.
const AT_ONCE: usize = 200;

/// Lists them.
pub fn list(index: &dyn Index, json: bool) -> anyhow::Result<()> {
    let letters = index.dead_letters()?;
    if json {
        return output::json(&letters);
    }
    if letters.is_empty() {
        return output::text("the index has refused nothing\n");
    }
    let line = |letter: &DeadLetter| {
        let partition = letter.set.partition.as_ref().map(ToString::to_string).unwrap_or_default();
        format!(
            "{}\n  {} {} {} of {partition}, up to offset {}\n  refused at {} ({}): {}\n",
            escape_terminal(&letter.id),
            letter.set.view,
            letter.set.grain.name(),
            letter.set.start,
            letter.set.version,
            letter.refused_at,
            letter.status,
            escape_terminal(&letter.reason),
        )
    };
    output::text(&letters.iter().map(line).collect::<String>())
}

/// Shows one with its rows.
pub fn show(index: &dyn Index, id: &str) -> anyhow::Result<()> {
    output::json(find(&index.dead_letters()?, id)?)
}

/// Throws some away.
pub fn drop(index: &dyn Index, ids: &[String]) -> anyhow::Result<()> {
    let mut letters = index.dead_letters()?;
    for id in ids {
        index.forget_dead_letter(&find(&letters, id)?.id)?;
        letters.retain(|letter| letter.id != *id);
    }
    output::text(&format!("{} dropped\n", ids.len()))
}

fn find<'a>(letters: &'a [DeadLetter], id: &str) -> anyhow::Result<&'a DeadLetter> {
    let found = letters.iter().find(|letter| letter.id == id);
    found.with_context(|| {
        format!("there is no dead letter `{id}`; `twofold dead-letters list` shows all")
    })
}

/// Puts letters again. What is taken, or is older than what the index has by now, is done.
pub fn replay(index: &dyn Index, ids: &[String], all: bool) -> anyhow::Result<ExitCode> {
    let mut letters = index.dead_letters()?;
    if !all {
        let named = ids.iter().map(|id| find(&letters, id).cloned());
        letters = named.collect::<Result<_, _>>()?;
    }
    let (mut taken, mut newer, mut refused) = (0, 0, 0);
    for chunk in letters.chunks(AT_ONCE) {
        let sets: Vec<RowSet> = chunk.iter().map(|letter| letter.set.clone()).collect();
        for (letter, put) in chunk.iter().zip(index.put(&sets)?) {
            match put {
                Put::Stored => taken += 1,
                Put::Stale => newer += 1,
                Put::Refused => {
                    refused += 1;
                    continue;
                }
            }
            index.forget_dead_letter(&letter.id)?;
        }
    }
    output::text(&format!(
        "{taken} taken, {newer} replaced by newer rows meanwhile, {refused} refused again\n"
    ))?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
