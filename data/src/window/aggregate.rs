//! One window of one partition: the fold of its records.

/// The fold of the records of one window.
#[derive(Debug, Clone)]
pub struct Aggregate {}
