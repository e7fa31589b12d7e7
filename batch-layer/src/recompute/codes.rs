//! Texts as numbers: Polars groups integers, and a text is looked at once.

use hashbrown::HashTable;
use twofold_data::window::sketch::key_hash;

/// No text.
pub const NONE: u32 = u32::MAX;

/// Numbers distinct texts from 0, in the order in which they come.
#[derive(Debug, Default)]
pub struct Codes {
    table: HashTable<u32>,
    texts: Vec<(Box<str>, u64)>,
}

impl Codes {
    /// The number of a text.
    pub fn code(&mut self, text: &str) -> u32 {
        let hash = key_hash(text);
        let texts = &self.texts;
        let same =
            |code: &u32| texts[*code as usize].1 == hash && *texts[*code as usize].0 == *text;
        if let Some(code) = self.table.find(hash, same) {
            return *code;
        }
        let code = self.texts.len() as u32;
        self.texts.push((text.into(), hash));
        self.table.insert_unique(hash, code, |code| self.texts[*code as usize].1);
        code
    }

    /// The number of a text that may be absent.
    pub fn optional(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |text| self.code(text))
    }

    /// The text of a number.
    pub fn text(&self, code: u32) -> &str {
        self.texts.get(code as usize).map_or("", |(text, _)| text)
    }

    /// The place of each number's text in alphabetical order: texts are compared once an hour, and
    /// not for every tie of every minute.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.texts.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.text(*a).cmp(self.text(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in order.into_iter().enumerate() {
            ranks[code as usize] = rank as u32;
        }
        ranks
    }

    /// The hash of a number's text ([`key_hash`]).
    pub fn hash(&self, code: u32) -> u64 {
        self.texts.get(code as usize).map_or(0, |(_, hash)| *hash)
    }
}
