//! Rows as the speed layer and the batch layer write them.

use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Row, RowSet, State, Summary, Tally};
use twofold_data::window::sketch::key_hash;

/// 2026-11-25T10:00Z.
pub const START: Minute = Minute(29_926_680);

/// A list of a minute: each key with its number of requests.
pub fn list(view: &str, minute: i64, partition: Option<u32>, rows: &[(&str, u64)]) -> RowSet {
    RowSet {
        view: view.to_owned(),
        grain: Grain::Minute,
        start: Minute(START.0 + minute),
        partition: partition.map(|number| Partition::new("access", number)),
        version: 1,
        state: if partition.is_some() { State::Open } else { State::Exact },
        rows: rows.iter().map(|(key, requests)| row(key, *requests)).collect(),
        floor: 0,
        keys: Some(rows.len() as u64),
        summary: None,
    }
}

/// A row of requests of 100 bytes, each tenth of which is a 404.
pub fn row(key: &str, requests: u64) -> Row {
    let mut counts = Counts::default();
    for (name, value) in [
        ("requests", requests),
        ("bytes", requests * 100),
        ("human", requests - requests / 4),
        ("bot", requests / 4),
        ("not_found", requests / 10),
        ("client_errors", requests / 10),
        ("server_errors", requests / 20),
    ] {
        counts.0[twofold_data::view::measure_index(name).unwrap()] = value;
    }
    Row { key: key.to_owned(), counts, missed: 0 }
}

/// The traffic of a minute, with that many requests and these clients.
pub fn traffic(
    minute: i64,
    partition: Option<u32>,
    requests: u64,
    clients: std::ops::Range<u64>,
) -> RowSet {
    let mut summary = Summary {
        tally: Tally { records: requests, malformed: 0, blank: 0, hash: 7 },
        ..Summary::default()
    };
    (0..requests).for_each(|size| summary.sizes.update(size * 10));
    for client in clients {
        summary.clients.update(key_hash(&client.to_string()));
        summary.human_clients.update(key_hash(&client.to_string()));
    }
    RowSet {
        summary: Some(Box::new(summary)),
        ..list("traffic", minute, partition, &[("", requests)])
    }
}
