//! Server-sent events: what has changed, every second.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::{Value, json};
use twofold_data::minute::Minute;

use super::parameters::newest;
use super::{ApiError, Shared, Sources};
use crate::query::{Columns, Range, SeriesQuery, Stores, series};

/// The newest minutes that are watched.
const WATCHED: i64 = 5;

/// What a listener has heard.
struct Heard {
    shared: Shared,
    generation: Option<u64>,
    minutes: Value,
    first: bool,
}

/// A stream of `minutes` (the newest points, where they changed) and `publication` events.
pub async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let heard = Heard { shared, generation: None, minutes: Value::Null, first: true };
    let stream = futures::stream::unfold(heard, |mut heard| async {
        loop {
            if !std::mem::replace(&mut heard.first, false) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let now = heard.shared.ask(now).await.unwrap_or_default();
            if let Some(event) = heard.news(now) {
                return Some((Ok(event), heard));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// What there is now: generation with boundary, and the newest minutes.
#[derive(Default)]
struct Now {
    generation: Option<u64>,
    boundary: Option<String>,
    minutes: Value,
}

fn now(sources: &Sources) -> Result<Now, ApiError> {
    let publication = sources.index.published()?;
    let end = newest(&*sources.index)?;
    let range = Range::new(Minute(end.0 - WATCHED), end);
    let query = SeriesQuery { range, step: 1, spread: false, split: true };
    let newest = Columns::of(series(&Stores::new(&*sources.index), &query)?);
    Ok(Now {
        generation: publication.as_ref().map(|publication| publication.generation),
        boundary: publication.map(|publication| publication.boundary.to_string()),
        minutes: serde_json::to_value(&newest).unwrap_or_default(),
    })
}

impl Heard {
    /// One event at most; what else is new comes a second later.
    fn news(&mut self, now: Now) -> Option<Event> {
        if now.generation.is_some() && now.generation != self.generation {
            self.generation = now.generation;
            let data = json!({ "generation": now.generation, "boundary": now.boundary });
            return Event::default().event("publication").json_data(data).ok();
        }
        if now.minutes.is_null() || now.minutes == self.minutes {
            return None;
        }
        self.minutes = now.minutes;
        Event::default().event("minutes").json_data(&self.minutes).ok()
    }
}
