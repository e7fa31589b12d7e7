//! Starting again: where a partition's fold stood, and what of it can still be had.

use std::sync::Arc;

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::request::Malformed;
use twofold_data::view::{RowSet, State};
use twofold_data::window::Resume;
use twofold_serving::index::{Index, IndexError, PartitionState, Select};

use crate::source::{Position, Positions, SourceError};

/// A partition's state, and the point from which its fold goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The state that was stored last, or that of an untouched partition.
    pub state: PartitionState,
    /// The first offset that will be folded, with the watermark there.
    pub resume: Resume,
}

/// Why a partition can't be taken up.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The partition is another one than that which the index knows by its name:
    /// a topic was created again.
    #[error(
        "{partition} was {known:?} and is now {found:?}: it was created again. \
         Give the source another name, or remove the index's state of it"
    )]
    Recreated {
        /// The partition.
        partition: Partition,
        /// The identity that the index holds.
        known: String,
        /// The identity that the source found.
        found: String,
    },
    /// The index can't be asked.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Tells a source where to resume each partition, out of the index.
pub fn positions(index: Arc<dyn Index>) -> Positions {
    Box::new(move |partition| {
        let state = index.state(partition).map_err(|error| SourceError::Position {
            partition: partition.clone(),
            reason: error.to_string(),
            again: matches!(error, IndexError::Unavailable(_)),
        })?;
        Ok(state.map_or_else(Position::default, |state| Position {
            offset: state.resume_offset,
            ended: state.ended,
        }))
    })
}

/// Takes up a partition whose records will be delivered from `offset` on.
///
/// Where the records that an open window needs are gone (the source delivers
/// from a later offset than the state asks for), its rows are left as they stand and marked
/// `partial`, and the window counts as closed.
///
/// # Errors
/// [`ResumeError::Recreated`] where the index knows another partition by that name.
pub fn restore(
    index: &dyn Index,
    partition: &Partition,
    identity: &str,
    offset: u64,
) -> Result<Restored, ResumeError> {
    let Some(mut state) = index.state(partition)? else {
        let resume = Resume { offset, ..Resume::default() };
        return Ok(Restored { state: untouched(partition, identity), resume });
    };
    if state.identity != identity {
        return Err(ResumeError::Recreated {
            partition: partition.clone(),
            known: state.identity,
            found: identity.to_owned(),
        });
    }
    if offset > state.resume_offset {
        let partial = mark_partial(index, &state)?;
        state.closed_through = state.closed_through.max(partial);
    }
    // An owner that has lost the partition may have gone on since the source asked for the
    // position: what it has done with is not judged again.
    let resume = Resume {
        offset: offset.max(state.resume_offset),
        event_time: state.resume_event_time,
        request_time: state.resume_request_time,
        arrival: state.resume_arrival,
    };
    Ok(Restored { state, resume })
}

fn untouched(partition: &Partition, identity: &str) -> PartitionState {
    PartitionState {
        partition: partition.clone(),
        identity: identity.to_owned(),
        resume_offset: 0,
        resume_event_time: None,
        resume_request_time: None,
        resume_arrival: None,
        processed_through: 0,
        closed_through: None,
        largest_event_time: None,
        records: 0,
        late: 0,
        ahead: 0,
        malformed: vec![0; Malformed::ALL.len()],
        blank: 0,
        ended: false,
    }
}

/// Marks the minute rows of the windows that were open, and returns the last of them.
fn mark_partial(index: &dyn Index, state: &PartitionState) -> Result<Option<Minute>, IndexError> {
    let from = state.closed_through.map_or(Minute(i64::MIN / 120_000), Minute::next);
    let mut sets = minute_rows(index, &state.partition, from, Minute(i64::MAX / 120_000))?;
    sets.retain(|set| set.state == State::Open);
    sets.iter_mut().for_each(|set| set.state = State::Partial);
    index.put(&sets)?;
    Ok(sets.iter().map(|set| set.start).max())
}

/// The minute rows of a partition whose start lies in `from..to`, oldest first.
pub(crate) fn minute_rows(
    index: &dyn Index,
    partition: &Partition,
    from: Minute,
    to: Minute,
) -> Result<Vec<RowSet>, IndexError> {
    let grain = Grain::Minute;
    index.speed_rows(&Select { view: None, grain, from, to, partition: Some(partition) })
}
