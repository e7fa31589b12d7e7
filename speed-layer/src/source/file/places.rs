//! Where files are looked for: paths, globs and folders; and which is older.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use super::head::Stat;

/// One file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where it is.
    pub path: PathBuf,
    /// What the file system says.
    pub stat: Stat,
    /// Which of the files of one log it is.
    pub rotation: Rotation,
}

/// Finds the files that `sources` name, oldest first, each once. With `rotated`,
/// a path stands for its rotated files too (`access.log.1`, `access.log-20261123.gz`).
/// What is wrong with a source is added to `problems`; `-` is left to the caller.
pub fn find(
    sources: &[String],
    rotated: bool,
    problems: &mut Vec<(PathBuf, String)>,
) -> Vec<Place> {
    let mut paths = BTreeSet::new();
    for source in sources.iter().filter(|source| *source != "-") {
        if let Err(reason) = expand(source, rotated, &mut paths) {
            problems.push((PathBuf::from(source), reason));
        }
    }
    let places = paths.into_iter().filter_map(|path| {
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let rotation = Rotation::of(&path);
        Some(Place { path, stat: Stat::of(&metadata), rotation })
    });
    oldest_first(places.collect())
}

fn expand(source: &str, rotated: bool, paths: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let path = Path::new(source);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return folder(path, paths),
        Ok(metadata) if !metadata.is_file() => {
            return Err("not a file; a pipe is read from standard input: give `-`".to_owned());
        }
        Ok(_) => {
            paths.insert(path.to_owned());
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(advice(&error)),
        Err(_) if source.contains(['*', '?', '[']) => return pattern(source, paths),
        Err(error) if !rotated => return Err(advice(&error)),
        Err(error) => return take(siblings(path), paths, &advice(&error)),
    }
    if rotated {
        paths.extend(siblings(path));
    }
    Ok(())
}

fn folder(path: &Path, paths: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(path).map_err(|error| advice(&error))?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| is_log(path));
    take(files.collect(), paths, "no log in this folder")
}

/// In a folder, hidden files and error logs (nginx keeps them beside the access
/// logs) are left out unless they are named.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.contains("error") && path.is_file()
}

fn pattern(source: &str, paths: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let found = glob::glob(source).map_err(|error| format!("not a valid pattern: {error}"))?;
    let files = found.flatten().filter(|path| path.is_file());
    take(files.collect(), paths, "no file matches the pattern")
}

fn take(files: Vec<PathBuf>, paths: &mut BTreeSet<PathBuf>, none: &str) -> Result<(), String> {
    if files.is_empty() {
        return Err(none.to_owned());
    }
    paths.extend(files);
    Ok(())
}

/// The files that rotation made of `path`.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let own = Rotation::of(path);
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let Ok(entries) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
    let names = entries.flatten().map(|entry| match folder {
        Some(folder) => folder.join(entry.file_name()),
        None => PathBuf::from(entry.file_name()),
    });
    let rotated = |path: &PathBuf| {
        let other = Rotation::of(path);
        other.log == own.log && other.age > own.age
    };
    names.filter(rotated).collect()
}

/// What is wrong and what to do about it.
pub fn advice(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file; check the path".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; let the user that runs twofold read it (logs often belong to the group adm)".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Which of the files of one log a file is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The log: the path without what rotation and compression added.
    pub log: PathBuf,
    /// How old it is among the log's files.
    pub age: Age,
}

/// The age of a file among those of its log; a greater one is older.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// The file that is written to.
    Live,
    /// Rotated at a date; the smaller the date the older, hence the complement.
    Dated(std::cmp::Reverse<String>),
    /// Rotated so many times.
    Times(u32),
}

impl Rotation {
    /// `access.log.2.gz` is `access.log`, rotated twice; `access.log-20261123`
    /// and `access-2026-11-23.log` are dated. Anything else is live.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
        let (log, age) =
            times(name).or_else(|| dated(name)).unwrap_or_else(|| (name.to_owned(), Age::Live));
        Self { log: path.with_file_name(log), age }
    }
}

fn times(name: &str) -> Option<(String, Age)> {
    let (log, number) = name.rsplit_once('.')?;
    let short = !number.is_empty() && number.len() <= 3;
    let number = number.parse().ok().filter(|_| short)?;
    Some((log.to_owned(), Age::Times(number)))
}

/// Finds a date: at least eight digits, with `-`, `_` or `.` between them, which
/// also stand before it or after it.
fn dated(name: &str) -> Option<(String, Age)> {
    let separator = |byte: u8| matches!(byte, b'-' | b'_' | b'.' | b'T');
    let inside = |at: &usize| {
        name.as_bytes().get(*at).is_some_and(|byte| byte.is_ascii_digit() || separator(*byte))
    };
    let mut start = 0;
    while start < name.len() {
        let end = (start..name.len()).find(|at| !inside(at)).unwrap_or(name.len());
        let run = name.get(start..end)?;
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        if (8..=20).contains(&digits.len()) {
            let log = format!("{}{}", name.get(..start)?, rest_of(name.get(start..)?, run));
            return Some((log, Age::Dated(std::cmp::Reverse(digits))));
        }
        start = end + 1;
    }
    None
}

/// What follows a date: the separator before an extension belongs to the extension.
fn rest_of<'a>(from: &'a str, run: &str) -> &'a str {
    let end = run.trim_end_matches(['-', '_', '.']).len();
    from.get(end..).unwrap_or_default()
}

/// Oldest first: by modification time, but within one log by the names that
/// rotation gave, as copying loses times.
fn oldest_first(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_by(|a, b| (a.stat.modified, &a.path).cmp(&(b.stat.modified, &b.path)));
    let mut logs: HashMap<PathBuf, Vec<Place>> = HashMap::new();
    for place in &places {
        logs.entry(place.rotation.log.clone()).or_default().push(place.clone());
    }
    // The last is the oldest; the sort is stable, so of equal age the earlier
    // modified one is taken first.
    for log in logs.values_mut() {
        log.reverse();
        log.sort_by(|a, b| a.rotation.age.cmp(&b.rotation.age));
    }
    places.iter().filter_map(|place| logs.get_mut(&place.rotation.log)?.pop()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_log_and_the_age() {
        let dated = |digits: &str| Age::Dated(std::cmp::Reverse(digits.to_owned()));
        let cases = [
            ("access.log", "access.log", Age::Live),
            ("access.log.1", "access.log", Age::Times(1)),
            ("access.log.12.gz", "access.log", Age::Times(12)),
            ("access.log-20261123", "access.log", dated("20261123")),
            ("access.log-2026112318.zst", "access.log", dated("2026112318")),
            ("access-2026-11-23.log", "access.log", dated("20261123")),
            ("2026-11-23_access.log.gz", "_access.log", dated("20261123")),
            ("access-2026-11-23T18-04-05.000.log.gz", "access.log", dated("20261123180405000")),
            ("access.log.gz", "access.log", Age::Live),
            ("site1.log", "site1.log", Age::Live),
            ("app.8080", "app.8080", Age::Live),
            ("été.log.2", "été.log", Age::Times(2)),
        ];
        for (name, log, age) in cases {
            let expected = Rotation { log: PathBuf::from("/logs").join(log), age };
            assert_eq!(Rotation::of(&Path::new("/logs").join(name)), expected, "{name}");
        }
        assert!(Age::Live < dated("20261123") && dated("20261123") < dated("20261122"));
        assert!(Age::Times(2) < Age::Times(10));
    }
}
