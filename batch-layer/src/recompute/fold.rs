//! The declaration of views and measures as a fold over codes: sums by minute and key.
//!
//! Polars gives the same groups ([`super::views`], held against this one by a property test) at
//! five times the cost: it hashes a key for each view and request, where here a code is the place
//! in a table, and the sums of a group lie in one cache line.

use twofold_data::facts::{Facts, Kind};
use twofold_data::view::{Amount, Counts, Key, MEASURES, VIEWS, View};

use super::codes::NONE;
use super::frame::{Frame, KEYS, Texts};

/// What the requests of one key add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The key's code.
    pub code: u32,
    /// The measures.
    pub counts: Counts,
    /// The first event time (ms).
    pub first: i64,
    /// The last event time (ms).
    pub last: i64,
}

/// The groups of one view: for each minute of the hour, in no order.
pub type Minutes = Vec<Vec<Group>>;

/// Adds a frame's requests to the groups of every one of [`VIEWS`].
pub fn add(frame: &Frame, texts: &Texts, groups: &mut [Minutes]) {
    let by_minute = ByMinute::of(frame);
    let mut classes = Classes::default();
    let mut rows = Vec::new();
    let mut tables: Vec<Table> = VIEWS.iter().map(|view| Table::of(view, texts)).collect();
    for minute in 0..60 {
        let at = by_minute.rows(minute);
        rows.clear();
        rows.extend(at.iter().map(|at| classes.row(frame, *at as usize)));
        for ((view, table), groups) in VIEWS.iter().zip(&mut tables).zip(groups.iter_mut()) {
            let admitted = classes.admitted_by(view);
            let codes = Column::of(view, frame);
            let wanted = at.iter().zip(&rows).filter(|(_, row)| admitted[row.class as usize]);
            for (at, row) in wanted {
                table.add(codes.code(*at as usize), row, &classes);
            }
            table.flush(&mut groups[minute]);
        }
    }
}

/// The groups of the whole hour.
pub fn hour(minutes: &Minutes, codes: usize) -> Vec<Group> {
    let mut merge = Merge { slots: vec![NONE; codes], groups: Vec::new() };
    for group in minutes.iter().flatten() {
        merge.add(group);
    }
    merge.groups
}

/// How many codes a view's keys have.
pub fn codes_of(view: &View, texts: &Texts) -> usize {
    match view.key {
        Key::None => 1,
        Key::Status => STATUSES,
        key => texts.of(key).map_or(0, |codes| codes.len()),
    }
}

/// A status is at most 999.
const STATUSES: usize = 1000;

/// The requests' positions, minute by minute.
struct ByMinute {
    order: Vec<u32>,
    starts: [usize; 61],
}

impl ByMinute {
    fn of(frame: &Frame) -> Self {
        let mut starts = [0; 61];
        for minute in &frame.minute {
            starts[*minute as usize % 60 + 1] += 1;
        }
        for minute in 0..60 {
            starts[minute + 1] += starts[minute];
        }
        let (mut next, mut order) = (starts, vec![0; frame.len()]);
        for (at, minute) in frame.minute.iter().enumerate() {
            let place = &mut next[*minute as usize % 60];
            order[*place] = at as u32;
            *place += 1;
        }
        Self { order, starts }
    }

    fn rows(&self, minute: usize) -> &[u32] {
        &self.order[self.starts[minute]..self.starts[minute + 1]]
    }
}

/// One request: what any view may add.
#[derive(Clone, Copy)]
struct Row {
    time: i64,
    bytes: u64,
    class: u32,
}

/// Requests of one status and kind are admitted by the same predicates.
struct Classes {
    /// The class of each status and kind; [`NONE`] where it did not occur yet.
    of: Vec<u32>,
    classes: Vec<Class>,
}

struct Class {
    facts: Facts<'static>,
    /// 1 for each measure that admits the class.
    ones: [u32; MEASURES.len()],
}

impl Default for Classes {
    fn default() -> Self {
        Self { of: vec![NONE; STATUSES * 3], classes: Vec::new() }
    }
}

impl Classes {
    fn row(&mut self, frame: &Frame, at: usize) -> Row {
        let (status, kind) = (frame.status[at], frame.kind[at]);
        let place = (status as usize % STATUSES) * 3 + kind as usize % 3;
        if self.of[place] == NONE {
            self.of[place] = self.classes.len() as u32;
            self.classes.push(Class::of(status, kind));
        }
        Row { time: frame.time[at], bytes: frame.bytes[at], class: self.of[place] }
    }

    fn admitted_by(&self, view: &View) -> Vec<bool> {
        self.classes.iter().map(|class| view.only.admits(&class.facts)).collect()
    }
}

impl Class {
    fn of(status: u32, kind: u32) -> Self {
        let kinds = [Kind::Human, Kind::Bot, Kind::Unknown];
        let kind = kinds[kind as usize % kinds.len()];
        let facts = Facts { status: status as u16, kind, ..Facts::default() };
        let ones = std::array::from_fn(|at| u32::from(MEASURES[at].only.admits(&facts)));
        Self { facts, ones }
    }
}

