//! What an earlier run left unfinished and this one can't find: a pipe that was
//! killed, a file that was deleted meanwhile.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::head::Head;
use super::pipe::Pipe;
use super::reader::Reader;
use super::text::Text;
use super::{FileSource, State};
use crate::source::{Delivery, Notice, Position, SourceError};

/// So many of the last generations are looked for when a run starts, so that
/// starting takes no longer as the history grows.
const LOOKED_FOR: usize = 16;
/// So long standard input is waited for at a time.
const PIPE_WAIT: Duration = Duration::from_millis(20);

impl FileSource {
    /// Begins to read standard input, as soon as its first bytes are there.
    pub(super) fn begin_pipe(&mut self) -> Result<bool, SourceError> {
        let Some(pipe) = self.pipe.as_mut() else { return Ok(false) };
        match pipe.head(PIPE_WAIT) {
            Ok(None) => return Ok(false),
            Ok(Some(head)) => {
                if let Some(pipe) = self.pipe.take() {
                    self.take_up(pipe, &head)?;
                }
                self.report_missing(true)?;
            }
            Err(error) => {
                self.pipe = None;
                self.unreadable(PathBuf::from("-"), 0, &error);
            }
        }
        Ok(true)
    }

    fn take_up(&mut self, pipe: Pipe, head: &Head) -> Result<(), SourceError> {
        if head.bytes.is_empty() {
            self.warn(PathBuf::from("-"), "standard input was empty");
            return Ok(());
        }
        let Some(number) = self.assigner.decide(head, &mut self.registry)? else { return Ok(()) };
        if self.assigner.holds(number) {
            self.warn(
                PathBuf::from("-"),
                "standard input holds the text of a file that is read too: it is read once",
            );
            return Ok(());
        }
        let offset = self.state(number)?.offset();
        let mut text = Text::Pipe(pipe);
        self.started(number, offset);
        match text.skip_to(offset, &mut vec![0; 256 << 10]) {
            Ok(reached) => self.read_pipe(number, text, offset, reached),
            Err(error) => self.unreadable(PathBuf::from("-"), offset, &error),
        }
        Ok(())
    }

    fn read_pipe(&mut self, number: u32, text: Text, offset: u64, reached: u64) {
        if reached < offset {
            let reason = format!(
                "standard input ended after {reached} bytes, of which all, and {} more, had been read before",
                offset - reached
            );
            self.warn(PathBuf::from("-"), &reason);
        }
        let cutter = self.cutter(number, offset);
        self.readers.push(Reader::of_pipe(self.registry.partition(number), text, cutter));
    }

    /// Reports the generations that were begun and that nothing is left of;
    /// those of standard input, or those of files.
    pub(super) fn report_missing(&mut self, pipes: bool) -> Result<(), SourceError> {
        let newest = self.registry.generations().iter().rev().take(LOOKED_FOR);
        let newest: Vec<_> =
            newest.map(|(number, known)| (*number, PathBuf::from(&known.first.path))).collect();
        let reading: HashSet<u32> =
            self.readers.iter().map(|reader| reader.partition.number).collect();
        for (number, path) in newest.into_iter().rev() {
            let ours = (path == Path::new("-")) == pipes;
            if !ours || reading.contains(&number) || self.assigner.holds(number) {
                continue;
            }
            if let State::Read(Position { offset, ended: false }) = self.state(number)?
                && offset > 0
                && !self.is_at(&path, number)
            {
                self.report(number, &path, offset);
            }
        }
        Ok(())
    }

    /// Whether a generation is where it was registered, but not asked for in this run.
    fn is_at(&self, path: &Path, number: u32) -> bool {
        let head: io::Result<Head> = Head::read(path);
        head.is_ok_and(|head| self.registry.matching(&head).contains(&number))
    }

    fn report(&mut self, number: u32, path: &Path, offset: u64) {
        let partition = self.registry.partition(number);
        let what = match path == Path::new("-") {
            true => "standard input of an earlier run ended early".to_owned(),
            false => format!("{} is gone, and no file holds its text any more", path.display()),
        };
        let message = format!(
            "{partition}: {what}; what it held from byte {offset} on, if anything, can't be read again"
        );
        metrics::counter!("twofold_source_losses_total").increment(1);
        self.started(number, offset);
        let lost = Notice::Lost { partition: partition.clone(), offset, at_least: 0, message };
        self.outbox.push_back(Delivery::Notice(lost));
        self.outbox.push_back(Delivery::Ended(partition));
        self.states.insert(number, State::Over(offset));
    }
}
