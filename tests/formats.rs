//! Logs of other servers through the whole lambda, stopped in the middle of a file.

mod common;

use common::{json, ok, text};

const HEAD: &str = "#Software: Microsoft Internet Information Services 10.0\r
#Version: 1.0\r
#Date: 2026-11-23 18:00:00\r
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-bytes time-taken\r
";

fn lines(minutes: std::ops::Range<u32>) -> String {
    let line = |minute: u32| {
        let (hour, minute) = (18 + minute / 60, minute % 60);
        format!(
            "2026-11-23 {hour:02}:{minute:02}:07 10.0.0.1 GET /page{} q=1 443 - 1.2.3.{minute} Mozilla/5.0+(X11) 200 100 15\r\n",
            minute % 3
        )
    };
    minutes.map(line).collect()
}

/// The second run starts behind the directive that names the columns, and the administrator
/// has changed them further on.
#[test]
fn a_w3c_log_is_read_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("u_ex261123.log");
    let data = text(&folder.path().join("data")).to_owned();
    let run = ["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&log)];
    let first = HEAD.to_owned() + &lines(0..90);
    std::fs::write(&log, &first).unwrap();
    ok(&run);
    let changed = "#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes cs(Host)\r\n\
                   2026-11-23 20:30:00 1.2.3.4 GET /other 404 50 example.org\r\n";
    let whole = first + &lines(90..150) + changed;
    std::fs::write(&log, &whole).unwrap();
    ok(&run);
    let report = json(&["report", "--json", "--data", &data]);
    assert_eq!((&report["requests"], &report["malformed"]), (&151.into(), &0.into()), "{report}");
    assert_eq!((&report["blank"], &report["bytes"]), (&5.into(), &15_050.into()));
    assert_eq!(report["status"], serde_json::json!({ "200": 150, "404": 1 }));
    assert_eq!(report["top_hosts"], serde_json::json!([["example.org", 1]]));
    assert_eq!(json(&["audit", "--json", "--data", &data])["ok"], true);
    assert!(ok(&["export", "--data", &data]) == whole.as_bytes(), "byte for byte");
    let detected = json(&["detect", text(&log), "--json"]);
    assert_eq!(detected["format"], "w3c", "{detected}");
}

#[test]
fn alb_and_cloudfront_logs_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let alb = r#"https 2026-11-23T18:04:05.186641Z app/lb/50dc 1.2.3.4:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a?b=c HTTP/1.1" "curl/7.46.0" - - - "-" "-" "-" 1 2026-11-23T18:04:05Z "forward" "-" "-" "-" "-" "-" "-""#;
    let cloudfront = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes x-host-header\n2026-11-23\t18:04:05\t1.2.3.4\tGET\t/a\t200\t57\twww.example.com\n";
    for (name, content, blank) in
        [("alb", format!("{alb}\n"), 0), ("cloudfront", cloudfront.to_owned(), 2)]
    {
        let log = folder.path().join(format!("{name}.log"));
        std::fs::write(&log, content).unwrap();
        let report = json(&["report", text(&log), "--json"]);
        assert_eq!(
            (&report["requests"], &report["bytes"]),
            (&1.into(), &57.into()),
            "{name}: {report}"
        );
        assert_eq!((&report["malformed"], &report["blank"]), (&0.into(), &blank.into()), "{name}");
        assert_eq!(report["top_hosts"], serde_json::json!([["www.example.com", 1]]), "{name}");
        assert_eq!(report["top_pages"], serde_json::json!([["/a", 1]]), "{name}");
        assert_eq!(json(&["detect", text(&log), "--json"])["format"], name);
    }
}
