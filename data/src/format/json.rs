//! JSON lines: one object per request, its keys known by a [`FieldMap`].

use super::fields::{Field, FieldMap, Unit};
use super::request_line;
use super::time::{self, Clock};
use super::walk::{Picked, Tree, Value, walk};
use crate::request::{Malformed, Request, RequestLine};

/// A field map, made ready for reading.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub(super) fields: FieldMap,
    tree: Tree,
}

impl Layout {
    pub(super) fn new(fields: FieldMap) -> Self {
        let slots = fields.keys.iter().map(|(field, keys)| (*field as usize, keys.as_slice()));
        let tree = Tree::new(slots);
        Self { fields, tree }
    }
}

/// Parses one line. `scratch` holds what has escapes.
pub(super) fn parse<'a>(
    line: &'a str,
    layout: &Layout,
    clock: &mut Clock,
    scratch: &'a mut String,
) -> Result<Request<'a>, Malformed> {
    scratch.clear();
    let picked = walk(line, &layout.tree, scratch).map_err(|_| Malformed::Json)?;
    let whole_target = join_target(&picked, scratch);
    let values = Values { picked, scratch };
    let (time, utc_offset) = values.time(clock, layout.fields.time_unit).ok_or(Malformed::Time)?;
    let duration = values.duration(layout.fields.duration_unit);
    Ok(Request {
        time,
        utc_offset,
        host: values.text(Field::Host),
        client: values.client().ok_or(Malformed::Shape)?,
        ident: None,
        user: values.text(Field::User),
        line: values.request_line(whole_target.and_then(|start| values.scratch.get(start..))),
        status: values.status().ok_or(Malformed::Status)?,
        bytes: values.count(Field::Bytes).map_err(|_| Malformed::Size)?,
        referrer: values.text(Field::Referrer),
        user_agent: values.text(Field::UserAgent),
        duration: duration.map_err(|_| Malformed::Shape)?,
    })
}

/// Path and query as one target at the end of the scratch space: where it starts, or
/// nothing where either is absent.
fn join_target(picked: &Picked<'_>, scratch: &mut String) -> Option<usize> {
    let query = picked.get(Field::Query as usize)?;
    let query_is_empty = picked.text(Field::Query as usize, scratch).is_none_or(str::is_empty);
    let path = picked.get(Field::Path as usize).filter(|_| !query_is_empty)?;
    let start = scratch.len();
    path.append_to(scratch);
    scratch.push('?');
    query.append_to(scratch);
    Some(start)
}

/// The values of one line, each by what it means.
struct Values<'a> {
    picked: Picked<'a>,
    scratch: &'a str,
}

/// A value that is there, but says something that its field cannot mean.
struct Nonsense;

impl<'a> Values<'a> {
    /// Text; what is empty or `-` is absent.
    fn text(&self, field: Field) -> Option<&'a str> {
        let text = self.picked.text(field as usize, self.scratch);
        text.filter(|text| !text.is_empty() && *text != "-")
    }

    fn client(&self) -> Option<&'a str> {
        let without_port = || {
            let address = self.text(Field::ClientAndPort)?;
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            Some(host.trim_start_matches('[').trim_end_matches(']'))
        };
        self.text(Field::Client).or_else(without_port)
    }

    /// Milliseconds since the Unix epoch, and minutes from UTC.
    fn time(&self, clock: &mut Clock, unit: Unit) -> Option<(i64, i16)> {
        if let Some(text) = self.text(Field::Time)
            && !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return clock.read_text(text);
        }
        let number = self.float(Field::Time).ok()??;
        // Decimals such as .123 have no exact binary form: whole microseconds first.
        let milliseconds = ((number * unit.microseconds()).round() / 1000.0).floor();
        time::in_range(milliseconds).map(|time| (time, 0))
    }

    /// The request line as written, or what its parts make. `joined` is path and query.
    fn request_line(&self, joined: Option<&'a str>) -> RequestLine<'a> {
        if let Some(line) = self.picked.text(Field::Request as usize, self.scratch) {
            return request_line::read(line);
        }
        let path = || joined.or_else(|| self.text(Field::Path));
        let url = || self.text(Field::Url).map(request_line::target_of_url);
        let target = self.text(Field::Target).or_else(path).or_else(url).unwrap_or_default();
        let protocol = self.text(Field::Protocol).unwrap_or_default();
        request_line::from_parts(self.text(Field::Method), target, protocol)
    }

    fn status(&self) -> Option<u16> {
        let status = self.count(Field::Status).ok()??;
        u16::try_from(status).ok().filter(|status| *status <= 999)
    }

    /// A whole number that is not negative and fits a signed column.
    fn count(&self, field: Field) -> Result<Option<u64>, Nonsense> {
        let count = match self.picked.get(field as usize) {
            Some(Value::Count(count)) => i64::try_from(*count).or(Err(Nonsense))?,
            Some(Value::Number(number)) if number.fract() == 0.0 => *number as i64,
            Some(Value::Number(_)) => return Err(Nonsense),
            _ => match self.text(field) {
                Some(text) => text.parse().or(Err(Nonsense))?,
                None => return Ok(None),
            },
        };
        // A number beyond the range became the range's end.
        let fits = (0..i64::MAX).contains(&count);
        if fits { Ok(Some(count.unsigned_abs())) } else { Err(Nonsense) }
    }

    /// A time span in microseconds.
    fn duration(&self, unit: Unit) -> Result<Option<u64>, Nonsense> {
        let Some(number) = self.float(Field::Duration)? else { return Ok(None) };
        let microseconds = (number * unit.microseconds()).round();
        let fits = (0.0..i64::MAX as f64).contains(&microseconds);
        if fits { Ok(Some(microseconds as u64)) } else { Err(Nonsense) }
    }

    fn float(&self, field: Field) -> Result<Option<f64>, Nonsense> {
        match self.picked.get(field as usize) {
            Some(Value::Number(number)) => Ok(Some(*number)),
            Some(Value::Count(count)) => Ok(Some(*count as f64)),
            _ => self.text(field).map(|text| text.parse().or(Err(Nonsense))).transpose(),
        }
    }
}
