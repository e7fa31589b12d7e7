//! Which generation each file is: known again by its registered prints, or
//! registered now.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::head::{Head, PREFIX_MAX, Stat};
use super::places::{Place, advice};
use super::registry::{Generation, Registry};
use super::text::Compression;
use crate::source::{Mode, Notice, SourceError};

/// A compressed file that was just written may still be being written.
const COMPRESSING: Duration = Duration::from_secs(2);
/// A file that looks like a shorter copy of a known one is watched so long
/// before it is taken for one of its own.
const COPYING: Duration = Duration::from_secs(10);

/// A file with the generation that it holds.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where it is.
    pub place: Place,
    /// How it is stored.
    pub compression: Compression,
    /// Its generation's number.
    pub number: u32,
}

/// Assigns generations to files, and remembers what it has seen.
pub struct Assigner {
    mode: Mode,
    known: HashMap<PathBuf, (Stat, Compression, u32)>,
    complained: HashSet<(PathBuf, String)>,
}

enum Verdict {
    Same(u32),
    Other,
    Undecided,
}

impl Assigner {
    /// Nothing seen yet.
    pub fn new(mode: Mode) -> Self {
        Self { mode, known: HashMap::new(), complained: HashSet::new() }
    }

    /// The generations of the files, one candidate for each, in the files' order.
    ///
    /// # Errors
    /// Where the registry fails; a file that can't be read is a notice.
    pub fn assign(
        &mut self,
        places: &[Place],
        registry: &mut Registry,
        notices: &mut Vec<Notice>,
    ) -> Result<Vec<Candidate>, SourceError> {
        let now: HashMap<&Path, Stat> =
            places.iter().map(|place| (place.path.as_path(), place.stat)).collect();
        self.known.retain(|path, (stat, ..)| now.get(path.as_path()) == Some(stat));
        let mut heads = Vec::new();
        for place in places {
            if !self.known.contains_key(&place.path) {
                heads.extend(self.head(place, notices));
            }
        }
        // Files that are where they were registered come first: they hold
        // their generation against others that begin alike.
        let at_home = registry.inodes();
        heads.sort_by_key(|head| !at_home.contains(&(head.stat.dev, head.stat.inode)));
        for head in heads {
            if let Some(number) = self.decide(&head, registry)? {
                self.known.insert(head.path, (head.stat, head.compression, number));
            }
        }
        Ok(self.one_each(places, notices))
    }

    /// Whether a file that is there holds a generation.
    pub fn holds(&self, number: u32) -> bool {
        self.known.values().any(|(_, _, held)| *held == number)
    }

