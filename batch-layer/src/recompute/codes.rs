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

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The place of each number's text in alphabetical order.
    pub fn ranks(&self) -> Vec<u32> {
        let texts = self.texts.iter().zip(0..);
        let mut order: Vec<(u128, u32)> =
            texts.map(|((text, _), code)| (beginning(text), code)).collect();
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.text(a.1).cmp(self.text(b.1)))
        });
        let mut ranks = vec![0; order.len()];
        for (rank, (_, code)) in order.into_iter().enumerate() {
            ranks[code as usize] = rank as u32;
        }
        ranks
    }

    /// The hash of a number's text ([`key_hash`]).
    pub fn hash(&self, code: u32) -> u64 {
        self.texts.get(code as usize).map_or(0, |(_, hash)| *hash)
    }
}

/// A text's first 16 bytes as a number: it orders most texts without looking at them again.
fn beginning(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}
