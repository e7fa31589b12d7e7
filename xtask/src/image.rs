//! What `docker build` sends (`.dockerignore`) is all that the binary is made of: every file that the
//! compiler read for it, and every manifest of the workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run;

/// Holds what the last release build read against `.dockerignore`.
pub fn main() -> Result<(), String> {
    let root = run::root();
    let sent = Sent::read(&root.join(".dockerignore"))?;
    let needed = [sources(&root)?, manifests(&root)?].concat();
    let missing: Vec<String> = needed
        .iter()
        .filter(|path| !sent.has(path))
        .map(|path| format!("{} is not sent to `docker build`: see .dockerignore", path.display()))
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

/// The files and folders at the workspace's root that are sent.
struct Sent(BTreeSet<String>);

impl Sent {
    /// Reads a file that leaves out everything (`*`) but what it names (`!NAME`).
    fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut sent = Self(BTreeSet::new());
        for line in text.lines().filter(|line| !["*", "**/target", ""].contains(line)) {
            let name = line.strip_prefix('!').filter(|name| !name.contains(['/', '*', '?']));
            let name = name.ok_or_else(|| {
                format!("{}: `{line}` is more than this check understands", path.display())
            })?;
            sent.0.insert(name.to_owned());
        }
        Ok(sent)
    }

    /// Whether a path below the root is sent.
    fn has(&self, path: &Path) -> bool {
        let first = path.components().next().map(|first| first.as_os_str().to_string_lossy());
        first.is_some_and(|first| self.0.contains(first.as_ref()))
    }
}

/// The files of the workspace that the compiler read for the binary, by its own word.
fn sources(root: &Path) -> Result<Vec<PathBuf>, String> {
    let path = run::twofold().with_extension("d");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let all = text.replace("\\ ", "\0");
    let read = all.split_whitespace().map(|path| PathBuf::from(path.replace('\0', " ")));
    let ours = read.filter_map(|path| Some(path.strip_prefix(root).ok()?.to_owned()));
    let ours: Vec<PathBuf> = ours.filter(|path| !path.starts_with("target")).collect();
    // A check that finds nothing to check can't fail.
    if !ours.contains(&PathBuf::from("src/main.rs")) {
        return Err(format!("{} does not name src/main.rs", path.display()));
    }
    Ok(ours)
}

/// The manifests that cargo reads before it builds anything.
fn manifests(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut cargo = run::cargo_command();
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let answer: Value =
        serde_json::from_str(&run::output(&mut cargo)?).map_err(|error| error.to_string())?;
    let packages = answer["packages"].as_array().into_iter().flatten();
    let paths = packages.filter_map(|package| package["manifest_path"].as_str());
    let ours = paths.filter_map(|path| Some(Path::new(path).strip_prefix(root).ok()?.to_owned()));
    Ok(ours.chain(["Cargo.toml", "Cargo.lock"].map(PathBuf::from)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_not_sent() {
        let sent = Sent(["src", "Cargo.lock"].map(str::to_owned).into());
        assert!(sent.has(Path::new("src/cli/mod.rs")) && sent.has(Path::new("Cargo.lock")));
        assert!(!sent.has(Path::new("docs/scale.md")) && !sent.has(Path::new("srcs/main.rs")));
    }
}
