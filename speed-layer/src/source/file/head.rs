//! What a file begins with: by its first bytes a generation is known again,
//! under whatever name and however compressed.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::text::{Compression, Counter, Found, Text};

/// So many bytes at most make a fingerprint.
pub const PREFIX_MAX: usize = 4096;

/// The hash of a prefix of the uncompressed text (rapidhash v3, the same on every machine).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Print {
    /// How many bytes were hashed.
    pub len: usize,
    /// Their hash.
    pub hash: u64,
}

impl Print {
    /// The print of all of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len(), hash: rapidhash::v3::rapidhash_v3(bytes) }
    }

    /// Whether `file` still begins with what made the print.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn holds(&self, file: &File) -> io::Result<bool> {
        let mut start = [0; PREFIX_MAX];
        let start = &mut start[..self.len.min(PREFIX_MAX)];
        match file.read_exact_at(start, 0) {
            Ok(()) => Ok(Self::of(start) == *self),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Which file it is as long as it is not copied, and whether it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stat {
    /// The device.
    pub dev: u64,
    /// The inode; the number is used again after a file is deleted.
    pub inode: u64,
    /// Bytes on disk.
    pub size: u64,
    /// Last modification, nanoseconds since the epoch.
    pub modified: i128,
}

impl Stat {
    /// What the file system says.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        }
    }

    /// Whether both are the same file, unless it was deleted in between.
    pub fn same_file(&self, other: &Stat) -> bool {
        (self.dev, self.inode) == (other.dev, other.inode)
    }

    /// Seconds since the last modification.
    pub fn age(&self) -> f64 {
        let now = jiff::Timestamp::now().as_nanosecond();
        (now - self.modified) as f64 / 1e9
    }
}

/// The start of a file's text.
#[derive(Debug, Clone)]
pub struct Head {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// What the file system says; of a pipe only its size is there.
    pub stat: Stat,
    /// How it is stored.
    pub compression: Compression,
    /// Its first bytes, at most [`PREFIX_MAX`].
    pub bytes: Vec<u8>,
}

impl Head {
    /// Reads the start of a file.
    ///
    /// # Errors
    /// Where it can't be opened, read or unpacked.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (mut file, compression) = open(path)?;
        let stat = Stat::of(&file.metadata()?);
        let mut bytes = vec![0; PREFIX_MAX];
        let mut filled = 0;
        if compression == Compression::Plain {
            filled = read_full(&mut file, &mut bytes)?;
        } else {
            let mut text = Text::new(file, compression, Counter::default())?;
            while let Found::Bytes(count) = text.read(&mut bytes[filled..])? {
                filled += count;
            }
        }
        bytes.truncate(filled);
        Ok(Self { path: path.to_owned(), stat, compression, bytes })
    }

    /// The start of standard input.
    pub fn of_pipe(bytes: &[u8], ended: bool) -> Self {
        let size = if ended { bytes.len() as u64 } else { u64::MAX };
        let stat = Stat { dev: 0, inode: 0, size, modified: 0 };
        let path = PathBuf::from("-");
        Self { path, stat, compression: Compression::Plain, bytes: bytes.to_owned() }
    }

    /// Where the file is, from everywhere; `-` for standard input.
    pub fn place(&self) -> PathBuf {
        match self.path == Path::new("-") {
            true => self.path.clone(),
            false => std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone()),
        }
    }

    /// The print of the first `len` bytes, where there are so many.
    pub fn print(&self, len: usize) -> Option<Print> {
        self.bytes.get(..len).map(Print::of)
    }

    /// Whether enough is there to tell the file from others: a whole line that
    /// is neither blank nor a comment (W3C logs all start with the same
    /// comments), or [`PREFIX_MAX`] bytes.
    pub fn tells(&self) -> bool {
        self.bytes.len() >= PREFIX_MAX || has_data_line(&self.bytes)
    }
}

/// Whether there is a whole line that is neither blank nor a comment.
pub fn has_data_line(bytes: &[u8]) -> bool {
    let Some(end) = memchr::memrchr(b'\n', bytes) else { return false };
    let lines = bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n');
    lines.map(<[u8]>::trim_ascii).any(|line| !line.is_empty() && !line.starts_with(b"#"))
}

/// Opens a file and looks how it is compressed.
///
/// # Errors
/// Where it can't be opened or read.
pub fn open(path: &Path) -> io::Result<(File, Compression)> {
    let mut file = File::open(path)?;
    let mut start = [0; 6];
    let count = read_full(&mut file, &mut start)?;
    file.rewind()?;
    Ok((file, Compression::of(&start[..count])))
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
