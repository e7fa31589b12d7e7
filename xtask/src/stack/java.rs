//! A Java with its compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;

const LEAST: u32 = 17;

/// Options of every server: small, and quick to start.
const SMALL: [&str; 5] = [
    "-Xms64m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
];

/// Where a JDK is.
pub struct Java {
    bin: PathBuf,
}

impl Java {
    /// The one of `JAVA_HOME`, or else the one on the path.
    pub fn find() -> Result<Self, String> {
        let home = std::env::var_os("JAVA_HOME").map(PathBuf::from);
        let bins = home.map(|home| home.join("bin")).into_iter().chain(on_path());
        let mut seen = Vec::new();
        for bin in bins {
            match version(&bin.join("java")) {
                Some(found) if found >= LEAST && bin.join("javac").exists() => {
                    return Ok(Self { bin });
                }
                Some(found) if found >= LEAST => {
                    seen.push(format!("{} has no javac (it is a JRE)", bin.display()));
                }
                Some(found) => seen.push(format!("{} is Java {found}", bin.display())),
                None => {}
            }
        }
        seen.push(format!(
            "Kafka and Elasticsearch need Java {LEAST} or newer, with its compiler: \
             `apt install default-jdk-headless`, or point JAVA_HOME to a JDK.\n\
             `cargo xtask test --without kafka --without elasticsearch` leaves their tests out"
        ));
        Err(seen.join("\n"))
    }

    /// A program of the JDK.
    pub fn tool(&self, name: &str) -> Command {
        Command::new(self.bin.join(name))
    }

    /// The start of a server's command line: heap, garbage collector, log.
    pub fn server(&self, folder: &Path) -> Vec<String> {
        let log = run::root().join("xtask/stack/log4j2.properties");
        let mut command = vec![self.bin.join("java").display().to_string()];
        command.extend(SMALL.map(str::to_owned));
        command.push(format!("-Dlog4j2.configurationFile=file:{}", log.display()));
        command.push(format!("-Djava.io.tmpdir={}", folder.join("tmp").display()));
        command
    }
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // /usr/bin/java is a link into the JDK.
    let real = |folder: PathBuf| {
        let java = folder.join("java").canonicalize().ok()?;
        java.parent().map(Path::to_owned)
    };
    folders.into_iter().filter_map(real)
}

/// The feature version: 17 of `openjdk version "17.0.15" 2025-04-15`.
fn version(java: &Path) -> Option<u32> {
    let output = Command::new(java).arg("-version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, rest) = text.split_once("version \"")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}
