//! Log formats: from a record's bytes to a [`Request`], and back.
//!
//! [`Format`] is what configuration names ([`Options`]), [`Parser`] reads records
//! of one format, [`Format::rebuild`] writes them again, and [`detect`] finds out
//! which format a log has.
//!
//! [`Request`]: crate::request::Request

mod alb;
mod apache;
mod check;
mod detect;
mod envelope;
mod fields;
mod json;
mod log_format;
mod options;
mod parser;
mod pieces;
mod render;
mod request_line;
mod time;
mod usual;
mod w3c;
mod walk;

use std::sync::Arc;

use rapidhash::v3::rapidhash_v3;
use serde::{Deserialize, Serialize};

pub use check::Check;
pub use detect::{Detection, detect};
pub use fields::{Field, FieldMap, Unit};
pub use log_format::LogFormatError;
pub use options::{Keys, Options, OptionsError};
pub use parser::Parser;

/// The longest record that is parsed where configuration says nothing else, in bytes.
pub const DEFAULT_MAX_LINE: usize = 64 * 1024;

/// The version of the parsers: raised when the same line is read differently
/// than before, so that [`Format::fingerprint`] changes and what was parsed is
/// computed again.
const PARSER_VERSION: u32 = 1;

/// A log format with its options. `auto` is none: [`detect`] picks one.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    shape: Shape,
    max_line: usize,
}

/// What a record of the format looks like.
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Fields between spaces, quotes and brackets, as Apache and nginx write them.
    Apache(apache::Layout),
    /// Fields and the text between them, as the user's own format string says.
    Pieces(Arc<log_format::Layout>),
    /// One JSON object per request.
    Json(Arc<json::Layout>),
    /// AWS's Application Load Balancer.
    Alb,
    /// Columns as a `#Fields` directive names them.
    W3c(Arc<w3c::Layout>),
    /// One JSON object per line, which holds the line as a text.
    Envelope(Arc<envelope::Layout>),
}

/// What the number after the last field of an Apache format means. It is
/// configured and never guessed, because 12 may be seconds or microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trailing {
    /// Whatever follows the last field is no business of ours.
    #[default]
    Ignored,
    /// Seconds with decimals: nginx's `$request_time`, Apache's `%T`.
    Seconds,
    /// Microseconds: Apache's `%D`.
    Microseconds,
}

impl Trailing {
    /// Every meaning, the default first.
    pub const ALL: [Self; 3] = [Self::Ignored, Self::Seconds, Self::Microseconds];

    /// The name used in configuration and in a format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Seconds => "seconds",
            Self::Microseconds => "microseconds",
        }
    }

    /// Takes the meaning off a format's name: `combined+seconds`.
    fn split(name: &str) -> Option<(&str, Self)> {
        let Some((format, meaning)) = name.split_once('+') else {
            return Some((name, Self::Ignored));
        };
        Some((format, Self::ALL.into_iter().find(|trailing| trailing.name() == meaning)?))
    }

    /// A format's name with the meaning, which the default does not need.
    fn join(self, format: &str) -> String {
        match self {
            Self::Ignored => format.to_owned(),
            meaning => format!("{format}+{}", meaning.name()),
        }
    }
}

impl Format {
    /// The plain names; more are made of them with `+seconds`, `+microseconds`
    /// (Apache formats) and `ENVELOPE:FORMAT`.
    pub const NAMES: [&str; 14] = [
        "common",
        "combined",
        "vhost-combined",
        "nginx-json",
        "caddy-json",
        "traefik-json",
        "ecs-json",
        "json",
        "alb",
        "cloudfront",
        "w3c",
        "filebeat",
        "fluent-bit",
        "vector",
    ];

