//! Who made a spike: read from the rows of its minutes and of those before it.

use serde::{Deserialize, Serialize};
use twofold_data::minute::{Grain, Minute};
use twofold_data::spike::{Compared, Contributor, Quantity, Scope, contributors, networks};
use twofold_data::view::{Row, RowSet, Union, measure_index};

use super::row::{Bots, SpikeRow};
use crate::index::{Index, IndexError, Query};

/// The keys that made a spike, the largest part first. Of a host's or a page's spike they are not
/// known: that combination is not kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Causes {
    /// Clients.
    pub clients: Vec<Contributor>,
    /// Their networks.
    pub networks: Vec<Contributor>,
    /// Pages.
    pub pages: Vec<Contributor>,
    /// Browsers and bots.
    pub agents: Vec<Contributor>,
    /// Status codes.
    pub statuses: Vec<Contributor>,
    /// The part of bots; `None` where it is not known.
    pub bots: Option<Bots>,
}

/// How many contributors of each kind are kept.
const KEPT: usize = 5;

/// What is compared with: so many minutes before the spike.
const BEFORE: i64 = 60;

/// Of a long spike the first so many minutes are looked at.
const LONGEST: i64 = 120;

/// Finds out who made a spike.
pub fn causes(index: &dyn Index, spike: &SpikeRow) -> Result<Causes, IndexError> {
    if spike.series.scope != Scope::All {
        return Ok(Causes::default());
    }
    let errors = [Quantity::NotFound, Quantity::ServerErrors].contains(&spike.series.quantity);
    let pages = if errors { "errors" } else { "pages" };
    let views = ["traffic", "clients", pages, "agents", "statuses"];
    let end = Minute(spike.end.0.min(spike.start.0 + LONGEST));
    let during = Sums::read(index, &views, spike.start, end)?;
    let before = Sums::read(index, &views, Minute(spike.start.0 - BEFORE), spike.start)?;
    let measure = spike.series.quantity.measure();
    let observed = during.total(measure);
    // What is expected of the measure: for clients and durations as many requests as before.
    let share = match spike.series.quantity {
        Quantity::Clients | Quantity::DurationP95 => {
            before.total(measure) / BEFORE as f64 * (end.0 - spike.start.0) as f64
        }
        _ => spike.expected * (end.0 - spike.start.0) as f64,
    };
    let find = |during: &[Row], before_rows: &[Row]| {
        let total_before = before.total(measure);
        let compared = Compared {
            during,
            before: before_rows,
            measure,
            observed,
            expected: share,
            total_before,
        };
        contributors(&compared, spike.direction, KEPT)
    };
    let [_, clients, pages, agents, statuses] =
        std::array::from_fn(|view| find(during.rows(view), before.rows(view)));
    let networks = find(&networks(during.rows(1)), &networks(before.rows(1)));
    let bots = Some(Bots { during: during.bots(), before: before.bots() });
    Ok(Causes { clients, networks, pages, agents, statuses, bots })
}

/// What the views come to in a stretch of minutes.
struct Sums(Vec<Option<RowSet>>);

impl Sums {
    fn read(
        index: &dyn Index,
        views: &[&str],
        from: Minute,
        to: Minute,
    ) -> Result<Self, IndexError> {
        let query = Query { views, from, to, coarsest: Grain::Minute, sketches: false };
        let answer = index.read(&query)?;
        let mut unions: Vec<Union> = views.iter().map(|_| Union::default()).collect();
        for set in answer.exact.iter().chain(&answer.speed) {
            if let Some(at) = views.iter().position(|view| *view == set.view) {
                unions[at].add(set);
            }
        }
        Ok(Self(unions.iter().map(Union::finish).collect()))
    }

    fn rows(&self, view: usize) -> &[Row] {
        self.0[view].as_ref().map_or(&[], |set| &set.rows)
    }

    fn total(&self, measure: usize) -> f64 {
        self.rows(0).iter().map(|row| row.counts.0[measure] as f64).sum()
    }

    fn bots(&self) -> f64 {
        let bots = measure_index("bot").map_or(0.0, |measure| self.total(measure));
        bots / self.total(0).max(1.0)
    }
}
