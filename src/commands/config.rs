//! `twofold config check|show`

use std::process::ExitCode;

use serde_json::json;

use crate::cli::ConfigCommand;
use crate::config::{Config, Layers};
use crate::output;

/// Reading the layers has already found unknown keys and values of the wrong
/// type; here is what only the parts can tell.
pub fn run(command: &ConfigCommand, layers: &Layers) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Check => {
            check(&layers.config().map_err(anyhow::Error::msg)?)?;
            output::text("the configuration is good\n")?;
        }
        ConfigCommand::Show { json: true } => output::json(&as_json(layers))?,
        ConfigCommand::Show { json: false } => output::text(&as_text(layers))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(config: &Config) -> anyhow::Result<()> {
    super::serve::reach(&config.serve)?;
    super::input::format(config)?;
    super::input::topics(config)?;
    Ok(())
}

fn as_json(layers: &Layers) -> serde_json::Value {
    let entries = layers.entries().map(|(key, value, origin)| {
        (key.to_owned(), json!({ "value": value, "origin": origin.to_string() }))
    });
    serde_json::Value::Object(entries.collect())
}

fn as_text(layers: &Layers) -> String {
    let entries: Vec<_> =
        layers.entries().map(|(key, value, origin)| (format!("{key} = {value}"), origin)).collect();
    let width = entries.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
    entries.iter().map(|(text, origin)| format!("{text:<width$}  # {origin}\n")).collect()
}
