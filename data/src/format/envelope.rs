//! Log shippers put each line into an envelope of JSON; here it is taken out again.

use memchr::memmem;

use super::detect::plain;
use super::walk::{Tree, walk};
use super::{FieldMap, Format, Shape, Trailing};
use crate::request::Malformed;

/// The envelopes that are known, with the key that holds the line, and the key that tells
/// one from the next where they share that.
const KINDS: [(&str, &str, &str); 3] = [
    ("vector", "message", "\"source_type\""),
    ("filebeat", "message", ""),
    ("fluent-bit", "log", ""),
];

/// An envelope, and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    kind: &'static str,
    tree: Tree,
    /// The format of the lines inside; `None` where each line is to tell by itself.
    inner: Option<Format>,
    /// What a number at the end of such a line means.
    trailing: Trailing,
}

impl Layout {
    /// The envelope called `kind`, with lines of a known or unknown format in it.
    pub(super) fn new(kind: &str, inner: Option<Format>) -> Option<Self> {
        let (kind, key, _) = KINDS.into_iter().find(|(name, ..)| *name == kind)?;
        let tree = Tree::new([(0, &[key.to_owned()][..])]);
        Some(Self { kind, tree, inner, trailing: Trailing::Ignored })
    }

    /// The names of the envelopes that a record may be of, the likeliest first.
    pub(super) fn kinds_of(record: &[u8]) -> impl Iterator<Item = &'static str> {
        let fits = |sign: &str| memmem::find(record, sign.as_bytes()).is_some();
        KINDS.into_iter().filter(move |(.., sign)| fits(sign)).map(|(kind, ..)| kind)
    }

    /// Reads `filebeat` (the format inside is told line by line) or `filebeat:combined`.
    pub(super) fn named(name: &str) -> Option<Self> {
        if let Some((kind, inner)) = name.split_once(':') {
            let inner = Format::named(inner)?;
            let plain = !matches!(inner.shape, Shape::Envelope(_));
            return plain.then(|| Self::new(kind, Some(inner)))?;
        }
        let (kind, trailing) = Trailing::split(name)?;
        Some(Self { trailing, ..Self::new(kind, None)? })
    }

    /// The name that [`Layout::named`] reads.
    pub(super) fn name(&self) -> String {
        match &self.inner {
            Some(inner) => format!("{}:{}", self.kind, inner.name()),
            None => self.trailing.join(self.kind),
        }
    }

    /// Gives the number after the last field of the lines inside a meaning.
    pub(super) fn set_trailing(&mut self, trailing: Trailing) {
        match self.inner.take() {
            Some(inner) => self.inner = Some(inner.with_trailing(trailing)),
            None => self.trailing = trailing,
        }
    }

    /// Whether the lines inside may end with a number that needs a meaning.
    pub(super) fn has_trailing(&self) -> bool {
        self.inner.as_ref().is_none_or(Format::has_trailing)
    }

    /// Gives the JSON lines inside other keys.
    pub(super) fn set_fields(&mut self, fields: FieldMap) {
        self.inner = self.inner.take().map(|inner| inner.with_fields(fields));
    }

    /// The format of the lines inside, where all of them have the same.
    pub(super) fn inner(&self) -> Option<&Format> {
        self.inner.as_ref()
    }

    /// The same, to be changed.
    pub(super) fn inner_mut(&mut self) -> Option<&mut Format> {
        self.inner.as_mut()
    }

    /// Takes in the directives inside the envelopes among a log's records.
    pub(super) fn learn<'l>(&mut self, records: impl IntoIterator<Item = &'l [u8]>) {
        let mut scratch = String::new();
        for record in records {
            let record = String::from_utf8_lossy(record);
            if let Ok(line) = self.open(&record, &mut scratch)
                && let Some(inner) = &mut self.inner
                && inner.has_directives()
            {
                inner.learn([line.as_bytes()]);
            }
        }
    }

    /// The keys of the JSON lines inside.
    pub(super) fn field_map(&self) -> Option<&FieldMap> {
        self.inner.as_ref()?.field_map()
    }

    /// The line inside, without its line ending. `scratch` holds it where it has escapes.
    pub(super) fn open<'a>(
        &self,
        record: &'a str,
        scratch: &'a mut String,
    ) -> Result<&'a str, Malformed> {
        scratch.clear();
        let picked = walk(record, &self.tree, scratch).map_err(|_| Malformed::Json)?;
        let line = picked.text(0, scratch).ok_or(Malformed::Shape)?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        Ok(line.strip_suffix('\r').unwrap_or(line))
    }

    /// The format of one line inside. What other lines look like has no say in it, so that
    /// a line is read the same wherever reading starts.
    pub(super) fn format_of(&self, line: &str) -> Option<Format> {
        let told = || Some(plain(&[line.as_bytes()])?.format.with_trailing(self.trailing));
        self.inner.clone().or_else(told)
    }
}
