//! The documents are true: each table in docs/ is held against what it describes.

mod common;

use std::path::Path;

use common::json;
use twofold_data::archive::COLUMNS;

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn configuration_md_has_every_key_with_its_default() {
    let text = document("docs/configuration.md");
    let shown = json(&["config", "show", "--json"]);
    let shown = shown.as_object().unwrap();
    for (key, entry) in shown {
        let row = format!("| `{key}` | `{}` |", entry["value"]);
        assert!(text.contains(&row), "docs/configuration.md lacks the row {row}");
    }
    let rows = text.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, shown.len(), "docs/configuration.md has a key that does not exist");
}

#[test]
fn columns_md_is_the_archives_table() {
    let expected: String = COLUMNS
        .iter()
        .map(|column| {
            let kind = serde_json::to_value(column.kind).unwrap();
            let null = if column.nullable { ", may be null" } else { "" };
            let kind = kind.as_str().unwrap();
            format!("| `{}` | {kind}{null} | `{}` | {} |\n", column.name, column.ecs, column.doc)
        })
        .collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/columns.md");
    if std::env::var_os("TWOFOLD_BLESS").is_some() {
        std::fs::write(&path, format!("{COLUMNS_HEAD}{expected}")).unwrap();
    }
    assert_eq!(
        document("docs/columns.md"),
        format!("{COLUMNS_HEAD}{expected}"),
        "TWOFOLD_BLESS=1 rewrites it"
    );
}

const COLUMNS_HEAD: &str = "# The archive's columns

In Parquet and SQL the names are plain, because dotted names need quoting; in the index they follow the Elastic Common
Schema. One file is one contiguous run of offsets of one partition; every record has a row.

| column | type | in the Elastic Common Schema | |
|---|---|---|---|
";
