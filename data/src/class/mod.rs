//! Classes of a request, computed once for both layers.

use crate::facts::Facts;
use crate::request::Request;

/// The most bytes that a key may have; a longer one is cut at a character
/// boundary, in both layers alike.
pub const KEY_BYTES: usize = 256;

/// Classifies requests. It caches what it learnt of each distinct user agent
/// (bounded), so one thread keeps one.
#[derive(Debug)]
pub struct Classifier {}

impl Classifier {
    /// A classifier with the built-in lists.
    pub fn new() -> Self {
        todo!()
    }

    /// The request's facts.
    pub fn classify<'a>(&'a mut self, _request: &Request<'a>) -> Facts<'a> {
        todo!()
    }
}
