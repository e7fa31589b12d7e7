//! The numbers of file generations, registered once beside the archive, so that
//! every process numbers them alike.
//!
//! `partitions/<topic>/00003.json` is put create-if-absent under the next free
//! number. Who loses the race reads what the winner wrote, and matches again:
//! it may be the same file. Where a file was registered by less than
//! [`PREFIX_MAX`] bytes, a longer print is put beside it
//! (`partitions/<topic>/00003-04096.json`) once the file has grown, so that
//! another file with the same first lines is told from it.
//!
//! What remains: two files whose first 4096 bytes are equal, or whose whole text
//! is the start of the other's, are taken for one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path as Location;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::{Deserialize, Serialize};
use twofold_data::partition::Partition;
use twofold_serving::store::explain;

use super::blocking::Blocking;
use super::head::{Head, PREFIX_MAX, Print, Stat};
use crate::source::SourceError;

/// The registry's schema; a newer binary migrates, an older one refuses.
const SCHEMA: u32 = 1;

/// One registered print of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The writer's schema.
    pub schema: u32,
    /// The partition's number within the topic.
    pub number: u32,
    /// How many of the first bytes of the uncompressed text were hashed.
    pub prefix_len: usize,
    /// Their hash (rapidhash v3), in hexadecimal digits.
    pub prefix_hash: String,
    /// Whether the prefix holds a whole line. One that doesn't (a file that had
    /// only an unfinished line when its end was declared) is only believed of
    /// the same inode.
    pub tells: bool,
    /// Where the file was when it was registered; for people, and for a look
    /// whether it is still there.
    pub path: String,
    /// Its device: a hint.
    pub dev: u64,
    /// Its inode: a hint, as the number is used again.
    pub inode: u64,
    /// When it was registered (RFC 3339, UTC).
    pub registered_at: String,
}

impl Registration {
    fn new(number: u32, head: &Head, print: Print) -> Self {
        Self {
            schema: SCHEMA,
            number,
            prefix_len: print.len,
            prefix_hash: format!("{:016x}", print.hash),
            tells: head.tells(),
            path: head.place().to_string_lossy().into_owned(),
            dev: head.stat.dev,
            inode: head.stat.inode,
            registered_at: jiff::Timestamp::now().to_string(),
        }
    }

    fn print(&self) -> Option<Print> {
        let hash = u64::from_str_radix(&self.prefix_hash, 16).ok()?;
        Some(Print { len: self.prefix_len, hash })
    }
}

/// What is known of one generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The first registration, which names the partition.
    pub first: Registration,
    /// Every print, by length.
    pub prints: BTreeMap<usize, Print>,
    /// Whether any print holds a whole line.
    pub tells: bool,
}

impl Generation {
    /// The partition's identity in origins and state rows.
    pub fn identity(&self) -> String {
        format!("file:{}:{}", self.first.prefix_len, self.first.prefix_hash)
    }

    /// Whether the file was registered where this one is.
    pub(super) fn is_at(&self, stat: &Stat) -> bool {
        (self.first.dev, self.first.inode) == (stat.dev, stat.inode)
    }

    /// The longest print.
    pub(super) fn longest(&self) -> Option<Print> {
        self.prints.last_key_value().map(|(_, print)| *print)
    }

    /// How many bytes of the head agree, where no print disagrees; prints of
    /// more bytes than the head has are left out.
    fn agrees(&self, prints: &mut Prints) -> Option<usize> {
        if !self.tells && !self.is_at(&prints.head.stat) {
            return None;
        }
        let within = self.prints.range(..=prints.head.bytes.len());
        let mut agreed = None;
        for (len, print) in within {
            if prints.of(*len) != Some(*print) {
                return None;
            }
            agreed = Some(*len);
        }
        agreed
    }
}

/// The prints of a head, each made once however many generations ask for it.
struct Prints<'a> {
    head: &'a Head,
    made: HashMap<usize, Option<Print>>,
}

impl<'a> Prints<'a> {
    fn new(head: &'a Head) -> Self {
        Self { head, made: HashMap::new() }
    }

    fn of(&mut self, len: usize) -> Option<Print> {
        *self.made.entry(len).or_insert_with(|| self.head.print(len))
    }
}

/// The generations of one topic. Blocks on the object store: it belongs on a
/// thread of its own rather than into an async task.
pub struct Registry {
    store: Arc<dyn ObjectStore>,
    blocking: Blocking,
    topic: String,
    generations: BTreeMap<u32, Generation>,
    seen: BTreeSet<Location>,
}

impl Registry {
    /// Reads what is registered for `topic` in `store`, the archive's.
    ///
    /// # Errors
    /// Where the store can't be read, or holds what a newer version wrote.
    pub fn open(store: Arc<dyn ObjectStore>, topic: &str) -> Result<Self, SourceError> {
        let blocking = Blocking::new().map_err(|error| failed("partitions", error))?;
        let mut registry = Self {
            store,
            blocking,
            topic: topic.to_owned(),
            generations: BTreeMap::new(),
            seen: BTreeSet::new(),
        };
        registry.refresh()?;
        Ok(registry)
    }

    /// The partition with a number.
    pub fn partition(&self, number: u32) -> Partition {
        Partition::new(&self.topic, number)
    }

