//! One generation that is being read.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use twofold_data::partition::Partition;

use super::assign::Candidate;
use super::cutter::{Cutter, Step};
use super::head::{self, Print, Stat};
use super::text::{Compression, Counter, Found, Text};
use crate::source::Batch;

/// A partition with its open file.
pub struct Reader {
    /// The partition.
    pub partition: Partition,
    /// Where the file was when it was opened; `-` for standard input.
    pub path: PathBuf,
    /// Whether there may be something to read now.
    pub reading: bool,
    /// Whether a younger file of the same log is there.
    pub superseded: bool,
    /// How far the text is known to have reached, where a truncation took it away.
    pub owed: u64,
    stat: Option<Stat>,
    print: Option<Print>,
    text: Text,
    cutter: Cutter,
    size: u64,
    quiet_since: Instant,
}

/// What a step of reading came to.
pub enum Progress {
    /// Records.
    Batch(Batch),
    /// Bytes, but no whole record yet.
    Partial,
    /// Everything that is there has been read.
    AtEnd,
    /// The file has been truncated, or was overwritten: what was just read is
    /// another generation's.
    Truncated,
}

/// Why a file was not opened.
#[derive(Debug)]
pub enum NotOpened {
    /// Another file is there now: look again.
    Changed,
    /// The text ends before the offset to resume at, namely here.
    Short(u64),
    /// It can't be read.
    Failed(io::Error),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Changed,
            _ => Self::Failed(error),
        }
    }
}

/// Opens a candidate's text at an offset.
fn open(candidate: &Candidate, offset: u64, counter: &Counter) -> Result<(Text, Stat), NotOpened> {
    let (file, compression) = head::open(&candidate.place.path)?;
    let stat = Stat::of(&file.metadata()?);
    if !stat.same_file(&candidate.place.stat) || compression != candidate.compression {
        return Err(NotOpened::Changed);
    }
    if compression == Compression::Plain && stat.size < offset {
        return Err(NotOpened::Short(stat.size));
    }
    let mut text = Text::new(file, compression, Counter::clone(counter))?;
    let reached = text.skip_to(offset, &mut vec![0; 256 << 10])?;
    if reached < offset { Err(NotOpened::Short(reached)) } else { Ok((text, stat)) }
}

impl Reader {
    /// Opens a file where the cutter stands.
    ///
    /// # Errors
    /// See [`NotOpened`].
    pub fn open(
        candidate: &Candidate,
        partition: Partition,
        print: Option<Print>,
        cutter: Cutter,
        counter: &Counter,
    ) -> Result<Self, NotOpened> {
        let (text, stat) = open(candidate, cutter.offset(), counter)?;
        Ok(Self {
            partition,
            path: candidate.place.path.clone(),
            reading: true,
            superseded: false,
            owed: 0,
            stat: Some(stat),
            print,
            text,
            cutter,
            size: stat.size,
            quiet_since: Instant::now(),
        })
    }

    /// Reads standard input, which stands where the cutter does.
    pub fn of_pipe(partition: Partition, text: Text, cutter: Cutter) -> Self {
        Self {
            partition,
            path: PathBuf::from("-"),
            reading: true,
            superseded: false,
            owed: 0,
            stat: None,
            print: None,
            text,
            cutter,
            size: 0,
            quiet_since: Instant::now(),
        }
    }

    /// Goes on in another file that holds the same text: the copy that was made
    /// before a truncation.
    ///
    /// # Errors
    /// See [`NotOpened`].
    pub fn go_on_in(&mut self, candidate: &Candidate, counter: &Counter) -> Result<(), NotOpened> {
        self.owed = self.owed.max(self.size).max(self.cutter.read_to());
        let (text, stat) = open(candidate, self.cutter.offset(), counter)?;
        self.cutter.rewind();
        (self.text, self.stat, self.size) = (text, Some(stat), stat.size);
        self.path = candidate.place.path.clone();
        (self.reading, self.superseded) = (true, true);
        self.quiet_since = Instant::now();
        Ok(())
    }

