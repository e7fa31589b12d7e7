//! Serving: the index that holds the views, generations and the boundary, and
//! (in `api`) the HTTP API and the page that read through it.

pub mod api;
pub mod index;
pub mod kibana;
mod page;
pub mod pulse;
pub mod query;
pub mod secret;
pub mod spikes;
pub mod store;
