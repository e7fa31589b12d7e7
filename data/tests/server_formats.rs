//! The formats of AWS and of W3C extended logs: each line with what it says.

use twofold_data::format::{Format, Options, Parser, Unit, detect};
use twofold_data::request::{Line, Malformed, Request, RequestLine};

const ALB: &str = r#"https 2026-11-23T18:04:05.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678" 1 2026-11-23T18:04:05.052000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-""#;

const IIS_HEAD: [&str; 4] = [
    "#Software: Microsoft Internet Information Services 10.0",
    "#Version: 1.0",
    "#Date: 2026-11-23 18:00:00",
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
];

const IIS: &str = "2026-11-23 18:04:05 10.0.0.1 GET /a b=c 80 ada 1.2.3.4 Mozilla/5.0+(X11;+Linux) https://x.org/ 404 0 2 15";

const CLOUDFRONT_HEAD: [&str; 2] = [
    "#Version: 1.0",
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end",
];

const CLOUDFRONT: &str = "2026-11-23\t18:04:05\tLAX1\t2390282\t2001:db8::1\tGET\td111111abcdef8.cloudfront.net\t/view/a.html\t200\twww.displaymyfiles.com\tMozilla/4.0%20(compatible;%20MSIE%205.0b1;%20Mac_PowerPC)\ta=b&c=d\tzip=98101\tRefreshHit\tMRVMF7KydIvxMWfJIglgwHQwZsbG2IhRJ07sn9AkKUFSHS9EXAMPLE==\twww.example.org\thttp\t-\t0.001\t-\t-\t-\tRefreshHit\tHTTP/2.0\tProcessed\t1\t2048\t0.001\tOriginShieldHit\ttext/html\t78\t-\t-";

const TIME: i64 = 1_795_457_045_000;

fn request<'a>(client: &'a str, target: &'a str, protocol: &'a str) -> Request<'a> {
    Request {
        time: TIME,
        utc_offset: 0,
        host: None,
        client,
        ident: None,
        user: None,
        line: RequestLine::Http { method: "GET", target, protocol },
        status: 200,
        bytes: None,
        referrer: None,
        user_agent: None,
        duration: None,
    }
}

#[track_caller]
fn check(format: &str, line: &str, expected: Line<'_>) {
    let format = Format::named(format).unwrap();
    assert_eq!(Parser::new(&format).parse(line.as_bytes()), expected, "{line}");
    let Line::Request(request) = expected else { return };
    let mut rebuilt = Vec::new();
    assert!(!format.rebuild(&request, &mut rebuilt) && rebuilt.is_empty(), "the line is kept");
}

fn alb() -> Request<'static> {
    Request {
        time: TIME + 186,
        host: Some("www.example.com"),
        bytes: Some(57),
        user_agent: Some("curl/7.46.0"),
        duration: Some(171_000),
        ..request("192.168.131.39", "/a?b=c", "HTTP/1.1")
    }
}

