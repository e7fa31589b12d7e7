//! Spikes through the whole binary: generated weeks, a kill, and who is told.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::running::Running;
use common::{Traffic, json, ok, run, text, twofold};
use serde_json::{Value, json};

/// Whether a stored spike of the series has a minute in common with a label.
fn matches(spike: &Value, label: &Value, quantity: &str) -> bool {
    let minute = |value: &Value| common_minute(value.as_str().unwrap());
    let (start, end) = (spike["start"].as_i64().unwrap(), spike["end"].as_i64().unwrap());
    let from = minute(&label["start"]);
    let to = from + label["minutes"].as_i64().unwrap();
    spike["quantity"] == quantity && spike["scope"] == "all" && start < to && from < end
}

/// Minutes since the Unix epoch of `2026-03-09T18:04Z`, with jiff as everywhere.
fn common_minute(text: &str) -> i64 {
    let whole = text.replace('Z', ":00Z");
    whole.parse::<jiff::Timestamp>().unwrap().as_second() / 60
}

fn spikes(data: &str) -> Vec<Value> {
    json(&["spikes", "--json", "--data", data])["spikes"].as_array().unwrap().clone()
}

#[test]
fn generated_weeks_are_judged_as_they_are_labelled() {
    let folder = tempfile::tempdir().unwrap();
    let (log, answers) = (folder.path().join("access.log"), folder.path().join("answers.json"));
    let data = text(&folder.path().join("data")).to_owned();
    let generate = ["generate", "--profile", "spikes", "--days", "7", "--lines", "700000"];
    let to = ["--seed", "4", "--out", text(&log), "--answers", text(&answers)];
    ok(&[&generate[..], &to[..]].concat());
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&log)]);
    let answers: Value = serde_json::from_slice(&std::fs::read(&answers).unwrap()).unwrap();
    let labels = answers["spikes"].as_array().unwrap();
    let found = spikes(&data);
    let mut promised = 0;
    for label in labels {
        let (times, minutes) =
            (label["times"].as_f64().unwrap(), label["minutes"].as_u64().unwrap());
        let of = match label["kind"].as_str().unwrap() {
            "rise" if times >= 2.0 && minutes >= 3 && label["usual"].as_f64() >= Some(60.0) => {
                "requests"
            }
            "outage" => "requests",
            "scanner" => "not_found",
            _ => continue,
        };
        promised += 1;
        let spike = found.iter().find(|spike| matches(spike, label, of));
        let spike = spike.unwrap_or_else(|| panic!("{label} was not found"));
        assert_eq!(spike["review"]["standing"], "confirmed", "{spike}");
    }
    assert!(promised >= 4, "{labels:?}");
    let explained = |spike: &Value| labels.iter().any(|label| matches(spike, label, "requests"));
    let requests = |spike: &&Value| spike["quantity"] == "requests" && spike["scope"] == "all";
    let false_alarms = found.iter().filter(requests).filter(|spike| !explained(spike)).count();
    assert!(false_alarms <= 1, "{found:#?}");
    let accuracy = json(&["accuracy", "--json", "--data", &data]);
    assert!(accuracy["spikes"]["precision"].as_f64() >= Some(0.95), "{}", accuracy["spikes"]);
    they_go_with_their_minutes(&data, &found);
}

fn they_go_with_their_minutes(data: &str, found: &[Value]) {
    ok(&["prune", "--data", data, "--set", "retention.minutes=2d"]);
    let left = spikes(data);
    let first = left.iter().map(|spike| spike["start"].as_i64().unwrap()).min();
    let all: Vec<i64> = found.iter().map(|spike| spike["start"].as_i64().unwrap()).collect();
    let kept = all.iter().filter(|start| Some(**start) >= first).count();
    assert!(!left.is_empty() && left.len() < found.len(), "{} of {}", left.len(), found.len());
    assert_eq!(left.len(), kept);
}

/// Lines of so many requests a minute, spread over it.
fn lines(minute: i64, requests: u64, client: &str, out: &mut String) {
    for number in 0..requests {
        let at =
            jiff::Timestamp::from_second(minute * 60 + (number * 60 / requests) as i64).unwrap();
        let at = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let host =
            if client.is_empty() { format!("192.0.2.{}", number % 50) } else { client.to_owned() };
        *out += &format!("{host} - - [{at}] \"GET /p HTTP/1.1\" 200 100 \"-\" \"curl/8\"\n");
    }
}

/// Calm traffic over a span with a spike of one client in the midst of it.
fn with_spike(from: i64, to: i64, spike: std::ops::Range<i64>) -> String {
    let mut out = String::new();
    for minute in from..to {
        lines(minute, 40 + (minute * 7919 % 13) as u64, "", &mut out);
        if spike.contains(&minute) {
            lines(minute, 300, "198.51.100.7", &mut out);
        }
    }
    out
}

