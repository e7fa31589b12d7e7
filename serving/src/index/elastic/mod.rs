//! The index in Elasticsearch (7.17 and later) or OpenSearch (2 and later).
//!
//! Rows lie in daily indices per layer under strict templates; readers, Kibana among them,
//! ask one alias whose filters are the boundary. A generation is published by one request
//! that compares and sets that alias ([`alias`]).
//!
//! A handle sees its own writes at once and those of others within a second (the
//! engine's refresh interval); what decides on writing is read in real time.

mod alias;
mod body;
mod bulk;
mod clean;
mod connection;
mod copy;
mod dead;
mod documents;
mod generations;
mod live;
mod mapping;
mod merge;
mod names;
mod read;
mod search;
mod speed;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use elasticsearch::http::Method;
use serde_json::{Value, json};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::RowSet;

pub use connection::{Endpoint, Login};
pub use mapping::{SCHEMA_VERSION, fields, key_field};

use super::{
    Answer, DeadLetter, Document, Index, IndexError, Layer, LiveDocument, PartitionState,
    Publication, Put, Query, Select, metrics,
};
use connection::{Connection, Failure};
use names::Names;

/// The index in an Elasticsearch or OpenSearch cluster.
#[derive(Debug)]
pub struct ElasticIndex {
    connection: Connection,
    names: Names,
    /// The publication that the last answer was read through.
    seen: Mutex<Option<Publication>>,
    /// Indices of the speed layer that are there and under the alias.
    known: Mutex<HashSet<String>>,
    lengths: Mutex<speed::Lengths>,
    due: Mutex<merge::Due>,
    partitions: Mutex<merge::Partitions>,
    /// Whether something was written that a search may not see yet.
    wrote: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these hold is a memory of what the index has: any part of it will do.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ElasticIndex {
    /// Opens the index whose names begin with `prefix`. Templates, the alias and the index of
    /// states are made where they are not there.
    ///
    /// # Errors
    /// [`IndexError::Unavailable`] if the engine does not answer, [`IndexError::TooNew`] if a
    /// newer twofold has set it up, [`IndexError::Failed`] if it refuses.
    pub fn open(endpoint: &Endpoint, prefix: &str) -> Result<Self, IndexError> {
        let index = Self {
            connection: Connection::open(endpoint)?,
            names: Names::new(prefix)?,
            seen: Mutex::default(),
            known: Mutex::default(),
            lengths: Mutex::default(),
            due: Mutex::default(),
            partitions: Mutex::default(),
            wrote: AtomicBool::new(true),
        };
        if index.stored_version()? != Some(SCHEMA_VERSION) {
            index.install()?;
        }
        for name in [index.names.state(), index.names.live(), index.names.dead_letters()] {
            index.create(&name, &json!({ names::write_alias(&name): {} }))?;
        }
        alias::prepare(&index)?;
        Ok(index)
    }

    /// Installs the templates. Safe to repeat.
    ///
    /// # Errors
    /// If the engine refuses, or a newer twofold has installed its own.
    pub fn install(&self) -> Result<(), IndexError> {
        self.stored_version()?;
        let put = |path: String, body: &Value| -> Result<(), IndexError> {
            self.connection.ask_json::<Value>(Method::Put, &path, body)?;
            Ok(())
        };
        let (settings, mappings) =
            (mapping::settings_name(&self.names), mapping::mappings_name(&self.names));
        put(format!("/_component_template/{settings}"), &mapping::settings())?;
        put(format!("/_component_template/{mappings}"), &mapping::mappings())?;
        let template = mapping::index_template(&self.names);
        put(format!("/_index_template/{}", self.names.alias()), &template)
    }

    /// The version of the templates that are installed.
    fn stored_version(&self) -> Result<Option<u32>, IndexError> {
        let path = format!("/_component_template/{}", mapping::mappings_name(&self.names));
        let found: Value = match self.connection.ask(Method::Get, &path, None) {
            Err(Failure::Refused(refusal)) if refusal.is_missing() => return Ok(None),
            result => result?,
        };
        let version = found
            .pointer("/component_templates/0/component_template/_meta/schema_version")
            .and_then(Value::as_u64)
            .and_then(|version| u32::try_from(version).ok());
        match version {
            Some(found) if found > SCHEMA_VERSION => {
                Err(IndexError::TooNew { found, known: SCHEMA_VERSION })
            }
            other => Ok(other),
        }
    }

    /// Makes an index of a strict template, with aliases; no harm if it is there.
    fn create(&self, name: &str, aliases: &Value) -> Result<(), IndexError> {
        let body = json!({ "aliases": aliases });
        match self.connection.ask_json::<Value>(Method::Put, &format!("/{name}"), &body) {
            Err(Failure::Refused(refusal))
                if refusal.kind == "resource_already_exists_exception" =>
            {
                Ok(())
            }
            result => result.map(drop).map_err(IndexError::from),
        }
    }

    /// Removes an index, if it is there.
    fn remove(&self, name: &str) -> Result<(), IndexError> {
        match self.connection.ask::<Value>(Method::Delete, &format!("/{name}"), None) {
            Err(Failure::Refused(refusal)) if refusal.is_missing() => Ok(()),
            result => result.map(drop).map_err(IndexError::from),
        }
    }

    /// The names of the indices that match a pattern.
    fn list(&self, pattern: &str) -> Result<Vec<String>, IndexError> {
        let path = format!("/{pattern}/_alias?ignore_unavailable=true");
        match self.connection.ask::<BTreeMap<String, Value>>(Method::Get, &path, None) {
            Err(Failure::Refused(refusal)) if refusal.is_missing() => Ok(Vec::new()),
            result => Ok(result?.into_keys().collect()),
        }
    }

    /// Makes what was written to indices visible to searches.
    fn refresh(&self, target: &str) -> Result<(), IndexError> {
        let path = format!("/{target}/_refresh?ignore_unavailable=true");
        match self.connection.ask::<Value>(Method::Post, &path, None) {
            Err(Failure::Refused(refusal)) if refusal.is_missing() => Ok(()),
            result => result.map(drop).map_err(IndexError::from),
        }
    }

    /// Notes that the speed layer's indices have rows that a search may not see yet.
    fn wrote(&self) {
        self.wrote.store(true, Ordering::Release);
    }

    fn refresh_own_writes(&self) -> Result<(), IndexError> {
        if self.wrote.swap(false, Ordering::AcqRel) {
            let refreshed = self.refresh(&self.names.every_speed());
            if refreshed.is_err() {
                self.wrote();
            }
            return refreshed;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Option<Publication>> {
        lock(&self.seen)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        lock(&self.known)
    }

    fn lengths(&self) -> MutexGuard<'_, speed::Lengths> {
        lock(&self.lengths)
    }

    fn due(&self) -> MutexGuard<'_, merge::Due> {
        lock(&self.due)
    }

    fn partitions(&self) -> MutexGuard<'_, merge::Partitions> {
        lock(&self.partitions)
    }
}

