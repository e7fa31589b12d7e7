//! The spike detector: what was expected of a series, and where it is something else.
//!
//! It is causal and pure: a point's score uses what came before the point and the point
//! itself, and neither clock nor randomness. The speed layer's minutes, the batch layer's exact
//! minutes and anybody's file (`twofold spikes FILE.csv`) go through the very same code.
//!
//! A point is judged in three steps:
//!
//! 1. **Expected** ([`forecast`]): several simple forecasts (a fast and a slow level, seasons of an hour, a
//!    day and a week, the batch layer's [`History`] where there is one), each weighted by how well it
//!    has done on this series.
//! 2. **Rare** ([`surprise`]): the deviation of a minute, and of the last 2 to 60 together from what was
//!    expected before they began ([`trail`]), on a scale on which small counts vary like small counts,
//!    is compared with the deviations that the series has shown.
//! 3. **A spike** ([`tracker`]): rare and large enough deviations, merged into one stretch.

mod cause;
mod damper;
mod detector;
mod forecast;
mod history;
mod level;
mod novelty;
mod scale;
mod season;
mod series;
mod stretch;
mod surprise;
pub mod table;
mod tracker;
mod trail;
mod watch;

pub use cause::{Compared, Contributor, contributors, networks};
pub use detector::{Detector, Judged, Point, State, Usual, Verdict};
pub use history::{Collector, History};
pub use series::{Quantity, Rarity, Scope, Series};
pub use stretch::{Direction, Ending, Severity, Spike};
pub use watch::{Ahead, Change, Watch};
