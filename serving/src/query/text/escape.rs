//! Making text from logs safe to print.

use std::borrow::Cow;
use std::fmt::Write;

/// Shows what a terminal would obey, hide or reorder as `\u{…}`: control characters
/// (with them all ANSI sequences), marks that turn the direction of writing (Trojan
/// Source, CVE-2021-42574), and characters that have no width.
///
/// ```
/// use twofold_serving::query::escape_terminal;
/// assert_eq!(escape_terminal("/\u{1b}[2Jé"), "/\\u{1b}[2Jé");
/// ```
pub fn escape_terminal(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            // Writing to a string can't fail.
            let _ = write!(escaped, "{}", character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(escape_terminal(text), expected);
    }

    #[test]
    fn hostile_characters_are_shown() {
        check("/index.html?a=ü", "/index.html?a=ü");
        check("a\x1b]0;title\x07", "a\\u{1b}]0;title\\u{7}");
        check("a\r\nb\tc\0", "a\\u{d}\\u{a}b\\u{9}c\\u{0}");
        check("\u{202e}txt.exe", "\\u{202e}txt.exe");
        check("\u{9b}31m", "\\u{9b}31m");
        check("pay\u{200b}pal", "pay\\u{200b}pal");
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text: String) {
            prop_assert!(!escape_terminal(&text).chars().any(is_hostile));
        }
    }
}
