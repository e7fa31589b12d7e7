//! Pages: the path without its query, after the normalising rules.

use serde::{Deserialize, Serialize};

use super::cut_key;

/// Which paths count as one page. By default each path is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageRules {
    /// Count `/item/123` and `/item/456` as one page, `/item/:n`.
    pub collapse_numbers: bool,
}

impl PageRules {
    /// The page that `path` is counted for.
    #[inline(always)]
    pub fn page<'a>(&self, path: &'a str, scratch: &'a mut String) -> &'a str {
        if self.collapse_numbers { collapse(path, scratch) } else { cut_key(path) }
    }

    pub(super) fn fingerprint(&self) -> String {
        format!("collapse_numbers={}", self.collapse_numbers)
    }
}

fn collapse<'a>(path: &'a str, scratch: &'a mut String) -> &'a str {
    if !path.split('/').any(is_number) {
        return cut_key(path);
    }
    scratch.clear();
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            scratch.push('/');
        }
        scratch.push_str(if is_number(segment) { ":n" } else { segment });
    }
    cut_key(scratch)
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_collapse_where_asked() {
        let rules = PageRules { collapse_numbers: true };
        for (path, page) in [
            ("/item/123", "/item/:n"),
            ("/a/1/b/22/", "/a/:n/b/:n/"),
            ("/item/12a", "/item/12a"),
            ("/", "/"),
            ("*", "*"),
        ] {
            assert_eq!(rules.page(path, &mut String::new()), page);
            assert_eq!(PageRules::default().page(path, &mut String::new()), path);
        }
    }
}
