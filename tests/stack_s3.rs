//! The whole lambda with its archive and history on a real S3 server, by the real binary.

mod common;

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::{EXACT, Traffic, assert_fields, text, twofold};
use serde_json::Value;
use twofold_serving::store::s3;
use twofold_test_kit::proxy::{Call, Proxy, Verdict};
use twofold_test_kit::servers;

/// A bucket of the test's own, asked for through a proxy.
struct Site {
    proxy: Proxy,
    location: String,
}

impl Site {
    fn new(name: &str) -> Self {
        let server = servers::s3();
        let bucket = format!("{name}-{}", std::process::id());
        let options = s3::Options {
            endpoint: server.endpoint.clone(),
            allow_http: true,
            ..s3::Options::default()
        };
        let account = [("AWS_ACCESS_KEY_ID", server.key), ("AWS_SECRET_ACCESS_KEY", server.secret)]
            .map(|(name, value)| (name.to_owned(), value));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(s3::make_bucket(&bucket, &options, &account.into())).unwrap();
        let proxy = Proxy::start(&server.endpoint, |_| Verdict::Pass);
        Self { proxy, location: format!("s3://{bucket}/logs") }
    }

    fn twofold(&self, arguments: &[&str]) -> Command {
        let server = servers::s3();
        let mut command = twofold(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", server.key)
            .env("AWS_SECRET_ACCESS_KEY", server.secret)
            .env("TWOFOLD_S3_ENDPOINT", self.proxy.url())
            .env("TWOFOLD_S3_ALLOW_HTTP", "true")
            .env("TWOFOLD_ARCHIVE_LOCATION", &self.location);
        command
    }

    fn ok(&self, arguments: &[&str]) -> Output {
        let output = self.twofold(arguments).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{complaint}", output.status);
        output
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.ok(arguments).stdout).unwrap()
    }

    /// Report, audit and export say what the generator says.
    fn check(&self, traffic: &Traffic, data: &str) {
        let report = self.json(&["report", "--json", "--data", data]);
        assert_fields(&report, &traffic.answers, &EXACT);
        assert_eq!(report["exact"], true);
        let audit = self.json(&["audit", "--json", "--data", data]);
        assert_eq!(audit["ok"], true, "{audit}");
        assert_eq!(audit["archived"], traffic.answers["lines"]);
        let exported = self.ok(&["export", "--data", data]).stdout;
        assert!(exported == std::fs::read(&traffic.log).unwrap(), "export");
    }
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn the_archive_on_s3_holds_what_the_log_holds() {
    let (site, traffic) = (Site::new("whole"), Traffic::new("demo", 20_000, 61));
    let data = traffic.data("data");
    site.ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    site.check(&traffic, &data);
    let folder = std::path::Path::new(&data);
    assert!(!folder.join("archive").exists() && !folder.join("history").exists());
    let lines = site.ok(&["lines", "--data", &data, "--status", "404", "--limit", "5"]).stdout;
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 5);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn one_call_in_five_fails_and_nothing_is_missing_or_double() {
    let (site, traffic) = (Site::new("faults"), Traffic::new("demo", 20_000, 62));
    let failures = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&failures);
    site.proxy.set(move |call| {
        if call.number % 5 != 3 {
            return Verdict::Pass;
        }
        match counted.fetch_add(1, Ordering::Relaxed) % 4 {
            0 => Verdict::answer(503, "<Error><Code>SlowDown</Code></Error>"),
            1 => Verdict::change(|mut answer| {
                answer.status = 500;
                answer
            }),
            2 => Verdict::Break,
            _ => Verdict::BreakAfter,
        }
    });
    let data = traffic.data("data");
    let input = ["--to-end", "--data", &data, "--source", text(&traffic.log)];
    site.ok(&[&["archive", "--set", "archive.max_bytes=200000"][..], &input].concat());
    site.ok(&[&["speed"][..], &input].concat());
    site.ok(&["batch", "--data", &data]);
    site.check(&traffic, &data);
    assert!(failures.load(Ordering::Relaxed) > 20, "the faults happened");
    println!(
        "fault: one call to S3 in five fails (503, 500, broken before or after it is done) | {} of {} calls \
         | report, audit and export equal to the generator's answers",
        failures.load(Ordering::Relaxed),
        site.proxy.calls()
    );
}

/// What was read of the archive's files: how often, and the bytes of the answers.
fn watch_reads(site: &Site) -> Arc<Mutex<Vec<String>>> {
    let reads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reads);
    site.proxy.set(move |call: &Call| {
        if call.method == "GET" && call.target.contains("/logs/logs/") {
            seen.lock().unwrap().push(call.target.clone());
        }
        Verdict::Pass
    });
    reads
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_batch_run_reads_only_what_is_new() {
    let (site, traffic) = (Site::new("new"), Traffic::new("demo", 20_000, 63));
    let whole = std::fs::read_to_string(&traffic.log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let log = traffic.folder.path().join("growing.log");
    let data = traffic.data("data");
    let archive = ["archive", "--to-end", "--data", &data, "--source", text(&log)];
    std::fs::write(&log, lines[..19_000].concat()).unwrap();
    site.ok(&archive);
    let reads = watch_reads(&site);
    site.ok(&["batch", "--data", &data]);
    let first = std::mem::take(&mut *reads.lock().unwrap());
    assert!(first.len() > 20, "a day's files were read: {first:?}");
    site.ok(&["batch", "--data", &data]);
    let nothing_new = std::mem::take(&mut *reads.lock().unwrap());
    assert!(nothing_new.len() <= 1, "nothing is new but the chain's end: {nothing_new:?}");
    std::fs::write(&log, lines.concat()).unwrap();
    site.ok(&archive);
    reads.lock().unwrap().clear();
    site.ok(&["batch", "--data", &data]);
    let later = std::mem::take(&mut *reads.lock().unwrap());
    assert!(
        !later.is_empty() && later.len() < first.len() / 3,
        "{} of {}: {later:?}",
        later.len(),
        first.len()
    );
    site.check(&traffic, &data);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn no_level_of_the_log_shows_a_secret() {
    let (site, traffic) = (Site::new("secrets"), Traffic::new("demo", 1_000, 64));
    let (data, secret) = (traffic.data("data"), "the-wrong-secret-of-a-test");
    let run = ["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)];
    let mut command = site.twofold(&run);
    command.env("TWOFOLD_LOG", "trace").env("AWS_SECRET_ACCESS_KEY", secret);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("TRACE") && said.contains("DEBUG"), "{said}");
    assert!(said.contains("SignatureDoesNotMatch") && !said.contains(secret), "{said}");
    let good = site.twofold(&run).env("TWOFOLD_LOG", "trace").output().unwrap();
    assert!(good.status.success());
    let said = String::from_utf8_lossy(&good.stderr).into_owned();
    assert!(said.contains("TRACE") && !said.contains(&servers::s3().secret));
}