    /// Reads once.
    ///
    /// # Errors
    /// Of the file, or of what is compressed in it.
    pub fn step(&mut self) -> io::Result<Progress> {
        let (print, size) = (self.print, &mut self.size);
        let sound = |text: &Text, read_to: u64| is_sound(text, read_to, print, size);
        Ok(match self.cutter.step(&mut self.text, sound)? {
            Some(Step::Batch(batch)) => Progress::Batch(batch),
            Some(Step::Partial) => Progress::Partial,
            Some(Step::Nothing(found)) => self.rest(found),
            None => Progress::Truncated,
        })
    }

    fn rest(&mut self, found: Found) -> Progress {
        self.reading = false;
        // The end of a pipe or of a compressed text is final.
        self.superseded |= found == Found::End && self.text.plain().is_none();
        Progress::AtEnd
    }

    /// Looks whether there is more to read, by the open file, wherever it is now.
    ///
    /// # Errors
    /// Where the file system can't say.
    pub fn look(&mut self) -> io::Result<()> {
        let Some(file) = self.text.plain() else {
            self.reading = self.is_pipe() && !self.superseded;
            return Ok(());
        };
        let stat = Stat::of(&file.metadata()?);
        let changed = self.stat.is_some_and(|before| before != stat);
        if changed {
            self.stat = Some(stat);
            self.reading = true;
            self.quiet_since = Instant::now();
        }
        Ok(())
    }

    /// Whether its path leads to another file now, or to none.
    pub fn is_moved(&self) -> bool {
        let Some(stat) = self.stat.filter(|_| self.text.plain().is_some()) else { return false };
        std::fs::metadata(&self.path).map_or(true, |now| !Stat::of(&now).same_file(&stat))
    }

    /// Notes that the log goes on in another file, and since when nothing was
    /// written to this one: its writer has until the end of the grace period to
    /// notice. Says whether that is new.
    pub fn supersede(&mut self, quiet_for: Duration) -> bool {
        let new = !self.superseded;
        if new {
            self.superseded = true;
            let now = Instant::now();
            self.quiet_since = now.checked_sub(quiet_for).unwrap_or(now);
        }
        new
    }

    /// How long ago the file was written to.
    pub fn age(&self) -> Duration {
        let age = self.stat.map_or(0.0, |stat| stat.age());
        Duration::try_from_secs_f64(age).unwrap_or_default()
    }

    /// Whether nothing will follow: the end of a compressed text or of a pipe,
    /// or of a rotated file that its writer has let go of.
    pub fn is_over(&self, grace: Duration) -> bool {
        let final_end = self.text.plain().is_none();
        !self.reading && self.superseded && (final_end || self.quiet_since.elapsed() >= grace)
    }

    /// Whether nothing has been written to the file for so long, and no
    /// unfinished line is held of it.
    pub fn is_idle(&self, long: Duration) -> bool {
        let whole = self.cutter.offset() == self.cutter.read_to();
        self.text.plain().is_some() && whole && !self.superseded && self.age() >= long
    }

    /// Whether it is standard input.
    pub fn is_pipe(&self) -> bool {
        matches!(self.text, Text::Pipe(_))
    }

    /// The unfinished last line as a record.
    pub fn finish(&mut self) -> Option<Batch> {
        self.cutter.finish()
    }

    /// The offset after the last record.
    pub fn offset(&self) -> u64 {
        self.cutter.offset()
    }

    /// The offset after the last byte read.
    pub fn read_to(&self) -> u64 {
        self.cutter.read_to()
    }

    /// How far the text was seen to reach.
    pub fn seen_to(&self) -> u64 {
        self.size.max(self.owed)
    }

    /// Pieces cut out of over-long lines.
    pub fn pieces(&self) -> u64 {
        self.cutter.pieces()
    }
}

/// Whether a plain file still holds what was read before: it is not shorter, and
/// begins as it did. Asked after each read, so that nothing of another
/// generation is taken for this one's. Keeps the largest size seen.
fn is_sound(text: &Text, read_to: u64, print: Option<Print>, size: &mut u64) -> io::Result<bool> {
    let Some(file) = text.plain() else { return Ok(true) };
    let now = file.metadata()?.len();
    let holds = print.map_or(Ok(true), |print| print.holds(file))?;
    if holds && now >= read_to {
        *size = (*size).max(now);
    }
    Ok(holds && now >= read_to)
}
