//! The page's modules as one script, so that a served page is one request and a page in a file
//! needs none.
//!
//! It understands what our modules are written in and nothing more: one-line imports of names
//! from `./NAME.js`, and `export` before `function`, `async function`, `class` and `const`.

use std::fmt::Write;

/// A module: its name, as in an import, and its text.
pub type Module = (&'static str, &'static str);

/// One script that runs `main` after the modules that it needs, each once and in a scope of its own.
///
/// # Errors
/// Names the module that is missing, or that needs itself.
pub fn bundle(modules: &[Module], main: &str) -> Result<String, String> {
    let mut script = String::from("\"use strict\";\n");
    add(modules, main, &mut script, &mut Vec::new(), &mut Vec::new())?;
    Ok(script)
}

fn add<'a>(
    modules: &[Module],
    name: &'a str,
    script: &mut String,
    done: &mut Vec<String>,
    within: &mut Vec<&'a str>,
) -> Result<(), String> {
    if done.iter().any(|known| known == name) {
        return Ok(());
    }
    if within.contains(&name) {
        return Err(format!("the module {name} needs itself"));
    }
    let found = modules.iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| format!("there is no module {name}"))?;
    for needed in text.lines().filter_map(import).map(|(_, from)| from) {
        let mut deeper = within.clone();
        deeper.push(name);
        add(modules, needed, script, done, &mut deeper)?;
    }
    done.push(name.to_owned());
    scoped(name, text, script);
    Ok(())
}

/// Appends the module as a function that is called once and returns what it exports.
fn scoped(name: &str, text: &str, script: &mut String) {
    let mut exported = Vec::new();
    // Writing to a string doesn't fail.
    let _ = writeln!(script, "const module_{name} = (() => {{");
    for line in text.lines() {
        let line = match import(line) {
            Some((names, from)) => format!("const {{{names}}} = module_{from};"),
            None => line
                .strip_prefix("export ")
                .map_or(line, |rest| {
                    exported.extend(exported_name(rest));
                    rest
                })
                .to_owned(),
        };
        let _ = writeln!(script, "{line}");
    }
    let _ = writeln!(script, "return {{ {} }};\n}})();", exported.join(", "));
}

/// Of `import { a, b } from "./c.js";` the names and `c`.
fn import(line: &str) -> Option<(&str, &str)> {
    let (names, from) = line.strip_prefix("import {")?.split_once("} from \"./")?;
    Some((names, from.strip_suffix(".js\";")?))
}

fn exported_name(rest: &str) -> Option<&str> {
    let kinds = ["async function ", "function ", "class ", "const "];
    let rest = kinds.iter().find_map(|kind| rest.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let modules = [
            ("main", "import { a } from \"./a.js\";\nimport { b } from \"./b.js\";\na(b);\n"),
            ("b", "import { a } from \"./a.js\";\nexport const b = 1;\n"),
            ("a", "export async function a(x) {}\nfunction own() {}\n"),
        ];
        let script = bundle(&modules, "main").unwrap();
        let starts: Vec<&str> =
            script.lines().filter(|line| line.starts_with("const module_")).collect();
        assert_eq!(starts.len(), 3);
        assert!(starts[0].contains("module_a ") && starts[1].contains("module_b "));
        assert!(script.contains("const { a } = module_a;"));
        assert!(script.contains("async function a(x) {}\nfunction own() {}\nreturn { a };"));
    }

    #[test]
    fn what_it_does_not_understand_is_an_error() {
        assert!(bundle(&[], "main").unwrap_err().contains("no module main"));
        let circle =
            [("a", "import { b } from \"./b.js\";"), ("b", "import { a } from \"./a.js\";")];
        assert!(bundle(&circle, "a").unwrap_err().contains("needs itself"));
    }
}
