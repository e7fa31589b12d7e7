//! Answers that are kept: equal questions to an index that has not changed are answered once.
//!
//! An answer belongs to the mark that the index had before it was asked ([`crate::index::Index::mark`]).
//! Once the index has changed, the answer is still given for [`BEHIND`] while a new one is on its
//! way, so that hardly anybody waits; but not once another generation is published. An answer is
//! kept or dropped as a whole, with its generation in it: two of them never mix. Of an index
//! that has no marks an answer is good for [`BEHIND`], and given for as long again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{ApiError, Shared};
use crate::index::Mark;

/// How far an answer may be behind what the index holds: half of what lies between two writes of
/// the speed layer.
const BEHIND: Duration = Duration::from_millis(500);

/// How many questions are remembered, and how many bytes of answers. Past it all are forgotten:
/// who asks something new each time only loses what a kept answer saves.
const MOST_QUESTIONS: usize = 512;
const MOST_BYTES: usize = 32 << 20;

/// Answers by their question: path and parameters, as they were asked.
#[derive(Debug, Default)]
pub struct Answers(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    questions: HashMap<String, Arc<Question>>,
    bytes: usize,
}

/// A question, and the last answer to it.
#[derive(Debug, Default)]
struct Question {
    answer: Mutex<Option<Answer>>,
    /// Held by who computes, so that equal questions wait for one answer instead of each computing it.
    computing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Clone)]
struct Answer {
    /// Of what the index held when it was asked.
    mark: Option<Mark>,
    /// When the index was last seen to hold that.
    seen: Instant,
    body: Bytes,
}

/// How good a kept answer is.
enum Kept {
    /// It is what a new one would be.
    Good(Answer),
    /// The index has changed a moment ago.
    Behind(Answer),
    None,
}

impl Question {
    fn answer(&self) -> MutexGuard<'_, Option<Answer>> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept, for an index with this mark.
    fn kept(&self, mark: Option<Mark>) -> Kept {
        let mut answer = self.answer();
        let Some(answer) = answer.as_mut() else { return Kept::None };
        let age = answer.seen.elapsed();
        match (answer.mark, mark) {
            (Some(before), Some(now)) if before == now => {
                answer.seen = Instant::now();
                Kept::Good(answer.clone())
            }
            (Some(before), Some(now)) if before.generation == now.generation && age < BEHIND => {
                Kept::Behind(answer.clone())
            }
            (None, None) if age < BEHIND => Kept::Good(answer.clone()),
            (None, None) if age < 2 * BEHIND => Kept::Behind(answer.clone()),
            _ => Kept::None,
        }
    }
}

impl Answer {
    fn response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

impl Answers {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn question(&self, question: &Uri) -> Arc<Question> {
        let mut held = self.held();
        if held.questions.len() >= MOST_QUESTIONS || held.bytes > MOST_BYTES {
            *held = Held::default();
        }
        Arc::clone(held.questions.entry(question.to_string()).or_default())
    }

    /// Keeps an answer, and counts what it has more than the one before it.
    fn put(&self, question: &Question, answer: Option<Answer>) {
        let length =
            |answer: &Option<Answer>| answer.as_ref().map_or(0, |answer| answer.body.len());
        let after = length(&answer);
        let before = length(&std::mem::replace(&mut *question.answer(), answer));
        let mut held = self.held();
        held.bytes = (held.bytes + after).saturating_sub(before);
    }
}

/// Answers with what is kept, or keeps what is answered.
pub async fn keep(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    match kept_or_new(shared, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn kept_or_new(shared: Shared, request: Request, next: Next) -> Result<Response, ApiError> {
    let question = shared.answers.question(request.uri());
    let computing = Arc::clone(&question.computing);
    match question.kept(shared.sources.index.mark()?) {
        Kept::Good(answer) => return Ok(counted(answer)),
        Kept::Behind(answer) => {
            if let Ok(alone) = computing.try_lock_owned() {
                tokio::spawn(async move {
                    let _alone = alone;
                    if let Err(error) = compute(&shared, &question, request, next).await {
                        tracing::warn!(%error, "an answer is not renewed");
                    }
                });
            }
            return Ok(counted(answer));
        }
        Kept::None => {}
    }
    let _alone = computing.lock_owned().await;
    // Somebody else may have computed it meanwhile.
    if let Kept::Good(answer) = question.kept(shared.sources.index.mark()?) {
        return Ok(counted(answer));
    }
    compute(&shared, &question, request, next).await
}

fn counted(answer: Answer) -> Response {
    metrics::counter!("twofold_api_answers_kept_total").increment(1);
    answer.response()
}

/// The mark comes before the answer, so that a write in between makes the answer too new for its
/// mark, never too old.
async fn compute(
    shared: &Shared,
    question: &Question,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mark, seen) = (shared.sources.index.mark()?, Instant::now());
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        shared.answers.put(question, None);
        return Ok(response);
    }
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|error| ApiError::internal(error.to_string()))?;
    let answer = Answer { mark, seen, body };
    shared.answers.put(question, Some(answer.clone()));
    Ok(answer.response())
}
