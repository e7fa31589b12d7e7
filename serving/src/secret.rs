//! Text that is never shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A password, a token, a key: `Debug` hides it, so that no log at any level can show it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for where it is used.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "(none)" } else { "(hidden)" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("open sesame");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "(hidden) Some(\n    (hidden),\n)");
        assert_eq!(secret.expose(), "open sesame");
    }
}