#[test]
fn killed_within_a_spike_it_ends_with_the_same_spikes() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let place = folder.path().join(name);
        std::fs::create_dir_all(&place).unwrap();
        (place.join("access.log"), text(&place.join("data")).to_owned())
    };
    let (start, spike) = (29_500_000, 29_500_600..29_500_620);
    let (calm, undisturbed) = place("undisturbed");
    std::fs::write(&calm, with_spike(start, start + 800, spike.clone())).unwrap();
    let to_end = |log: &Path, data: &str| {
        ok(&["run", "--to-end", "--no-serve", "--data", data, "--source", text(log)]);
    };
    to_end(&calm, &undisturbed);
    let (log, data) = place("killed");
    // It stands in the middle of the spike, and has written the open one.
    std::fs::write(&log, with_spike(start, spike.start + 9, spike.clone())).unwrap();
    let follow = ["run", "--no-serve", "--data", &data, "--source", text(&log)];
    let child = Running::start(twofold(&follow).stderr(Stdio::null()));
    let until = Instant::now() + Duration::from_secs(60);
    while !spikes_so_far(&data).iter().any(|spike| spike["closed"] == false) {
        assert!(Instant::now() < until, "no open spike is stored");
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(child);
    let rest = with_spike(spike.start + 9, start + 800, spike);
    let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(rest.as_bytes()).unwrap();
    to_end(&log, &data);
    let (killed, calm) = (spikes(&data), spikes(&undisturbed));
    let essence = |spikes: &[Value]| -> Vec<Value> {
        let fields =
            ["id", "start", "end", "minutes", "observed", "expected", "closed", "severity"];
        let one = |spike: &Value| fields.iter().map(|field| spike[*field].clone()).collect();
        spikes.iter().map(one).collect()
    };
    assert_eq!(essence(&killed), essence(&calm));
    let requests = |spike: &&Value| spike["quantity"] == "requests" && spike["scope"] == "all";
    let [one] = &killed.iter().filter(requests).collect::<Vec<_>>()[..] else {
        panic!("{killed:#?}")
    };
    assert_eq!(
        (&one["minutes"], &one["causes"]["clients"][0]["key"]),
        (&json!(20), &json!("198.51.100.7"))
    );
}

/// The spikes that are stored, where there is an index already.
fn spikes_so_far(data: &str) -> Vec<Value> {
    let output = run(&["spikes", "--json", "--data", data]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    answer["spikes"].as_array().cloned().unwrap_or_default()
}

/// A receiver of webhooks: what it was sent, by path. Its first answer is that it is out of order.
struct Hook {
    address: String,
    sent: Receiver<(String, Value)>,
}

impl Hook {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (put, sent) = channel();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (path, body) = answer(stream.unwrap(), if number == 0 { 503 } else { 200 });
                if number > 0 && put.send((path, body)).is_err() {
                    return;
                }
            }
        });
        Self { address, sent }
    }

    fn next(&self) -> (String, Value) {
        self.sent.recv_timeout(Duration::from_secs(60)).expect("nobody is told")
    }
}

fn answer(stream: TcpStream, status: u16) -> (String, Value) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    (&stream).write_all(answer.as_bytes()).unwrap();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    (path, serde_json::from_slice(&body).unwrap())
}

#[test]
fn webhooks_and_a_command_are_told_once_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let [log, told, printed] =
        ["access.log", "told", "printed"].map(|name| folder.path().join(name));
    let data = text(&folder.path().join("data")).to_owned();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 / 60;
    std::fs::write(&log, with_spike(now - 300, now, now - 30..now - 20)).unwrap();
    let receiver = Hook::start();
    let secret = |path: &str| format!("http://{}/{path}", receiver.address);
    let start = || {
        let mut command = twofold(&["run", "--no-serve", "--data", &data, "--source", text(&log)]);
        command.env("TWOFOLD_ALERTS_WEBHOOK", secret("json-of-nobody-else"));
        command.env("TWOFOLD_ALERTS_SLACK", secret("slack-of-nobody-else"));
        let hook = format!("echo $TWOFOLD_EVENT >> {0}; cat >> {0}", text(&told));
        command.env("TWOFOLD_ALERTS_COMMAND", hook).env("TWOFOLD_LOG", "debug");
        Running::start(command.stderr(std::fs::File::create(&printed).unwrap()))
    };
    let child = start();
    let mut got: Vec<(String, Value)> = (0..4).map(|_| receiver.next()).collect();
    got.sort_by(|a, b| a.0.cmp(&b.0));
    let (json, slack) = (&got[..2], &got[2..]);
    assert_eq!((&json[0].1["event"], &json[1].1["event"]), (&json!("spike"), &json!("resolved")));
    let spike = &json[0].1["spike"];
    assert_eq!((&spike["quantity"], &spike["minutes"]), (&json!("requests"), &json!(10)));
    assert_eq!(spike["causes"]["clients"][0]["key"], "198.51.100.7");
    assert!(slack[0].1["text"].as_str().unwrap().contains("198.51.100.7"), "{}", slack[0].1);
    // The command comes last.
    let until = Instant::now() + Duration::from_secs(20);
    let said = || std::fs::read_to_string(&told).unwrap_or_default();
    while !said().contains("resolved\n{") {
        assert!(Instant::now() < until, "{}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(child);
    let printed = std::fs::read_to_string(&printed).unwrap();
    assert!(
        printed.contains("alert sent") && !printed.contains("of-nobody-else"),
        "a secret is printed: {printed}"
    );
    // Nobody is told again, after two looks at least.
    let child = start();
    std::thread::sleep(Duration::from_secs(35));
    drop(child);
    let again: Vec<_> = receiver.sent.try_iter().collect();
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(said().matches("resolved\n{").count(), 1);
}

/// The generator's file and labels are what a user would use, too: they say the same twice.
#[test]
fn the_same_seed_gives_the_same_weeks() {
    let [one, two] = [0, 1].map(|_| Traffic::new("spikes", 30_000, 9));
    assert_eq!(std::fs::read(&one.log).unwrap(), std::fs::read(&two.log).unwrap());
    assert_eq!(one.answers["spikes"], two.answers["spikes"]);
    let lines = one.answers["lines"].as_u64().unwrap();
    assert!((25_000..60_000).contains(&lines), "{lines}");
}
