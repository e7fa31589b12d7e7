//! Spikes in the traffic: found in the merged minute rows of the index, and kept in it.
//!
//! [`Judge`] reads the minutes that are complete over all partitions, asks `data`'s detector, and puts
//! what it finds as live documents, with who caused it. It holds nothing that it can't read
//! back: after a restart it goes through the stored minutes again. Several judges over one index find
//! the same and write the same. The batch run goes through the exact minutes with the same detector and
//! adds a [`Review`] to each spike.

pub mod alerts;
mod causes;
mod complete;
mod judge;
mod keys;
mod minutes;
mod row;
mod store;
mod watches;

pub use causes::{Causes, causes};
pub use complete::{Complete, HEARTBEAT, Heartbeat};
pub use judge::{Judge, source};
pub use minutes::{MinuteValues, Minutes, each_minute, extent};
pub use row::{Bots, Found, Review, SpikeRow, Standing};
pub use store::{
    EXPECTATION, Listed, Precision, expectation, list, precision, put_reviews, put_rows,
};
pub use watches::{Seen, Watches};