    /// Reads a format's name.
    ///
    /// - `common`, `combined` or `vhost-combined`, each with `+seconds` or
    ///   `+microseconds` where a trailing number has that meaning;
    /// - `nginx-json`, `caddy-json`, `traefik-json`, `ecs-json`, or `json` for the
    ///   common flat keys (those of `nginx-json`);
    /// - `alb` (AWS Application Load Balancer), `cloudfront`, or `w3c` (W3C extended, as of IIS);
    /// - `filebeat`, `fluent-bit` or `vector`, the lines in which tell their own
    ///   format, or `filebeat:combined` and the like;
    /// - a format string of nginx (`log_format`) or Apache (`LogFormat`), which is
    ///   its own name.
    pub fn named(name: &str) -> Option<Self> {
        if log_format::Layout::is_meant(name) {
            return Self::compiled(name).ok();
        }
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        let preset = if name == "json" { "nginx-json" } else { &name };
        let shape = if let Some(layout) = apache::Layout::named(&name) {
            Shape::Apache(layout)
        } else if let Some(fields) = FieldMap::preset(preset) {
            Shape::Json(Arc::new(json::Layout::new(fields)))
        } else if name == "alb" {
            Shape::Alb
        } else if let Some(layout) = w3c::Layout::named(&name) {
            Shape::W3c(Arc::new(layout))
        } else {
            Shape::Envelope(Arc::new(envelope::Layout::named(&name)?))
        };
        Some(Self::of(shape))
    }

    /// The format that a format string of nginx or Apache describes, as it stands in
    /// the server's configuration without the quotes around it.
    ///
    /// # Errors
    ///
    /// The string says too little to read lines by it.
    pub fn compiled(source: &str) -> Result<Self, LogFormatError> {
        let layout = log_format::Layout::compile(source.trim())?;
        Ok(Self::of(Shape::Pieces(Arc::new(layout))))
    }

    fn of(shape: Shape) -> Self {
        Self { shape, max_line: DEFAULT_MAX_LINE }
    }

    /// The canonical name, which [`Format::named`] reads: all that is needed to
    /// rebuild records. A field map of one's own is called `json`.
    pub fn name(&self) -> String {
        match &self.shape {
            Shape::Apache(layout) => layout.name(),
            Shape::Pieces(layout) => layout.source.clone(),
            Shape::Json(layout) => layout.fields.name().to_owned(),
            Shape::Alb => "alb".to_owned(),
            Shape::W3c(layout) => layout.name.to_owned(),
            Shape::Envelope(layout) => layout.name(),
        }
    }

    /// What decides how a line is read, as one short text: two formats with the
    /// same fingerprint make the same requests of the same lines.
    pub fn fingerprint(&self) -> String {
        let map = match self.columns() {
            Some(columns) => Some(columns.fingerprint().into_bytes()),
            None => self.field_map().and_then(|fields| serde_json::to_vec(fields).ok()),
        };
        let map = map.map(|json| format!(";fields={:016x}", rapidhash_v3(&json)));
        let (name, max_line) = (self.name(), self.max_line);
        format!("{name};max_line={max_line};parser={PARSER_VERSION}{}", map.unwrap_or_default())
    }

    /// The format with a meaning for the number after the last field, which only
    /// the Apache formats have.
    pub fn with_trailing(mut self, trailing: Trailing) -> Self {
        match &mut self.shape {
            Shape::Apache(layout) => layout.trailing = trailing,
            Shape::Json(_) | Shape::Pieces(_) | Shape::Alb | Shape::W3c(_) => {}
            Shape::Envelope(layout) => Arc::make_mut(layout).set_trailing(trailing),
        }
        self
    }

    /// Whether a number after the last field needs a meaning to be of use.
    fn has_trailing(&self) -> bool {
        match &self.shape {
            Shape::Apache(_) => true,
            Shape::Pieces(_) | Shape::Json(_) | Shape::Alb | Shape::W3c(_) => false,
            Shape::Envelope(layout) => layout.has_trailing(),
        }
    }

    /// The format with another unit for the durations of a W3C log.
    fn with_duration_unit(mut self, unit: Unit) -> Self {
        if let Some(columns) = self.columns_mut() {
            columns.unit = unit;
        }
        self
    }

