//! What is read, and how.

use std::path::Path;
use std::time::Duration;

use super::cutter::Cut;
use crate::source::Mode;

/// What a [`super::FileSource`] reads, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// Paths, globs, folders (their files, but for hidden ones and those with
    /// `error` in their name), and `-` for standard input.
    pub sources: Vec<String>,
    /// The name under which the partitions are numbered.
    pub topic: String,
    /// What is read to.
    pub mode: Mode,
    /// Whether a path stands for its rotated files too (`access.log.1`,
    /// `access.log.2.gz`, `access.log-20261123`).
    pub rotated: bool,
    /// Bytes per read, and so about per batch; 1 to 16 MiB.
    pub chunk: usize,
    /// The longest record in bytes; a longer line is delivered in pieces of this size.
    pub record_limit: usize,
    /// How long the writer of a rotated file may still append to it.
    pub grace: Duration,
    /// How often the followed files are looked at.
    pub poll_every: Duration,
    /// So many followed files stay open, however long nothing is written to them.
    pub keep_open: usize,
    /// Of more, those are closed until they grow that have not changed for so
    /// long: a folder of old logs must not use up the file handles.
    pub close_after: Duration,
    /// How often new files are looked for.
    pub scan_every: Duration,
}

impl FileOptions {
    /// Reads `sources`, rotated files too, under the name that the first of them suggests.
    pub fn new(sources: Vec<String>, mode: Mode) -> Self {
        let topic = topic(sources.first().map_or("", String::as_str));
        Self {
            sources,
            topic,
            mode,
            rotated: true,
            chunk: 1 << 20,
            record_limit: 16 << 20,
            grace: Duration::from_secs(10),
            poll_every: Duration::from_millis(200),
            keep_open: 64,
            close_after: Duration::from_secs(3600),
            scan_every: Duration::from_secs(1),
        }
    }

    /// How text is cut, within what a batch can hold.
    pub(super) fn cut(&self) -> Cut {
        let (chunk, limit) = (self.chunk.clamp(1, 16 << 20), self.record_limit.clamp(1, 1 << 30));
        Cut { chunk, limit }
    }
}

/// The name that a source suggests: the stem of a file (`access` for
/// `/var/log/nginx/access.log`), the folder of a glob that begins with a
/// wildcard; letters, digits, `_` and `.` only, as it becomes part of file names.
pub fn topic(source: &str) -> String {
    let path = Path::new(source);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.trim_start_matches('.').split(['.', '*', '?', '[']).next().unwrap_or_default();
    let parent = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy());
    let stem = match (source, stem, &parent) {
        ("-", ..) => "stdin",
        (_, "", Some(parent)) => parent,
        (_, stem, _) => stem,
    };
    let clean = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '_' };
    let topic: String = stem.chars().map(clean).collect();
    let topic = topic.trim_matches('_');
    if topic.is_empty() { "log".to_owned() } else { topic.to_owned() }
}
