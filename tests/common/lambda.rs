//! The lambda as teams run it: Kafka in, Elasticsearch and S3 out, under names of a test's own.
#![allow(dead_code, reason = "each test file uses its part")]

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use twofold_test_kit::servers;

use super::kafka::{Service, Topic, assert_answers};
use super::{Traffic, json, ok, twofold, without_sketches};

/// Short sessions: who dies is missed after this long.
pub const SESSION: Duration = Duration::from_millis(1500);

/// Traffic, and where it goes to.
pub struct Lambda {
    /// What is shipped.
    pub traffic: Traffic,
    /// Where it enters.
    pub topic: Topic,
    /// What the names of the engine's indices begin with.
    pub prefix: String,
    engine: String,
    environment: Vec<(&'static str, String)>,
}

impl Lambda {
    /// Prepares engine and bucket; `engine` is what indices are removed from, `url` what twofold is told.
    pub fn new(traffic: Traffic, topic: Topic, engine: &str, url: &str) -> Self {
        let s3 = servers::s3();
        let prefix = format!("t{}", topic.name.replace('-', ""));
        let environment = vec![
            ("TWOFOLD_DATA", traffic.data("data")),
            ("TWOFOLD_SOURCE_PATHS", topic.url.clone()),
            ("TWOFOLD_SOURCE_GROUP", topic.name.clone()),
            ("TWOFOLD_KAFKA__SESSION_TIMEOUT_MS", SESSION.as_millis().to_string()),
            ("TWOFOLD_KAFKA__HEARTBEAT_INTERVAL_MS", "300".to_owned()),
            ("TWOFOLD_INDEX_URL", url.to_owned()),
            ("TWOFOLD_INDEX_PREFIX", prefix.clone()),
            ("TWOFOLD_ARCHIVE_LOCATION", format!("s3://{}/lambda", topic.name)),
            ("TWOFOLD_ARCHIVE_MAX_AGE", "1s".to_owned()),
            ("TWOFOLD_S3_ENDPOINT", s3.endpoint),
            ("TWOFOLD_S3_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", s3.key),
            ("AWS_SECRET_ACCESS_KEY", s3.secret),
        ];
        let lambda = Self { traffic, topic, prefix, engine: engine.to_owned(), environment };
        lambda.ok(&["setup"]);
        lambda
    }

    /// The binary with these arguments, told where everything is.
    pub fn twofold(&self, arguments: &[&str]) -> Command {
        let mut command = twofold(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.twofold(arguments).output().unwrap()
    }

    /// Runs it to its end, which must be a good one; what it printed.
    pub fn ok(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{complaint}", output.status);
        output.stdout
    }

    /// The JSON that it prints.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.ok(arguments)).unwrap()
    }

    /// A process that goes on until it is stopped or killed.
    pub fn service(&self, arguments: &[&str]) -> Service {
        let environment = self.environment.iter();
        let environment = environment.map(|(name, value)| ((*name).to_owned(), value.clone()));
        Service::with(arguments, environment.collect())
    }

    /// What an undisturbed speed layer reports of the topic, from an index of its own.
    pub fn undisturbed(&self) -> Value {
        let calm = self.traffic.data("undisturbed");
        ok(&["speed", "--to-end", "--data", &calm, "--source", &self.topic.url]);
        json(&["report", "--json", "--data", &calm])
    }

    /// The estimates must be what an undisturbed speed layer says; what was sketched is left out.
    pub fn assert_estimated(&self) {
        self.ok(&["speed", "--to-end"]);
        let calm = self.undisturbed();
        assert!(calm["requests"].as_u64() > Some(0), "{calm}");
        let disturbed = self.json(&["report", "--json"]);
        assert_eq!(without_sketches(disturbed), without_sketches(calm));
    }

    /// Brings archive and batch layer to the topic's end, and holds all against the generator's answers.
    pub fn assert_exact(&self) {
        self.ok(&["archive", "--to-end"]);
        self.ok(&["batch"]);
        assert_answers(&self.traffic, |arguments| self.ok(arguments));
    }
}

/// Removes what the test has left in the engine.
impl Drop for Lambda {
    fn drop(&mut self) {
        let list = format!("{}/_cat/indices/{}_*?h=index", self.engine, self.prefix);
        let Ok(mut answer) = ureq::get(&list).call() else { return };
        for name in answer.body_mut().read_to_string().unwrap_or_default().split_whitespace() {
            let _ = ureq::delete(format!("{}/{name}", self.engine)).call();
        }
        for path in [
            format!("_index_template/{}", self.prefix),
            format!("_component_template/{}-settings", self.prefix),
            format!("_component_template/{}-mappings", self.prefix),
        ] {
            let _ = ureq::delete(format!("{}/{path}", self.engine)).call();
        }
    }
}
