//! W3C extended log files: IIS's, and CloudFront's. A `#Fields` directive names the columns.
//!
//! A line is read by the field lists that the format knows, the first that fits: as many
//! fields, and each of them what its column can hold. So a line is read the same wherever
//! reading starts, also in the middle of a file whose directive was read before a restart.
//! What is known are the servers' own default lists and those that
//! [`Layout::learn`] has found in the logs' first lines; a parser learns more as it goes.
//! Two lists that both fit a line can't be told apart: then the one that was known first counts.
//!
//! <https://www.w3.org/TR/WD-logfile.html>,
//! <https://learn.microsoft.com/en-us/windows/win32/http/w3c-logging>,
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html>

use super::apache::{number, present};
use super::request_line::{self, target_of_url};
use super::time::Clock;
use super::{Unit, pieces};
use crate::request::{Malformed, Request};

/// The kinds, by the format's name: what stands between fields, what `time-taken` counts,
/// and the field list that the server writes where nobody has changed it.
const KINDS: [(&str, char, Unit, &str); 2] = [
    (
        "cloudfront",
        '\t',
        Unit::Seconds,
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status \
         cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id \
         x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher \
         x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port \
         time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len \
         sc-range-start sc-range-end",
    ),
    (
        "w3c",
        ' ',
        Unit::Milliseconds,
        "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
         cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken",
    ),
];

/// What the line of a directive begins with that names the columns.
const FIELDS: &str = "#Fields:";

/// A kind of W3C log, and the field lists that are known of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    separator: char,
    pub(super) unit: Unit,
    /// The lists, those that were found in logs first.
    known: Vec<Vec<Column>>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Column {
    /// Nothing that a request has.
    Ignored,
    Date,
    Time,
    Client,
    Method,
    Stem,
    Query,
    /// The whole URL.
    Url,
    Protocol,
    Status,
    Bytes,
    User,
    /// The header `Host` as the client sent it.
    Host,
    /// The same, where it is better known from elsewhere.
    OtherHost,
    Referrer,
    UserAgent,
    Duration,
}

const COLUMNS: usize = Column::Duration as usize + 1;

impl Layout {
    /// The kind called `name`, with its default list.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (name, separator, unit, fields) = KINDS.into_iter().find(|kind| kind.0 == name)?;
        Some(Self { name, separator, unit, known: vec![columns(fields)] })
    }

    /// Whether a line is a directive. Directives are archived and count as blank.
    pub(super) fn is_directive(line: &str) -> bool {
        line.starts_with('#')
    }

    /// Takes in the field list of a directive that is one.
    pub(super) fn learn(&mut self, line: &str) {
        let Some(fields) = line.strip_prefix(FIELDS) else { return };
        let columns = columns(fields);
        if columns.contains(&Column::Time) && !self.known.contains(&columns) {
            // Before the default list, which is always the last.
            self.known.insert(self.known.len().saturating_sub(1), columns);
        }
    }

    /// What decides how a line is read, beside the name.
    pub(super) fn fingerprint(&self) -> String {
        format!("{:?}{:?}", self.unit, self.known)
    }
}

fn columns(fields: &str) -> Vec<Column> {
    fields.split_ascii_whitespace().map(column).collect()
}

fn column(name: &str) -> Column {
    match name.to_ascii_lowercase().as_str() {
        "date" => Column::Date,
        "time" => Column::Time,
        "c-ip" | "c-dns" => Column::Client,
        "cs-method" => Column::Method,
        "cs-uri-stem" => Column::Stem,
        "cs-uri-query" => Column::Query,
        "cs-uri" => Column::Url,
        "cs-version" | "cs-protocol-version" => Column::Protocol,
        "sc-status" => Column::Status,
        "sc-bytes" => Column::Bytes,
        "cs-username" => Column::User,
        "x-host-header" => Column::Host,
        "cs-host" | "cs(host)" => Column::OtherHost,
        "cs(referer)" => Column::Referrer,
        "cs(user-agent)" => Column::UserAgent,
        "time-taken" => Column::Duration,
        _ => Column::Ignored,
    }
}

/// Parses one line that is no directive. `scratch` holds what is decoded.
pub(super) fn parse<'a>(
    line: &'a str,
    layout: &Layout,
    clock: &mut Clock,
    scratch: &'a mut String,
) -> Result<Request<'a>, Malformed> {
    let mut wrong = Malformed::Shape;
    for columns in &layout.known {
        let Some(fields) = Fields::split(line, layout.separator, columns) else { continue };
        match fields.numbers(layout, clock) {
            Ok(numbers) => return fields.request(numbers, layout, scratch),
            Err(why) => wrong = why,
        }
    }
    Err(wrong)
}

/// The texts of a line, by column.
struct Fields<'a>([Option<&'a str>; COLUMNS]);

