//! Running programs, and finding things in the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder that cargo builds into.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The twofold binary, as `cargo build --release` leaves it.
pub fn twofold() -> PathBuf {
    target().join("release").join("twofold")
}

/// This program's file. (What the system says is no longer true once cargo has linked it again.)
pub fn xtask() -> PathBuf {
    target().join("release").join("xtask")
}

/// Runs cargo in the workspace; what it prints is seen.
pub fn cargo(arguments: &[&str]) -> Result<(), String> {
    seen(cargo_command().args(arguments))
}

/// Cargo in the workspace, as if called from a shell. What `cargo run` says of this program's own
/// package goes: `ring` is compiled again, and all that builds on it, when `CARGO_MANIFEST_DIR` changes.
pub fn cargo_command() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_MANIFEST_") || text.starts_with("CARGO_PKG_") {
            command.env_remove(name);
        }
    }
    command
}

/// All errors as one.
pub fn together(outcomes: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let errors: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

/// Runs a command whose output is seen; an exit status other than 0 is an error.
pub fn seen(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}")) }
}

/// Runs a command and returns its standard output.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed: {}\n{complaint}", output.status))
}

/// An empty folder of that name below the target folder.
pub fn scratch(name: &str) -> Result<PathBuf, String> {
    let folder = target().join("xtask").join(name);
    emptied(&folder)?;
    Ok(folder)
}

/// Makes the folder, without what was in it.
pub fn emptied(folder: &Path) -> Result<(), String> {
    let make = || {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)
    };
    make().map_err(|error| format!("{}: {error}", folder.display()))
}

/// Writes a file.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The files of a folder, without its folders.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        Ok(entries.iter().map(std::fs::DirEntry::path).filter(|path| path.is_file()).collect())
    };
    let mut files = read().map_err(|error| format!("{}: {error}", folder.display()))?;
    files.sort();
    Ok(files)
}

/// The number that follows `name` among the arguments.
pub fn option(arguments: &[String], name: &str) -> Result<Option<u64>, String> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(None) };
    let value = arguments.get(at + 1).ok_or_else(|| format!("{name} needs a number"))?;
    value.parse().map(Some).map_err(|_| format!("{name} needs a number, not `{value}`"))
}

/// The JSON in a file.
pub fn json(path: &Path) -> Result<serde_json::Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let value =
        text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    value.map_err(|error| format!("{}: {error}", path.display()))
}

/// Bytes of all files below a folder.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
