//! Putting the configuration together: defaults, file, environment, flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::{Table, Value};

use super::Config;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File(String),
    /// The environment variable.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Environment(name) => f.write_str(name),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// What is wrong with a configuration; each message says where and what to do.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// Where and why.
        reason: String,
    },
    /// No such key.
    #[error(
        "{origin}: unknown key `{key}`; did you mean `{nearest}`? (`twofold config show` lists all keys)"
    )]
    UnknownKey {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The known key nearest to it.
        nearest: String,
    },
    /// A value that its key does not take.
    #[error("{origin}: `{key}` cannot be {value}: {reason}")]
    Value {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// The layers, put on top of each other.
#[derive(Clone)]
pub struct Layers {
    values: BTreeMap<String, (Value, Origin)>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.entries().map(|(key, value, origin)| (key, (value, origin))))
            .finish()
    }
}

impl Default for Layers {
    fn default() -> Self {
        let defaults = Table::try_from(Config::default()).unwrap_or_default();
        let mut values = BTreeMap::new();
        flatten("", &defaults, &mut |key, value| {
            values.insert(key, (value.clone(), Origin::Default));
        });
        Self { values }
    }
}

impl Layers {
    /// Adds a configuration file.
    pub fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        self.text(&text, &shown)
    }

    /// Adds the text of a configuration file.
    pub fn text(&mut self, text: &str, path: &str) -> Result<(), ConfigError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.into(),
            reason: error.to_string(),
        })?;
        let mut found = Vec::new();
        flatten("", &table, &mut |key, value| found.push((key, value.clone())));
        for (key, value) in found {
            self.set(&key, value, Origin::File(path.into()))?;
        }
        Ok(())
    }

    /// Adds the variables `TWOFOLD_…`; the name is the key in capitals with `_` for `.`.
    pub fn environment(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let names: BTreeMap<String, String> =
            self.values.keys().map(|key| (variable(key), key.clone())).collect();
        for (name, text) in variables {
            if !name.starts_with("TWOFOLD_") || is_no_key(&name) {
                continue;
            }
            let key = names.get(&name).cloned().or_else(|| property(&name));
            let key = key.unwrap_or_else(|| name.clone());
            self.set_text(&key, &text, Origin::Environment(name))?;
        }
        Ok(())
    }

    /// Sets `key` from text, read as the type that the key's default has.
    pub fn set_text(&mut self, key: &str, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let value = match self.values.get(key) {
            Some((current, _)) => read_as(current, text).ok_or_else(|| ConfigError::Value {
                origin: origin.to_string(),
                key: key.into(),
                value: format!("`{text}`"),
                reason: format!("it takes {}", current.type_str()),
            })?,
            None => Value::String(text.into()),
        };
        self.set(key, value, origin)
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        if !self.values.contains_key(key) && !is_open(key) {
            let nearest = self.nearest(key);
            return Err(ConfigError::UnknownKey {
                origin: origin.to_string(),
                key: key.into(),
                nearest,
            });
        }
        // librdkafka takes every value as text.
        let value = match value {
            Value::Integer(_) | Value::Boolean(_) | Value::Float(_) if is_property(key) => {
                Value::String(value.to_string())
            }
            value => value,
        };
        let before = self.values.insert(key.into(), (value.clone(), origin.clone()));
        match self.config() {
            Ok(_) => Ok(()),
            Err(reason) => {
                match before {
                    Some(before) => self.values.insert(key.into(), before),
                    None => self.values.remove(key),
                };
                Err(ConfigError::Value {
                    origin: origin.to_string(),
                    key: key.into(),
                    value: shown(key, &value).to_string(),
                    // It may quote the value.
                    reason: if is_secret(key) { "it takes text".into() } else { reason },
                })
            }
        }
    }

    /// Whether nobody has set `key`.
    pub fn is_default(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|(_, origin)| *origin == Origin::Default)
    }

    /// The configuration that the layers add up to.
    pub fn config(&self) -> Result<Config, String> {
        let mut table = Table::new();
        for (key, (value, _)) in &self.values {
            insert(&mut table, key, value.clone());
        }
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// Every key with its value and origin, in order; secrets are hidden.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Value, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), shown(key, value), origin))
    }

    fn nearest(&self, key: &str) -> String {
        let wanted = key.trim_start_matches("TWOFOLD_").to_lowercase().replace('_', ".");
        let distance = |known: &&String| edit_distance(&known.replace('_', "."), &wanted);
        self.values.keys().min_by_key(distance).cloned().unwrap_or_default()
    }
}

/// Keys that have no default: the fields of JSON lines, and units where they differ from the format's.
fn is_open(key: &str) -> bool {
    key.starts_with("format.fields.")
        || is_property(key)
        || ["format.time_unit", "format.duration_unit"].contains(&key)
}

/// Whether the key is a property of librdkafka. Its name has dots of its own.
fn is_property(key: &str) -> bool {
    key.starts_with("kafka.")
}

