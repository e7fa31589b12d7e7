//! `twofold config check|show`

use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::cli::ConfigCommand;
use crate::config::{Config, Layers, is_secret};
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
    config.serve.listen.parse::<std::net::SocketAddr>().with_context(|| {
        format!(
            "`serve.listen` is `{}`; write ADDRESS:PORT, such as 127.0.0.1:8080",
            config.serve.listen
        )
    })?;
    super::input::format(config)?;
    super::input::topics(config)?;
    Ok(())
}

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

fn shown(key: &str, value: &toml::Value) -> String {
    if is_secret(key) { format!("{key} = {HIDDEN}") } else { format!("{key} = {value}") }
}

fn as_json(layers: &Layers) -> serde_json::Value {
    let entries = layers.entries().map(|(key, value, origin)| {
        let value = if is_secret(key) { json!(HIDDEN) } else { json!(value) };
        (key.to_owned(), json!({ "value": value, "origin": origin.to_string() }))
    });
    serde_json::Value::Object(entries.collect())
}

fn as_text(layers: &Layers) -> String {
    let entries: Vec<_> =
        layers.entries().map(|(key, value, origin)| (shown(key, value), origin)).collect();
    let width = entries.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
    entries.iter().map(|(text, origin)| format!("{text:<width$}  # {origin}\n")).collect()
}
