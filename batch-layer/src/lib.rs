//! The batch layer: the archive read back, exact views with Polars, published.
//!
//! The files read like the way of a day: [`archive`], `discover`, `recompute`,
//! [`history`], `publish`; [`run`] is one run.

pub mod archive;
mod boundary;
mod discover;
mod error;
pub mod history;
mod manifest;
mod publish;
mod recompute;
pub mod run;

pub use error::BatchError;
