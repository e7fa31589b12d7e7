//! Server-sent events: what has changed, every second.
//!
//! One task looks for all listeners; it starts with the first and ends after the last one.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use serde_json::json;
use tokio::sync::watch;
use twofold_data::minute::Minute;

use super::parameters::newest;
use super::{ApiError, Shared, Sources};
use crate::query::{Columns, Range, SeriesQuery, Stores, series};

/// How often somebody looks.
const EVERY: Duration = Duration::from_secs(1);

/// The newest minutes that are watched.
const WATCHED: i64 = 5;

/// What there is now: the generation with its boundary, and the newest minutes; as events tell it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Now {
    generation: Option<u64>,
    publication: Arc<str>,
    minutes: Arc<str>,
}

/// What was seen last, and whether somebody looks.
#[derive(Debug, Default)]
pub struct News {
    told: watch::Sender<Now>,
    watched: Mutex<bool>,
}

impl News {
    /// Hears what is new from now on; the first to come starts the watch.
    fn hear(self: &Arc<Self>, shared: &Shared) -> watch::Receiver<Now> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = self.told.subscribe();
        if !std::mem::replace(&mut *watched, true) {
            tokio::spawn(Arc::clone(self).watch(shared.clone()));
        }
        receiver
    }

    async fn watch(self: Arc<Self>, shared: Shared) {
        let mut mark = None;
        while self.is_heard() {
            let seen = shared.sources.index.mark().ok().flatten();
            if seen.is_none() || seen != mark {
                let now = shared.ask(now).await;
                mark = seen.filter(|_| now.is_ok());
                // Where the index is away, what was told last stays told.
                now.into_iter().for_each(|now| self.tell(now));
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Whether anybody listens; where nobody does, the next one to come starts the watch again.
    fn is_heard(&self) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        *watched = self.told.receiver_count() > 0;
        *watched
    }

    fn tell(&self, now: Now) {
        self.told.send_if_modified(|told| {
            let changed = *told != now;
            *told = now;
            changed
        });
    }
}

/// What a listener has heard.
struct Heard {
    news: watch::Receiver<Now>,
    generation: Option<u64>,
    minutes: Arc<str>,
}

/// A stream of `minutes` (the newest points, where they changed) and `publication` events.
pub async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut news = shared.news.hear(&shared);
    // Whoever comes hears what there is already.
    news.mark_changed();
    let heard = Heard { news, generation: None, minutes: Arc::default() };
    let stream = futures::stream::unfold(heard, |mut heard| async {
        loop {
            if let Some(event) = heard.news() {
                return Some((Ok(event), heard));
            }
            heard.news.changed().await.ok()?;
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Heard {
    /// One event at most; what else is new is told by the next call.
    fn news(&mut self) -> Option<Event> {
        let now = self.news.borrow_and_update().clone();
        if now.generation.is_some() && now.generation != self.generation {
            self.generation = now.generation;
            return Some(Event::default().event("publication").data(&*now.publication));
        }
        if now.minutes.is_empty() || now.minutes == self.minutes {
            return None;
        }
        self.minutes = now.minutes;
        Some(Event::default().event("minutes").data(&*self.minutes))
    }
}

fn now(sources: &Sources) -> Result<Now, ApiError> {
    let publication = sources.index.published()?;
    let generation = publication.as_ref().map(|publication| publication.generation);
    let boundary = publication.map(|publication| publication.boundary.to_string());
    let end = newest(&*sources.index)?;
    let range = Range::new(Minute(end.0 - WATCHED), end);
    let query = SeriesQuery { range, step: 1, spread: false, split: true };
    let newest = Columns::of(series(&Stores::new(&*sources.index), &query)?);
    let minutes =
        serde_json::to_string(&newest).map_err(|error| ApiError::internal(error.to_string()))?;
    let publication = json!({ "generation": generation, "boundary": boundary }).to_string();
    Ok(Now { generation, publication: publication.into(), minutes: minutes.into() })
}
