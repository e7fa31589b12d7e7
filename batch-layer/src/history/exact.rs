//! Exact answers to any range of whole hours, for readers.

use twofold_data::minute::{Grain, Minute};
use twofold_data::view::{RowSet, view};
use twofold_serving::index::Publication;
use twofold_serving::query::{self, Range};

use super::{History, set};
use crate::BatchError;
use crate::manifest::{self, Manifest};

impl query::History for History {
    fn exact_set(
        &self,
        publication: &Publication,
        name: &str,
        range: Range,
        top: usize,
    ) -> Result<Option<RowSet>, String> {
        let Some(view) = view(name) else { return Ok(None) };
        let answer = || -> Result<Option<RowSet>, BatchError> {
            let manifest = self.manifest(manifest::path(publication.generation))?;
            match folders(&manifest, range.from.0, range.to.0) {
                Some(folders) if !folders.is_empty() => set(self, view, &folders, top),
                _ => Ok(None),
            }
        };
        answer().map_err(|error| error.to_string())
    }
}

/// The folders of the hours in a range; `None` if an hour is only partly in it, and may
/// have records outside of it, or if retention has removed a part of the range.
fn folders(manifest: &Manifest, from: Minute, to: Minute) -> Option<Vec<String>> {
    if manifest.faded.history.is_some_and(|before| from < before) {
        return None;
    }
    let first = Grain::Hour.start(Minute(from.0.max(i64::MIN / 2)));
    let whole = |hour: Minute| {
        let over = manifest.end_of_input && to >= manifest.boundary;
        hour >= from && (Grain::Hour.end(hour) <= to || over)
    };
    let hours = manifest.hours.range(first.0..to.0.max(first.0));
    hours.map(|(hour, known)| whole(Minute(*hour)).then(|| known.folder.clone())).collect()
}
