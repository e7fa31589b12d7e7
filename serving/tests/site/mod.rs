//! A small index, and a server over it, asked as a client would.

use std::sync::Arc;

use serde_json::Value;
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::Partition;
use twofold_data::view::{Counts, Row, RowSet, State, Summary};
use twofold_serving::api::{Server, Sources};
use twofold_serving::index::sqlite::SqliteIndex;
use twofold_serving::index::{Index, PartitionState, Publication};

/// The first minute.
pub const FIRST: Minute = Minute(29_000_160);

/// An index, and a server over it.
pub struct Site {
    folder: tempfile::TempDir,
    pub index: Arc<SqliteIndex>,
    pub address: String,
    _runtime: tokio::runtime::Runtime,
}

impl Site {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = Arc::new(SqliteIndex::open(&folder.path().join("index.db")).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), sources(&index));
        let server = runtime.block_on(server).unwrap();
        let address = format!("http://{}", server.address);
        runtime.spawn(server.run(std::future::pending()));
        Self { folder, index, address, _runtime: runtime }
    }

    /// The index's file.
    #[allow(dead_code)] // Not every test needs it.
    pub fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("index.db")
    }

    /// An answer: its status, and JSON or text.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{}{path}", self.address)).call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// A closed minute of the speed layer, with one key.
    pub fn put(&self, minute: i64, key: &str, requests: u64) {
        let sets = sets(minute, key, requests, State::Closed);
        self.index.put(&sets).unwrap();
        self.index.put_state(&state(minute)).unwrap();
    }

    /// A generation that has counted the minutes `requests` times each.
    pub fn publish(&self, generation: u64, minutes: std::ops::Range<i64>, requests: u64) {
        let run = format!("run-{generation}");
        for minute in minutes.clone() {
            self.index.stage(&run, &sets(minute, "/", requests, State::Exact), &[]).unwrap();
        }
        let publication = Publication {
            generation,
            boundary: Minute(FIRST.0 + minutes.end),
            end_of_input: false,
            published_at: 0,
            info: Value::Null,
        };
        self.index.publish(&run, &publication).unwrap();
    }
}

pub fn sources(index: &Arc<SqliteIndex>) -> Sources {
    Sources { index: index.clone(), history: None, archive: None }
}

/// What a minute holds; the more requests, the newer.
pub fn sets(minute: i64, key: &str, requests: u64, state: State) -> Vec<RowSet> {
    let mut counts = Counts::default();
    counts.0[0] = requests;
    let set = |view: &str, key: &str, summary| RowSet {
        view: view.into(),
        grain: Grain::Minute,
        start: Minute(FIRST.0 + minute),
        partition: (state != State::Exact).then(|| Partition::new("access", 0)),
        version: requests,
        state,
        rows: vec![Row { key: key.into(), counts, missed: 0 }],
        floor: 0,
        keys: Some(1),
        summary,
    };
    vec![set("traffic", "", Some(Box::new(Summary::default()))), set("pages", key, None)]
}

/// Where the speed layer stands after a minute.
pub fn state(minute: i64) -> PartitionState {
    PartitionState {
        partition: Partition::new("access", 0),
        identity: "test".into(),
        resume_offset: minute as u64,
        resume_event_time: None,
        resume_request_time: None,
        resume_arrival: None,
        processed_through: minute as u64 + 1,
        closed_through: None,
        largest_event_time: Some(Minute(FIRST.0 + minute).start_ms()),
        records: 1,
        late: 0,
        ahead: 0,
        malformed: vec![0; 6],
        blank: 0,
        ended: false,
    }
}
