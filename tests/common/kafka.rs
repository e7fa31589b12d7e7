//! The real broker, topics of a test's own, and processes that are killed.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::Value;
use twofold_test_kit::servers;

use super::{Traffic, assert_fields, json, ok, text, twofold, until, without_sketches};

/// A topic that nobody else has.
pub struct Topic {
    /// Where it is, as `--source` takes it.
    pub url: String,
    /// Its name.
    pub name: String,
    /// The broker.
    pub broker: String,
}

impl Topic {
    /// A name on the shared broker; `ship --create` makes the topic.
    pub fn new(name: &str) -> Self {
        Self::at(&servers::kafka(), name)
    }

    /// A name on a broker.
    pub fn at(broker: &str, name: &str) -> Self {
        let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let name = format!("{name}-{:x}-{:x}", std::process::id(), unique.subsec_nanos());
        Self { url: format!("kafka://{broker}/{name}"), name, broker: broker.to_owned() }
    }

    /// Ships a log, and makes the topic if it is not there.
    pub fn ship(&self, log: &str, partitions: u32) {
        ok(&["ship", log, "--to", &self.url, "--create", &partitions.to_string()]);
    }

    /// Brings speed layer, archive and batch layer to the topic's end.
    pub fn finish(&self, data: &str) {
        ok(&["speed", "--to-end", "--data", data, "--source", &self.url]);
        ok(&["archive", "--to-end", "--data", data, "--source", &self.url]);
        ok(&["batch", "--data", data]);
    }
}

/// The day after that of generated traffic.
const DAY_AFTER: &str = "2026-03-11";

/// What the batch layer says must be the generator's answers, and nothing missing or double.
pub fn assert_exact(traffic: &Traffic, topic: &Topic, data: &str) {
    assert_answers(traffic, |arguments| {
        let source: &[&str] = if arguments[0] == "audit" { &["--source", &topic.url] } else { &[] };
        ok(&[arguments, &["--data", data], source].concat())
    });
}

/// The same of a site whose commands `says` runs, and whose audit asks the broker.
pub fn assert_answers(traffic: &Traffic, says: impl Fn(&[&str]) -> Vec<u8>) {
    let json = |arguments: &[&str]| -> Value { serde_json::from_slice(&says(arguments)).unwrap() };
    // What no format reads has arrived today, and counts among the requests around it.
    let report = json(&["report", "--json", "--to", DAY_AFTER]);
    assert_fields(
        &report,
        &traffic.answers,
        &["requests", "malformed", "blank", "bytes", "distinct_clients"],
    );
    assert_fields(&report, &traffic.answers, &["status", "methods", "top_clients", "top_pages"]);
    assert_eq!(report["exact"], true);
    let audit = json(&["audit", "--json"]);
    assert_eq!(audit["ok"], true, "{audit}");
    assert_eq!(audit["archived"], traffic.answers["lines"], "{audit}");
    assert_eq!(audit["unarchived"], 0, "{audit}");
    assert_lines(traffic, &says(&["export"]));
}

/// The estimates must be what an undisturbed speed layer says; what was sketched is left out.
pub fn assert_estimated(traffic: &Traffic, topic: &Topic, data: &str) {
    let calm = traffic.data("undisturbed");
    ok(&["speed", "--to-end", "--data", &calm, "--source", &topic.url]);
    let [disturbed, calm] = [data, &calm].map(|data| json(&["report", "--json", "--data", data]));
    assert!(calm["requests"].as_u64() > Some(0), "{calm}");
    assert_eq!(without_sketches(disturbed), without_sketches(calm));
}

/// How many requests an undisturbed speed layer counts: some come too late for it.
pub fn in_time(traffic: &Traffic, topic: &Topic) -> Value {
    let calm = traffic.data("undisturbed");
    ok(&["speed", "--to-end", "--data", &calm, "--source", &topic.url]);
    json(&["report", "--json", "--data", &calm])["requests"].take()
}

/// The export has each line of the log as often as the log has it.
fn assert_lines(traffic: &Traffic, exported: &[u8]) {
    let log = std::fs::read(&traffic.log).unwrap();
    let count = |bytes: &[u8]| {
        let mut lines: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
        for line in bytes.split(|byte| *byte == b'\n') {
            *lines.entry(line.to_vec()).or_default() += 1;
        }
        lines
    };
    assert!(count(exported) == count(&log), "the export has other lines than the log");
}

/// A twofold process that runs until it is stopped, killed or frozen.
pub struct Service {
    child: Child,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Service {
    /// Starts it.
    pub fn start(arguments: &[&str]) -> Self {
        Self::with(arguments, Vec::new())
    }

    /// Starts it with these variables.
    pub fn with(arguments: &[&str], environment: Vec<(String, String)>) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        Self { child: spawn(&arguments, &environment), arguments, environment }
    }

    /// kill -9, and once more from the start.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.child = spawn(&self.arguments, &self.environment);
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, waits until it has, and starts it again.
    pub fn leave_and_rejoin(&mut self) {
        self.stop();
        self.child = spawn(&self.arguments, &self.environment);
    }

    /// Asks it to end and waits.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.end(Duration::from_secs(30));
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        // One that has ended already hears nothing.
        let _ = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).output();
    }

    fn end(&mut self, within: Duration) {
        let what = format!("{:?} ends", self.arguments);
        until(&what, within, || !self.runs());
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its own end, which must be a good one.
    pub fn wait(&mut self, within: Duration) {
        self.end(within);
        assert!(self.child.wait().unwrap().success(), "{:?} failed", self.arguments);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.signal("CONT");
        self.kill();
    }
}

fn spawn(arguments: &[String], environment: &[(String, String)]) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = twofold(&arguments);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    // TWOFOLD_TEST_SEEN shows what the processes say.
    if std::env::var_os("TWOFOLD_TEST_SEEN").is_none() {
        command.stderr(Stdio::null());
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// A path as text.
pub fn log(traffic: &Traffic) -> &str {
    text(&traffic.log)
}

/// The JSON that a command prints; null as long as there is nothing to print.
pub fn json_of(arguments: &[&str]) -> Value {
    serde_json::from_slice(&super::run(arguments).stdout).unwrap_or_default()
}

/// The members of a role's group, by the ids that the broker gave them.
pub fn members(topic: &Topic, role: &str) -> Vec<String> {
    let mut config = rdkafka::ClientConfig::new();
    let consumer: BaseConsumer = config.set("bootstrap.servers", &topic.broker).create().unwrap();
    let group = format!("{}-{role}", topic.name);
    let groups = consumer.fetch_group_list(Some(&group), Duration::from_secs(10)).unwrap();
    let members = groups.groups().iter().flat_map(|group| group.members());
    members.map(|member| member.id().to_owned()).collect()
}
