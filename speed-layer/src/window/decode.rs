//! From a record's bytes to facts.

use twofold_data::class::Classifier;
use twofold_data::format::{Format, Parser};

/// What turns records into facts. One thread keeps one, for all its partitions.
#[derive(Debug)]
pub struct Decoder {
    pub(super) parser: Parser,
    pub(super) classifier: Classifier,
}

impl Decoder {
    /// A decoder of records in `format`.
    pub fn new(format: &Format) -> Self {
        Self::with(Parser::new(format), Classifier::new())
    }

    /// A decoder of these parts.
    pub fn with(parser: Parser, classifier: Classifier) -> Self {
        Self { parser, classifier }
    }
}
