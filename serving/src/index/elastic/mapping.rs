//! Templates: the fields of every index, strict, named by the Elastic Common Schema.

use serde_json::{Map, Value, json};
use twofold_data::view::{Key, MEASURES, VIEWS};

use super::names::Names;

/// The version of the fields (`_meta.schema_version` of the component template).
pub const SCHEMA_VERSION: u32 = 1;

/// The field that holds the key of a view's rows: the Elastic Common Schema's, as
/// Elastic's own nginx integration uses it, where it has one.
pub fn key_field(key: Key) -> Option<&'static str> {
    Some(match key {
        Key::None => return None,
        Key::Status => "http.response.status_code",
        Key::Method => "http.request.method",
        Key::Client => "source.address",
        Key::Page => "url.path",
        Key::Referrer => "twofold.referrer.host",
        Key::Agent => "user_agent.name",
        Key::Os => "user_agent.os.name",
        Key::Host => "url.domain",
    })
}

/// Every field with its type, its name written with dots.
pub fn fields() -> Vec<(String, &'static str)> {
    let mut fields: Vec<(String, &'static str)> =
        FIELDS.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    fields.extend(MEASURES.iter().map(|measure| (format!("twofold.{}", measure.name), "long")));
    for name in VIEWS.iter().filter_map(|view| key_field(view.key)) {
        let kind = if name == "http.response.status_code" { "short" } else { "keyword" };
        if !fields.iter().any(|(known, _)| known == name) {
            fields.push((name.to_owned(), kind));
        }
    }
    fields
}

/// What is no key and no measure.
const FIELDS: &[(&str, &str)] = &[
    // The start of the span; of a dead letter the time at which it was refused.
    ("@timestamp", "date"),
    ("source.ip", "ip"),
    // What a document is: `set` (one for each set of rows, with all that twofold reads
    // itself), `row` (one for each rank of a list), `merged` (the union of all partitions),
    // `publication`, `document`, `state`, `run`, `letter`.
    ("twofold.doc", "keyword"),
    ("twofold.layer", "keyword"),
    ("twofold.view", "keyword"),
    ("twofold.grain", "keyword"),
    ("twofold.set", "keyword"),
    ("twofold.topic", "keyword"),
    ("twofold.partition", "long"),
    ("twofold.rank", "integer"),
    ("twofold.count", "integer"),
    ("twofold.state", "keyword"),
    ("twofold.version", "long"),
    // Whether it counts every partition: exact rows and merged ones.
    ("twofold.whole", "boolean"),
    ("twofold.missed", "long"),
    ("twofold.hour_of_day", "byte"),
    ("twofold.weekday", "keyword"),
    ("twofold.records", "long"),
    ("twofold.malformed", "long"),
    ("twofold.blank", "long"),
    ("twofold.clients.distinct", "long"),
    ("twofold.clients.distinct_human", "long"),
    ("twofold.sizes.p50", "long"),
    ("twofold.sizes.p90", "long"),
    ("twofold.sizes.p95", "long"),
    ("twofold.sizes.p99", "long"),
    // Microseconds.
    ("twofold.durations.p50", "long"),
    ("twofold.durations.p90", "long"),
    ("twofold.durations.p95", "long"),
    ("twofold.durations.p99", "long"),
    // What only twofold reads: rows as JSON, and DataSketches' bytes.
    ("twofold.rows", "object"),
    ("twofold.sketches", "binary"),
    ("twofold.copied", "boolean"),
    ("twofold.publication.generation", "long"),
    ("twofold.publication.boundary", "date"),
    ("twofold.run", "keyword"),
    ("twofold.touched_at", "date"),
    ("twofold.document.kind", "keyword"),
    ("twofold.document.id", "keyword"),
    ("twofold.accuracy.minutes", "long"),
    ("twofold.accuracy.requests.exact", "long"),
    ("twofold.accuracy.requests.estimated", "long"),
    ("twofold.accuracy.distinct_clients.mean_error", "float"),
    ("twofold.accuracy.distinct_clients.max_error", "float"),
    ("twofold.accuracy.size_percentiles.mean_error", "float"),
    ("twofold.accuracy.size_percentiles.max_error", "float"),
    ("twofold.accuracy.top_clients.recall", "float"),
    ("twofold.accuracy.top_pages.recall", "float"),
    ("twofold.spike.quantity", "keyword"),
    ("twofold.spike.scope", "keyword"),
    ("twofold.spike.key", "keyword"),
    ("twofold.spike.direction", "keyword"),
    ("twofold.spike.severity", "keyword"),
    ("twofold.spike.until", "date"),
    ("twofold.spike.minutes", "long"),
    ("twofold.spike.observed", "float"),
    ("twofold.spike.expected", "float"),
    ("twofold.spike.peak", "float"),
    ("twofold.spike.score", "float"),
    ("twofold.spike.closed", "boolean"),
    // What has no fields of its own: a publication, a document, a state.
    ("twofold.body", "object"),
    ("twofold.letter.index", "keyword"),
    ("twofold.letter.id", "keyword"),
    ("twofold.letter.status", "short"),
    ("twofold.letter.reason", "text"),
    ("twofold.letter.source", "source"),
];

/// Whether the mapping has the field.
pub(super) fn has_field(name: &str) -> bool {
    FIELDS.iter().any(|(known, _)| *known == name)
}

/// The component template with the fields.
pub(super) fn mappings() -> Value {
    let mut properties = Map::new();
    for (name, kind) in fields() {
        let mut parts: Vec<&str> = name.split('.').collect();
        let Some(last) = parts.pop() else { continue };
        let mut at = &mut properties;
        for part in parts {
            let inner = at.entry(part).or_insert_with(|| json!({ "properties": {} }));
            match inner.get_mut("properties").and_then(Value::as_object_mut) {
                Some(properties) => at = properties,
                None => return Value::Null,
            }
        }
        at.insert(last.to_owned(), field(kind));
    }
    json!({
        "template": {
            "mappings": {
                "dynamic": "strict",
                "_meta": { "schema_version": SCHEMA_VERSION },
                "properties": properties,
            }
        },
        "_meta": { "schema_version": SCHEMA_VERSION, "managed_by": "twofold" },
    })
}

fn field(kind: &str) -> Value {
    match kind {
        "date" => json!({ "type": "date", "format": "strict_date_optional_time||epoch_millis" }),
        "object" => json!({ "type": "object", "enabled": false }),
        "source" => json!({ "type": "keyword", "index": false, "doc_values": false }),
        "ip" => json!({ "type": "ip", "ignore_malformed": true }),
        kind => json!({ "type": kind }),
    }
}

/// The component template with the settings.
pub(super) fn settings() -> Value {
    json!({
        "template": {
            "settings": {
                "index": {
                    "number_of_shards": 1,
                    "auto_expand_replicas": "0-1",
                    // Said outright, so that a shard which nobody asks for a while doesn't go idle.
                    "refresh_interval": "1s",
                    // How long a deleted row's version is remembered: an older writer that was
                    // frozen for less can't bring a stale rank back.
                    "gc_deletes": "1h",
                }
            }
        },
        "_meta": { "managed_by": "twofold" },
    })
}

/// The index template that puts both together.
pub(super) fn index_template(names: &Names) -> Value {
    json!({
        "index_patterns": names.patterns(),
        "composed_of": [settings_name(names), mappings_name(names)],
        "priority": 500,
        "_meta": { "managed_by": "twofold" },
    })
}

pub(super) fn settings_name(names: &Names) -> String {
    format!("{}-settings", names.alias())
}

pub(super) fn mappings_name(names: &Names) -> String {
    format!("{}-mappings", names.alias())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_and_measure_has_a_field() {
        let fields = fields();
        let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
        names.sort();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "a name stands once");
        for measure in MEASURES {
            assert!(fields.contains(&(format!("twofold.{}", measure.name), "long")));
        }
        let mappings = mappings();
        let path = "/template/mappings/properties/url/properties/path/type";
        assert_eq!(mappings.pointer(path), Some(&json!("keyword")));
    }
}
