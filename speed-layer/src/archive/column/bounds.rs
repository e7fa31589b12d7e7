//! The least and the largest text of some rows, for the statistics by which readers skip.

use super::bits::is_one;
use super::text::{NULL, Texts};

/// Longer bounds are cut.
const LONGEST: usize = 64;

/// The codes of the least and the largest value; `None` where there is no value.
pub type Bounds = Option<(u32, u32)>;

/// The bounds of rows. `seen` says for each code in which page it was met last, so that a text is
/// compared once a page.
pub fn bounds(texts: &Texts, rows: &[u32], page: u32, seen: &mut [u32]) -> Bounds {
    if let [first, ..] = rows
        && is_one(rows)
    {
        return (*first != NULL).then_some((*first, *first));
    }
    let mut bounds: Bounds = None;
    for code in rows.iter().copied().filter(|code| *code != NULL) {
        let met = &mut seen[code as usize];
        if *met == page {
            continue;
        }
        *met = page;
        let (least, most) = bounds.get_or_insert((code, code));
        if texts.value(code) < texts.value(*least) {
            *least = code;
        }
        if texts.value(code) > texts.value(*most) {
            *most = code;
        }
    }
    bounds
}

/// The bounds of the rows of both.
pub fn joined(texts: &Texts, one: Bounds, other: Bounds) -> Bounds {
    let (Some((least, most)), Some((other_least, other_most))) = (one, other) else {
        return one.or(other);
    };
    let lesser = |a, b| if texts.value(b) < texts.value(a) { b } else { a };
    let greater = |a, b| if texts.value(b) > texts.value(a) { b } else { a };
    Some((lesser(least, other_least), greater(most, other_most)))
}

/// A text that none of the rows' is less than.
pub fn lower(texts: &Texts, bounds: &Bounds) -> Option<Vec<u8>> {
    let (least, _) = (*bounds)?;
    let text = texts.value(least);
    Some(cut(text).to_vec())
}

/// A text that none of the rows' is larger than.
pub fn upper(texts: &Texts, bounds: &Bounds) -> Option<Vec<u8>> {
    let (_, most) = (*bounds)?;
    let text = texts.value(most);
    Some(above(text).unwrap_or_else(|| text.to_vec()))
}

/// The beginning, between two characters.
fn cut(text: &[u8]) -> &[u8] {
    let Some(beginning) = text.get(..LONGEST) else { return text };
    let end = (0..=LONGEST).rev().find(|at| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80));
    &beginning[..end.unwrap_or(0)]
}

/// A short text above a long one: its beginning with the last character that is ASCII raised.
fn above(text: &[u8]) -> Option<Vec<u8>> {
    let beginning = text.get(..LONGEST).filter(|_| text.len() > LONGEST)?;
    let at = beginning.iter().rposition(|byte| *byte < 0x7e)?;
    let mut above = beginning[..=at].to_vec();
    above[at] += 1;
    Some(above)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bounds_hold(values in prop::collection::vec(".{0,80}", 1..20)) {
            let mut texts = Texts::default();
            values.iter().for_each(|value| texts.push(value.as_bytes()));
            let mut seen = vec![NULL; texts.distinct()];
            let pages = texts.codes().chunks(7).zip(0..);
            let found = pages.fold(None, |found, (rows, page)| {
                joined(&texts, found, bounds(&texts, rows, page, &mut seen))
            });
            let (least, most) = (lower(&texts, &found).unwrap(), upper(&texts, &found).unwrap());
            for value in &values {
                prop_assert!(least.as_slice() <= value.as_bytes());
                prop_assert!(most.as_slice() >= value.as_bytes());
            }
            prop_assert!(std::str::from_utf8(&least).is_ok() && std::str::from_utf8(&most).is_ok());
            prop_assert!(least.len() <= LONGEST);
        }
    }

    #[test]
    fn no_rows_have_no_bounds() {
        assert_eq!(bounds(&Texts::default(), &[NULL], 0, &mut []), None);
    }
}
