//! `docker-compose.yaml` against the schema of the Compose Specification, and for care.
//! (That its commands are commands of ours is tested beside the command line, `src/cli/compose.rs`.)

pub mod up;

use std::path::Path;
use std::process::Command;

use crate::run;

/// Checks the file. (YAML 1.2's booleans aside, PyYAML reads what ours uses as Compose does.)
pub fn main(python: &Path) -> Result<(), String> {
    let root = run::root();
    let mut check = Command::new(python);
    check.arg(root.join("xtask/compose/check.py"));
    check.arg(root.join("xtask/compose/compose-spec.json")).arg(root.join("docker-compose.yaml"));
    run::seen(&mut check)
}