/// The codes of a view's keys.
enum Column<'f> {
    One,
    Codes(&'f [u32]),
}

impl<'f> Column<'f> {
    fn of(view: &View, frame: &'f Frame) -> Self {
        match view.key {
            Key::None => Self::One,
            Key::Status => Self::Codes(&frame.status),
            key => KEYS
                .iter()
                .position(|known| *known == key)
                .map_or(Self::One, |at| Self::Codes(&frame.keys[at])),
        }
    }

    fn code(&self, at: usize) -> u32 {
        match self {
            Self::One => 0,
            Self::Codes(codes) => codes[at],
        }
    }
}

/// Groups of one minute and view while they are added to. Requests are counted in 32 bits: a
/// frame holds fewer.
struct Table {
    /// The place of each code in `cells`, or [`NONE`].
    slots: Vec<u32>,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy)]
struct Cell {
    ones: [u32; MEASURES.len()],
    bytes: [u64; SIZES],
    first: i64,
    last: i64,
    code: u32,
}

/// How many measures add up sizes.
const SIZES: usize = {
    let (mut at, mut count) = (0, 0);
    while at < MEASURES.len() {
        count += matches!(MEASURES[at].add, Amount::Bytes) as usize;
        at += 1;
    }
    count
};

/// Which measures those are.
const SIZED: [usize; SIZES] = {
    let (mut at, mut count, mut sized) = (0, 0, [0; SIZES]);
    while at < MEASURES.len() {
        if matches!(MEASURES[at].add, Amount::Bytes) {
            sized[count] = at;
            count += 1;
        }
        at += 1;
    }
    sized
};

impl Table {
    fn of(view: &View, texts: &Texts) -> Self {
        Self { slots: vec![NONE; codes_of(view, texts)], cells: Vec::new() }
    }

    /// Adds a request; one without the key ([`NONE`]) has no place.
    #[inline]
    fn add(&mut self, code: u32, row: &Row, classes: &Classes) {
        let Some(slot) = self.slots.get_mut(code as usize) else { return };
        if *slot == NONE {
            *slot = self.cells.len() as u32;
            self.cells.push(Cell::new(code));
        }
        self.cells[*slot as usize].add(row, &classes.classes[row.class as usize].ones);
    }

    /// Moves what was added to `groups`, which may hold some of the codes already.
    fn flush(&mut self, groups: &mut Vec<Group>) {
        for cell in &self.cells {
            self.slots[cell.code as usize] = NONE;
        }
        if groups.is_empty() {
            groups.extend(self.cells.drain(..).map(Group::from));
            return;
        }
        let slots = std::mem::take(&mut self.slots);
        let mut merge = Merge { slots, groups: std::mem::take(groups) };
        merge.find_places();
        self.cells.drain(..).for_each(|cell| merge.add(&cell.into()));
        merge.forget_places();
        (self.slots, *groups) = (merge.slots, merge.groups);
    }
}

impl Cell {
    fn new(code: u32) -> Self {
        Self { ones: [0; MEASURES.len()], bytes: [0; SIZES], first: i64::MAX, last: i64::MIN, code }
    }

    #[inline]
    fn add(&mut self, row: &Row, ones: &[u32; MEASURES.len()]) {
        for (sum, one) in self.ones.iter_mut().zip(ones) {
            *sum = sum.wrapping_add(*one);
        }
        for (sum, measure) in self.bytes.iter_mut().zip(SIZED) {
            *sum = sum.saturating_add(row.bytes.saturating_mul(u64::from(ones[measure])));
        }
        self.first = self.first.min(row.time);
        self.last = self.last.max(row.time);
    }
}

impl From<Cell> for Group {
    fn from(cell: Cell) -> Self {
        let mut counts = Counts(cell.ones.map(u64::from));
        for (sum, measure) in cell.bytes.into_iter().zip(SIZED) {
            counts.0[measure] = sum;
        }
        Self { code: cell.code, counts, first: cell.first, last: cell.last }
    }
}

/// Groups that groups are added to.
struct Merge {
    slots: Vec<u32>,
    groups: Vec<Group>,
}

impl Merge {
    fn find_places(&mut self) {
        for (at, group) in self.groups.iter().enumerate() {
            self.slots[group.code as usize] = at as u32;
        }
    }

    fn forget_places(&mut self) {
        for group in &self.groups {
            self.slots[group.code as usize] = NONE;
        }
    }

    fn add(&mut self, group: &Group) {
        let slot = &mut self.slots[group.code as usize];
        let Some(sum) = self.groups.get_mut(*slot as usize) else {
            *slot = self.groups.len() as u32;
            self.groups.push(*group);
            return;
        };
        sum.counts += &group.counts;
        sum.first = sum.first.min(group.first);
        sum.last = sum.last.max(group.last);
    }
}
