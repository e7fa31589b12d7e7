//! Minute windows: what a partition's records add up to, and when a window closes.

pub mod aggregate;
mod classes;
mod places;
pub mod sketch;
pub mod toplist;
pub mod watermark;

pub use aggregate::Aggregate;
pub use toplist::TopList;
pub use watermark::{Limits, Resume, Verdict, Watermark};