    /// Takes in the `#Fields` directives among a log's lines, which say what the columns of a W3C
    /// log are. Of other formats nothing is to be learnt.
    pub fn learn<'l>(&mut self, lines: impl IntoIterator<Item = &'l [u8]>) {
        if let Shape::Envelope(layout) = &mut self.shape {
            return Arc::make_mut(layout).learn(lines);
        }
        let Some(columns) = self.columns_mut() else { return };
        for line in lines {
            columns.learn(&String::from_utf8_lossy(line));
        }
    }

    /// Whether lines that begin with `#` say something of the lines after them ([`Format::learn`]).
    pub fn has_directives(&self) -> bool {
        self.columns().is_some()
    }

    /// Whether a line is a directive, which is archived and counts as blank.
    fn is_directive(&self, line: &str) -> bool {
        matches!(self.shape, Shape::W3c(_)) && w3c::Layout::is_directive(line)
    }

    /// The columns of a W3C log, in an envelope or not.
    fn columns(&self) -> Option<&w3c::Layout> {
        match &self.shape {
            Shape::W3c(layout) => Some(layout),
            Shape::Envelope(layout) => layout.inner()?.columns(),
            _ => None,
        }
    }

    fn columns_mut(&mut self) -> Option<&mut w3c::Layout> {
        match &mut self.shape {
            Shape::W3c(layout) => Some(Arc::make_mut(layout)),
            Shape::Envelope(layout) => Arc::make_mut(layout).inner_mut()?.columns_mut(),
            _ => None,
        }
    }

    /// The format with another limit on the length of a record, in bytes.
    pub fn with_max_line(mut self, max_line: usize) -> Self {
        self.max_line = max_line;
        self
    }

    /// The format with other keys, where it is a JSON format (in an envelope or not).
    pub fn with_fields(mut self, fields: FieldMap) -> Self {
        match &mut self.shape {
            Shape::Apache(_) | Shape::Pieces(_) | Shape::Alb | Shape::W3c(_) => {}
            Shape::Json(layout) => *layout = Arc::new(json::Layout::new(fields)),
            Shape::Envelope(layout) => Arc::make_mut(layout).set_fields(fields),
        }
        self
    }

    /// The keys of a JSON format, in an envelope or not.
    pub fn field_map(&self) -> Option<&FieldMap> {
        match &self.shape {
            Shape::Apache(_) | Shape::Pieces(_) | Shape::Alb | Shape::W3c(_) => None,
            Shape::Json(layout) => Some(&layout.fields),
            Shape::Envelope(layout) => layout.field_map(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_a_round_trip() {
        let more = ["common+seconds", "vhost-combined+microseconds", "filebeat:combined+seconds"];
        let more = more.into_iter().chain(["filebeat+seconds", "vector:caddy-json"]);
        for name in Format::NAMES.into_iter().filter(|name| *name != "json").chain(more) {
            let format = Format::named(name).unwrap();
            assert_eq!(format.name(), name);
            assert_eq!(Format::named(&format.name().to_uppercase()), Some(format));
        }
        assert_eq!(Format::named("json"), Format::named("nginx-json"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in
            ["", "auto", "combined+minutes", "json+seconds", "filebeat:vector", "filebeat:", "x:y"]
        {
            assert_eq!(Format::named(name), None, "{name}");
        }
    }

    #[test]
    fn whatever_changes_the_reading_changes_the_fingerprint() {
        let named = |name| Format::named(name).unwrap();
        let mut fields = named("json").field_map().unwrap().clone();
        fields.duration_unit = Unit::Milliseconds;
        let formats = [
            named("combined"),
            named("combined+seconds"),
            named("combined").with_max_line(100),
            named("nginx-json"),
            named("caddy-json"),
            named("nginx-json").with_fields(fields.clone()),
            named("filebeat:nginx-json"),
            named("filebeat:nginx-json").with_fields(fields),
            named("filebeat"),
            named("filebeat").with_trailing(Trailing::Seconds),
        ];
        let distinct: std::collections::HashSet<_> =
            formats.iter().map(Format::fingerprint).collect();
        assert_eq!(distinct.len(), formats.len(), "{distinct:#?}");
    }
}
