//! The records of one event hour as columns of integers.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use twofold_data::class::{Classifier, client, cut_key, host, referrer_host};
use twofold_data::minute::{Grain, Minute};
use twofold_data::partition::record_hash;
use twofold_data::view::{Key, Tally};

use super::codes::{Codes, NONE};
use crate::BatchError;
use crate::archive::columns::{Coded, Columns};
use crate::archive::damaged;

/// The columns of requests, in the order of records. Texts are codes of [`Texts`].
#[derive(Debug, Default)]
pub struct Frame {
    /// Event time (ms).
    pub time: Vec<i64>,
    /// Minute of the hour, 0 to 59.
    pub minute: Vec<u32>,
    /// Status code.
    pub status: Vec<u32>,
    /// Size in bytes.
    pub bytes: Vec<u64>,
    /// Kind, as in [`twofold_data::facts::Kind`].
    pub kind: Vec<u32>,
    /// Duration in microseconds, of the requests that have one: minute and value.
    pub durations: Vec<(u32, u64)>,
    /// Codes by key, in the order of [`KEYS`].
    pub keys: [Vec<u32>; KEYS.len()],
    /// Each request's user agent as a whole, for sessions.
    pub user_agent: Vec<u32>,
}

/// The keys that are codes; the status is a number itself.
pub const KEYS: [Key; 7] =
    [Key::Client, Key::Page, Key::Method, Key::Referrer, Key::Host, Key::Agent, Key::Os];

/// The texts behind the codes of one hour.
#[derive(Debug, Default)]
pub struct Texts {
    codes: [Codes; KEYS.len()],
    /// User agents as a whole.
    pub user_agents: Codes,
}

impl Texts {
    /// The texts of a key.
    pub fn of(&self, key: Key) -> Option<&Codes> {
        KEYS.iter().position(|known| *known == key).map(|at| &self.codes[at])
    }

    fn of_mut(&mut self, at: usize) -> &mut Codes {
        &mut self.codes[at]
    }

    /// The code of a key's text, which is new or known.
    #[cfg(test)]
    pub fn code(&mut self, key: Key, text: &str) -> u32 {
        let at = KEYS.iter().position(|known| *known == key).unwrap();
        self.codes[at].code(text)
    }
}

/// What the records of each minute of an hour were.
pub type Tallies = [Tally; 60];

/// Rows of a batch that are requests of the hour, each with its minute.
type Picked = [(u32, u32)];

/// Reads batches into frames; tallies every record, the malformed and blank ones too.
#[derive(Debug)]
pub struct Reader<'a> {
    hour: Minute,
    classifier: &'a mut Classifier,
    /// The texts so far.
    pub texts: Texts,
    /// What each minute's records were.
    pub tallies: Tallies,
    scratch: String,
}

impl<'a> Reader<'a> {
    /// A reader of the records of one hour.
    pub fn new(hour: Minute, classifier: &'a mut Classifier) -> Self {
        Self {
            hour,
            classifier,
            texts: Texts::default(),
            tallies: [Tally::default(); 60],
            scratch: String::new(),
        }
    }

