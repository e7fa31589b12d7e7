//! Counts by key in bounded memory: exact up to a cap, bounded heavy hitters past it.

/// Counts by key.
#[derive(Debug, Clone)]
pub struct TopList {}
