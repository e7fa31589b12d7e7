//! Whether a part says that its work stands still: live all the time, ready only while it gets on.

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, Instant};

use common::kafka::Service;
use common::{Traffic, run, text, until};
use twofold_test_kit::proxy::{Proxy, Verdict};
use twofold_test_kit::servers::variable;

/// Longer than a step may take before it stalls.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address that nobody has.
fn address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn health(url: &str) -> Output {
    run(&["health", "--url", url])
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn an_index_that_is_away_makes_the_speed_layer_unready_and_not_dead() {
    let traffic = Traffic::new("demo", 2_000, 61);
    let proxy = Proxy::start(&variable("TWOFOLD_TEST_ELASTICSEARCH"), |_| Verdict::Pass);
    let (data, listen) = (traffic.data("data"), address());
    let (index, url) = (proxy.url(), format!("http://{listen}"));
    let prefix = format!("index.prefix=health{}", std::process::id());
    let speed = ["speed", "--data", &data, "--source", text(&traffic.log)];
    let at = ["--index", &index, "--set", &prefix];
    let environment = vec![("TWOFOLD_MONITOR_LISTEN".to_owned(), listen)];
    let mut speed = Service::with(&[&speed[..], &at].concat(), environment);
    let healthy = || health(&url).status.success();
    until("the speed layer is ready", Duration::from_secs(60), healthy);

    proxy.set(|_| Verdict::Break);
    grow(&traffic);
    let away = Instant::now();
    until("its stall is told", PATIENCE * 3, || !healthy());
    assert!(away.elapsed() > PATIENCE / 2, "a short outage is no stall");
    let said = String::from_utf8(health(&url).stdout).unwrap();
    assert!(said.contains("stalled for") && said.contains("index"), "{said}");
    let live = ureq::get(format!("{url}/health")).call().unwrap();
    assert_eq!(live.status(), 200, "a restart would not help");
    assert!(speed.runs());

    proxy.set(|_| Verdict::Pass);
    until("it gets on", Duration::from_secs(60), healthy);
    let idle = Instant::now();
    while idle.elapsed() < PATIENCE + Duration::from_secs(3) {
        assert!(healthy(), "a source without news is no stall");
        std::thread::sleep(Duration::from_millis(500));
    }
    speed.stop();
    assert!(!healthy(), "nobody answers");
}

/// The log's last request, once more.
fn grow(traffic: &Traffic) {
    let log = std::fs::read(&traffic.log).unwrap();
    let last = log.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(&traffic.log).unwrap();
    file.write_all(&[last, b"\n"].concat()).unwrap();
}
