//! The names of indices. What an index holds, and for which generation, is told by its name.
//!
//! | name | holds | under the read alias |
//! |---|---|---|
//! | `twofold_speed.2026.11.25` | the speed layer's rows of that day | from the boundary on |
//! | `twofold_batch.2026.11.25-RUN` | the batch layer's rows of that day, of the run that wrote the day last | up to the boundary |
//! | `twofold_documents-RUN` | the batch layer's documents | yes |
//! | `twofold_publication-GENERATION-TOKEN` | the publication; exactly one is current | yes |
//! | `twofold_state` | states of partitions, runs that have staged something | no |
//! | `twofold_live` | documents outside of generations, such as spikes | no |
//! | `twofold_dead_letters` | what the index refused | no |

use twofold_data::minute::{Grain, MINUTE_MS, Minute};
use twofold_data::window::sketch::key_hash;

use crate::index::IndexError;

/// The names below one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    prefix: String,
}

/// What the name of an index says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows of the speed layer, of the day that starts then.
    Speed(Minute),
    /// Rows of the batch layer, of the day that starts then, and the tag of their run.
    Batch(Minute, String),
    /// Documents, and the tag of their run.
    Documents(String),
    /// The publication of that generation.
    Publication(u64),
}

impl Names {
    /// Names that begin with `prefix`, which is the read alias, too.
    pub(super) fn new(prefix: &str) -> Result<Self, IndexError> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.chars().all(good) {
            return Ok(Self { prefix: prefix.to_owned() });
        }
        Err(IndexError::Failed(format!(
            "the prefix `{prefix}` is no good start of an index's name: write small letters, digits and `_`"
        )))
    }

    /// The alias that readers ask.
    pub(super) fn alias(&self) -> &str {
        &self.prefix
    }

    pub(super) fn speed(&self, day: Minute) -> String {
        format!("{}_speed.{}", self.prefix, date(day))
    }

    pub(super) fn every_speed(&self) -> String {
        format!("{}_speed.*", self.prefix)
    }

    pub(super) fn batch(&self, day: Minute, tag: &str) -> String {
        format!("{}_batch.{}-{tag}", self.prefix, date(day))
    }

    pub(super) fn documents(&self, tag: &str) -> String {
        format!("{}_documents-{tag}", self.prefix)
    }

    /// Every index into which the run of this tag stages.
    pub(super) fn of_run(&self, tag: &str) -> String {
        format!("{0}_batch.*-{tag},{0}_documents-{tag}", self.prefix)
    }

    /// Every index of the batch layer's rows and documents.
    pub(super) fn every_batch(&self) -> String {
        format!("{0}_batch.*,{0}_documents-*", self.prefix)
    }

    pub(super) fn publication(&self, generation: u64, token: &str) -> String {
        format!("{}_publication-{generation:010}-{token}", self.prefix)
    }

    pub(super) fn every_publication(&self) -> String {
        format!("{}_publication-*", self.prefix)
    }

    pub(super) fn state(&self) -> String {
        format!("{}_state", self.prefix)
    }

    pub(super) fn live(&self) -> String {
        format!("{}_live", self.prefix)
    }

    pub(super) fn dead_letters(&self) -> String {
        format!("{}_dead_letters", self.prefix)
    }

    /// What the index template's patterns are: none of them meets a built-in one.
    pub(super) fn patterns(&self) -> [String; 7] {
        [
            "_speed.*",
            "_batch.*",
            "_documents-*",
            "_publication-*",
            "_state",
            "_live",
            "_dead_letters",
        ]
        .map(|rest| format!("{}{rest}", self.prefix))
    }

    /// What an index of that name holds; `None` if that is nothing that readers see.
    pub(super) fn kind(&self, index: &str) -> Option<Kind> {
        let rest = index.strip_prefix(&self.prefix)?.strip_prefix('_')?;
        if let Some(day) = rest.strip_prefix("speed.") {
            return Some(Kind::Speed(day_of(day)?));
        }
        if let Some(rest) = rest.strip_prefix("batch.") {
            let (day, tag) = rest.split_once('-')?;
            return Some(Kind::Batch(day_of(day)?, tag.to_owned()));
        }
        if let Some(tag) = rest.strip_prefix("documents-") {
            return Some(Kind::Documents(tag.to_owned()));
        }
        let (generation, _) = rest.strip_prefix("publication-")?.split_once('-')?;
        Some(Kind::Publication(generation.parse().ok()?))
    }
}

/// The alias through which an index is written. Since requests require an alias, no write
/// ever creates an index.
pub(super) fn write_alias(index: &str) -> String {
    format!("{index}.write")
}

/// What stands for a run in names: any text may name a run.
pub(super) fn tag(run: &str) -> String {
    format!("{:016x}", key_hash(run))
}

/// The first and the last minute that have a day of four digits, year 1 to 9999.
const RANGE: (Minute, Minute) = (Minute(-1_035_593_280), Minute(4_222_222_222));

/// A minute that can be written as a date.
pub(super) fn clamp(minute: Minute) -> Minute {
    minute.clamp(RANGE.0, RANGE.1)
}

/// The start of the day that holds `minute`.
pub(super) fn day(minute: Minute) -> Minute {
    Grain::Day.start(clamp(minute))
}

/// `2026.11.25`
fn date(day: Minute) -> String {
    let text = day.to_string();
    text.get(..10).unwrap_or(&text).replace('-', ".")
}

fn day_of(date: &str) -> Option<Minute> {
    let date: jiff::civil::Date = date.replace('.', "-").parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = date.since((jiff::Unit::Day, epoch)).ok()?.get_days();
    Some(Minute(i64::from(days) * (24 * 60 * 60_000 / MINUTE_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_an_index_holds() {
        let names = Names::new("my_logs").unwrap();
        let day = Minute::parse("2026-11-25").unwrap();
        let tag = tag("run 'x'\0");
        for (name, kind) in [
            (names.speed(day), Some(Kind::Speed(day))),
            (names.batch(day, &tag), Some(Kind::Batch(day, tag.clone()))),
            (names.documents(&tag), Some(Kind::Documents(tag.clone()))),
            (names.publication(7, "x"), Some(Kind::Publication(7))),
            (names.state(), None),
            ("my_logs_speed.2026.11.25.write".into(), None),
            ("my_logs2_speed.2026.11.25".into(), None),
        ] {
            assert_eq!(names.kind(&name), kind, "{name}");
        }
        assert_eq!(names.speed(day), "my_logs_speed.2026.11.25");
    }

    #[test]
    fn any_minute_has_a_day() {
        let names = Names::new("a").unwrap();
        for minute in [i64::MIN, -1_035_593_281, -1, 0, 1439, 1440, i64::MAX] {
            let day = day(Minute(minute));
            assert_eq!(names.kind(&names.speed(day)), Some(Kind::Speed(day)), "{minute}");
        }
    }

    #[test]
    fn a_prefix_stays_apart_from_others() {
        for bad in ["", "Logs", "_x", "a-b", "a.b", "a*", "a,b", "9a"] {
            assert!(Names::new(bad).is_err(), "{bad}");
        }
    }
}
