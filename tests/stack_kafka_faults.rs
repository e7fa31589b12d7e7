//! Faults on the real broker: processes killed, frozen, joining and leaving under load, and the
//! broker away. Afterwards index and archive are what the generator says.

mod common;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use common::kafka::{
    Service, Topic, assert_estimated, assert_exact, in_time, json_of, log, members,
};
use common::random::{Random, number};
use common::{Traffic, ok, until};
use twofold_test_kit::servers::Own;

/// Short sessions: who dies is missed after this long.
const SESSION: Duration = Duration::from_millis(1500);

/// Lines that flow for about `seconds`, into a topic with some partitions.
struct Load {
    traffic: Traffic,
    topic: Topic,
    ship: Service,
}

impl Load {
    fn start(topic: Topic, seconds: u64, seed: u64, partitions: u32) -> Self {
        const RATE: u64 = 3000;
        let traffic = Traffic::new("demo", seconds * RATE, seed);
        let (rate, partitions) = (RATE.to_string(), partitions.to_string());
        let ship = Service::start(&[
            "ship",
            log(&traffic),
            "--to",
            &topic.url,
            "--create",
            &partitions,
            "--rate",
            &rate,
        ]);
        until("the topic is made", Duration::from_secs(30), || {
            let source = ["speed", "--to-end", "--source", &topic.url, "--data"];
            let probe = traffic.data("probe");
            common::run(&[&source[..], &[&probe]].concat()).status.success()
        });
        Self { traffic, topic, ship }
    }

    /// A follower of the topic, in a group of this test; `property` is one more of librdkafka.
    fn follower(&self, command: &str, data: &str, more: &[&str]) -> Service {
        let group = format!("source.group={}", self.topic.name);
        let session = format!("session.timeout.ms={}", SESSION.as_millis());
        let mut arguments = vec![
            command,
            "--data",
            data,
            "--source",
            &self.topic.url,
            "--set",
            &group,
            "--set",
            "archive.max_age=1s",
            "--kafka",
            &session,
            "--kafka",
            "heartbeat.interval.ms=300",
        ];
        arguments.extend(more);
        Service::start(&arguments)
    }

    /// Waits for the load's end, stops the followers and holds everything against the answers.
    fn finish(mut self, followers: Vec<Service>, data: &str) {
        self.ship.wait(Duration::from_secs(120));
        followers.into_iter().for_each(|mut follower| follower.stop());
        ok(&["speed", "--to-end", "--data", data, "--source", &self.topic.url]);
        assert_estimated(&self.traffic, &self.topic, data);
        self.topic.finish(data);
        assert_exact(&self.traffic, &self.topic, data);
    }
}

/// kill -9 of the speed layer and of the archiver, in turn, at random instants under load.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn killed_at_random_instants_under_load() {
    let kills = number("TWOFOLD_TEST_KILLS", 6);
    let mut random = Random::seeded();
    let load = Load::start(Topic::new("killed"), 8 + 2 * kills, 31, 3);
    let data = load.traffic.data("data");
    // Static members are back in their places at once.
    let mut speed = load.follower("speed", &data, &["--kafka", "group.instance.id=speed-1"]);
    let mut archive = load.follower("archive", &data, &["--kafka", "group.instance.id=archive-1"]);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(300 + random.below(1500)));
        speed.kill_and_restart();
        std::thread::sleep(Duration::from_millis(random.below(700)));
        archive.kill_and_restart();
    }
    load.finish(vec![speed, archive], &data);
    println!(
        "fault: kill -9 of `speed` and of `archive` at random instants under load from Kafka | {kills} each | index, archive and audit equal to the generator's answers"
    );
}

/// Three speed layers and three archivers: they leave, join, are killed and frozen beyond their
/// session, every second or two.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn three_and_three_joining_leaving_killed_and_frozen() {
    let rounds = number("TWOFOLD_TEST_KILLS", 8);
    let mut random = Random::seeded();
    let load = Load::start(Topic::new("crowd"), 10 + 3 * rounds, 32, 4);
    let data = load.traffic.data("data");
    let mut crowd: Vec<Service> = ["speed", "archive"]
        .iter()
        .flat_map(|command| (0..3).map(|_| load.follower(command, &data, &[])).collect::<Vec<_>>())
        .collect();
    let mut done = [0; 3];
    for round in 0..rounds {
        std::thread::sleep(Duration::from_millis(500 + random.below(1500)));
        let one = random.below(6) as usize;
        let kind = (round % 3) as usize;
        done[kind] += 1;
        match kind {
            0 => crowd[one].leave_and_rejoin(),
            1 => crowd[one].kill_and_restart(),
            _ => freeze(&crowd[one]),
        }
    }
    assert!(crowd.iter_mut().all(Service::runs), "a process ended by itself");
    load.finish(crowd, &data);
    println!(
        "fault: three speed layers and three archivers, left and joined, killed, frozen past the session | {} + {} + {} | index, archive and audit equal to the generator's answers",
        done[0], done[1], done[2]
    );
}

