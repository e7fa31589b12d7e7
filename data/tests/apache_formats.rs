//! Every rule of the Apache family of formats, one line each.

use twofold_data::format::{Format, Parser};
use twofold_data::request::{Line, Malformed, Request, RequestLine};

const TIME: &str = "[02/Apr/2019:06:27:07 +0200]";

/// What `line()` holds.
fn plain() -> Request<'static> {
    Request {
        time: 1_554_179_227_000,
        utc_offset: 120,
        host: None,
        client: "1.2.3.4",
        ident: None,
        user: None,
        line: RequestLine::Http { method: "GET", target: "/a?b=c", protocol: "HTTP/1.1" },
        status: 200,
        bytes: Some(12),
        referrer: Some("https://x.org/"),
        user_agent: Some("curl/8.4.0"),
        duration: None,
    }
}

fn line() -> String {
    format!(r#"1.2.3.4 - - {TIME} "GET /a?b=c HTTP/1.1" 200 12 "https://x.org/" "curl/8.4.0""#)
}

/// The line is read as `expected`, and can be written again as it was.
fn check(format: &str, line: &str, expected: Request<'_>) {
    let (read, rebuilt) = read(format, line);
    assert_eq!(read, format!("{:?}", Line::Request(expected)), "{format}: {line}");
    assert_eq!(rebuilt.as_deref(), Some(line), "{format}: {line}");
}

/// The line is read as `expected`, but what the request says is not the whole line.
fn check_lossy(format: &str, line: &str, expected: Request<'_>) {
    let (read, rebuilt) = read(format, line);
    assert_eq!(read, format!("{:?}", Line::Request(expected)), "{format}: {line}");
    assert_ne!(rebuilt.as_deref(), Some(line), "{format}: {line}");
}

fn check_malformed(format: &str, line: &str, why: Malformed) {
    assert_eq!(read(format, line).0, format!("{:?}", Line::Malformed(why)), "{format}: {line}");
}

fn read(format: &str, line: &str) -> (String, Option<String>) {
    let format = Format::named(format).unwrap();
    let mut parser = Parser::new(&format);
    let read = parser.parse(line.as_bytes());
    let mut out = Vec::new();
    let rebuilt = match &read {
        Line::Request(request) => format.rebuild(request, &mut out),
        _ => false,
    };
    (format!("{read:?}"), rebuilt.then(|| String::from_utf8(out).unwrap()))
}

#[test]
fn the_three_formats() {
    check("combined", &line(), plain());
    let common = line().split(r#" "https"#).next().unwrap().to_owned();
    check("common", &common, Request { referrer: None, user_agent: None, ..plain() });
    for (host, expected) in [("x.org:443", Some("x.org:443")), ("", Some("")), ("-", None)] {
        let line = format!("{host} {}", line());
        check("vhost-combined", &line, Request { host: expected, ..plain() });
    }
}

#[test]
fn a_dash_is_absent() {
    let line = line().replace(" 12 ", " - ").replace("https://x.org/", "-");
    let line = line.replace("curl/8.4.0", "-");
    check("combined", &line, Request { bytes: None, referrer: None, user_agent: None, ..plain() });
    let line = self::line().replace("curl/8.4.0", "");
    check("combined", &line, Request { user_agent: Some(""), ..plain() });
}

#[test]
fn clients_are_addresses_and_names() {
    for client in ["255.255.255.255", "2001:db8::1", "::ffff:1.2.3.4", "host.example.org", "-"] {
        let line = line().replace("1.2.3.4", client);
        check("combined", &line, Request { client, ..plain() });
    }
}

#[test]
fn users_are_free_text() {
    for (user, expected) in [
        ("ada", Some("ada")),
        ("Ada Lovelace", Some("Ada Lovelace")),
        ("a [b] c", Some("a [b] c")),
        (r#"a "b" c"#, Some(r#"a "b" c"#)),
        ("[02/Apr/2019:06:27:07 +0200]", Some("[02/Apr/2019:06:27:07 +0200]")),
        (r#""""#, Some(r#""""#)),
        ("", Some("")),
        ("-", None),
    ] {
        let line = line().replace("- - ", &format!("- {user} "));
        check("combined", &line, Request { user: expected, ..plain() });
    }
    let line = line().replace("- - ", "ident - ");
    check("combined", &line, Request { ident: Some("ident"), ..plain() });
}

#[test]
fn quoted_fields_keep_their_escapes() {
    for agent in [r#"a \"b\" c"#, r"\x22\xE2\x80", r"ends in \\", r#"\\\""#, "Ünïcode", "a\tb"] {
        let line = line().replace("curl/8.4.0", agent);
        check("combined", &line, Request { user_agent: Some(agent), ..plain() });
        let line = self::line().replace("https://x.org/", agent);
        check("combined", &line, Request { referrer: Some(agent), ..plain() });
    }
}

#[test]
fn quotes_of_old_servers_are_not_escaped() {
    for text in [r#"a "b" c"#, r#"""#, r#"a" b"#] {
        let line = line().replace("curl/8.4.0", text);
        check("combined", &line, Request { user_agent: Some(text), ..plain() });
        let line = self::line().replace("https://x.org/", text);
        check("combined", &line, Request { referrer: Some(text), ..plain() });
        let line = self::line().replace("GET /a?b=c HTTP/1.1", text);
        check("combined", &line, Request { line: RequestLine::Other(text), ..plain() });
    }
}

#[test]
fn whatever_was_requested_is_a_request() {
    for text in ["", "-", "GET /", r"\x16\x03\x01\x02\x00", r#"\"\""#, "GET /a b HTTP/1.1"] {
        let line = line().replace("GET /a?b=c HTTP/1.1", text);
        check("combined", &line, Request { line: RequestLine::Other(text), ..plain() });
    }
}

#[test]
fn statuses_and_sizes_are_numbers() {
    for (status, expected) in [("000", 0), ("009", 9), ("999", 999)] {
        let line = line().replace(" 200 ", &format!(" {status} "));
        check("combined", &line, Request { status: expected, ..plain() });
    }
    check_lossy("combined", &line().replace(" 200 ", " 7 "), Request { status: 7, ..plain() });
    for status in ["---", "-", "1000", "20x", "+20", "", "-1"] {
        let line = line().replace(" 200 ", &format!(" {status} "));
        check_malformed("combined", &line, Malformed::Status);
    }
    let most = i64::MAX.unsigned_abs();
    let line = line().replace(" 12 ", &format!(" {most} "));
    check("combined", &line, Request { bytes: Some(most), ..plain() });
    for size in ["9223372036854775808", "99999999999999999999", "1.5", "x", "", "-1"] {
        let line = self::line().replace(" 12 ", &format!(" {size} "));
        check_malformed("combined", &line, Malformed::Size);
    }
}

#[test]
fn a_trailing_number_means_what_is_configured() {
    let with = |number: &str| format!("{} {number}", line());
    let took = |duration| Request { duration: Some(duration), ..plain() };
    check("combined+seconds", &with("0.012"), took(12_000));
    check("combined+seconds", &with("12.000"), took(12_000_000));
    check("combined+microseconds", &with("12"), took(12));
    check("combined+seconds", &line(), plain());
    check_lossy("combined+seconds", &with("12"), took(12_000_000));
    check_lossy("combined+seconds", &with("0.0123456789"), took(12_345));
    check_lossy("combined+seconds", &with("-"), plain());
    check_lossy("combined+microseconds", &with("007"), took(7));
    for number in ["12", "0.012", "-", r#""-""#, r#""10.0.0.1, 10.0.0.2""#, "80 0.1 -", ""] {
        check_lossy("combined", &with(number), plain());
    }
    check_lossy("combined+seconds", &with(r#"0.012 "-""#), took(12_000));
    for (format, number) in [
        ("combined", "x"),
        ("combined", r#""open"#),
        ("combined+seconds", "x"),
        ("combined+seconds", "9223372036855"),
        ("combined+microseconds", "0.5"),
        ("common", r#""-""#),
    ] {
        check_malformed(format, &with(number), Malformed::Shape);
    }
}

#[test]
fn times_are_instants() {
    let leap = line().replace(TIME, "[31/Dec/2016:23:59:60 +0000]");
    let time = 1_483_228_799_000;
    check_lossy("combined", &leap, Request { time, utc_offset: 0, ..plain() });
    for stamp in ["[30/Feb/2019:06:27:07 +0200]", "[02/Apr/2019:06:27:07]", "[-]", "-", "[]"] {
        check_malformed("combined", &line().replace(TIME, stamp), Malformed::Time);
    }
}

#[test]
fn lines_of_another_shape_are_malformed() {
    // The six kinds that ../shared/peers/gen_logs.py makes; its blank lines are below.
    for cut in 5..20 {
        let cut = &"1.2.3.4 - user1 [02/Apr/2019:06:27:07 +0200]"[..cut];
        check_malformed("combined", cut, Malformed::Shape);
    }
    check_malformed("combined", r"\x16\x03\x01\x0242", Malformed::Shape);
    check_malformed("combined", &line().replace(&format!("{TIME} "), ""), Malformed::Time);
    check_malformed("combined", &line().replace("\" 200 ", "\" --- "), Malformed::Status);
    let trace = "java.lang.IllegalStateException: pool exhausted at Worker.run(Worker.java:42)";
    check_malformed("combined", trace, Malformed::Shape);

    check_malformed("combined", &format!(" {}", line()), Malformed::Shape);
    check_malformed("common", &line(), Malformed::Shape);
    check_malformed("vhost-combined", &line(), Malformed::Time);
    check_malformed("combined", &line().replace(r#" "https://x.org/""#, ""), Malformed::Shape);
    check_malformed("combined", &line().replace("] \"", "] "), Malformed::Time);
    check_malformed("combined", line().trim_end_matches('"'), Malformed::Shape);
    check_malformed("combined", &format!("{}x", line()), Malformed::Shape);
}

#[test]
fn lines_end_in_many_ways() {
    check_lossy("combined", &format!("{}\r", line()), plain());
    check_lossy("combined", &format!("{} ", line()), plain());
    for blank in ["", " ", "\r", " \t\r"] {
        assert_eq!(read("vhost-combined", blank).0, "Blank");
    }
}

#[test]
fn lines_have_a_limit() {
    let format = Format::named("combined").unwrap().with_max_line(line().len());
    let mut parser = Parser::new(&format);
    assert!(matches!(parser.parse(format!("{}\r", line()).as_bytes()), Line::Request(_)));
    let longer = format!("{} ", line());
    assert_eq!(parser.parse(longer.as_bytes()), Line::Malformed(Malformed::TooLong));
    let mut parser = Parser::new(&Format::named("combined").unwrap());
    let longest = line().replace("curl", &"x".repeat(64 * 1024 - line().len() + 4));
    assert!(matches!(parser.parse(longest.as_bytes()), Line::Request(_)));
    let longer = longest + "x";
    assert_eq!(parser.parse(longer.as_bytes()), Line::Malformed(Malformed::TooLong));
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let mut parser = Parser::new(&Format::named("combined").unwrap());
    let mut record = line().into_bytes();
    let agent = record.len() - 11;
    record[agent] = 0xFF;
    let Line::Request(request) = parser.parse(&record) else { panic!("no request") };
    assert_eq!(request.user_agent, Some("\u{FFFD}url/8.4.0"));
    assert_eq!(Request { user_agent: Some("curl/8.4.0"), ..request }, plain());
}

#[test]
fn a_request_that_the_format_cannot_say_leaves_the_buffer_alone() {
    let mut out = b"before".to_vec();
    for (format, request) in [
        ("combined", Request { time: 1, ..plain() }),
        ("combined", Request { duration: Some(1), ..plain() }),
        ("combined+seconds", Request { duration: Some(1), ..plain() }),
        ("nginx-json", plain()),
        ("filebeat:combined", plain()),
    ] {
        assert!(!Format::named(format).unwrap().rebuild(&request, &mut out));
        assert_eq!(out, b"before");
    }
}
