//! The domain of twofold, pure: no network, no clock, no async, no Polars.
//!
//! A line is parsed ([`mod@format`]) and classified ([`class`]) once, here; a view
//! is declared once, here ([`view`]). The speed layer folds the declaration
//! record by record ([`window`]), the batch layer turns the same declaration
//! into Polars expressions. That is how the two layers agree.

pub mod archive;
pub mod class;
pub mod facts;
pub mod format;
pub mod generate;
pub mod minute;
pub mod partition;
pub mod request;
mod scan;
pub mod spike;
pub mod view;
pub mod window;
pub mod zone;
