//! Telling somebody of spikes: by webhook, by Slack-compatible webhook, by command.

mod send;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use twofold_serving::index::{Index, IndexError};
use twofold_serving::spikes::SpikeRow;
use twofold_serving::spikes::alerts::{Alert, Rules, claim};

use crate::config;
use send::{Sender, Target};

/// How many alerts may wait to be sent; more are dropped and said to be.
const QUEUE: usize = 100;

/// Sends alerts on a thread of its own, so that a slow receiver delays no judging.
pub struct Alerts {
    rules: Rules,
    queue: Option<SyncSender<Alert>>,
    thread: Option<JoinHandle<()>>,
}

impl Alerts {
    /// Starts the thread, if there is anybody to tell.
    pub fn start(config: &config::Alerts) -> anyhow::Result<Self> {
        let rules = Rules {
            min_minutes: (config.min_duration.as_millis() / 60_000).max(1) as u64,
            severity: config.severity,
            quiet: config.quiet.as_millis() / 60_000,
            resolve: config.resolve,
            keys: config.keys,
        };
        let targets = Target::of(config);
        if targets.is_empty() {
            return Ok(Self { rules, queue: None, thread: None });
        }
        let sender = Sender::new(targets)?;
        let (queue, waiting) = sync_channel(QUEUE);
        let thread = std::thread::spawn(move || deliver(&sender, &waiting));
        Ok(Self { rules, queue: Some(queue), thread: Some(thread) })
    }

    /// Sends what these changed spikes call for, and nobody has sent yet. `now` is the wall
    /// clock (ms).
    pub fn tell(
        &self,
        index: &dyn Index,
        changed: &[SpikeRow],
        now: i64,
    ) -> Result<(), IndexError> {
        let Some(queue) = &self.queue else { return Ok(()) };
        for alert in claim(index, &self.rules, changed, now)? {
            if let Err(error) = queue.try_send(alert) {
                tracing::error!("an alert is lost, too many are waiting: {error}");
            }
        }
        Ok(())
    }

    /// Waits until what is waiting is sent or has failed.
    pub fn finish(mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn deliver(sender: &Sender, waiting: &Receiver<Alert>) {
    for alert in waiting {
        for (target, result) in sender.send(&alert) {
            match result {
                Ok(()) => tracing::info!(key = alert.key, target, "alert sent"),
                Err(error) => tracing::error!(key = alert.key, target, "alert lost: {error}"),
            }
        }
    }
}
