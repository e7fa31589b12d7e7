//! Any bytes are valid input: each record is one of request, blank and malformed, and no
//! bytes panic or stall the parser.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use twofold_data::format::{Format, Parser, detect};
use twofold_data::request::{Line, Malformed};

const LINES: [&str; 12] = [
    r#"1.2.3.4 - - [02/Apr/2019:06:27:07 +0200] "GET /a?b=c HTTP/1.1" 200 12"#,
    r#"1.2.3.4 - ada [29/Feb/2024:23:59:59 -0330] "GET /a HTTP/2.0" 304 - "-" "curl/8.4.0""#,
    r#"2001:db8::1 - - [02/Apr/2019:06:27:07 +0000] "" 400 0 "-" "a \"b\" \x16" 0.123"#,
    r#"x.org:80 host.name - - [02/Apr/2019:06:27:07 +0000] "\x16\x03" 400 182 "-" "-" 445"#,
    r#" 1.2.3.4 - - [31/Dec/2016:23:59:60 +0000] "-" 408 - "-" "-""#,
    r#"{"time_iso8601":"2026-11-23T18:04:05+00:00","remote_addr":"1.2.3.4","request":"GET /\u00e9 HTTP/1.1","status":"200","body_bytes_sent":"12","request_time":"0.012"}"#,
    r#"{"ts":1646861401.5241024,"request":{"remote_ip":"127.0.0.1","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/?a","headers":{"User-Agent":["curl/7.82.0"]}},"duration":0.000929675,"size":10900,"status":200}"#,
    r#"{"@timestamp":"2026-11-23T18:04:05.123Z","source.ip":"1.2.3.4","http":{"request":{"method":"GET"},"response":{"status_code":200}},"url":{"path":"/\"","query":"q=\\"},"event":{"duration":5}}"#,
    r#"{"@timestamp":"x","message":"1.2.3.4 - - [02/Apr/2019:06:27:07 +0000] \"GET / HTTP/1.1\" 200 12 \"-\" \"-\"\n"}"#,
    r#"{"log":"{\"ts\":1,\"request\":{\"client_ip\":\"1.2.3.4\"},\"status\":200}\n","stream":"stdout"}"#,
    "",
    "java.lang.IllegalStateException: pool exhausted at Worker.run(Worker.java:42)",
];

fn formats() -> Vec<Format> {
    let more = [
        "combined+seconds",
        "vhost-combined+microseconds",
        "filebeat:combined",
        r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent"#,
        r#"%v %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\" %D"#,
    ];
    Format::NAMES.into_iter().chain(more).filter_map(Format::named).collect()
}

#[test]
fn a_hundred_thousand_mutated_lines_are_each_counted_once() {
    const ROUNDS: usize = 100_000;
    let mut parsers: Vec<Parser> = formats().iter().map(Parser::new).collect();
    let (mut requests, mut blank, mut malformed) = (0, 0, [0; Malformed::ALL.len()]);
    let mut random = Random(2026);
    for round in 0..ROUNDS {
        let record = mutate(LINES[round % LINES.len()].as_bytes(), &mut random);
        let parser = random.below(parsers.len());
        match parsers[parser].parse(&record) {
            Line::Request(_) => requests += 1,
            Line::Blank => blank += 1,
            Line::Malformed(why) => {
                malformed[Malformed::ALL.iter().position(|each| *each == why).unwrap()] += 1;
            }
        }
    }
    assert_eq!(requests + blank + malformed.iter().sum::<usize>(), ROUNDS);
    assert!(requests > 1000 && blank > 1000, "{requests} requests, {blank} blank");
    assert!(malformed[..5].iter().all(|count| *count > 100), "{malformed:?}");
}