impl Index for ElasticIndex {
    fn put(&self, sets: &[RowSet]) -> Result<Vec<Put>, IndexError> {
        let puts = speed::put(self, sets)?;
        metrics::count_puts(&puts);
        Ok(puts)
    }

    fn put_state(&self, state: &PartitionState) -> Result<Put, IndexError> {
        speed::put_state(self, state)
    }

    fn state(&self, partition: &Partition) -> Result<Option<PartitionState>, IndexError> {
        speed::state(self, partition)
    }

    fn states(&self) -> Result<Vec<PartitionState>, IndexError> {
        speed::states(self)
    }

    fn speed_rows(&self, select: &Select<'_>) -> Result<Vec<RowSet>, IndexError> {
        read::speed_rows(self, select)
    }

    fn stage(&self, run: &str, rows: &[RowSet], documents: &[Document]) -> Result<(), IndexError> {
        generations::stage(self, run, rows, documents)
    }

    fn staged(&self, run: &str) -> Result<u64, IndexError> {
        generations::staged(self, run)
    }

    fn publish(&self, run: &str, publication: &Publication) -> Result<(), IndexError> {
        let published = generations::publish(self, run, publication);
        metrics::count_publication(&published);
        published
    }

    fn abandon(&self, run: &str) -> Result<(), IndexError> {
        clean::abandon(self, run)
    }

    fn published(&self) -> Result<Option<Publication>, IndexError> {
        read::published(self)
    }

    fn read(&self, query: &Query<'_>) -> Result<Answer, IndexError> {
        read::answer(self, query)
    }

    fn extent(&self) -> Result<Option<(Minute, Minute)>, IndexError> {
        read::extent(self)
    }

    fn documents(&self, kind: &str, from: Minute, to: Minute) -> Result<Vec<Document>, IndexError> {
        read::documents(self, kind, from, to)
    }

    fn put_documents(&self, documents: &[LiveDocument]) -> Result<Vec<Put>, IndexError> {
        live::put(self, documents)
    }

    fn live_documents(
        &self,
        kind: &str,
        from: Minute,
        to: Minute,
    ) -> Result<Vec<LiveDocument>, IndexError> {
        live::read(self, kind, from, to)
    }

    fn delete_documents_before(&self, kind: &str, before: Minute) -> Result<u64, IndexError> {
        live::delete_before(self, kind, before)
    }

    fn delete_before(&self, layer: Layer, grain: Grain, before: Minute) -> Result<u64, IndexError> {
        clean::delete_before(self, layer, grain, before)
    }

    fn dead_letters(&self) -> Result<Vec<DeadLetter>, IndexError> {
        dead::all(self)
    }

    fn forget_dead_letter(&self, id: &str) -> Result<(), IndexError> {
        dead::forget(self, id)
    }
}