/// What of a line has to be read to know that a list fits.
struct Numbers {
    time: i64,
    status: u16,
    bytes: Option<u64>,
    duration: Option<u64>,
}

impl<'a> Fields<'a> {
    /// `None` where the line has not as many fields as the list.
    fn split(line: &'a str, separator: char, columns: &[Column]) -> Option<Self> {
        let mut found = [None; COLUMNS];
        let mut rest = Some(line);
        for column in columns {
            let (field, after) = field(rest?, separator);
            rest = after;
            if let Some(place) = found.get_mut(*column as usize) {
                *place = present(field).filter(|field| !field.is_empty());
            }
        }
        rest.is_none_or(|rest| rest.trim().is_empty()).then_some(Self(found))
    }

    fn get(&self, column: Column) -> Option<&'a str> {
        self.0.get(column as usize).copied().flatten()
    }

    fn numbers(&self, layout: &Layout, clock: &mut Clock) -> Result<Numbers, Malformed> {
        let status = self.get(Column::Status).and_then(number);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let number_of = |column| self.get(column).map(|text| number(text).ok_or(Malformed::Size));
        let duration = self.get(Column::Duration).map(|text| duration(text, layout.unit));
        Ok(Numbers {
            time: self.time(clock).ok_or(Malformed::Time)?,
            status: status.filter(|status| *status <= 999).ok_or(Malformed::Status)?,
            bytes: number_of(Column::Bytes).transpose()?,
            duration: duration.map(|read| read.ok_or(Malformed::Shape)).transpose()?,
        })
    }

    /// Date and time are in UTC.
    fn time(&self, clock: &mut Clock) -> Option<i64> {
        let (date, time) = (self.get(Column::Date)?, self.get(Column::Time)?);
        let digits = date.len() == 10 && time.as_bytes().first()?.is_ascii_digit();
        let (time, _) = clock.read_text(&format!("{date}T{time}")).filter(|_| digits)?;
        Some(time)
    }

    fn request(
        &self,
        numbers: Numbers,
        layout: &Layout,
        scratch: &'a mut String,
    ) -> Result<Request<'a>, Malformed> {
        scratch.clear();
        if let (Some(stem), Some(query)) = (self.get(Column::Stem), self.get(Column::Query)) {
            scratch.extend([stem, "?", query]);
        }
        let agent = scratch.len();
        if let Some(text) = self.get(Column::UserAgent) {
            decode(text, layout, scratch);
        }
        let (joined, user_agent) = scratch.split_at_checked(agent).unwrap_or_default();
        let joined = Some(joined).filter(|joined| !joined.is_empty());
        let target = joined.or(self.get(Column::Stem));
        let target = target.or_else(|| self.get(Column::Url).map(target_of_url));
        let protocol = self.get(Column::Protocol).unwrap_or_default();
        let method = self.get(Column::Method);
        Ok(Request {
            time: numbers.time,
            utc_offset: 0,
            host: self.get(Column::Host).or(self.get(Column::OtherHost)),
            client: self.get(Column::Client).ok_or(Malformed::Shape)?,
            ident: None,
            user: self.get(Column::User),
            line: request_line::from_parts(method, target.unwrap_or_default(), protocol),
            status: numbers.status,
            bytes: numbers.bytes,
            referrer: self.get(Column::Referrer),
            user_agent: Some(user_agent).filter(|agent| !agent.is_empty()),
            duration: numbers.duration,
        })
    }
}

/// The next field, which may be in quotes, and what follows it, unless it is the last.
fn field(text: &str, separator: char) -> (&str, Option<&str>) {
    let quoted = text.strip_prefix('"').and_then(|inner| inner.split_once('"'));
    if let Some((field, after)) = quoted {
        if after.is_empty() {
            return (field, None);
        }
        if let Some(after) = after.strip_prefix(separator) {
            return (field, Some(after));
        }
    }
    text.split_once(separator).map_or((text, None), |(field, after)| (field, Some(after)))
}

/// A time span in microseconds; a number with decimals counts seconds whatever the unit.
fn duration(text: &str, unit: Unit) -> Option<u64> {
    pieces::duration(text, if text.contains('.') { Unit::Seconds } else { unit })
}

/// IIS writes spaces as `+`, CloudFront as `%20` (and once did so twice).
fn decode(text: &str, layout: &Layout, out: &mut String) {
    if layout.separator == ' ' {
        out.extend(text.chars().map(|c| if c == '+' { ' ' } else { c }));
        return;
    }
    let once = percent_decoded(text);
    if once.contains("%20") {
        out.push_str(&percent_decoded(&once));
    } else {
        out.push_str(&once);
    }
}

/// Percent-encoded characters of ASCII decoded, but for those that no text should have.
fn percent_decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(|code| (0x20..0x7f).contains(code)) {
            Some(code) => {
                out.push(char::from(code));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
