//! The command line of twofold: arguments and configuration to the crates.

mod alerts;
mod cli;
mod commands;
mod config;
mod output;
mod place;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use cli::Cli;
use config::{Layers, Origin};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    // Several libraries speak TLS; this is the one cryptography that all of them use.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = layers(&cli).and_then(|layers| commands::run(cli.command, layers));
    match outcome {
        Ok(code) => code,
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twofold: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `TWOFOLD_LOG=debug` shows more; by default only what an operator should know.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("TWOFOLD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Defaults, then the file, then the environment, then `--set`.
fn layers(cli: &Cli) -> anyhow::Result<Layers> {
    let mut layers = Layers::default();
    let local = Path::new("twofold.toml");
    match &cli.config {
        Some(path) => layers.file(path)?,
        None if local.exists() => layers.file(local)?,
        None => {}
    }
    layers.environment(
        std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }),
    )?;
    for setting in &cli.set {
        let (key, value) = setting
            .split_once('=')
            .with_context(|| format!("--set takes KEY=VALUE, not `{setting}`"))?;
        layers.set_text(key.trim(), value.trim(), Origin::Flag)?;
    }
    if let Some(zone) = &cli.timezone {
        layers.set_text("timezone", zone, Origin::Flag)?;
    }
    Ok(layers)
}
