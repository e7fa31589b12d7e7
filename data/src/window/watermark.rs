//! The watermark of one partition, and what it decides of each record.

/// A partition's watermark.
#[derive(Debug, Clone)]
pub struct Watermark {}
