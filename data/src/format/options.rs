//! The part of the configuration file that says which format a log has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fields::{Field, FieldMap, Unit};
use super::log_format::{Layout, LogFormatError};
use super::{DEFAULT_MAX_LINE, Format, Trailing};

/// A format as configuration names it.
///
/// ```toml
/// name = "json"                    # auto, common, combined, vhost-combined, nginx-json, ...
/// trailing = "seconds"             # what a number after the last field means (Apache formats)
/// max_line = 65536                 # longer records are malformed, in bytes
/// duration_unit = "milliseconds"   # of JSON numbers, as is time_unit
///
/// [fields]                         # where in a JSON line the fields are, the best key first
/// client = ["client_ip", "remote_addr"]
/// duration = "elapsed"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The format's name, `auto`, or a format string of nginx or Apache
    /// ([`Format::compiled`]).
    pub name: String,
    /// What a number after the last field of an Apache format means.
    pub trailing: Trailing,
    /// The longest record that is parsed, in bytes.
    pub max_line: usize,
    /// Keys of JSON lines, in place of those that the named format has for the field.
    pub fields: BTreeMap<Field, Keys>,
    /// What a JSON number in the field `time` counts, where it differs from the named format's.
    pub time_unit: Option<Unit>,
    /// What a JSON number in the field `duration` counts, or `time-taken` in a W3C log, where it differs.
    pub duration_unit: Option<Unit>,
}

/// One key, or several of which the first present counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// One key.
    One(String),
    /// The best first.
    Several(Vec<String>),
}

impl From<Keys> for Vec<String> {
    fn from(keys: Keys) -> Self {
        match keys {
            Keys::One(key) => vec![key],
            Keys::Several(keys) => keys,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "auto".to_owned(),
            trailing: Trailing::default(),
            max_line: DEFAULT_MAX_LINE,
            fields: BTreeMap::new(),
            time_unit: None,
            duration_unit: None,
        }
    }
}

/// Why options name no format.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// The name is a format string, but no lines can be read by it.
    #[error("the log format string cannot be used: {0}")]
    LogFormat(#[from] LogFormatError),
    /// No format has this name.
    #[error("no log format is called `{0}`: use auto, or one of {names}", names = Format::NAMES.join(", "))]
    UnknownName(String),
    /// Keys or units are given for a format that is not JSON.
    #[error(
        "`fields`, `time_unit` and `duration_unit` are for JSON formats, and `{0}` is none: name a JSON format, or remove them"
    )]
    NotJson(String),
    /// `trailing` is given for a format that says itself what every field means.
    #[error(
        "`trailing` is for common, combined and vhost-combined, and `{0}` is none of them: remove it"
    )]
    NoTrailing(String),
}

impl Options {
    /// The format; `None` for `auto`, which the log's first lines decide
    /// ([`super::detect`], [`Options::complete`]).
    ///
    /// # Errors
    ///
    /// The name is unknown, or the options do not go together.
    pub fn format(&self) -> Result<Option<Format>, OptionsError> {
        if self.name.eq_ignore_ascii_case("auto") {
            return Ok(None);
        }
        let format = self.named()?;
        if self.trailing != Trailing::Ignored && !format.has_trailing() {
            return Err(OptionsError::NoTrailing(format.name()));
        }
        self.complete(format).map(Some)
    }

    fn named(&self) -> Result<Format, OptionsError> {
        if Layout::is_meant(&self.name) {
            return Ok(Format::compiled(&self.name)?);
        }
        Format::named(&self.name).ok_or_else(|| OptionsError::UnknownName(self.name.clone()))
    }

    /// A format (that was detected) with the other options applied to it.
    ///
    /// # Errors
    ///
    /// There are options for JSON formats, and it is none.
    pub fn complete(&self, mut format: Format) -> Result<Format, OptionsError> {
        if self.trailing != Trailing::Ignored {
            format = format.with_trailing(self.trailing);
        }
        let about_json = self.time_unit.is_some() || !self.fields.is_empty();
        if let Some(unit) = self.duration_unit
            && format.has_directives()
            && !about_json
        {
            format = format.with_duration_unit(unit);
        } else if about_json || self.duration_unit.is_some() {
            let map = format.field_map().cloned();
            let map = map.ok_or_else(|| OptionsError::NotJson(format.name()))?;
            format = format.with_fields(self.change(map));
        }
        Ok(format.with_max_line(self.max_line))
    }

    fn change(&self, mut map: FieldMap) -> FieldMap {
        for (field, keys) in &self.fields {
            map.keys.insert(*field, keys.clone().into());
        }
        map.time_unit = self.time_unit.unwrap_or(map.time_unit);
        map.duration_unit = self.duration_unit.unwrap_or(map.duration_unit);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(options: Value, expected: Result<Option<&str>, OptionsError>) {
        let read: Options = serde_json::from_value(options).unwrap();
        let name = read.format().map(|format| format.map(|format| format.name()));
        assert_eq!(name, expected.map(|name| name.map(str::to_owned)), "{read:?}");
    }

    #[test]
    fn options_name_formats() {
        check(json!({}), Ok(None));
        check(json!({"name": "AUTO", "trailing": "seconds"}), Ok(None));
        check(json!({"name": "vhost_combined"}), Ok(Some("vhost-combined")));
        check(json!({"name": "combined", "trailing": "seconds"}), Ok(Some("combined+seconds")));
        check(json!({"name": "%h %t %>s"}), Ok(Some("%h %t %>s")));
        check(json!({"name": "common+microseconds"}), Ok(Some("common+microseconds")));
        check(json!({"name": "nginx-json", "fields": {}}), Ok(Some("nginx-json")));
        check(json!({"name": "nginx-json", "fields": {"client": "x"}}), Ok(Some("json")));
        check(
            json!({"name": "filebeat:combined", "trailing": "seconds"}),
            Ok(Some("filebeat:combined+seconds")),
        );
    }

    #[test]
    fn what_is_no_format_is_refused() {
        check(json!({"name": "iis"}), Err(OptionsError::UnknownName("iis".to_owned())));
        let not_json = Err(OptionsError::NotJson("common".to_owned()));
        check(json!({"name": "common", "duration_unit": "seconds"}), not_json);
        for more in ["time_unit", "duration_unit"] {
            let options = json!({"name": "w3c", "time_unit": "seconds", more: "seconds"});
            check(options, Err(OptionsError::NotJson("w3c".to_owned())));
        }
        let no_trailing = Err(OptionsError::NoTrailing("nginx-json".to_owned()));
        check(json!({"name": "nginx-json", "trailing": "seconds"}), no_trailing);
        let no_client = LogFormatError::Missing("client", "$remote_addr or %h");
        check(json!({"name": "%t %>s"}), Err(OptionsError::LogFormat(no_client)));
        for unknown in [json!({"nmae": "common"}), json!({"fields": {"colour": "x"}})] {
            assert!(serde_json::from_value::<Options>(unknown).is_err());
        }
        let message = OptionsError::UnknownName("iis".to_owned()).to_string();
        assert!(message.contains("`iis`") && message.contains("vhost-combined"), "{message}");
    }

    #[test]
    fn what_is_detected_is_completed() {
        let options = Options { trailing: Trailing::Seconds, max_line: 100, ..Options::default() };
        let format = options.complete(Format::named("combined").unwrap()).unwrap();
        assert_eq!(format.name(), "combined+seconds");
        assert!(format.fingerprint().contains("max_line=100"));
    }
}
