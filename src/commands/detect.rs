//! `twofold detect FILE`

use std::process::ExitCode;

use serde_json::json;

use super::input;
use crate::cli::Detect;
use crate::config::Config;
use crate::output;

/// Says which format a file has, and how to configure it.
pub fn run(arguments: &Detect) -> anyhow::Result<ExitCode> {
    let mut config = Config::default();
    config.source.paths = vec![arguments.file.clone()];
    let prepared = input::prepare(&config, true, input::Role::Speed)?;
    let Some(detection) = prepared.detection else { return Ok(ExitCode::FAILURE) };
    anyhow::ensure!(
        detection.of > 0,
        "{}: there is no line in it to tell a format by",
        arguments.file
    );
    if arguments.json {
        output::json(&json!({
            "format": detection.format.name(),
            "matched": detection.matched,
            "of": detection.of,
            "trailing": detection.trailing,
            "runner_up": detection.runner_up,
        }))?;
    } else {
        output::text(&format!("{detection}\n"))?;
        if detection.trailing > 0 {
            output::text(
                "if that is the request's time, say --trailing seconds or --trailing microseconds\n",
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
