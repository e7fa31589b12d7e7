//! Answers that are kept: equal questions to an index that has not changed are answered once.
//!
//! An answer belongs to the mark that the index had before it was asked ([`crate::index::Index::mark`]). So
//! nobody gets one that is older than what the index held when he asked. Of an index that has no
//! marks an answer is good for [`GOOD_FOR`]. An answer is kept or dropped as a whole, with
//! its generation in it: two of them never mix.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{ApiError, Shared};

/// How old an answer may be where the index can't say whether anything has changed: as long as
/// the speed layer waits between two writes.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How many questions are remembered, and how many bytes of answers. Past it all are forgotten:
/// who asks something new each time only loses what a kept answer saves.
const MOST_QUESTIONS: usize = 512;
const MOST_BYTES: usize = 32 << 20;

/// Answers by their question: path and parameters, as they were asked.
#[derive(Debug, Default)]
pub struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    questions: HashMap<String, Arc<Question>>,
    bytes: usize,
}

/// The last answer to a question. Who asks holds the lock, so that equal questions wait for one
/// answer instead of each computing it.
type Question = tokio::sync::Mutex<Option<Answer>>;

#[derive(Debug, Clone)]
struct Answer {
    /// Of what the index held when it was asked.
    mark: Option<u64>,
    asked: Instant,
    body: Bytes,
}

impl Answer {
    fn is_good(&self, mark: Option<u64>) -> bool {
        match mark {
            Some(_) => self.mark == mark,
            None => self.mark.is_none() && self.asked.elapsed() < GOOD_FOR,
        }
    }

    fn response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.body).into_response()
    }
}

impl Answers {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn question(&self, question: String) -> Arc<Question> {
        let mut kept = self.kept();
        if kept.questions.len() >= MOST_QUESTIONS || kept.bytes > MOST_BYTES {
            *kept = Kept::default();
        }
        Arc::clone(kept.questions.entry(question).or_default())
    }

    /// Counts what a new answer has more than the one before it.
    fn count(&self, before: Option<&Answer>, after: &Answer) {
        let before = before.map_or(0, |answer| answer.body.len());
        let mut kept = self.kept();
        kept.bytes = (kept.bytes + after.body.len()).saturating_sub(before);
    }
}

/// Answers with what is kept, or keeps what is answered.
pub async fn keep(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let question = shared.answers.question(request.uri().to_string());
    let mut held = question.lock().await;
    // The mark comes before the answer, so that a write in between makes the answer too new for
    // its mark, never too old.
    let mark = match shared.sources.index.mark() {
        Ok(mark) => mark,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let asked = Instant::now();
    if let Some(answer) = held.as_ref().filter(|answer| answer.is_good(mark)) {
        metrics::counter!("twofold_api_answers_kept_total").increment(1);
        return answer.clone().response();
    }
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        *held = None;
        return response;
    }
    match to_bytes(response.into_body(), usize::MAX).await {
        Ok(body) => {
            let answer = Answer { mark, asked, body };
            shared.answers.count(held.as_ref(), &answer);
            *held = Some(answer.clone());
            answer.response()
        }
        Err(error) => ApiError::internal(error.to_string()).into_response(),
    }
}