fn freeze(service: &Service) {
    service.signal("STOP");
    std::thread::sleep(SESSION * 2);
    service.signal("CONT");
}

/// One of two is frozen while it holds partitions; the other takes them, the frozen one wakes up
/// and believes for a moment that they are still its own.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_frozen_consumer_wakes_up_and_hurts_nobody() {
    let load = Load::start(Topic::new("frozen"), 20, 33, 2);
    let data = load.traffic.data("data");
    let followers: Vec<Service> = ["speed", "speed", "archive", "archive"]
        .iter()
        .map(|command| load.follower(command, &data, &[]))
        .collect();
    std::thread::sleep(Duration::from_secs(4));
    for frozen in [0, 2, 1, 3] {
        freeze(&followers[frozen]);
        std::thread::sleep(Duration::from_millis(500));
    }
    load.finish(followers, &data);
    println!(
        "fault: SIGSTOP past the session, then SIGCONT, of a speed layer and an archiver that hold partitions | 2 each | as if nothing had happened"
    );
}

/// The broker is stopped for a while and comes back; nobody has to be started again.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn the_broker_is_away_for_a_while() {
    let away = Duration::from_secs(number("TWOFOLD_TEST_OUTAGE", 30));
    let broker = Own::start("kafka");
    let topic = Topic::at(&broker.variables["TWOFOLD_TEST_KAFKA"], "away");
    let mut load = Load::start(topic, 12, 34, 2);
    let data = load.traffic.data("data");
    // One waits with its client, one is given new clients meanwhile.
    let impatient = "metadata.recovery.rebootstrap.trigger.ms=5000";
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let monitor = format!("monitor.listen=127.0.0.1:{port}");
    let impatient = ["--kafka", impatient, "--set", &monitor];
    let followers =
        vec![load.follower("speed", &data, &impatient), load.follower("archive", &data, &[])];
    std::thread::sleep(Duration::from_secs(4));
    broker.stop();
    std::thread::sleep(away);
    broker.again();
    let back = Instant::now();
    let late = Duration::from_secs(90);
    load.ship.wait(late);
    let total = in_time(&load.traffic, &load.topic);
    until("the estimates after the outage", late, || {
        json_of(&["report", "--json", "--data", &data])["requests"] == total
    });
    println!("caught up {:.1} s after the broker was back", back.elapsed().as_secs_f64());
    let mut followers = followers;
    assert!(followers.iter_mut().all(Service::runs), "a process ended by itself");
    let metrics = ureq::get(format!("http://127.0.0.1:{port}/metrics")).call().unwrap();
    let metrics = metrics.into_body().read_to_string().unwrap();
    assert!(metrics.contains("twofold_source_clients_replaced_total"), "{metrics}");
    load.finish(followers, &data);
    println!(
        "fault: the broker stopped for {} s under load | 1 | every process goes on by itself, all answers right",
        away.as_secs()
    );
}

/// The index's file is locked by somebody for longer than a session: the speed layer stops fetching
/// but stays in its group.
#[test]
#[ignore = "needs the servers that cargo xtask test starts"]
fn a_slow_index_costs_no_membership() {
    let load = Load::start(Topic::new("slow"), 12, 35, 1);
    let data = load.traffic.data("data");
    // Whoever does not poll for two seconds is thrown out.
    let speed = load.follower("speed", &data, &["--kafka", "max.poll.interval.ms=2000"]);
    until("the first rows", Duration::from_secs(30), || {
        json_of(&["report", "--json", "--data", &data])["requests"].as_u64() > Some(0)
    });
    let before = members(&load.topic, "speed");
    let lock = rusqlite::Connection::open(format!("{data}/twofold.db")).unwrap();
    lock.execute_batch("begin immediate").unwrap();
    std::thread::sleep(SESSION * 4);
    let after = members(&load.topic, "speed");
    lock.execute_batch("rollback").unwrap();
    assert_eq!((before.len(), &before), (1, &after), "the speed layer has lost its group");
    load.finish(vec![speed], &data);
}
