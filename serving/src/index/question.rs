//! What can be asked of an index, and the answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

use super::Publication;

/// Selects speed rows.
#[derive(Debug, Clone, Copy)]
pub struct Select<'a> {
    /// The view's name; `None` for all views.
    pub view: Option<&'a str>,
    /// The grain.
    pub grain: Grain,
    /// The first start.
    pub from: Minute,
    /// The first start that is too late.
    pub to: Minute,
    /// One partition only.
    pub partition: Option<&'a Partition>,
}

/// A question to both layers.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The views' names.
    pub views: &'a [&'a str],
    /// The first minute.
    pub from: Minute,
    /// The first minute after the range.
    pub to: Minute,
    /// The coarsest grain that the asker can use: `Day` to add the whole range up,
    /// `Minute` to draw minutes.
    pub coarsest: Grain,
    /// Whether sketches are wanted (of the view `traffic`). Without them their fields are
    /// empty, and a minute is a tenth of the size: the exact values and the tally are there.
    pub sketches: bool,
}

/// The answer to a [`Query`]: sets that cover the range once, without overlap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The generation and boundary that the rows belong to.
    pub publication: Option<Publication>,
    /// Exact rows, all before the boundary; in order of view and start.
    pub exact: Vec<Arc<RowSet>>,
    /// Estimated rows, all from the boundary on; one set per partition.
    pub speed: Vec<Arc<RowSet>>,
}

/// Which layer a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Estimated, within seconds.
    Speed,
    /// Exact, from the archive.
    Batch,
}
