//! Standard input, read by a thread of its own, so that nothing else waits for it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::head::{self, Head, PREFIX_MAX};
use super::text::Found;

const CHUNK: usize = 256 << 10;
/// So many chunks wait for the reader before the writer of the pipe has to.
const CHUNKS: usize = 8;
/// A slow writer's first lines are waited for so long, so that more than one
/// line makes the pipe's fingerprint.
const HEAD_WAIT: Duration = Duration::from_secs(1);

/// A pipe: what has arrived can be read without waiting.
pub struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    /// Arrived, not read; from `at` on.
    front: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Pipe {
    /// Starts to read `input`.
    pub fn new(mut input: Box<dyn Read + Send>) -> Self {
        let (sender, chunks) = sync_channel(CHUNKS);
        std::thread::spawn(move || {
            loop {
                let chunk = read_chunk(&mut input);
                let last = !matches!(&chunk, Ok(bytes) if !bytes.is_empty());
                if sender.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        Self { chunks, front: Vec::new(), at: 0, ended: false }
    }

    /// What the pipe begins with, or `None` as long as that can't be told.
    ///
    /// # Errors
    /// Of the input.
    pub fn head(&mut self, wait: Duration) -> io::Result<Option<Head>> {
        let until = Instant::now() + if self.front.is_empty() { wait } else { HEAD_WAIT };
        while self.front.len() < PREFIX_MAX && !self.ended {
            let left = until.saturating_duration_since(Instant::now());
            if !self.receive(left)? {
                break;
            }
        }
        let bytes = self.front.get(..self.front.len().min(PREFIX_MAX)).unwrap_or_default();
        let known = self.ended || bytes.len() == PREFIX_MAX || head::has_data_line(bytes);
        Ok(known.then(|| Head::of_pipe(bytes, self.ended)))
    }

    /// Reads what has arrived.
    ///
    /// # Errors
    /// Of the input.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Found> {
        if self.at == self.front.len() {
            self.front.clear();
            self.at = 0;
            if !self.receive(Duration::ZERO)? {
                return Ok(if self.ended { Found::End } else { Found::Pause });
            }
        }
        let rest = self.front.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(Found::Bytes(count))
    }

    /// Appends one more chunk to the front; says whether there was one.
    fn receive(&mut self, wait: Duration) -> io::Result<bool> {
        match self.chunks.recv_timeout(wait) {
            Ok(chunk) => {
                let chunk = chunk?;
                self.ended |= chunk.is_empty();
                let some = !chunk.is_empty();
                match self.front.is_empty() {
                    true => self.front = chunk,
                    false => self.front.extend_from_slice(&chunk),
                }
                Ok(some)
            }
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                self.ended = true;
                Ok(false)
            }
        }
    }
}

/// One read; empty at the end of the input.
fn read_chunk(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(count) => {
                chunk.truncate(count);
                return Ok(chunk);
            }
        }
    }
}
