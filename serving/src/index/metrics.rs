//! What an index counts of itself, for any backend.

use super::{IndexError, Put};

/// Counts what became of upserts.
pub(super) fn count_puts(puts: &[Put]) {
    for (name, kind) in [
        ("twofold_index_sets_stored_total", Put::Stored),
        ("twofold_index_sets_stale_total", Put::Stale),
        ("twofold_index_sets_refused_total", Put::Refused),
    ] {
        let count = puts.iter().filter(|put| **put == kind).count();
        metrics::counter!(name).increment(count as u64);
    }
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
