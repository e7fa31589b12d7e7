//! Which key of a JSON line means what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a key of a JSON line can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Field {
    /// Event time: ISO 8601, a time stamp as in Apache's formats, or a number since the Unix
    /// epoch in [`FieldMap::time_unit`].
    Time,
    /// The client's address or host name.
    Client,
    /// The client's address with its port, which is cut off; only where `client` is absent.
    ClientAndPort,
    /// The virtual host.
    Host,
    /// The authenticated user.
    User,
    /// The whole request line, `GET /path?query HTTP/1.1`.
    Request,
    /// The method, where there is no request line; so are the following.
    Method,
    /// The target: path and query.
    Target,
    /// The path, where there is no target.
    Path,
    /// The query without its `?`, where there is no target.
    Query,
    /// The whole URL, where there is neither target nor path.
    Url,
    /// The protocol: `HTTP/1.1`, or its version alone.
    Protocol,
    /// The status code.
    Status,
    /// The size of the response's body in bytes.
    Bytes,
    /// The `Referer` header.
    Referrer,
    /// The `User-Agent` header.
    UserAgent,
    /// How long the request took, in [`FieldMap::duration_unit`].
    Duration,
}

impl Field {
    /// How many fields there are.
    pub(super) const COUNT: usize = Self::Duration as usize + 1;
}

/// What a number of time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Seconds, with decimals.
    #[default]
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Milliardths of a second.
    Nanoseconds,
}

impl Unit {
    /// Microseconds in one.
    pub(super) fn microseconds(self) -> f64 {
        match self {
            Self::Seconds => 1e6,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1.0,
            Self::Nanoseconds => 1e-3,
        }
    }
}

/// Where in a JSON line the fields of a request are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMap {
    /// The keys that hold a field, the best first. `a.b` is the key `b` of the object `a`, or
    /// the key `a.b`; of an array the first element counts.
    pub keys: BTreeMap<Field, Vec<String>>,
    /// What a number in [`Field::Time`] counts.
    pub time_unit: Unit,
    /// What a number in [`Field::Duration`] counts.
    pub duration_unit: Unit,
}

impl FieldMap {
    /// The names of the maps that are built in.
    pub const PRESETS: [&str; 4] = ["nginx-json", "caddy-json", "traefik-json", "ecs-json"];

    /// The map built in for a server or schema; see [`FieldMap::PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        let (keys, duration_unit): (&[(Field, &[&str])], _) = match name {
            "nginx-json" => (NGINX, Unit::Seconds),
            "caddy-json" => (CADDY, Unit::Seconds),
            "traefik-json" => (TRAEFIK, Unit::Nanoseconds),
            "ecs-json" => (ECS, Unit::Nanoseconds),
            _ => return None,
        };
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let keys = keys.iter().map(|(field, keys)| (*field, owned(keys))).collect();
        Some(Self { keys, time_unit: Unit::Seconds, duration_unit })
    }

    /// The preset's name, or `json` for a map of one's own.
    pub(super) fn name(&self) -> &'static str {
        let same = |name: &&str| Self::preset(name).as_ref() == Some(self);
        Self::PRESETS.into_iter().find(same).unwrap_or("json")
    }
}

/// The variables of nginx's `log_format … escape=json`, under their own names
/// and under those that are commonly given to them.
const NGINX: &[(Field, &[&str])] = &[
    (Field::Time, &["time_iso8601", "msec", "time_local", "@timestamp", "timestamp", "time", "ts"]),
    (Field::Client, &["remote_addr", "client", "client_ip", "remote_ip", "ip"]),
    (Field::Host, &["host", "http_host", "server_name", "vhost"]),
    (Field::User, &["remote_user", "user"]),
    (Field::Request, &["request"]),
    (Field::Method, &["request_method", "method"]),
    (Field::Target, &["request_uri"]),
    (Field::Path, &["uri", "path"]),
    (Field::Query, &["args", "query_string", "query"]),
    (Field::Url, &["url"]),
    (Field::Protocol, &["server_protocol", "protocol"]),
    (Field::Status, &["status"]),
    (Field::Bytes, &["body_bytes_sent", "bytes_sent", "bytes", "size"]),
    (Field::Referrer, &["http_referer", "http_referrer", "referer", "referrer"]),
    (Field::UserAgent, &["http_user_agent", "user_agent", "agent"]),
    (Field::Duration, &["request_time"]),
];

/// Caddy's access log; `client_ip` (since 2.7) is the client behind trusted proxies.
const CADDY: &[(Field, &[&str])] = &[
    (Field::Time, &["ts"]),
    (Field::Client, &["request.client_ip", "request.remote_ip"]),
    (Field::ClientAndPort, &["request.remote_addr"]),
    (Field::Host, &["request.host"]),
    (Field::User, &["user_id"]),
    (Field::Method, &["request.method"]),
    (Field::Target, &["request.uri"]),
    (Field::Protocol, &["request.proto"]),
    (Field::Status, &["status"]),
    (Field::Bytes, &["size"]),
    (Field::Referrer, &["request.headers.Referer"]),
    (Field::UserAgent, &["request.headers.User-Agent"]),
    (Field::Duration, &["duration"]),
];

/// Traefik's access log with `format: json`; header fields have to be kept by its configuration.
const TRAEFIK: &[(Field, &[&str])] = &[
    (Field::Time, &["StartUTC", "StartLocal", "time"]),
    (Field::Client, &["ClientHost"]),
    (Field::ClientAndPort, &["ClientAddr"]),
    (Field::Host, &["RequestHost", "RequestAddr"]),
    (Field::User, &["ClientUsername"]),
    (Field::Method, &["RequestMethod"]),
    (Field::Target, &["RequestPath"]),
    (Field::Protocol, &["RequestProtocol"]),
    (Field::Status, &["DownstreamStatus", "OriginStatus"]),
    (Field::Bytes, &["DownstreamContentSize", "OriginContentSize"]),
    (Field::Referrer, &["request_Referer"]),
    (Field::UserAgent, &["request_User-Agent"]),
    (Field::Duration, &["Duration"]),
];

/// The Elastic Common Schema, as Elastic's nginx and Apache integrations fill it.
const ECS: &[(Field, &[&str])] = &[
    (Field::Time, &["@timestamp"]),
    (Field::Client, &["source.ip", "client.ip", "source.address", "client.address"]),
    (Field::Host, &["url.domain", "destination.domain"]),
    (Field::User, &["user.name"]),
    (Field::Method, &["http.request.method"]),
    (Field::Path, &["url.path"]),
    (Field::Query, &["url.query"]),
    (Field::Url, &["url.original", "url.full"]),
    (Field::Protocol, &["http.version"]),
    (Field::Status, &["http.response.status_code"]),
    (Field::Bytes, &["http.response.body.bytes", "http.response.bytes"]),
    (Field::Referrer, &["http.request.referrer"]),
    (Field::UserAgent, &["user_agent.original"]),
    (Field::Duration, &["event.duration"]),
];
