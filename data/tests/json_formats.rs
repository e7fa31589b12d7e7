//! JSON lines and envelopes, one rule a test.

use serde_json::json;
use twofold_data::format::{Format, Options, Parser, detect};
use twofold_data::request::{Line, Malformed, Request, RequestLine};

const NGINX: &str = r#"{"time_iso8601":"2026-11-23T18:04:05+01:00","remote_addr":"1.2.3.4","remote_user":"","request":"GET /a?b=c HTTP/1.1","status":"200","body_bytes_sent":"12","http_referer":"https://x.org/","http_user_agent":"curl/8.4.0","request_time":"0.012","host":"example.org"}"#;

const CADDY: &str = r#"{"level":"info","ts":1763917445.1239,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"41342","client_ip":"1.2.3.4","proto":"HTTP/2.0","method":"GET","host":"example.org","uri":"/a?b=c","headers":{"User-Agent":["curl/8.4.0"],"Accept":["*/*"],"Referer":["https://x.org/"]},"tls":{"resumed":false,"version":772}},"bytes_read":0,"user_id":"","duration":0.012345678,"size":12,"status":200,"resp_headers":{"Server":["Caddy"]}}"#;

const TRAEFIK: &str = r#"{"ClientAddr":"[2001:db8::1]:50000","ClientUsername":"-","DownstreamContentSize":12,"DownstreamStatus":200,"Duration":12345678,"RequestHost":"example.org","RequestMethod":"GET","RequestPath":"/a?b=c","RequestProtocol":"HTTP/1.1","StartUTC":"2026-11-23T18:04:05.123456789Z","level":"info","msg":"","request_User-Agent":"curl/8.4.0","time":"2026-11-23T18:04:06Z"}"#;

const ECS: &str = r#"{"@timestamp":"2026-11-23T18:04:05.123Z","source":{"ip":"1.2.3.4"},"http":{"version":"1.1","request":{"method":"GET","referrer":"https://x.org/"},"response":{"status_code":200,"body":{"bytes":12}}},"url":{"path":"/a","query":"b=c","domain":"example.org"},"user_agent":{"original":"curl/8.4.0"},"event":{"duration":12345678}}"#;

const COMBINED: &str = r#"1.2.3.4 - - [23/Nov/2026:18:04:05 +0000] "GET /a?b=c HTTP/1.1" 200 12 "https://x.org/" "curl/8.4.0""#;

/// The request that all of these lines tell of, more or less.
fn plain() -> Request<'static> {
    Request {
        time: 1_795_457_045_000,
        utc_offset: 0,
        host: Some("example.org"),
        client: "1.2.3.4",
        ident: None,
        user: None,
        line: http("/a?b=c", "HTTP/1.1"),
        status: 200,
        bytes: Some(12),
        referrer: Some("https://x.org/"),
        user_agent: Some("curl/8.4.0"),
        duration: None,
    }
}

fn http<'a>(target: &'a str, protocol: &'a str) -> RequestLine<'a> {
    RequestLine::Http { method: "GET", target, protocol }
}

fn check(format: &str, line: &str, expected: Line<'_>) {
    check_with(&Format::named(format).unwrap(), line, expected);
}

fn check_with(format: &Format, line: &str, expected: Line<'_>) {
    assert_eq!(Parser::new(format).parse(line.as_bytes()), expected, "{}: {line}", format.name());
}

fn check_malformed(line: &str, why: Malformed) {
    check("nginx-json", line, Line::Malformed(why));
}

#[test]
fn nginx() {
    let (time, utc_offset) = (plain().time - 3_600_000, 60);
    let duration = Some(12_000);
    let expected = Request { time, utc_offset, duration, ..plain() };
    check("nginx-json", NGINX, Line::Request(expected));
    check("json", NGINX, Line::Request(expected));
}

#[test]
fn nginx_with_other_variables() {
    let line = r#"{"msec":"1795457045.123","client":"1.2.3.4","host":"-","request_method":"GET","request_uri":"/a?b=c","server_protocol":"HTTP/1.1","status":200,"bytes_sent":12}"#;
    let nothing = Request { host: None, referrer: None, user_agent: None, ..plain() };
    let expected = Request { time: plain().time + 123, ..nothing };
    check("nginx-json", line, Line::Request(expected));
    let line = line.replace("\"request_uri\":\"/a?b=c\"", "\"uri\":\"/a\",\"args\":\"b=c\"");
    check("nginx-json", &line, Line::Request(expected));
    let line = line.replace("b=c", "");
    check("nginx-json", &line, Line::Request(Request { line: http("/a", "HTTP/1.1"), ..expected }));
}