/// The property that a variable sets: `TWOFOLD_KAFKA__SASL_PASSWORD` is `kafka.sasl.password`;
/// two `_` in a row stand for one.
fn property(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("TWOFOLD_KAFKA__")?.to_lowercase();
    Some(format!("kafka.{}", name.replace("__", "\0").replace('_', ".").replace('\0', "_")))
}

/// Whether a variable is none of the configuration's; `TWOFOLD_TEST_…` tells tests of servers.
fn is_no_key(variable: &str) -> bool {
    NOT_KEYS.contains(&variable) || variable.starts_with("TWOFOLD_TEST_")
}

/// Whether a key's value is for nobody's eyes: ours, and librdkafka's among the properties that pass through.
fn is_secret(key: &str) -> bool {
    const WORDS: [&str; 5] = ["password", "secret", "token", "pem", "jaas"];
    // Whoever knows these addresses may post there.
    const ADDRESSES: [&str; 3] = ["alerts.webhook", "alerts.slack", "alerts.command"];
    let name = key.rsplit(['.', '_']).next().unwrap_or(key);
    let of_kafka = is_property(key) && WORDS.iter().any(|word| key.contains(word));
    of_kafka || WORDS.contains(&name) || key.ends_with("api_key") || ADDRESSES.contains(&key)
}

/// A value as it may be shown.
fn shown(key: &str, value: &Value) -> Value {
    let set = !matches!(value, Value::String(text) if text.is_empty());
    if set && is_secret(key) { Value::String("(hidden)".into()) } else { value.clone() }
}

/// Variables that are not keys of the configuration.
const NOT_KEYS: &[&str] = &["TWOFOLD_CONFIG", "TWOFOLD_LOG", "TWOFOLD_BLESS"];

/// The environment variable that sets `key`.
pub fn variable(key: &str) -> String {
    format!("TWOFOLD_{}", key.replace('.', "_").to_uppercase())
}

fn flatten(prefix: &str, table: &Table, each: &mut impl FnMut(String, &Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, each),
            leaf => each(key, leaf),
        }
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.into(), value);
        }
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                match is_property(key) {
                    true => drop(inner.insert(rest.into(), value)),
                    false => insert(inner, rest, value),
                }
            }
        }
    }
}

fn read_as(like: &Value, text: &str) -> Option<Value> {
    Some(match like {
        Value::Integer(_) => Value::Integer(text.trim().parse().ok()?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().ok()?),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.into())).collect())
        }
        _ => Value::String(text.into()),
    })
}

/// Levenshtein's distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_win() {
        let mut layers = Layers::default();
        layers.text("data = \"a\"\n[speed]\nlateness = \"3m\"", "twofold.toml").unwrap();
        layers
            .environment([("TWOFOLD_DATA".into(), "b".into()), ("HOME".into(), "x".into())])
            .unwrap();
        layers.set_text("archive.max_bytes", "1024", Origin::Flag).unwrap();
        let config = layers.config().unwrap();
        assert_eq!(config.data, "b");
        assert_eq!(config.speed.lateness.to_string(), "3m");
        assert_eq!(config.archive.max_bytes, 1024);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let mut layers = Layers::default();
        let error = layers.text("[speed]\nlatenes = \"3m\"", "twofold.toml").unwrap_err();
        assert!(error.to_string().contains("did you mean `speed.lateness`"), "{error}");
        let error = layers.environment([("TWOFOLD_BATCH_EVRY".into(), "1h".into())]).unwrap_err();
        assert!(error.to_string().contains("did you mean `batch.every`"), "{error}");
    }

    #[test]
    fn secrets_are_shown_nowhere() {
        let mut layers = Layers::default();
        layers.set_text("serve.token", "open sesame", Origin::Flag).unwrap();
        let error = layers.text("[serve]\ntoken = [\"open sesame\"]", "f.toml").unwrap_err();
        let config = layers.config().unwrap();
        assert_eq!(config.serve.token.expose(), "open sesame");
        let shown = layers.entries().find(|(key, ..)| *key == "serve.token").unwrap().1;
        assert_eq!(shown, Value::String("(hidden)".into()));
        for text in [format!("{layers:?}"), format!("{config:?}"), error.to_string()] {
            assert!(text.contains("serve") && !text.contains("sesame"), "{text}");
        }
        for key in ["kafka.properties.sasl.password", "index.api_key", "ssl.key.pem", "s3.secret"] {
            assert!(is_secret(key), "{key}");
        }
        assert!(!is_secret("serve.token_file") && !is_secret("speed.max_keys"));
    }

    #[test]
    fn a_wrong_value_says_what_the_key_takes() {
        let mut layers = Layers::default();
        let error = layers.text("[batch]\nevery = \"soon\"", "f.toml").unwrap_err().to_string();
        assert!(error.contains("`batch.every`") && error.contains("write `90s`"), "{error}");
        let error = layers.set_text("archive.max_bytes", "big", Origin::Flag).unwrap_err();
        assert!(error.to_string().contains("integer"), "{error}");
        assert_eq!(layers.config().unwrap(), Config::default());
    }
}
