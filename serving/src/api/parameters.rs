//! The parameters of questions.

use std::collections::BTreeMap;

use twofold_data::minute::Minute;

use super::ApiError;
use crate::index::Index;
use crate::query::Range;

/// A request's parameters; each may be given once, and unknown ones are errors.
#[derive(Debug)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The parameters `given`, of which only `known` ones may be there.
    pub fn new(given: Vec<(String, String)>, known: &[&str]) -> Result<Self, ApiError> {
        let mut found = BTreeMap::new();
        for (name, value) in given {
            if !known.contains(&name.as_str()) {
                let hint = format!("known are {}", known.join(", "));
                return Err(ApiError::parameter(
                    &name,
                    format!("there is no parameter `{name}`"),
                    hint,
                ));
            }
            if found.insert(name.clone(), value).is_some() {
                return Err(ApiError::parameter(
                    &name,
                    format!("`{name}` is given twice"),
                    "give it once",
                ));
            }
        }
        Ok(Self(found))
    }

    /// A text; `None` where it is not given.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// A whole number.
    pub fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, ApiError> {
        let Some(text) = self.0.get(name) else { return Ok(default) };
        let wrong =
            |_| ApiError::parameter(name, format!("`{name}` is `{text}`"), "give a whole number");
        text.parse().map_err(wrong)
    }

    /// How many of something an answer has, from 1 to `most`.
    pub fn limit(&self, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
        let limit = self.number(name, default)?;
        if !(1..=most).contains(&limit) {
            let hint = format!("give 1 to {most}");
            return Err(ApiError::parameter(name, format!("`{name}` is `{limit}`"), hint));
        }
        Ok(limit)
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.0.get(name).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(other) => Err(ApiError::parameter(
                name,
                format!("`{name}` is `{other}`"),
                "give true or false",
            )),
        }
    }

    /// A minute.
    pub fn minute(&self, name: &str) -> Result<Option<Minute>, ApiError> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let hint = "give a UTC minute, such as 2026-11-23 or 2026-11-23T18:04Z";
        let wrong = || ApiError::parameter(name, format!("`{name}` is `{text}`"), hint);
        Minute::parse(text).map(Some).ok_or_else(wrong)
    }

    /// A span of minutes such as `15m`, `1h` or `7d`.
    pub fn span(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let wrong = || {
            ApiError::parameter(
                name,
                format!("`{name}` is `{text}`"),
                "give a span, such as 15m, 1h or 7d",
            )
        };
        let unit = match text.chars().last() {
            Some('m') => 1,
            Some('h') => 60,
            Some('d') => 1440,
            _ => return Err(wrong()),
        };
        let count: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let minutes = count.checked_mul(unit).filter(|minutes| (1..=1440 * 3660).contains(minutes));
        minutes.map(Some).ok_or_else(wrong)
    }

    /// The range of `from` and `to`, or `last` before the end of what is stored. Without any of
    /// them, everything.
    pub fn range(&self, index: &dyn Index) -> Result<Range, ApiError> {
        let (from, to) = (self.minute("from")?, self.minute("to")?);
        let last = self.span("last")?;
        if last.is_some() && (from.is_some() || to.is_some()) {
            return Err(ApiError::parameter(
                "last",
                "`last` and a range are given",
                "give one of them",
            ));
        }
        if let Some(last) = last {
            let end = newest(index)?;
            return Ok(Range::new(Minute(end.0 - last), end));
        }
        if from.zip(to).is_some_and(|(from, to)| from >= to) {
            return Err(ApiError::parameter(
                "to",
                "the range is empty",
                "`to` must come after `from`",
            ));
        }
        Ok(Range::new(from.unwrap_or(Minute(i64::MIN)), to.unwrap_or(Minute(i64::MAX))))
    }
}

/// The minute after the newest one that has been seen, by either layer.
pub fn newest(index: &dyn Index) -> Result<Minute, ApiError> {
    let seen = index.states()?.into_iter().filter_map(|state| state.largest_event_time).max();
    let boundary = index.published()?.map(|publication| publication.boundary);
    Ok(seen.map(|time| Minute::of(time).next()).max(boundary).unwrap_or_default())
}

/// The parameters of a range.
pub const RANGE: [&str; 3] = ["from", "to", "last"];
