//! The seeded generator of realistic traffic, with its exact answers.
//!
//! The same seed, profile and size give the same bytes on one platform. The answers come from
//! what was drawn, not from reading the lines again, so that they can
//! convict the parser.

mod answers;
mod clock;
mod live;
mod population;
mod profile;
mod random;
mod traffic;
mod weeks;

pub use answers::Answers;
pub use live::LiveTraffic;
pub use profile::{Profile, Spike};
pub use random::Random;
pub use traffic::Traffic;
pub use weeks::{Due, Kind, Label, VISITS, Weeks};
