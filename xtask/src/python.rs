//! The Python of a virtual environment, for what is checked with the programs of others.

use std::path::PathBuf;
use std::process::Command;

use crate::run;

/// Pinned, so that a new release of theirs does not break a build of ours: the README's recipes, and
/// the Compose file's check.
const PACKAGES: [&str; 4] =
    ["duckdb==2.0.0", "polars==2.1.0", "jsonschema==4.26.0", "PyYAML==6.0.4"];

/// The interpreter; the environment is made below the target folder where it is not there.
pub fn interpreter() -> Result<PathBuf, String> {
    let environment = run::target().join("xtask").join("python");
    let python = environment.join("bin").join("python");
    if !python.exists() {
        run::seen(Command::new("python3").args(["-m", "venv"]).arg(&environment)).map_err(|error| {
            format!("{error}\nPython 3 with venv is needed for some tests; `--without python` leaves them out")
        })?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run::seen(Command::new(&python).args(pip).args(PACKAGES))?;
    Ok(python)
}