    /// The start of a file, as soon as that tells anything.
    fn head(&mut self, place: &Place, notices: &mut Vec<Notice>) -> Option<Head> {
        match Head::read(&place.path) {
            Ok(head) => self.is_ready(&head).then_some(head),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) if self.mode == Mode::Follow && fresh(&place.stat, COMPRESSING) => None,
            Err(error) => {
                if self.complained.insert((place.path.clone(), error.to_string())) {
                    notices.push(unreadable(place, &error));
                }
                None
            }
        }
    }

    fn is_ready(&self, head: &Head) -> bool {
        let compressing = head.compression != Compression::Plain && fresh(&head.stat, COMPRESSING);
        match self.mode {
            Mode::ToEnd => !head.bytes.is_empty(),
            Mode::Follow => head.tells() && !compressing,
        }
    }

    /// The head's generation; `None` where that can't be told yet.
    ///
    /// # Errors
    /// Where the registry fails.
    pub fn decide(&self, head: &Head, registry: &mut Registry) -> Result<Option<u32>, SourceError> {
        loop {
            match self.known_as(head, registry)? {
                Verdict::Same(number) => return Ok(Some(number)),
                Verdict::Undecided => return Ok(None),
                Verdict::Other => {}
            }
            // Whatever other processes have registered since took the next number,
            // so that this fails and the file is matched again.
            if let Some(number) = registry.register(head)? {
                return Ok(Some(number));
            }
        }
    }

    /// The registered generation that a file is, if it is one.
    fn known_as(&self, head: &Head, registry: &mut Registry) -> Result<Verdict, SourceError> {
        for number in registry.matching(head) {
            let Some(generation) = registry.generations().get(&number) else { continue };
            match self.verdict(number, generation, head) {
                Verdict::Same(number) if !registry.extend(number, head)? => {}
                Verdict::Other => {}
                verdict => return Ok(verdict),
            }
        }
        Ok(Verdict::Other)
    }

    /// Whether a file whose start agrees with a generation's prints is that generation.
    fn verdict(&self, number: u32, generation: &Generation, head: &Head) -> Verdict {
        if generation.longest().is_some_and(|print| print.len == PREFIX_MAX)
            && head.bytes.len() == PREFIX_MAX
        {
            return Verdict::Same(number);
        }
        if let Some((held, stat)) = self.holder(number, head) {
            let common = held.bytes.len().min(head.bytes.len());
            let alike = held.bytes.get(..common) == head.bytes.get(..common);
            let longer = head.bytes.len() > held.bytes.len();
            // Of two files that begin alike, a copy is not longer than its original.
            return match alike && !(longer && generation.is_at(&stat)) {
                true => Verdict::Same(number),
                false => Verdict::Other,
            };
        }
        let shorter = generation.longest().is_some_and(|print| print.len > head.bytes.len());
        match (shorter, self.mode) {
            (false, _) => Verdict::Same(number),
            (true, Mode::Follow) if fresh(&head.stat, COPYING) => Verdict::Undecided,
            (true, _) => Verdict::Other,
        }
    }

    /// Another file that holds the generation now.
    fn holder(&self, number: u32, head: &Head) -> Option<(Head, Stat)> {
        let mut holders = self.known.iter().filter(|(path, (stat, _, held))| {
            *held == number && **path != head.path && !stat.same_file(&head.stat)
        });
        let (path, (stat, ..)) = holders.next()?;
        Head::read(path).ok().map(|head| (head, *stat))
    }

    /// One file for each generation: a plain one rather than a compressed one,
    /// then the longest.
    fn one_each(&mut self, places: &[Place], notices: &mut Vec<Notice>) -> Vec<Candidate> {
        let mut chosen: Vec<Candidate> = Vec::new();
        let mut places_of: HashMap<u32, usize> = HashMap::new();
        for place in places {
            let Some((_, compression, number)) = self.known.get(&place.path) else { continue };
            let found =
                Candidate { place: place.clone(), compression: *compression, number: *number };
            let index = *places_of.entry(*number).or_insert(chosen.len());
            match chosen.get_mut(index) {
                None => chosen.push(found),
                Some(other) => {
                    if better(&found, other) {
                        *other = found;
                    }
                    let both = (place.path.clone(), String::from("same text"));
                    if self.mode == Mode::ToEnd && self.complained.insert(both) {
                        notices.push(same_text(place));
                    }
                }
            }
        }
        chosen
    }
}

fn better(candidate: &Candidate, other: &Candidate) -> bool {
    let rank = |c: &Candidate| (c.compression == Compression::Plain, c.place.stat.size);
    rank(candidate) > rank(other)
}

fn fresh(stat: &Stat, within: Duration) -> bool {
    stat.age() < within.as_secs_f64()
}

fn same_text(place: &Place) -> Notice {
    Notice::Warning(format!(
        "{} begins with the same {PREFIX_MAX} bytes as another file, or is all of its start: the text is read once",
        place.path.display()
    ))
}

fn unreadable(place: &Place, error: &io::Error) -> Notice {
    let message = format!("{}: not read: {}", place.path.display(), advice(error));
    Notice::Unreadable { path: place.path.clone(), offset: 0, message }
}
