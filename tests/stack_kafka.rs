//! Kafka in, on the real broker: what was shipped is in every layer, once.

mod common;

use std::time::Duration;

use common::kafka::{Service, Topic, assert_estimated, assert_exact, in_time, json_of, log};
use common::random::{Random, number};
use common::{Traffic, json, ok, run, until};
use twofold_test_kit::servers::variable;

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_topic_goes_through_all_layers() {
    let traffic = Traffic::new("demo", 30_000, 21);
    let (topic, data) = (Topic::new("whole"), traffic.data("data"));
    topic.ship(log(&traffic), 3);
    ok(&["speed", "--to-end", "--data", &data, "--source", &topic.url]);
    assert_estimated(&traffic, &topic, &data);
    topic.finish(&data);
    assert_exact(&traffic, &topic, &data);
    // Nothing is new: nothing changes.
    topic.finish(&data);
    assert_exact(&traffic, &topic, &data);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn run_follows_a_topic_to_the_page() {
    let traffic = Traffic::new("demo", 5_000, 22);
    let (topic, data) = (Topic::new("run"), traffic.data("data"));
    topic.ship(log(&traffic), 2);
    let expected = in_time(&traffic, &topic);
    let run = ["run", "--no-serve", "--data", &data, "--source", &topic.url];
    let mut service = Service::start(&run);
    until("the estimates", Duration::from_secs(60), || {
        json_of(&["report", "--json", "--data", &data])["requests"] == expected
    });
    service.stop();
    topic.finish(&data);
    assert_exact(&traffic, &topic, &data);
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn the_new_group_protocol_and_static_members_work() {
    let traffic = Traffic::new("demo", 5_000, 23);
    let topic = Topic::new("protocol");
    topic.ship(log(&traffic), 2);
    let expected = in_time(&traffic, &topic);
    for (name, property) in
        [("new", "group.protocol=consumer"), ("static", "group.instance.id=one")]
    {
        let data = traffic.data(name);
        let group = format!("source.group={}-{name}", topic.name);
        let speed = [
            "speed", "--data", &data, "--source", &topic.url, "--kafka", property, "--set", &group,
        ];
        let mut service = Service::start(&speed);
        until(property, Duration::from_secs(60), || {
            json_of(&["report", "--json", "--data", &data])["requests"] == expected
        });
        service.stop();
    }
}

/// A shipper that is killed finds its place in the topic, and doubles nothing.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_killed_shipper_loses_and_doubles_nothing() {
    let mut random = Random::seeded();
    let traffic = Traffic::new("bench", 120_000, 24);
    let (topic, data) = (Topic::new("shipped"), traffic.data("data"));
    let ship = ["ship", log(&traffic), "--to", &topic.url, "--create", "3"];
    let (kills, mut met) = (number("TWOFOLD_TEST_KILLS", 5), 0);
    for _ in 0..kills {
        let mut service = Service::start(&ship);
        std::thread::sleep(Duration::from_millis(200 + random.below(2500)));
        met += u64::from(service.runs());
        service.kill();
    }
    ok(&ship);
    ok(&ship);
    topic.finish(&data);
    assert_exact(&traffic, &topic, &data);
    println!("fault: kill -9 of `ship` | {met} | each line is in the topic once");
}

/// Old logs are counted for their own time, and the boundary of the live source stays.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn an_import_beside_kafka_moves_no_boundary_back() {
    let (live, old) = (Traffic::new("demo", 5_000, 25), Traffic::new("demo", 4_000, 26));
    let (topic, data) = (Topic::new("live"), live.data("data"));
    let shift = live.data("old.log");
    // A month before the live log, of which the speed layer has no idea.
    let text = std::fs::read_to_string(&old.log).unwrap().replace("/Mar/2026", "/Feb/2026");
    std::fs::write(&shift, text).unwrap();
    topic.ship(log(&live), 2);
    topic.finish(&data);
    let before = json(&["batch", "--json", "--data", &data]);
    ok(&["import", &shift, "--data", &data]);
    let after = json(&["batch", "--json", "--data", &data]);
    assert_eq!(after["boundary"], before["boundary"]);
    let report = json(&["report", "--json", "--data", &data]);
    let sum =
        |name: &str| live.answers[name].as_u64().unwrap() + old.answers[name].as_u64().unwrap();
    assert_eq!(report["requests"], sum("requests"));
    let audit = json(&["audit", "--json", "--data", &data, "--source", &topic.url]);
    assert_eq!(audit["archived"], sum("lines"));
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn tls_and_scram() {
    let traffic = Traffic::new("demo", 3_000, 27);
    let broker = variable("TWOFOLD_TEST_KAFKA_TLS");
    let topic = Topic::at(&broker, "secret");
    let data = traffic.data("data");
    let authority = format!("ssl.ca.location={}", variable("TWOFOLD_TEST_KAFKA_CA"));
    let user = format!("sasl.username={}", variable("TWOFOLD_TEST_KAFKA_USER"));
    let kafka = [
        "--kafka",
        "security.protocol=SASL_SSL",
        "--kafka",
        "sasl.mechanism=SCRAM-SHA-256",
        "--kafka",
        &authority,
        "--kafka",
        &user,
    ];
    let with = |arguments: &[&str], password: &str| {
        let arguments = [arguments, &kafka].concat();
        let mut command = common::twofold(&arguments);
        command.env("TWOFOLD_KAFKA__SASL_PASSWORD", password).env("TWOFOLD_LOG", "trace");
        command.output().unwrap()
    };
    let password = variable("TWOFOLD_TEST_KAFKA_PASSWORD");
    let ship = ["ship", log(&traffic), "--to", &topic.url, "--create", "2"];
    let speed = ["speed", "--to-end", "--data", &data, "--source", &topic.url];
    for arguments in [&ship[..], &speed[..]] {
        let output = with(arguments, &password);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains(&password), "{arguments:?} prints the password");
    }
    let report = json(&["report", "--json", "--data", &data]);
    assert_eq!(report["malformed"], traffic.answers["malformed"]);
    let output = with(&speed, "not-the-password");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("uthenticat"), "{said}");
    assert!(!said.contains("not-the-password"), "a wrong password is printed, too");
}

#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn mistakes_are_told() {
    let topic = Topic::new("nowhere");
    let folder = tempfile::tempdir().unwrap();
    let data = common::text(folder.path());
    let said = |arguments: &[&str]| {
        let output = run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = said(&["speed", "--to-end", "--data", data, "--source", &topic.url]);
    assert!(error.contains("there is no topic") && error.contains("--create"), "{error}");
    let source = ["speed", "--to-end", "--data", data, "--source", &topic.url];
    let error = said(&[&source[..], &["--kafka", "auto.offset.reset=latest"]].concat());
    assert!(error.contains("`auto.offset.reset` can't be set"), "{error}");
    let error = said(&[&source[..], &["--kafka", "fetch.wait.maxx=1"]].concat());
    assert!(error.contains("fetch.wait.maxx"), "{error}");
}
