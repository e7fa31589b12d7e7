//! The uncompressed text of one file or pipe, as a stream.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::pipe::Pipe;

/// How a file is stored; told by its first bytes, whatever its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), any number of members.
    Gzip,
    /// Zstandard (RFC 8878), any number of frames.
    Zstd,
    /// A format that is recognised in order to say that it isn't read.
    Unsupported(&'static str),
}

impl Compression {
    /// What the first bytes of a file say.
    pub fn of(start: &[u8]) -> Self {
        const MAGIC: [(&[u8], Compression); 5] = [
            (&[0x1f, 0x8b], Compression::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Compression::Zstd),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Compression::Unsupported("xz")),
            (b"BZh", Compression::Unsupported("bzip2")),
            (b"PK\x03\x04", Compression::Unsupported("zip")),
        ];
        let found = MAGIC.into_iter().find(|(magic, _)| start.starts_with(magic));
        found.map_or(Self::Plain, |(_, compression)| compression)
    }
}

/// Bytes on disk that have been read; shared with whoever draws a progress bar.
pub type Counter = Arc<AtomicU64>;

/// A file that counts what is read from it.
#[derive(Debug)]
pub struct Counted {
    file: File,
    counter: Counter,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.counter.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A stream of uncompressed text.
pub enum Text {
    /// A file as it is, which may grow.
    Plain(Counted),
    /// A compressed file, whose end is final.
    Compressed(Box<dyn Read + Send>),
    /// Standard input.
    Pipe(Pipe),
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// That many bytes.
    Bytes(usize),
    /// Nothing now (a pipe whose writer pauses).
    Pause,
    /// The end, for now or for ever.
    End,
}

const COMPRESSED_BUFFER: usize = 256 << 10;

impl Text {
    /// The text of `file`, whose first byte is at the file's current position.
    ///
    /// # Errors
    /// Where the decoder can't be set up, or the compression isn't one that is read.
    pub fn new(file: File, compression: Compression, counter: Counter) -> io::Result<Self> {
        let counted = Counted { file, counter };
        let buffered = |counted| BufReader::with_capacity(COMPRESSED_BUFFER, counted);
        Ok(match compression {
            Compression::Plain => Self::Plain(counted),
            Compression::Gzip => Self::Compressed(Box::new(MultiGzDecoder::new(buffered(counted)))),
            Compression::Zstd => {
                Self::Compressed(Box::new(zstd::Decoder::with_buffer(buffered(counted))?))
            }
            Compression::Unsupported(name) => return Err(unsupported(name)),
        })
    }

    /// Reads once.
    ///
    /// # Errors
    /// Of the file, or of what is compressed in it.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Found> {
        let count = match self {
            Self::Plain(counted) => read_once(counted, buffer)?,
            Self::Compressed(decoder) => read_once(decoder, buffer)?,
            Self::Pipe(pipe) => return pipe.read(buffer),
        };
        Ok(if count == 0 { Found::End } else { Found::Bytes(count) })
    }

    /// Goes to `offset` from the start of the text, and returns where it arrived:
    /// a compressed text may end before.
    ///
    /// # Errors
    /// As [`Text::read`].
    pub fn skip_to(&mut self, offset: u64, scratch: &mut [u8]) -> io::Result<u64> {
        if let Self::Plain(counted) = self {
            return counted.file.seek(SeekFrom::Start(offset));
        }
        let mut at = 0;
        while at < offset {
            let limit = scratch.len().min(usize::try_from(offset - at).unwrap_or(usize::MAX));
            match self.read(scratch.get_mut(..limit).unwrap_or_default())? {
                Found::Bytes(count) => at += count as u64,
                Found::Pause => std::thread::sleep(std::time::Duration::from_millis(10)),
                Found::End => break,
            }
        }
        Ok(at)
    }

    /// The open file, where it is a plain one: its size and first bytes tell
    /// whether it has been truncated.
    pub fn plain(&self) -> Option<&File> {
        match self {
            Self::Plain(counted) => Some(&counted.file),
            _ => None,
        }
    }
}

fn read_once(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn unsupported(name: &str) -> io::Error {
    let text = format!("it is compressed with {name}; gzip and zstd are read: unpack it first");
    io::Error::new(io::ErrorKind::Unsupported, text)
}
