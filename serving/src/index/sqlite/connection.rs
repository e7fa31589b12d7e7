//! Connections to the file: how they are opened, and the pool of those that read.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::SCHEMA_VERSION;
use crate::index::IndexError;

/// How long a writer waits for another process's transaction. They take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much of the file readers map (bytes).
const MAPPED: i64 = 512 << 20;

/// How many idle reading connections are kept.
const IDLE: usize = 8;

/// Opens the file for writing, makes it where there is none, and migrates an older one.
pub(super) fn open_writer(path: &Path) -> Result<Connection, IndexError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|error| named(error.into(), path))?;
    prepare(&mut connection).map_err(|error| named(error, path))?;
    Ok(connection)
}

/// The error with the file that it is about.
pub(super) fn named(error: IndexError, path: &Path) -> IndexError {
    let named = |reason: String| format!("{}: {reason}", path.display());
    match error {
        IndexError::Failed(reason) => IndexError::Failed(named(reason)),
        IndexError::NoRoom(reason) => IndexError::NoRoom(named(reason)),
        other => other,
    }
}

fn prepare(connection: &mut Connection) -> Result<(), IndexError> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Bodies have a few KiB: larger pages than SQLite's 4 KiB need fewer overflow pages.
    connection.pragma_update(None, "page_size", 8192)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.set_prepared_statement_cache_capacity(64);
    migrate(connection)
}

/// What takes the tables from each version to the next; the first makes them.
const MIGRATIONS: [&str; SCHEMA_VERSION as usize] =
    [include_str!("schema.sql"), include_str!("live.sql"), include_str!("sketches.sql")];

fn migrate(connection: &mut Connection) -> Result<(), IndexError> {
    // Looked at first without a lock, so that a newer file is left as it is.
    if check_version(connection)? == SCHEMA_VERSION {
        return Ok(());
    }
    use_wal(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = check_version(&transaction)?;
    for migration in MIGRATIONS.get(found as usize..).unwrap_or_default() {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// Switches a new file to WAL. SQLite doesn't wait here for another process that
/// does the same at the same moment (it could wait for ever), so the waiting is ours.
fn use_wal(connection: &Connection) -> Result<(), IndexError> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL").map_err(IndexError::from) {
            Err(IndexError::Unavailable(_)) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}

fn check_version(connection: &Connection) -> Result<u32, IndexError> {
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(IndexError::TooNew { found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Opens a file that can't be written, and a connection to it. Where no writer has left changes
/// beside it, SQLite is told that nobody changes it (`immutable`): readers of a WAL take notes
/// otherwise.
pub(super) fn open_kept(path: &Path) -> Result<(Connection, Readers), IndexError> {
    let failed = |reason: &str| Err(named(IndexError::Failed(reason.to_owned()), path));
    if !path.is_file() {
        return failed("the index is not there, and can't be made");
    }
    let immutable = !has_journal(path);
    let readers = Readers { immutable, ..Readers::new(path) };
    let opened = readers.open().and_then(|reader| Ok((check_version(&reader)?, reader)));
    match opened.map_err(|error| named(error, path)) {
        Ok((SCHEMA_VERSION, reader)) => Ok((reader, readers)),
        Ok(_) => failed(
            "an older twofold wrote it; copy the data directory to where it can be written, and read the copy",
        ),
        Err(_) if !immutable => failed(
            "its last changes are beside it in the file that ends with -wal, and taking them in needs write access: \
             copy the data directory, and read the copy",
        ),
        Err(error) => Err(error),
    }
}

/// Whether changes wait in the write-ahead log.
fn has_journal(path: &Path) -> bool {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    std::fs::metadata(journal).is_ok_and(|journal| journal.len() > 0)
}

/// The file as the URI by which SQLite takes it for unchanging (<https://www.sqlite.org/uri.html>).
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => write!(uri, "%{byte:02x}").unwrap_or_default(),
        }
    }
    uri + "?immutable=1"
}

/// Connections that read: each answer borrows one for as long as its snapshot lasts.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    /// Whether nobody changes the file.
    immutable: bool,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), immutable: false, idle: Mutex::default() }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lends a connection to `work`.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, IndexError>,
    ) -> Result<T, IndexError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.open()?,
        };
        let result = work(&mut connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(result)
    }

    /// A new connection that reads.
    pub(super) fn open(&self) -> Result<Connection, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self.immutable {
            true => Connection::open_with_flags(
                immutable_uri(&self.path),
                flags | OpenFlags::SQLITE_OPEN_URI,
            )?,
            false => Connection::open_with_flags(&self.path, flags)?,
        };
        connection.busy_timeout(PATIENCE)?;
        // A question reads thousands of rows, more than a page cache holds: no copy of each page.
        connection.pragma_update(None, "mmap_size", MAPPED)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }
}

impl From<rusqlite::Error> for IndexError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Unavailable(format!("another process holds it ({error})"))
            }
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => {
                Self::NoRoom(error.to_string())
            }
            Some(ErrorCode::ReadOnly) => {
                Self::Failed("it is read-only for this user: give write access to it and its folder, or copy the data directory".into())
            }
            Some(ErrorCode::NotADatabase) => Self::Failed("the file is no twofold index".into()),
            Some(ErrorCode::CannotOpen) => {
                Self::Failed("the file can't be opened: are it and its folder readable and writable for this user?".into())
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}
