//! The batch layer: the archive read back, exact views with Polars, published.
//!
//! The files read like the way of a day: [`archive`], `discover`, `recompute`,
//! [`history`], `publish`; [`run`] is one run.

pub mod accuracy;
pub mod archive;
pub mod audit;
mod boundary;
mod discover;
mod error;
pub mod export;
pub mod history;
pub mod lines;
mod manifest;
mod patterns;
pub mod prune;
mod publish;
mod recompute;
pub mod replay;
pub mod run;
pub mod slice;
mod spikes;

pub use error::BatchError;
