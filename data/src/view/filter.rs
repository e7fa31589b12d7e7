//! Which requests somebody asks for, in the words of the views' keys.

use super::{Amount, Key, MEASURES, Measure, Predicate, VIEWS, View};
use crate::facts::{Facts, Kind};

/// What a filter can name, beside `status` and `kind`.
const FILTER_KEYS: [(&str, Key); 7] = [
    ("client", Key::Client),
    ("page", Key::Page),
    ("host", Key::Host),
    ("method", Key::Method),
    ("referrer", Key::Referrer),
    ("agent", Key::Agent),
    ("system", Key::Os),
];

/// The requests that meet every condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// People, bots or unknown agents.
    pub kind: Option<Kind>,
    /// The status lies in one of these ranges, both ends included; none: any status.
    pub statuses: Vec<(u16, u16)>,
    /// The request has these keys.
    pub keys: Vec<(Key, String)>,
}

impl Filter {
    /// Every name that [`Filter::add`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["kind", "status"].into_iter().chain(FILTER_KEYS.map(|(name, _)| name))
    }

    /// Adds the condition `name` = `value`. A status is a list of codes and classes, such as `404,5xx`.
    ///
    /// # Errors
    /// Says which values there are.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "kind" => self.kind = Some(kind(value)?),
            "status" => {
                self.statuses = value.split(',').map(statuses).collect::<Result<_, _>>()?;
            }
            _ => {
                let known = FILTER_KEYS.iter().find(|(known, _)| *known == name);
                let (_, key) = known.ok_or_else(|| format!("there is no filter `{name}`"))?;
                self.keys.push((*key, value.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether it admits every request.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it admits the request.
    pub fn admits(&self, facts: &Facts<'_>) -> bool {
        self.kind.is_none_or(|kind| facts.kind == kind)
            && self.admits_status(facts.status)
            && self.keys.iter().all(|(key, wanted)| key.of(facts) == Some(wanted.as_str()))
    }

    /// Whether a request with this status can be admitted.
    pub fn admits_status(&self, status: u16) -> bool {
        let within = |(low, high): &(u16, u16)| (*low..=*high).contains(&status);
        self.statuses.is_empty() || self.statuses.iter().any(within)
    }

    /// The measure that counts what the filter admits and nothing else: every row has it, so
    /// that every view can be asked by it.
    pub fn measure(&self) -> Option<&'static str> {
        if !self.keys.is_empty() {
            return None;
        }
        let only = match (self.kind, self.statuses.as_slice()) {
            (None, [(low, high)]) => Predicate::Status(*low, *high),
            (Some(kind), []) => Predicate::Kind(kind),
            _ => return None,
        };
        let counts = |measure: &&Measure| measure.add == Amount::One && measure.only == only;
        MEASURES.iter().find(counts).map(|measure| measure.name)
    }

    /// The view whose rows count what the filter admits, row by row; see [`Filter::counts_row`].
    pub fn view(&self) -> Option<&'static View> {
        let key = match (self.kind, self.statuses.as_slice(), self.keys.as_slice()) {
            (None, [_, ..], []) => Key::Status,
            (None, [], [(key, _)]) => *key,
            _ => return None,
        };
        VIEWS.iter().find(|view| view.key == key && view.only == Predicate::All)
    }

    /// Whether a row of [`Filter::view`] counts requests that the filter admits.
    pub fn counts_row(&self, key: &str) -> bool {
        match self.keys.first() {
            Some((_, wanted)) => key == wanted,
            None => key.parse().is_ok_and(|status| self.admits_status(status)),
        }
    }
}

fn kind(value: &str) -> Result<Kind, String> {
    let kinds = [Kind::Human, Kind::Bot, Kind::Unknown];
    let found = kinds.into_iter().find(|kind| kind.name() == value);
    found.ok_or_else(|| "give human, bot or unknown".to_owned())
}

fn statuses(value: &str) -> Result<(u16, u16), String> {
    let wrong = || "give a code such as 404, a class such as 5xx, or a list of them".to_owned();
    match value.strip_suffix("xx") {
        Some(class) => {
            let class: u16 = class.parse().map_err(|_| wrong())?;
            if class > 9 {
                return Err(wrong());
            }
            Ok((class * 100, class * 100 + 99))
        }
        None => {
            let code = value.parse().map_err(|_| wrong())?;
            Ok((code, code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::aggregate::tests::facts;

    fn filter(conditions: &[(&str, &str)]) -> Filter {
        let mut filter = Filter::default();
        conditions.iter().for_each(|(name, value)| filter.add(name, value).unwrap());
        filter
    }

    #[test]
    fn what_a_measure_counts_is_what_the_filter_admits() {
        for conditions in [
            [("status", "404")],
            [("status", "4xx")],
            [("status", "5xx")],
            [("kind", "human")],
            [("kind", "bot")],
            [("kind", "unknown")],
        ] {
            let filter = filter(&conditions);
            let measure = filter.measure().unwrap();
            for facts in (0..2000).map(facts) {
                let counts = super::super::Counts::of(&facts);
                assert_eq!(counts.get(measure), Some(u64::from(filter.admits(&facts))));
            }
        }
    }

    #[test]
    fn what_a_row_counts_is_what_the_filter_admits() {
        for conditions in [[("status", "404")], [("status", "3xx,500")], [("client", "a")]] {
            let filter = filter(&conditions);
            let view = filter.view().unwrap();
            for facts in (0..2000).map(facts) {
                let key = view.key.of(&facts).unwrap_or("none");
                assert_eq!(filter.counts_row(key), filter.admits(&facts), "{conditions:?} {key}");
            }
        }
    }

    #[test]
    fn combinations_are_in_no_row() {
        let both = filter(&[("status", "404"), ("kind", "bot")]);
        assert_eq!((both.measure(), both.view()), (None, None));
        let two = filter(&[("client", "a"), ("page", "b")]);
        assert_eq!((two.measure(), two.view()), (None, None));
    }

    #[test]
    fn wrong_values_say_which_there_are() {
        let mut filter = Filter::default();
        assert!(filter.add("kind", "robot").unwrap_err().contains("human"));
        for wrong in ["", "abc", "44xx", "404,", "-1"] {
            assert!(filter.add("status", wrong).unwrap_err().contains("404"), "{wrong}");
        }
        assert!(filter.add("colour", "red").is_err());
    }
}