/// Some bytes are changed, inserted, removed, swapped for a part of another line, or cut off.
fn mutate(line: &[u8], random: &mut Random) -> Vec<u8> {
    let mut record = line.to_vec();
    for _ in 0..random.below(4) {
        let at = random.below(record.len() + 1);
        let special = *b"\" []\\-{}:,\r\0\xFF\xC3".get(random.below(20)).unwrap_or(&b'7');
        match random.below(5) {
            0 => record.insert(at, special),
            1 => record.truncate(at),
            2 if at < record.len() => record[at] = special,
            3 if at < record.len() => drop(record.remove(at)),
            _ => {
                let other = LINES[random.below(LINES.len())].as_bytes();
                record.truncate(at);
                record.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
        }
    }
    record
}

/// Splitmix64: the same lines on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// A quote that closes nothing made the parser look through the rest of the line again.
#[test]
fn the_longest_hostile_lines_take_linear_time() {
    let start = r#"1.2.3.4 - - [02/Apr/2019:06:27:07 +0000] "GET / HTTP/1.1" 200 1 "-" "a" "#;
    let parts = [r#""x""#, r#""x" "#, r#""x"z "#, r#"" 1"#, "\\\"", "\\", "[", " [", "{\"\":"];
    let formats = formats();
    let clock = Instant::now();
    for part in parts {
        for start in [start, &start[..70], &start[..42], "1.2.3.4 - ", ""] {
            let record = [start, &part.repeat((65_000 - start.len()) / part.len()), "z"].concat();
            for format in &formats {
                Parser::new(format).parse(record.as_bytes());
            }
        }
    }
    assert!(clock.elapsed() < Duration::from_secs(1), "{:?}", clock.elapsed());
}

proptest! {
    #[test]
    fn no_bytes_panic(record in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in formats() {
            Parser::new(&format).parse(&record);
        }
        detect(&[&record]);
    }

    #[test]
    fn no_text_panics(text in r#"[ -~é\\"\[\]{}]{0,200}"#) {
        for format in formats() {
            Parser::new(&format).parse(text.as_bytes());
        }
    }

    #[test]
    fn canonical_lines_are_rebuilt(line in canonical(), zone in -1439i16..1440, second in 0i64..4_000_000_000) {
        let instant = jiff::Timestamp::from_second(second).unwrap();
        let offset = jiff::tz::Offset::from_seconds(i32::from(zone) * 60).unwrap();
        let local = offset.to_datetime(instant).strftime("%d/%b/%Y:%H:%M:%S").to_string();
        let sign = if zone < 0 { '-' } else { '+' };
        let zone = zone.abs();
        let stamp = format!("{local} {sign}{:02}{:02}", zone / 60, zone % 60);
        for (name, text) in line {
            let text = text.replace("TIME", &stamp);
            let format = Format::named(name).unwrap();
            let mut parser = Parser::new(&format);
            let Line::Request(request) = parser.parse(text.as_bytes()) else {
                return Err(TestCaseError::fail(format!("{name} reads no request: {text}")));
            };
            prop_assert_eq!(request.time, second * 1000);
            let mut rebuilt = Vec::new();
            prop_assert!(format.rebuild(&request, &mut rebuilt));
            prop_assert_eq!(String::from_utf8(rebuilt).unwrap(), text);
        }
    }
}

/// Lines as the two servers write them, in every format of the family.
fn canonical() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let client = "[0-9a-f:.]{1,39}|[a-z][a-z0-9.-]{0,40}";
    let user = r"-|[A-Za-z0-9@._-]{1,20}|[A-Z][a-z]{1,9} [A-Z][a-z]{1,9}";
    let quoted = r#"(-|[ !#-\[\]-~é]|\\"|\\\\|\\x[0-9A-F]{2}){0,60}"#;
    let request = r#"(GET|POST|HEAD) /[!#-\[\]-~]{0,40}(\?[!#-\[\]-~]{0,40})? HTTP/(1\.[01]|2\.0)"#;
    let request = prop_oneof![3 => request, 1 => quoted];
    let size = prop_oneof![Just("-".to_owned()), (0..=i64::MAX).prop_map(|size| size.to_string())];
    let tail = (quoted, quoted, 0u64..1_000_000_000, "[a-z0-9.:-]{0,20}");
    ((client, user, request), (0u16..1000, size), tail).prop_map(
        |((client, user, request), (status, size), (referrer, agent, number, host))| {
            let common = format!(r#"{client} - {user} [TIME] "{request}" {status:03} {size}"#);
            let combined = format!(r#"{common} "{referrer}" "{agent}""#);
            let seconds = format!("{}.{:03}", number / 1000, number % 1000);
            vec![
                ("common+microseconds", format!("{common} {number}")),
                ("combined+seconds", format!("{combined} {seconds}")),
                ("vhost-combined", format!("{host} {combined}")),
                ("common", common),
                ("combined", combined),
            ]
        },
    )
}
