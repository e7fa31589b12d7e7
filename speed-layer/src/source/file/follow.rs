//! What becomes of the files that are being read: growth, rotation, truncation, the end.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::assign::Candidate;
use super::head::Stat;
use super::places::{Age, Rotation, advice};
use super::reader::{NotOpened, Reader};
use super::{FileSource, State};
use crate::source::{Delivery, Notice, SourceError};

impl FileSource {
    /// Looks after every file that was read to its end; says whether there is
    /// something to do.
    pub(super) fn look(&mut self) -> bool {
        self.looked = Some(Instant::now());
        let mut busy = false;
        for index in (0..self.readers.len()).rev() {
            busy |= self.look_at(index);
        }
        busy
    }

    fn look_at(&mut self, index: usize) -> bool {
        let many = self.readers.len() > self.options.keep_open;
        let Some(reader) = self.readers.get_mut(index) else { return false };
        if let Err(error) = reader.look() {
            self.give_up(index, &error);
            return true;
        }
        if reader.is_moved() && reader.supersede(Duration::ZERO) {
            self.scan_now = true;
        }
        if reader.is_over(self.options.grace) {
            self.end(index);
            return true;
        }
        let idle = !reader.reading && reader.is_idle(self.options.close_after);
        if idle && many {
            let reader = self.readers.remove(index);
            self.states.insert(reader.partition.number, State::Closed(reader.offset()));
            return false;
        }
        reader.reading
    }

    /// Ends what was closed while nothing was written to it, and is gone or
    /// rotated by now.
    pub(super) fn end_closed(&mut self, candidates: &[Candidate]) {
        let closed = self.states.iter().filter(|(_, state)| matches!(state, State::Closed(_)));
        let closed: Vec<_> = closed.map(|(number, state)| (*number, state.offset())).collect();
        for (number, offset) in closed {
            let there = candidates.iter().find(|one| one.number == number);
            let over = there.is_none_or(|one| {
                one.place.stat.size == offset && has_younger(&one.place.rotation, candidates)
            });
            if over {
                self.states.insert(number, State::Over(offset));
                self.outbox.push_back(Delivery::Ended(self.registry.partition(number)));
            }
        }
    }

    /// A file whose log goes on in a younger one will be let go of.
    pub(super) fn mark_superseded(&mut self, candidates: &[Candidate]) {
        for reader in &mut self.readers {
            if has_younger(&Rotation::of(&reader.path), candidates) {
                reader.supersede(reader.age());
            }
        }
    }

    /// Delivers what is left of a partition, and that it has ended.
    pub(super) fn end(&mut self, index: usize) {
        let mut reader = self.readers.remove(index);
        if reader.owed > reader.read_to() {
            self.outbox.push_back(lost(&reader, reader.owed));
        }
        self.outbox.extend(reader.finish().map(Delivery::Records));
        self.states.insert(reader.partition.number, State::Over(reader.offset()));
        self.outbox.push_back(Delivery::Ended(reader.partition));
        // What was rotated while the last file was read must not be missed.
        self.scan_now |= self.readers.is_empty() && self.queue.is_empty();
    }

    /// A truncated file: its copy, if it is among the sources, is read on.
    pub(super) fn truncated(&mut self, index: usize) -> Result<(), SourceError> {
        let candidates = self.candidates()?;
        self.scan_now = true;
        let Some(reader) = self.readers.get_mut(index) else { return Ok(()) };
        let mut copies = candidates.iter().filter(|one| one.number == reader.partition.number);
        let from = reader.path.clone();
        match copies.next().map(|copy| reader.go_on_in(copy, &self.counter)) {
            Some(Ok(())) => {
                let message = copied(&from, reader);
                self.outbox.push_back(Delivery::Notice(Notice::Warning(message)));
            }
            Some(Err(NotOpened::Changed)) => {}
            _ => {
                let seen_to = std::mem::take(&mut reader.owed).max(reader.seen_to());
                self.outbox.push_back(lost(reader, seen_to));
                self.end(index);
            }
        }
        Ok(())
    }