#[test]
fn caddy() {
    let time = 1_763_917_445_123;
    let (line, duration) = (http("/a?b=c", "HTTP/2.0"), Some(12_346));
    check("caddy-json", CADDY, Line::Request(Request { time, line, duration, ..plain() }));
    let old = CADDY.replace(r#""client_ip":"1.2.3.4","#, "");
    let client = "10.0.0.1";
    check("caddy-json", &old, Line::Request(Request { time, line, duration, client, ..plain() }));
}

#[test]
fn traefik() {
    let time = plain().time + 123;
    let (client, duration, referrer) = ("2001:db8::1", Some(12_346), None);
    let expected = Request { time, client, duration, referrer, ..plain() };
    check("traefik-json", TRAEFIK, Line::Request(expected));
}

#[test]
fn ecs_nested_and_dotted() {
    let expected = Request { time: plain().time + 123, duration: Some(12_346), ..plain() };
    check("ecs-json", ECS, Line::Request(expected));
    let dotted = r#"{"@timestamp":"2026-11-23T18:04:05.123Z","source.ip":"1.2.3.4","http.version":"1.1","http.request.method":"GET","http.request.referrer":"https://x.org/","http":{"response.status_code":200,"response":{"body.bytes":12}},"url.original":"https://example.org/a?b=c","url.domain":"example.org","user_agent.original":"curl/8.4.0","event.duration":12345678}"#;
    check("ecs-json", dotted, Line::Request(expected));
}

#[test]
fn escapes_are_decoded() {
    let line = NGINX.replace("curl/8.4.0", r#"\"Ü\u00fc\"\t\ud83e\udd80"#);
    let line = line.replace("/a?b=c", r"/\\x22?\/");
    let (time, utc_offset) = (plain().time - 3_600_000, 60);
    let expected = Request {
        time,
        utc_offset,
        duration: Some(12_000),
        line: http(r"/\x22?/", "HTTP/1.1"),
        user_agent: Some("\"Üü\"\t🦀"),
        ..plain()
    };
    check("nginx-json", &line, Line::Request(expected));
    let junk = NGINX.replace("GET /a?b=c HTTP/1.1", r"\u0016\u0003");
    let expected = RequestLine::Other("\u{16}\u{3}");
    let format = Format::named("nginx-json").unwrap();
    let mut parser = Parser::new(&format);
    let Line::Request(request) = parser.parse(junk.as_bytes()) else { panic!("no request") };
    assert_eq!(request.line, expected);
}

#[test]
fn the_best_key_wins_wherever_it_stands() {
    for line in [
        NGINX.replace('{', r#"{"ip":"9.9.9.9","#),
        NGINX.replace('}', r#","ip":"9.9.9.9"}"#),
        NGINX.replace('}', r#","time":"2001-01-01T00:00:00Z"}"#),
        NGINX.replace('}', r#","more":{"status":[1,{"status":2}],"x":null},"y":true}"#),
    ] {
        let mut parser = Parser::new(&Format::named("nginx-json").unwrap());
        let Line::Request(request) = parser.parse(line.as_bytes()) else { panic!("{line}") };
        assert_eq!((request.client, request.status), ("1.2.3.4", 200), "{line}");
        assert_eq!(request.time, plain().time - 3_600_000, "{line}");
    }
}

#[test]
fn a_field_map_of_ones_own() {
    let options = json!({
        "name": "json",
        "fields": {"client": ["x.client", "y"], "time": "at", "duration": "ms"},
        "time_unit": "milliseconds",
        "duration_unit": "milliseconds",
    });
    let options: Options = serde_json::from_value(options).unwrap();
    let format = options.format().unwrap().unwrap();
    let line = r#"{"at":1795457045000,"y":"1.2.3.4","request":"GET /a?b=c HTTP/1.1","status":200,"bytes":12,"ms":1.5,"host":"example.org","referer":"https://x.org/","agent":"curl/8.4.0"}"#;
    check_with(&format, line, Line::Request(Request { duration: Some(1500), ..plain() }));
    let line = line.replace(r#""y":"1.2.3.4""#, r#""x":{"client":"1.2.3.4"},"y":"9.9.9.9""#);
    check_with(&format, &line, Line::Request(Request { duration: Some(1500), ..plain() }));
}

#[test]
fn what_is_wrong_is_said() {
    check_malformed("no json", Malformed::Json);
    check_malformed("[]", Malformed::Json);
    check_malformed("\"text\"", Malformed::Json);
    check_malformed(NGINX.trim_end_matches('}'), Malformed::Json);
    check_malformed(&format!("{NGINX} {NGINX}"), Malformed::Json);
    check_malformed(&"{\"a\":".repeat(10_000), Malformed::Json);
    check_malformed("{}", Malformed::Time);
    for (time, why) in [("yesterday", Malformed::Time), ("1e999", Malformed::Time)] {
        check_malformed(&NGINX.replace("2026-11-23T18:04:05+01:00", time), why);
    }
    check_malformed(&NGINX.replace("1.2.3.4", ""), Malformed::Shape);
    for status in ["", "-", "1000", "-1", "ok", "200.0", "NaN"] {
        check_malformed(&NGINX.replace("\"200\"", &format!("\"{status}\"")), Malformed::Status);
    }
    for status in ["null", "true", "[]", "{}", "-200", "200.5"] {
        check_malformed(&NGINX.replace("\"200\"", status), Malformed::Status);
    }
    for size in ["\"x\"", "-1", "1e30", "1.5", "18446744073709551615"] {
        check_malformed(&NGINX.replace("\"12\"", size), Malformed::Size);
    }
    check_malformed(&NGINX.replace("0.012", "soon"), Malformed::Shape);
}

#[test]
fn envelopes_are_opened() {
    let expected = Request { host: None, ..plain() };
    let text = serde_json::to_string(&format!("{COMBINED}\n")).unwrap();
    for (kind, envelope) in [
        ("filebeat", format!(r#"{{"@timestamp":"x","message":{text},"log":{{"offset":0}}}}"#)),
        ("fluent-bit", format!(r#"{{"log":{text},"stream":"stdout","time":"x"}}"#)),
        ("vector", format!(r#"{{"file":"/x","message":{text},"source_type":"file"}}"#)),
    ] {
        check(kind, &envelope, Line::Request(expected));
        check(&format!("{kind}:combined"), &envelope, Line::Request(expected));
        let json = envelope.replace(&text, &serde_json::to_string(CADDY).unwrap());
        let mut parser = Parser::new(&Format::named(kind).unwrap());
        assert!(matches!(parser.parse(json.as_bytes()), Line::Request(_)), "{json}");
    }
}

#[test]
fn what_is_in_an_envelope_is_judged_like_a_line() {
    let combined = "filebeat:combined";
    check(combined, r#"{"message":"\r\n"}"#, Line::Blank);
    check(combined, r#"{"message":"junk"}"#, Line::Malformed(Malformed::Shape));
    check("filebeat", r#"{"message":"junk"}"#, Line::Malformed(Malformed::Shape));
    check(combined, r#"{"message":5}"#, Line::Malformed(Malformed::Shape));
    check(combined, r#"{"log":""}"#, Line::Malformed(Malformed::Shape));
    check(combined, COMBINED, Line::Malformed(Malformed::Json));
    let timed = json!({ "message": format!("{COMBINED} 0.012") }).to_string();
    let expected = Request { host: None, duration: Some(12_000), ..plain() };
    check("filebeat+seconds", &timed, Line::Request(expected));
    check("filebeat:combined+seconds", &timed, Line::Request(expected));
}

#[test]
fn formats_are_detected() {
    let envelope = |key: &str, line: &str| json!({ key: line, "x": 1 }).to_string();
    for (line, name) in [
        (NGINX.to_owned(), "nginx-json"),
        (CADDY.to_owned(), "caddy-json"),
        (TRAEFIK.to_owned(), "traefik-json"),
        (ECS.to_owned(), "ecs-json"),
        (envelope("message", COMBINED), "filebeat:combined"),
        (envelope("log", &format!("x.org:80 {COMBINED}\n")), "fluent-bit:vhost-combined"),
        (envelope("message", CADDY), "filebeat:caddy-json"),
        (envelope("message", CADDY).replace("\"x\"", "\"source_type\""), "vector:caddy-json"),
    ] {
        let found = detect(&[line.as_bytes(), b"", b"junk"]).unwrap();
        assert_eq!((found.format.name().as_str(), found.matched, found.of), (name, 1, 2));
    }
    let found = detect(&[format!("{COMBINED} 7").as_bytes()]).unwrap();
    let said = found.to_string();
    assert_eq!(
        said,
        "combined, which reads 1 of 1 lines; 1 of them go on after its last field, which is ignored"
    );
}
