//! The page as one file: style, scripts and answers inside, nothing from outside.

use std::hash::{BuildHasher, RandomState};

use serde_json::Value;

use super::{HTML, ICON, SCRIPT, STYLE, THEME, UPLOT};

/// The page with the API's `answers` in it.
///
/// Its content security policy lets only what bears this file's nonce be style or script. The nonce is
/// drawn when the file is written, so that nothing that stood in a log can bear it.
pub fn file(answers: &Value) -> String {
    let nonce = nonce();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         base-uri 'none'; form-action 'none'"
    );
    let script = |kind: &str, text: &str| {
        format!("<script{kind} nonce=\"{nonce}\">{}</script>", closed_nowhere(text))
    };
    let json = answers.to_string().replace('<', "\\u003c");
    let kept = format!("<script type=\"application/json\" id=\"kept\">{json}</script>");
    let icon = format!("data:image/svg+xml,{}", escaped(ICON));
    let mut page = String::new();
    for line in HTML.lines() {
        page += &match line.trim() {
            "<meta charset=\"utf-8\">" => format!(
                "{line}\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">"
            ),
            "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">" => {
                format!("<link rel=\"icon\" href=\"{icon}\">")
            }
            "<link rel=\"stylesheet\" href=\"/page.css\">" => {
                format!("<style nonce=\"{nonce}\">{}</style>", *STYLE)
            }
            "<script src=\"/theme.js\"></script>" => script("", THEME),
            "<script src=\"/uplot.js\" defer></script>" => script("", UPLOT),
            "<script src=\"/page.js\" type=\"module\"></script>" => String::new(),
            "</body>" => format!("{kept}\n{}\n</body>", script(" type=\"module\"", &SCRIPT)),
            _ => line.to_owned(),
        };
        page.push('\n');
    }
    page
}

/// A script in HTML ends at the first `</script`, wherever it stands.
fn closed_nowhere(text: &str) -> String {
    text.replace("</script", "<\\/script")
}

/// What a URL in an attribute must not hold.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.trim().chars() {
        match c {
            '%' | '#' | '"' | '<' | '>' | '\'' | '&' => {
                escaped += &format!("%{:02X}", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// 128 bits that nobody knows beforehand: the standard library seeds its hashers from the system.
fn nonce() -> String {
    let half = || RandomState::new().hash_one(std::time::SystemTime::now());
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_asked_for_and_nothing_of_the_answers_is_markup() {
        let page = file(&json!({ "top/pages": "</script><script>alert(1)</script>" }));
        assert!(!page.contains("src=\"/") && !page.contains("href=\"/"), "it asks for a file");
        assert!(!page.contains("<script>alert"));
        assert!(page.contains("\\u003cscript>alert(1)"));
        assert_eq!(page.matches("</script>").count(), 4);
        assert_ne!(file(&json!({})), file(&json!({})), "a nonce is used twice");
    }
}