#[test]
fn alb_lines_are_read() {
    check("alb", ALB, Line::Request(alb()));
    let six = ALB.replace("192.168.131.39:2817", "[2001:db8::1]:2817");
    check("alb", &six, Line::Request(Request { client: "2001:db8::1", ..alb() }));
    let refused = ALB.replace("10.0.0.1:80 0.086 0.048 0.037 200 200", "- -1 -1 -1 460 -");
    check("alb", &refused, Line::Request(Request { status: 460, duration: None, ..alb() }));
    let old = ALB.split_once(" ECDHE").unwrap().0;
    check("alb", old, Line::Request(alb()));
    let junk =
        ALB.replace("GET https://www.example.com:443/a?b=c HTTP/1.1", "- http://my-lb:80- -");
    let line = RequestLine::Other("- http://my-lb:80- -");
    check("alb", &junk, Line::Request(Request { line, host: None, ..alb() }));
    let quoted = ALB.replace("curl/7.46.0", r#"a \"b\""#);
    check("alb", &quoted, Line::Request(Request { user_agent: Some(r#"a \"b\""#), ..alb() }));
}

#[test]
fn what_is_wrong_with_an_alb_line_is_said() {
    for (old, new, why) in [
        ("https 2026", "ftp 2026", Malformed::Shape),
        ("2026-11-23T18:04:05.186641Z", "yesterday", Malformed::Time),
        (" 200 200 ", " x 200 ", Malformed::Status),
        (" 200 200 ", " 1000 200 ", Malformed::Status),
        (" 0 57 ", " 0 x ", Malformed::Size),
        ("0.086", "x", Malformed::Shape),
        ("192.168.131.39:2817", "-", Malformed::Shape),
        ("\"curl", "curl", Malformed::Shape),
    ] {
        check("alb", &ALB.replacen(old, new, 1), Line::Malformed(why));
    }
}

fn iis() -> Request<'static> {
    Request {
        user: Some("ada"),
        status: 404,
        referrer: Some("https://x.org/"),
        user_agent: Some("Mozilla/5.0 (X11; Linux)"),
        duration: Some(15_000),
        ..request("1.2.3.4", "/a?b=c", "")
    }
}

#[test]
fn iis_lines_are_read() {
    check("w3c", IIS, Line::Request(iis()));
    let line = RequestLine::Http { method: "GET", target: "/a", protocol: "" };
    let without = IIS.replace("b=c", "-").replace(" ada ", " - ");
    check("w3c", &without, Line::Request(Request { line, user: None, ..iis() }));
    for head in IIS_HEAD {
        check("w3c", head, Line::Blank);
    }
    for (unit, microseconds) in [(Unit::Seconds, 15_000_000), (Unit::Nanoseconds, 0)] {
        let options =
            Options { name: "w3c".into(), duration_unit: Some(unit), ..Options::default() };
        let format = options.format().unwrap().unwrap();
        let expected = Request { duration: Some(microseconds), ..iis() };
        assert_eq!(Parser::new(&format).parse(IIS.as_bytes()), Line::Request(expected));
    }
}

#[test]
fn cloudfront_lines_are_read() {
    let expected = Request {
        host: Some("www.example.org"),
        bytes: Some(2_390_282),
        referrer: Some("www.displaymyfiles.com"),
        user_agent: Some("Mozilla/4.0 (compatible; MSIE 5.0b1; Mac_PowerPC)"),
        duration: Some(1_000),
        ..request("2001:db8::1", "/view/a.html?a=b&c=d", "HTTP/2.0")
    };
    check("cloudfront", CLOUDFRONT, Line::Request(expected));
    let twice = CLOUDFRONT.replace("%20", "%2520");
    check("cloudfront", &twice, Line::Request(expected));
    let control = CLOUDFRONT.replace("Mozilla/4.0%20", "%1b%00%ff%zz%");
    let agent = Some("%1b%00%ff%zz%(compatible; MSIE 5.0b1; Mac_PowerPC)");
    check("cloudfront", &control, Line::Request(Request { user_agent: agent, ..expected }));
    check(
        "cloudfront",
        &CLOUDFRONT.replace("\t200\t", "\t000\t"),
        Line::Request(Request { status: 0, ..expected }),
    );
}

#[test]
fn what_is_wrong_with_a_w3c_line_is_said() {
    for (old, new, why) in [
        ("2026-11-23", "2026-13-23", Malformed::Time),
        ("18:04:05", "-", Malformed::Time),
        (" 404 ", " x ", Malformed::Status),
        (" 15", " x", Malformed::Shape),
        (" 1.2.3.4 ", " - ", Malformed::Shape),
        (" 15", "", Malformed::Shape),
        (" 15", " 15 16", Malformed::Shape),
    ] {
        check("w3c", &IIS.replacen(old, new, 1), Line::Malformed(why));
    }
}

/// The columns change in the middle of a file: lines before and after are read, also by a
/// parser that starts after either directive and has learnt them from the first lines.
#[test]
fn the_directive_decides_the_columns() {
    let more = "#Fields: time date cs-uri cs-method c-ip sc-status sc-bytes cs(Host)";
    let other = "18:04:05 2026-11-23 http://example.org/a?b=c GET 1.2.3.4 200 12 example.org";
    let expected = Line::Request(Request {
        host: Some("example.org"),
        bytes: Some(12),
        ..request("1.2.3.4", "/a?b=c", "")
    });
    check("w3c", other, Line::Malformed(Malformed::Shape));
    let mut parser = Parser::new(&Format::named("w3c").unwrap());
    assert_eq!(parser.parse(IIS.as_bytes()), Line::Request(iis()));
    assert_eq!(parser.parse(more.as_bytes()), Line::Blank);
    assert_eq!(parser.parse(other.as_bytes()), expected);
    assert_eq!(parser.parse(IIS.as_bytes()), Line::Request(iis()));

    let mut learnt = Format::named("w3c").unwrap();
    let before = learnt.fingerprint();
    learnt.learn(["junk", more, "#Fields: no such columns", more].map(str::as_bytes));
    assert_ne!(learnt.fingerprint(), before);
    let mut parser = Parser::new(&learnt);
    assert_eq!(parser.parse(other.as_bytes()), expected);
    assert_eq!(parser.parse(IIS.as_bytes()), Line::Request(iis()));
}

#[test]
fn a_directive_in_an_envelope_decides_the_columns_too() {
    let more = r##"{"message":"#Fields: time date cs-uri cs-method c-ip sc-status"}"##;
    let line = r#"{"message":"18:04:05 2026-11-23 /a GET 1.2.3.4 200"}"#;
    let format = Format::named("filebeat:w3c").unwrap();
    let mut parser = Parser::new(&format);
    assert_eq!(parser.parse(line.as_bytes()), Line::Malformed(Malformed::Shape));
    assert_eq!(parser.parse(more.as_bytes()), Line::Blank);
    let expected = Line::Request(request("1.2.3.4", "/a", ""));
    assert_eq!(parser.parse(line.as_bytes()), expected);

    let mut learnt = format.clone();
    learnt.learn([line, "junk", more].map(str::as_bytes));
    assert_ne!(learnt.fingerprint(), format.fingerprint());
    assert_eq!(Parser::new(&learnt).parse(line.as_bytes()), expected);
}

#[test]
fn quoted_fields_may_hold_the_separator() {
    let mut format = Format::named("w3c").unwrap();
    format.learn([&b"#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)"[..]]);
    let line = "2026-11-23 18:04:05 1.2.3.4 GET /a 200 \"a b\"";
    let expected = Request { user_agent: Some("a b"), ..request("1.2.3.4", "/a", "") };
    assert_eq!(Parser::new(&format).parse(line.as_bytes()), Line::Request(expected));
}

#[test]
fn auto_tells_them() {
    let detected = |lines: &[&str]| {
        let sample: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        detect(&sample).map(|found| (found.format.name(), found.matched, found.of))
    };
    let named = |name: &str, matched, of| Some((name.to_owned(), matched, of));
    assert_eq!(detected(&[ALB, ALB]), named("alb", 2, 2));
    assert_eq!(detected(&[&IIS_HEAD[..], &[IIS, IIS]].concat()), named("w3c", 2, 2));
    assert_eq!(detected(&[IIS]), named("w3c", 1, 1));
    assert_eq!(
        detected(&[&CLOUDFRONT_HEAD[..], &[CLOUDFRONT]].concat()),
        named("cloudfront", 1, 1)
    );
    let fewer = ["#Fields: date time c-ip sc-status", "2026-11-23 18:04:05 1.2.3.4 200"];
    assert_eq!(detected(&fewer), named("w3c", 1, 1));
}