    /// Adds the batch's records of the hour to a frame.
    pub fn read(
        &mut self,
        path: &str,
        batch: &RecordBatch,
        frame: &mut Frame,
    ) -> Result<(), BatchError> {
        let found = Columns::of(batch).and_then(|columns| {
            let outcomes = (columns.codes_of("request")?, columns.codes_of("blank")?);
            Some((columns.seed()?, outcomes, columns))
        });
        let (seed, (requests, blank), columns) =
            found.ok_or_else(|| damaged(path, "its columns are not the archive's"))?;
        let times = columns.time.values();
        let from = self.hour.start_ms();
        let to = Minute(Grain::Hour.end(self.hour).0).start_ms();
        let is = |codes: &[bool], code: usize| codes.get(code) == Some(&true);
        let mut picked = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let time = times[row];
            if time < from || time >= to {
                continue;
            }
            let minute = ((time - from) / 60_000) as u32;
            let tally = &mut self.tallies[minute as usize % 60];
            tally.records += 1;
            tally.hash =
                tally.hash.wrapping_add(record_hash(seed, columns.offset.value(row) as u64));
            match columns.outcome.key(row) {
                Some(code) if is(&requests, code) => picked.push((row as u32, minute)),
                Some(code) if is(&blank, code) => tally.blank += 1,
                _ => tally.malformed += 1,
            }
        }
        self.requests(&columns, &picked, frame);
        Ok(())
    }

    fn requests(&mut self, columns: &Columns<'_>, picked: &Picked, frame: &mut Frame) {
        let rows = || picked.iter().map(|(row, _)| *row as usize);
        frame.time.extend(rows().map(|row| columns.time.value(row)));
        frame.minute.extend(picked.iter().map(|(_, minute)| *minute));
        frame.status.extend(rows().map(|row| columns.status.value(row) as u32));
        let bytes = columns.bytes;
        frame
            .bytes
            .extend(rows().map(|row| bytes.value(row) as u64 * u64::from(bytes.is_valid(row))));
        let timed = picked.iter().filter(|(row, _)| columns.duration.is_valid(*row as usize));
        frame.durations.extend(
            timed.map(|(row, minute)| (*minute, columns.duration.value(*row as usize) as u64)),
        );
        let (scratch, texts) = (&mut self.scratch, &mut self.texts);
        let plain: [(usize, Coded<'_>, Normal); 5] = [
            (0, columns.client, |text, _| Some(client(text))),
            (2, columns.method, |text, _| Some(cut_key(text))),
            (3, columns.referrer, |text, scratch| referrer_host(text, scratch)),
            (4, columns.host, |text, scratch| host(text, scratch)),
            (1, columns.path, |text, _| Some(text)),
        ];
        for (at, column, normal) in plain {
            let classifier = &mut *self.classifier;
            let codes = mapped(column, |text| {
                let text = normal(text, scratch);
                let text = if at == 1 { text.map(|path| classifier.page(path)) } else { text };
                texts.of_mut(at).optional(text)
            });
            push_codes(column, (&codes, NONE), picked, &mut frame.keys[at]);
        }
        self.agents(columns, picked, frame);
    }

    /// A user agent gives three columns: its name, its system, its kind.
    fn agents(&mut self, columns: &Columns<'_>, picked: &Picked, frame: &mut Frame) {
        let (classifier, texts) = (&mut *self.classifier, &mut self.texts);
        let column = columns.user_agent;
        let mut classes = |text: Option<&str>| {
            let agent = classifier.agent(text);
            let name = texts.codes[5].optional(agent.name.as_deref());
            let os = texts.codes[6].optional(agent.os.as_deref());
            [name, os, agent.kind as u32, texts.user_agents.optional(text)]
        };
        let unknown = classes(None);
        let values = column.values().as_string::<i32>();
        let known: Vec<_> = (0..values.len()).map(|at| classes(Some(values.value(at)))).collect();
        let [_, _, _, _, _, names, systems] = &mut frame.keys;
        let columns = [names, systems, &mut frame.kind, &mut frame.user_agent];
        for (at, into) in columns.into_iter().enumerate() {
            let codes: Vec<u32> = known.iter().map(|classes| classes[at]).collect();
            push_codes(column, (&codes, unknown[at]), picked, into);
        }
    }
}

/// What a text is counted as; the scratch may hold the result.
type Normal = for<'t> fn(&'t str, &'t mut String) -> Option<&'t str>;

fn mapped(column: Coded<'_>, mut code: impl FnMut(&str) -> u32) -> Vec<u32> {
    let values = column.values().as_string::<i32>();
    (0..values.len())
        .map(|at| if values.is_valid(at) { code(values.value(at)) } else { NONE })
        .collect()
}

/// Adds the code of each row that is picked; `none` where it has no text.
fn push_codes(
    column: Coded<'_>,
    (codes, none): (&[u32], u32),
    picked: &Picked,
    into: &mut Vec<u32>,
) {
    let (keys, nulls) = (column.keys().values(), column.keys().nulls());
    let code = |row: usize| codes.get(keys[row] as usize).copied().unwrap_or(none);
    let rows = picked.iter().map(|(row, _)| *row as usize);
    match nulls {
        None => into.extend(rows.map(code)),
        Some(nulls) if nulls.null_count() == keys.len() => into.extend(rows.map(|_| none)),
        Some(nulls) => {
            into.extend(rows.map(|row| if nulls.is_valid(row) { code(row) } else { none }))
        }
    }
}

impl Frame {
    /// How many requests it holds.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Forgets the requests, and keeps the memory.
    pub fn clear(&mut self) {
        let Self { time, minute, status, bytes, kind, durations, keys, user_agent } = self;
        time.clear();
        bytes.clear();
        durations.clear();
        for column in keys.iter_mut().chain([minute, status, kind, user_agent]) {
            column.clear();
        }
    }

    /// The first requests.
    pub fn head(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let of = |column: &Vec<u32>| column[..count].to_vec();
        Self {
            time: self.time[..count].to_vec(),
            minute: of(&self.minute),
            status: of(&self.status),
            bytes: self.bytes[..count].to_vec(),
            kind: of(&self.kind),
            durations: Vec::new(),
            keys: std::array::from_fn(|at| of(&self.keys[at])),
            user_agent: of(&self.user_agent),
        }
    }
}
