//! Judging the minutes as they come, beside a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twofold_serving::index::{Index, IndexError};
use twofold_serving::spikes::Judge;

use crate::alerts::Alerts;
use crate::commands::stop;
use crate::config::Config;

/// How often the index is looked at: a rise is seen so much later at most. Most of what a look costs is that
/// everything has gone cold since the last one.
const EVERY: Duration = Duration::from_secs(15);

/// After an error it is looked at again after so long.
const AFTER_ERROR: Duration = Duration::from_secs(10);

/// Judges until `over` or until the process is told to stop; then once more, so that nothing that
/// was stored by then is left unjudged.
pub fn judge(config: &Config, index: &Arc<dyn Index>, over: &AtomicBool) -> anyhow::Result<()> {
    let alerts = Alerts::start(&config.alerts)?;
    let mut judge = None;
    loop {
        let last = over.load(Ordering::Relaxed) || stop::told();
        let outcome = step(&mut judge, index, &alerts);
        if let Err(error) = &outcome {
            tracing::warn!(%error, "spikes are not looked for at the moment");
            // It may have stopped in the middle of a minute: what is stored says where.
            judge = None;
        }
        if last {
            break;
        }
        stop::pause(if outcome.is_ok() { EVERY } else { AFTER_ERROR }, over);
    }
    alerts.finish();
    Ok(())
}

fn step(
    judge: &mut Option<Judge>,
    index: &Arc<dyn Index>,
    alerts: &Alerts,
) -> Result<(), IndexError> {
    if judge.is_none() {
        *judge = Some(Judge::open(Arc::clone(index))?);
    }
    let Some(judge) = judge else { return Ok(()) };
    let now = now();
    let changed = judge.step(now)?;
    alerts.tell(&**index, &changed, now)
}

/// The wall clock, in milliseconds since the Unix epoch.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64)
}
