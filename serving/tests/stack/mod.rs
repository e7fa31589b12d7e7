//! A store of its own for each test, in an engine that `cargo xtask test` starts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use twofold_serving::index::elastic::{ElasticIndex, Endpoint};

/// How the tests reach an engine.
pub fn endpoint(url: &str) -> Endpoint {
    Endpoint { patience: Duration::from_secs(20), ..Endpoint::new(url) }
}

/// An empty store of its own in an engine; its indices go with it.
pub struct Store {
    url: String,
    pub prefix: String,
}

impl Store {
    pub fn new(url: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("t{}_{number}", std::process::id());
        Self { url: url.to_owned(), prefix }
    }

    pub fn open(&self) -> ElasticIndex {
        self.open_at(&endpoint(&self.url))
    }

    /// Opens it another way, as through a proxy.
    #[allow(dead_code)]
    pub fn open_at(&self, endpoint: &Endpoint) -> ElasticIndex {
        ElasticIndex::open(endpoint, &self.prefix).unwrap()
    }

    /// Makes what was written to the speed layer's indices visible.
    #[allow(dead_code)]
    pub fn refresh(&self) {
        ureq::post(&format!("{}/{}_speed.*/_refresh", self.url, self.prefix)).send_empty().unwrap();
    }

    /// Sends a request, and returns what the engine says.
    #[allow(dead_code)]
    pub fn ask(&self, path: &str, body: &serde_json::Value) -> serde_json::Value {
        let url = format!("{}/{path}", self.url);
        let mut answer = ureq::post(&url)
            .header("content-type", "application/json")
            .send(body.to_string())
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let list = format!("{}/_cat/indices/{}_*?h=index", self.url, self.prefix);
        let Ok(mut answer) = ureq::get(&list).call() else { return };
        let names = answer.body_mut().read_to_string().unwrap_or_default();
        for name in names.split_whitespace() {
            let _ = ureq::delete(&format!("{}/{name}", self.url)).call();
        }
        for path in [
            format!("_index_template/{}", self.prefix),
            format!("_component_template/{}-settings", self.prefix),
            format!("_component_template/{}-mappings", self.prefix),
        ] {
            let _ = ureq::delete(&format!("{}/{path}", self.url)).call();
        }
    }
}
