//! The command line: help, errors that say what to do, configuration.

mod common;

use common::{json, ok, run, text, twofold};

#[track_caller]
fn check_error(arguments: &[&str], status: i32, says: &[&str]) {
    let output = run(arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {complaint}");
    for part in says {
        assert!(complaint.contains(part), "{arguments:?} should say {part:?}: {complaint}");
    }
    assert!(!complaint.contains("panicked"), "{complaint}");
}

#[test]
fn errors_say_what_was_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(folder.path());
    check_error(&["report", "/nonexistent/access.log"], 1, &["/nonexistent/access.log"]);
    check_error(
        &["--set", "speed.latenes=3m", "config", "show"],
        1,
        &["did you mean `speed.lateness`"],
    );
    check_error(
        &["report", "--data", data, "--from", "yesterday"],
        1,
        &["yesterday", "2026-11-23"],
    );
    check_error(
        &["generate", "--profile", "moon", "--lines", "1", "--out", "-"],
        1,
        &["moon", "bench"],
    );
    check_error(&["run", "--data", data, "--to-end"], 1, &["--source"]);
    let binary = folder.path().join("binary.log");
    std::fs::write(&binary, b"\x7fELF\0\0\n\0\x01\n").unwrap();
    check_error(&["report", text(&binary)], 1, &["binary.log", "no text", "--format"]);
    let made = folder.path().join("made");
    let run = ["run", "--source", text(&binary), "--data", text(&made), "--listen", "nonsense"];
    check_error(&run, 1, &["ADDRESS:PORT"]);
    assert!(!made.exists(), "nothing is made for a run that can't start");
    check_error(&["batch", "--every", "soon", "--data", data], 1, &["soon", "15m"]);
    check_error(&["no-such-command"], 2, &["no-such-command"]);
}

#[test]
fn every_command_has_help() {
    let help = String::from_utf8(ok(&["--help"])).unwrap();
    for command in [
        "demo",
        "report",
        "run",
        "speed",
        "archive",
        "batch",
        "serve",
        "export",
        "audit",
        "accuracy",
        "lines",
        "generate",
        "detect",
        "config",
        "completions",
    ] {
        assert!(help.contains(command), "{command}");
        assert!(!ok(&[command, "--help"]).is_empty());
    }
}

#[test]
fn config_show_names_origins_and_check_finds_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twofold.toml");
    std::fs::write(&file, "[batch]\nevery = \"7m\"\n").unwrap();
    let output = twofold(&["--config", text(&file), "config", "show", "--json"])
        .env("TWOFOLD_DATA", "/tmp/elsewhere")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["batch.every"]["value"], "7m");
    assert_eq!(shown["batch.every"]["origin"], text(&file));
    assert_eq!(shown["data"]["origin"], "TWOFOLD_DATA");
    std::fs::write(&file, "[batch]\nevry = \"7m\"\n").unwrap();
    check_error(&["--config", text(&file), "config", "check"], 1, &["batch.evry", "batch.every"]);
}

#[test]
fn detect_names_the_format() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.log");
    ok(&["generate", "--lines", "100", "--profile", "bench", "--out", text(&log)]);
    let detected = json(&["detect", text(&log), "--json"]);
    assert_eq!(detected["format"], "combined", "{detected}");
}

/// Of nothing every number is known; a format can't be told of it.
#[test]
fn an_empty_log_has_an_exact_report_and_no_format() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("empty.log");
    std::fs::write(&log, "").unwrap();
    let report = json(&["report", text(&log), "--json"]);
    assert_eq!((&report["requests"], &report["exact"]), (&0.into(), &true.into()), "{report}");
    check_error(&["detect", text(&log)], 1, &["empty.log", "no line"]);
    let data = text(&folder.path().join("data")).to_owned();
    let output = run(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&log)]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("for want of a line"), "{said}");
    let report = json(&["report", "--data", &data, "--json"]);
    assert_eq!((&report["requests"], &report["exact"]), (&0.into(), &true.into()), "{report}");
    // What is written later is counted as ever.
    ok(&["generate", "--lines", "100", "--seed", "3", "--out", text(&log)]);
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&log)]);
    let report = json(&["report", "--data", &data, "--json"]);
    assert_eq!(report["exact"], true, "{report}");
    assert!(report["requests"].as_u64().unwrap() > 90, "{report}");
}

#[test]
fn a_source_that_is_not_there_leaves_no_folders() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for source in ["missing.log", "missing/*.log", "."] {
        let source = folder.path().join(source);
        let source = text(&source);
        for command in ["run", "speed", "archive"] {
            let read = [command, "--to-end", "--data", text(&data), "--source", source];
            check_error(&read, 1, &[source]);
        }
        check_error(&["import", "--data", text(&data), source], 1, &[source]);
        assert!(!data.exists(), "{source}");
    }
}

#[test]
fn an_unknown_time_zone_is_an_error() {
    check_error(
        &["--timezone", "Mars/Olympus", "config", "check"],
        1,
        &["Mars/Olympus", "Europe/Berlin"],
    );
}

#[test]
fn completions_are_made_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(ok(&["completions", shell])).unwrap();
        assert!(script.contains("twofold"), "{shell}");
    }
}