    /// Stops reading a file that fails. Its partition has not ended: it is read
    /// on when the file has been repaired.
    pub(super) fn give_up(&mut self, index: usize, error: &io::Error) {
        let reader = self.readers.remove(index);
        let stat = std::fs::metadata(&reader.path).map(|now| Stat::of(&now)).ok();
        let state = match stat {
            Some(stat) => State::Unreadable(reader.offset(), stat),
            None => State::Over(reader.offset()),
        };
        self.states.insert(reader.partition.number, state);
        self.unreadable(reader.path.clone(), reader.offset(), error);
        self.scan_now |= self.readers.is_empty() && self.queue.is_empty();
    }

    /// A file that could not be opened where it was left.
    pub(super) fn not_opened(&mut self, candidate: &Candidate, offset: u64, error: &io::Error) {
        let state = State::Unreadable(offset, candidate.place.stat);
        self.states.insert(candidate.number, state);
        self.unreadable(candidate.place.path.clone(), offset, error);
    }

    pub(super) fn unreadable(&mut self, path: PathBuf, offset: u64, error: &io::Error) {
        // gzip's checksum stands at the end, when the lines have gone their way.
        let before = match error.to_string().contains("checksum") {
            true => "what comes before has been read, but may be wrong",
            false => "what comes before has been read",
        };
        let message = format!(
            "{}: unreadable from byte {offset} of its text on: {}; {before}; repair or replace the file, and it is read on from there",
            path.display(),
            advice(error)
        );
        if self.warned.insert((path.clone(), message.clone())) {
            metrics::counter!("twofold_source_unreadable_files_total").increment(1);
            self.outbox.push_back(Delivery::Notice(Notice::Unreadable { path, offset, message }));
        }
    }

    /// A file that holds less than was read of it before.
    pub(super) fn too_short(&mut self, candidate: &Candidate, state: State, len: u64) {
        let offset = state.offset();
        let reason = format!(
            "has {len} bytes of text, but {offset} were read before: somebody has cut it off; it is read again from byte {offset} on"
        );
        self.warn(candidate.place.path.clone(), &reason);
        if !matches!(state, State::Closed(_)) {
            self.started(candidate.number, offset);
        }
        let partition = self.registry.partition(candidate.number);
        self.states.insert(candidate.number, State::Over(offset));
        self.outbox.push_back(Delivery::Ended(partition));
    }
}

/// Whether a file's log goes on in another file.
fn has_younger(own: &Rotation, candidates: &[Candidate]) -> bool {
    let is_younger = |other: &Candidate| {
        let other = &other.place.rotation;
        other.log == own.log && other.age < own.age
    };
    own.age != Age::Live && candidates.iter().any(is_younger)
}

/// What a truncation took away, as far as anybody can know.
fn lost(reader: &Reader, seen_to: u64) -> Delivery {
    let offset = reader.read_to();
    let at_least = seen_to.saturating_sub(offset);
    metrics::counter!("twofold_source_losses_total").increment(1);
    metrics::counter!("twofold_source_lost_bytes_total").increment(at_least);
    let message = format!(
        "{}: truncated before it was read to its end: what was written from byte {offset} on ({at_least} bytes or more) can't be read again; rotate by renaming (logrotate: create instead of copytruncate) to lose nothing",
        reader.path.display()
    );
    let partition = reader.partition.clone();
    Delivery::Notice(Notice::Lost { partition, offset, at_least, message })
}

fn copied(from: &std::path::Path, reader: &Reader) -> String {
    format!(
        "{}: truncated; its copy {} is read on from byte {}; what was written between copying and truncating, if anything, is lost; rotate by renaming to lose nothing",
        from.display(),
        reader.path.display(),
        reader.offset()
    )
}
