//! How an alert is sent, and sent again where that failed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use twofold_serving::spikes::alerts::{Alert, Event};

use crate::config;

/// The pauses before each further attempt.
const PAUSES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// How long a receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is told. What stands in it is never printed: a webhook's address is a secret.
#[derive(Clone)]
pub(super) enum Target {
    /// Gets the alert as JSON.
    Webhook(String),
    /// Gets the text, as Slack, Mattermost and others take it.
    Slack(String),
    /// A shell command: gets the alert as JSON on its standard input.
    Command(String),
}

impl Target {
    /// Those that are configured.
    pub(super) fn of(config: &config::Alerts) -> Vec<Self> {
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let all = [
            some(&config.webhook).map(Self::Webhook),
            some(&config.slack).map(Self::Slack),
            some(&config.command).map(Self::Command),
        ];
        all.into_iter().flatten().collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Slack(_) => "slack",
            Self::Command(_) => "command",
        }
    }
}

/// Sends alerts.
pub(super) struct Sender {
    targets: Vec<Target>,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Sender {
    pub(super) fn new(targets: Vec<Target>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { targets, runtime, client })
    }

    /// Sends an alert to everybody: what became of it, by the target's name.
    pub(super) fn send(&self, alert: &Alert) -> Vec<(&'static str, Result<(), String>)> {
        self.targets.iter().map(|target| (target.name(), self.send_to(target, alert))).collect()
    }

    /// Tries again where the receiver did not answer, or said that it was its own fault.
    fn send_to(&self, target: &Target, alert: &Alert) -> Result<(), String> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let (error, again) = match self.attempt(target, alert) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            match pauses.next().filter(|_| again) {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(error),
            }
        }
    }

    /// Whether it is worth another attempt stands beside the error.
    fn attempt(&self, target: &Target, alert: &Alert) -> Result<(), (String, bool)> {
        match target {
            Target::Webhook(url) => self.post(url, json!(alert)),
            Target::Slack(url) => self.post(url, json!({ "text": slack(alert) })),
            Target::Command(command) => run(command, alert).map_err(|error| (error, false)),
        }
    }

    fn post(&self, url: &str, body: serde_json::Value) -> Result<(), (String, bool)> {
        let request =
            self.client.post(url).header("content-type", "application/json").body(body.to_string());
        // The error of the client names the address, which is a secret.
        let answer = self.runtime.block_on(async { request.send().await });
        let answer = answer.map_err(|error| (error.without_url().to_string(), true))?;
        let status = answer.status();
        match status.is_success() {
            true => Ok(()),
            false => {
                let again = status.is_server_error() || status.as_u16() == 429;
                Err((format!("it answered {status}"), again))
            }
        }
    }
}

/// Log content in a message must not become a mention or a link.
fn slack(alert: &Alert) -> String {
    let text = alert.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mark = if alert.event == Event::Spike { ":rotating_light:" } else { ":white_check_mark:" };
    format!("{mark} {text}")
}

fn run(command: &str, alert: &Alert) -> Result<(), String> {
    let event = if alert.event == Event::Spike { "spike" } else { "resolved" };
    let mut child = Command::new("sh")
        .args(["-c", command])
        .env("TWOFOLD_EVENT", event)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input is one that needs none.
        let _ = input.write_all(json!(alert).to_string().as_bytes());
    }
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("the command ended with {status}")),
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("the command took longer than {PATIENCE:?}"));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
