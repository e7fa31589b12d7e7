//! `auto`: which format a log has, by its first lines.

use std::fmt;
use std::sync::LazyLock;

use super::{Format, Parser, Shape, envelope};
use crate::request::{Line, Request};

/// What [`detect`] found, with the grounds for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The format that reads most lines, and reads them most sensibly.
    pub format: Format,
    /// How many lines it reads.
    pub matched: usize,
    /// How many lines were looked at, blank ones left out.
    pub of: usize,
    /// How many lines go on after the last field of the format. What a number
    /// there means is for configuration to say ([`super::Trailing`]).
    pub trailing: usize,
    /// The next best format, where any other reads a line: its name, and how many.
    pub runner_up: Option<(String, usize)>,
}

/// One sentence that says what was picked and why.
impl fmt::Display for Detection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (matched, of) = (self.matched, self.of);
        if of == 0 {
            return write!(f, "{}, for want of a line to tell by", self.format.name());
        }
        write!(f, "{}, which reads {matched} of {of} lines", self.format.name())?;
        if let Some((name, matched)) = &self.runner_up {
            write!(f, " (the next best, {name}, reads {matched})")?;
        }
        if self.trailing > 0 {
            let trailing = self.trailing;
            write!(f, "; {trailing} of them go on after its last field, which is ignored")?;
        }
        Ok(())
    }
}

/// Picks the format of a log by some of its first lines (records without their
/// `\n`). `None` where no format reads any of them.
///
/// The format that reads most lines wins. Of formats that read equally many
/// (a vhost-Combined line is also a Combined line whose user is `- -`) the one
/// wins that makes sense of most of them; of those the simplest.
pub fn detect(sample: &[&[u8]]) -> Option<Detection> {
    let first = sample.iter().find(|record| !record.trim_ascii().is_empty())?;
    let kinds = envelope::Layout::kinds_of(first);
    let enveloped = kinds.filter_map(|kind| in_envelope(kind, sample));
    best(PLAIN.iter().cloned().chain(enveloped), sample)
}

/// Like [`detect`], without the envelopes.
pub(super) fn plain(sample: &[&[u8]]) -> Option<Detection> {
    best(PLAIN.iter().cloned(), sample)
}

/// Every format without an envelope, the simplest first.
static PLAIN: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let plain = |format: &Format| !matches!(format.shape, Shape::Envelope(_));
    let told_by_looking = Format::NAMES.into_iter().filter(|name| *name != "json");
    told_by_looking.filter_map(Format::named).filter(plain).collect()
});

/// The envelope with the format of the lines that it holds.
fn in_envelope(kind: &str, sample: &[&[u8]]) -> Option<Format> {
    let envelope = envelope::Layout::new(kind, None)?;
    let mut scratch = String::new();
    let open = |record: &&[u8]| {
        let line = envelope.open(std::str::from_utf8(record).ok()?, &mut scratch).ok()?;
        Some(line.to_owned())
    };
    let lines: Vec<String> = sample.iter().filter_map(open).collect();
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    let inner = plain(&lines)?.format;
    Some(Format::of(Shape::Envelope(envelope::Layout::new(kind, Some(inner))?.into())))
}

/// Lines read, then lines of which a format made sense.
type Score = (usize, usize);

fn best(formats: impl Iterator<Item = Format>, sample: &[&[u8]]) -> Option<Detection> {
    let judged = formats.map(|format| judge(format, sample));
    let mut judged: Vec<_> = judged.filter(|(found, _)| found.matched > 0).collect();
    judged.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    let mut judged = judged.into_iter().map(|(found, _)| found);
    let best = judged.next()?;
    Some(Detection {
        runner_up: judged.next().map(|next| (next.format.name(), next.matched)),
        ..best
    })
}

fn judge(format: Format, sample: &[&[u8]]) -> (Detection, Score) {
    let mut parser = Parser::new(&format);
    let mut found = Detection { format, matched: 0, of: 0, trailing: 0, runner_up: None };
    let mut sensible = 0;
    for record in sample {
        match parser.parse(record) {
            Line::Blank => {}
            Line::Malformed(_) => found.of += 1,
            Line::Request(request) => {
                found.of += 1;
                found.matched += 1;
                found.trailing += usize::from(goes_on(&found.format, &request, record));
                sensible += usize::from(makes_sense(&request));
            }
        }
    }
    let score = (found.matched, sensible);
    (found, score)
}

/// Whether the record is longer than what the format says of it.
fn goes_on(format: &Format, request: &Request<'_>, record: &[u8]) -> bool {
    let mut rebuilt = Vec::new();
    format.rebuild(request, &mut rebuilt)
        && record.trim_ascii_end().len() > rebuilt.trim_ascii_end().len()
}

/// Whether the fields before the time stand where they belong: a client that is
/// somebody, and no second field taken for a user with a space in it.
fn makes_sense(request: &Request<'_>) -> bool {
    let user = request.user.unwrap_or_default();
    request.client != "-" && !user.starts_with("- ") && !user.ends_with(" -")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = r#"1.2.3.4 - - [02/Apr/2019:06:27:07 +0000] "GET / HTTP/1.1" 200 12"#;
    const TAIL: &str = r#" "-" "curl/8.4.0""#;

    fn check(lines: &[&str], expected: Option<(&str, usize, usize, usize)>) {
        let sample: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let found = detect(&sample);
        let found = found.as_ref().map(|d| (d.format.name(), d.matched, d.of, d.trailing));
        let expected = expected.map(|(name, m, of, t)| (name.to_owned(), m, of, t));
        assert_eq!(found, expected, "{lines:#?}");
    }

    #[test]
    fn the_apache_family_is_told_apart() {
        let combined = format!("{COMMON}{TAIL}");
        let vhost = format!("example.org:443 {combined}");
        let empty_vhost = format!(" {combined}");
        check(&[COMMON, "", "junk"], Some(("common", 1, 2, 0)));
        check(&[&combined], Some(("combined", 1, 1, 0)));
        check(&[&vhost, &vhost], Some(("vhost-combined", 2, 2, 0)));
        check(&[&empty_vhost, &vhost], Some(("vhost-combined", 2, 2, 0)));
    }

    #[test]
    fn a_user_with_a_space_makes_no_virtual_host() {
        let line = format!("{COMMON}{TAIL}").replace("- - [", "- Ada Lovelace [");
        check(&[&line], Some(("combined", 1, 1, 0)));
    }

    #[test]
    fn what_follows_the_last_field_is_reported() {
        let line = format!("{COMMON}{TAIL} 0.012");
        check(&[&line, "junk"], Some(("combined", 1, 2, 1)));
        check(&[&format!("{COMMON} 12")], Some(("common", 1, 1, 1)));
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        check(&[], None);
        check(&["", "  ", "no log at all"], None);
    }
}
