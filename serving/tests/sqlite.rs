//! The embedded index against the conformance suite, and what only SQLite has.

use twofold_data::minute::Minute;
use twofold_serving::index::{Index, IndexError, SqliteIndex, conformance};

#[test]
fn conforms() {
    conformance::run(|| {
        let folder = tempfile::tempdir().unwrap();
        move || {
            let path = folder.path().join("twofold.db");
            Box::new(SqliteIndex::open(&path).unwrap()) as Box<dyn Index>
        }
    });
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofold.db");
    drop(SqliteIndex::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    let error = SqliteIndex::open(&path).unwrap_err();
    assert!(matches!(error, IndexError::TooNew { found: 99, .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_index_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(
        &path,
        "192.0.2.1 - - [23/Nov/2026:18:04:00 +0000] \"GET / HTTP/1.1\" 200 5\n".repeat(99),
    )
    .unwrap();
    let error = SqliteIndex::open(&path).unwrap_err().to_string();
    assert!(error.contains("access.log") && error.contains("no twofold index"), "{error}");
    let nowhere = SqliteIndex::open(&folder.path().join("no/such/folder/twofold.db"));
    assert!(nowhere.unwrap_err().to_string().contains("can't be opened"));
}

#[test]
fn a_temporary_index_leaves_nothing_behind() {
    let index = SqliteIndex::temporary().unwrap();
    assert_eq!(index.states().unwrap(), []);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twofold.db");
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| SqliteIndex::open(&path).unwrap().states().unwrap());
            }
        });
    }
}

#[test]
fn an_older_file_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofold.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../src/index/sqlite/schema.sql")).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let index = SqliteIndex::open(&path).unwrap();
    assert_eq!(index.live_documents("spike", Minute(0), Minute(9)).unwrap(), []);
    drop(index);
    drop(SqliteIndex::open(&path).unwrap());
}

#[test]
fn a_read_only_file_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    drop(SqliteIndex::open(&path).unwrap());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = rusqlite::Connection::open_with_flags(&path, flags).unwrap();
    let refused = connection.execute("DELETE FROM runs", []).unwrap_err();
    let said = IndexError::from(refused).to_string();
    assert!(said.contains("read-only") && said.contains("copy the data directory"), "{said}");
}
