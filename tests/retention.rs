//! Retention by the real binary: what goes, what is said of it, and what stays the same.

mod common;

use common::{Traffic, json, ok, run, text};

#[test]
fn pruned_files_are_told_from_lost_ones() {
    let traffic = Traffic::new("demo", 4_000, 31);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let before = json(&["report", "--json", "--data", &data]);

    let prune = ["prune", "--data", &data, "--set", "retention.archive=6h", "--json"];
    let planned = json(&[&prune[..], &["--dry-run"]].concat());
    assert_eq!(
        json(&["audit", "--json", "--data", &data])["retired"],
        0,
        "a dry run changes nothing"
    );
    let pruned = json(&prune);
    assert_eq!(pruned["retired_records"], planned["retired_records"]);
    assert!(pruned["retired_records"].as_u64().unwrap() > 1_000, "{pruned}");

    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!(audit["ok"], true, "{audit}");
    assert_eq!(audit["records"], traffic.answers["lines"]);
    assert_eq!(audit["retired"], pruned["retired_records"]);
    let after = json(&["report", "--json", "--data", &data]);
    for field in ["requests", "bytes", "distinct_clients", "top_pages", "busiest_minutes", "exact"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    let export = run(&["export", "--data", &data]);
    let told = String::from_utf8_lossy(&export.stderr);
    assert!(export.status.success() && told.contains("retired on"), "{told}");
    assert!(std::fs::read(&traffic.log).unwrap().ends_with(&export.stdout));

    // The log goes on: what is retired is not read again.
    let first = std::fs::read_to_string(&traffic.log).unwrap().lines().next().unwrap().to_owned();
    let mut log = std::fs::OpenOptions::new().append(true).open(&traffic.log).unwrap();
    std::io::Write::write_all(&mut log, format!("{first}\n").as_bytes()).unwrap();
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let audit = json(&["audit", "--json", "--data", &data]);
    assert_eq!((&audit["ok"], &audit["refused"]), (&true.into(), &1.into()), "{audit}");

    let file = walk(&data).pop().unwrap();
    std::fs::remove_file(file).unwrap();
    let audit = run(&["audit", "--json", "--data", &data]);
    assert_eq!(audit.status.code(), Some(1));
}

/// The archive's files.
fn walk(data: &str) -> Vec<std::path::PathBuf> {
    let mut folders = vec![std::path::Path::new(data).join("archive/logs")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}
