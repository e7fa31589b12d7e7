//! `auto`: which format a log has, by its first lines.

use super::apache::Layout;
use super::{DEFAULT_MAX_LINE, Format, Parser, Shape};
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
}

/// Picks the format of a log by some of its first lines (records without their
/// `\n`). `None` where no format reads any of them.
///
/// The format that reads most lines wins. Of formats that read equally many
/// (a vhost-Combined line is also a Combined line whose user is `- -`) the one
/// wins that makes sense of most of them; of those the simplest.
pub fn detect(sample: &[&[u8]]) -> Option<Detection> {
    let mut best: Option<(Detection, Score)> = None;
    for format in candidates() {
        let (detection, score) = judge(format, sample);
        if detection.matched > 0 && best.as_ref().is_none_or(|(_, top)| score > *top) {
            best = Some((detection, score));
        }
    }
    best.map(|(detection, _)| detection)
}

/// Lines read, then lines of which a format made sense.
type Score = (usize, usize);

/// Every format that can be told by looking, the simplest first.
fn candidates() -> impl Iterator<Item = Format> {
    [Layout::COMMON, Layout::COMBINED, Layout::VHOST_COMBINED]
        .into_iter()
        .map(|layout| Format { shape: Shape::Apache(layout), max_line: DEFAULT_MAX_LINE })
}

fn judge(format: Format, sample: &[&[u8]]) -> (Detection, Score) {
    let mut parser = Parser::new(&format);
    let mut rebuilt = Vec::new();
    let (mut matched, mut of, mut sensible, mut trailing) = (0, 0, 0, 0);
    for record in sample {
        match parser.parse(record) {
            Line::Blank => {}
            Line::Malformed(_) => of += 1,
            Line::Request(request) => {
                of += 1;
                matched += 1;
                sensible += usize::from(makes_sense(&request));
                rebuilt.clear();
                let longer = format.rebuild(&request, &mut rebuilt)
                    && record.trim_ascii_end().len() > rebuilt.trim_ascii_end().len();
                trailing += usize::from(longer);
            }
        }
    }
    (Detection { format, matched, of, trailing }, (matched, sensible))
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
