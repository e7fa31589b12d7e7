//! What an index counts of itself, for any backend.

use super::{IndexError, Put};

/// Counts what became of upserts.
pub(super) fn count_puts(puts: &[Put]) {
    let stale = puts.iter().filter(|put| **put == Put::Stale).count();
    metrics::counter!("twofold_index_sets_stored_total").increment((puts.len() - stale) as u64);
    metrics::counter!("twofold_index_sets_stale_total").increment(stale as u64);
}

/// Counts a publication, or the race that it lost.
pub(super) fn count_publication(result: &Result<(), IndexError>) {
    match result {
        Ok(()) => metrics::counter!("twofold_index_publications_total").increment(1),
        Err(IndexError::Lost { .. }) => {
            metrics::counter!("twofold_index_publications_lost_total").increment(1);
        }
        Err(_) => {}
    }
}