    /// Every generation, by number.
    pub fn generations(&self) -> &BTreeMap<u32, Generation> {
        &self.generations
    }

    /// Device and inode of every file where it was registered.
    pub(super) fn inodes(&self) -> HashSet<(u64, u64)> {
        self.generations.values().map(|known| (known.first.dev, known.first.inode)).collect()
    }

    /// The generations whose prints agree with a file's head, the best first:
    /// the longest agreement, then the same inode, then the newest.
    pub(super) fn matching(&self, head: &Head) -> Vec<u32> {
        let mut prints = Prints::new(head);
        let agreeing = self.generations.iter().filter_map(|(number, generation)| {
            let len = generation.agrees(&mut prints)?;
            Some((len, generation.is_at(&head.stat), *number))
        });
        let mut agreeing: Vec<_> = agreeing.collect();
        agreeing.sort_unstable_by(|a, b| b.cmp(a));
        agreeing.into_iter().map(|(_, _, number)| number).collect()
    }

    /// Reads what other processes have registered since.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn refresh(&mut self) -> Result<(), SourceError> {
        let folder = Location::from(format!("partitions/{}", self.topic));
        let store = Arc::clone(&self.store);
        let listed = self.blocking.wait(async {
            store.list(Some(&folder)).map_ok(|meta| meta.location).try_collect::<Vec<_>>().await
        });
        let listed = listed.map_err(|error| failed(&folder, error))?;
        let mut listed = listed.map_err(|error| failed(&folder, explain(&error)))?;
        listed.retain(|location| !self.seen.contains(location));
        listed.sort_unstable();
        listed.into_iter().try_for_each(|location| self.read(location))
    }

    fn read(&mut self, location: Location) -> Result<(), SourceError> {
        let read = self.blocking.wait(async { self.store.get(&location).await?.bytes().await });
        let read = read.map_err(|error| failed(&location, error))?;
        let bytes = read.map_err(|error| failed(&location, explain(&error)))?;
        let registration: Registration = serde_json::from_slice(&bytes)
            .map_err(|error| failed(&location, format!("not a registration: {error}")))?;
        if registration.schema > SCHEMA {
            let reason = "written by a newer version of twofold: use that one";
            return Err(failed(&location, reason));
        }
        let print = registration
            .print()
            .ok_or_else(|| failed(&location, "its prefix_hash is not hexadecimal"))?;
        self.add(registration, print);
        self.seen.insert(location);
        Ok(())
    }

    fn add(&mut self, registration: Registration, print: Print) {
        let tells = registration.tells;
        let generation = self.generations.entry(registration.number).or_insert_with(|| {
            Generation { first: registration, prints: BTreeMap::new(), tells: false }
        });
        generation.tells |= tells;
        generation.prints.insert(print.len, print);
    }

    /// Registers a file under the next free number. `None` where another process
    /// took that number: the file has to be matched again.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub(super) fn register(&mut self, head: &Head) -> Result<Option<u32>, SourceError> {
        let number = self.generations.last_key_value().map_or(0, |(last, _)| last + 1);
        let location = Location::from(format!("partitions/{}/{number:05}.json", self.topic));
        let print = Print::of(&head.bytes);
        let new = self.put(location, Registration::new(number, head, print), print)?;
        if !new {
            self.refresh()?;
        }
        Ok(new.then_some(number))
    }

    /// Registers a longer print of a generation, where the file has grown to
    /// [`PREFIX_MAX`] bytes, or to its first whole line. Says whether the file
    /// still agrees: another one with the same first lines may have been faster.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub(super) fn extend(&mut self, number: u32, head: &Head) -> Result<bool, SourceError> {
        let Some(generation) = self.generations.get(&number) else { return Ok(false) };
        let longest = generation.longest().map_or(0, |print| print.len);
        let grown = head.bytes.len() > longest
            && (head.bytes.len() == PREFIX_MAX || head.tells() && !generation.tells);
        if !grown {
            return Ok(true);
        }
        let print = Print::of(&head.bytes);
        let name = format!("partitions/{}/{number:05}-{:05}.json", self.topic, print.len);
        if self.put(Location::from(name), Registration::new(number, head, print), print)? {
            return Ok(true);
        }
        self.refresh()?;
        let known = self.generations.get(&number);
        Ok(known.is_some_and(|known| known.agrees(&mut Prints::new(head)).is_some()))
    }

    /// Puts a registration create-if-absent; says whether it is the first there.
    fn put(
        &mut self,
        location: Location,
        registration: Registration,
        print: Print,
    ) -> Result<bool, SourceError> {
        let body = serde_json::to_vec_pretty(&registration);
        let body = PutPayload::from(body.map_err(|error| failed(&location, error))?);
        let options = PutOptions::from(PutMode::Create);
        let put = self.blocking.wait(self.store.put_opts(&location, body, options));
        match put.map_err(|error| failed(&location, error))? {
            Ok(_) => {
                self.add(registration, print);
                self.seen.insert(location);
                Ok(true)
            }
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed(&location, explain(&error))),
        }
    }
}

fn failed(location: impl ToString, error: impl ToString) -> SourceError {
    SourceError::Registry { location: location.to_string(), reason: error.to_string() }
}
