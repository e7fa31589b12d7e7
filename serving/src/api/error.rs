//! Errors as JSON: what was wrong, where, and what to do.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::index::IndexError;
use crate::query::QueryError;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiError {
    #[serde(skip)]
    status: u16,
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status: status.as_u16(), code, message: message.into(), parameter: None, hint: None }
    }

    /// A parameter is wrong.
    pub(super) fn parameter(
        name: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            parameter: Some(name.to_owned()),
            hint: Some(hint.into()),
            ..Self::new(StatusCode::BAD_REQUEST, "parameter", message)
        }
    }

    /// No token, or a wrong one.
    pub(super) fn unauthorized() -> Self {
        let hint = "send it as `Authorization: Bearer TOKEN`; a browser asks for it as the password of any user";
        let error =
            Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "this server asks for its token");
        Self { hint: Some(hint.into()), ..error }
    }

    /// There is no such thing.
    pub(super) fn not_found(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::new(StatusCode::NOT_FOUND, "not_found", message) }
    }

    /// This server can't do that.
    pub(super) fn not_here(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not_here", message)
    }

    /// Parts of this process don't get on.
    pub(super) fn stalled(steps: &[String]) -> Self {
        let hint = "it goes on by itself once what it waits for is there again";
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "stalled", steps.join("; "));
        Self { hint: Some(hint.into()), ..error }
    }

    /// Something failed.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<IndexError> for ApiError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Unavailable(_) => Self {
                hint: Some("try again in a moment".into()),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string())
            },
            _ => Self::internal(error.to_string()),
        }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Question(message) => {
                Self::new(StatusCode::BAD_REQUEST, "question", message)
            }
            QueryError::Index(error) => error.into(),
            QueryError::History(_) => Self::internal(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(serde_json::json!({ "error": self }))).into_response()
    }
}
