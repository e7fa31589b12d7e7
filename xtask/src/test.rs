//! `cargo xtask test`: the tests on their own, what goes into the image, then the tests that need servers, then
//! the Compose file and the recipes.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::stack::{Server, Stack};
use crate::{compose, image, instructions, python, recipes, run};

/// What a test can need, and may be told to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Kafka,
    Elasticsearch,
    S3,
    Browser,
    Python,
    Valgrind,
}

const NEEDS: [(&str, Need); 6] = [
    ("kafka", Need::Kafka),
    ("elasticsearch", Need::Elasticsearch),
    ("s3", Need::S3),
    ("browser", Need::Browser),
    ("python", Need::Python),
    ("valgrind", Need::Valgrind),
];

/// What is asked of this run.
#[derive(Debug, Default)]
struct Options {
    without: BTreeSet<Need>,
    filter: Vec<String>,
}

/// The release profile is the only one that is compiled, so that after
/// `cargo run --release -- demo` no dependency is compiled again.
pub fn main(arguments: &[String]) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let browser = options.browser()?;
    let filter: Vec<&str> = options.filter.iter().map(String::as_str).collect();
    run::cargo(&["build", "--release", "--workspace", "--bin", "twofold"])?;
    // One failure does not hide the next: everything runs, and the end says all that failed.
    let own = [&["test", "--release", "--workspace", "--no-fail-fast"], filter.as_slice()].concat();
    let outcomes = [
        run::cargo(&own),
        image::main(),
        of_instructions(&options),
        on_servers(&options, browser),
        of_recipes(&options),
    ];
    run::together(outcomes)
}

fn of_instructions(options: &Options) -> Result<(), String> {
    if options.without.contains(&Need::Valgrind) {
        println!("NOT RUN: instructions per line (--without valgrind)");
        return Ok(());
    }
    instructions::check()
}

fn of_recipes(options: &Options) -> Result<(), String> {
    if options.without.contains(&Need::Python) {
        println!("NOT RUN: the README's recipes and the Compose file's check (--without python)");
        return Ok(());
    }
    let python = python::interpreter()?;
    compose::main(&python)?;
    recipes::main(&python)
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            if word != "--without" {
                options.filter.push(word.clone());
                continue;
            }
            let names = NEEDS.map(|(name, _)| name).join(", ");
            let what = words.next().ok_or_else(|| format!("--without needs one of {names}"))?;
            let need = NEEDS.iter().find(|(name, _)| name == what);
            let (_, need) =
                need.ok_or_else(|| format!("--without takes one of {names}, not `{what}`"))?;
            options.without.insert(*need);
        }
        Ok(options)
    }

    /// Where Chromium is; `None` where it is not wanted.
    fn browser(&self) -> Result<Option<PathBuf>, String> {
        if self.without.contains(&Need::Browser) {
            return Ok(None);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = std::env::var_os("TWOFOLD_TEST_CHROMIUM").map(PathBuf::from);
        let found = ["chromium", "chromium-browser", "google-chrome"]
            .iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
            .find(|file| file.is_file());
        named.or(found).map(Some).ok_or_else(|| {
            "the page is tested in Chromium, which is not there: `apt install chromium`, or name one in \
             TWOFOLD_TEST_CHROMIUM; `--without browser` leaves these tests out"
                .into()
        })
    }
}

/// Runs the ignored tests of the files that need servers, on servers that are stopped afterwards.
fn on_servers(options: &Options, browser: Option<PathBuf>) -> Result<(), String> {
    let (wanted, left_out): (Vec<TestFile>, Vec<TestFile>) =
        test_files().into_iter().partition(|file| file.needs.is_disjoint(&options.without));
    for file in left_out {
        println!("NOT RUN: {} (--without)", file.name);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let needs: BTreeSet<Need> = wanted.iter().flat_map(|file| file.needs.clone()).collect();
    let stack = Stack::shared();
    let started = stack.up(&servers(&needs))?;
    let outcomes = wanted.iter().map(|file| file.run(&stack, options, browser.as_ref()));
    let outcome = run::together(outcomes);
    if outcome.is_err() {
        println!("the servers are left as they are: `cargo xtask stack status`, `… down`");
        return outcome;
    }
    stack.down(&started)
}

fn servers(needs: &BTreeSet<Need>) -> Vec<Server> {
    let of = |need: &Need| match need {
        Need::Kafka => vec![Server::Kafka],
        Need::Elasticsearch => {
            vec![Server::Elasticsearch, Server::Elasticsearch7, Server::OpenSearch]
        }
        Need::S3 => vec![Server::S3],
        Need::Browser | Need::Python | Need::Valgrind => vec![],
    };
    needs.iter().flat_map(of).collect()
}

/// A file of tests that are ignored unless servers are there; its name stands in one package or several.
#[derive(Debug)]
struct TestFile {
    name: String,
    needs: BTreeSet<Need>,
}

impl TestFile {
    fn run(
        &self,
        stack: &Stack,
        options: &Options,
        browser: Option<&PathBuf>,
    ) -> Result<(), String> {
        let mut command = run::cargo_command();
        command.envs(stack.variables()?);
        command.envs(browser.map(|path| ("TWOFOLD_TEST_CHROMIUM", path)));
        // One package alone would be built with other features, and so its dependencies again.
        command.args(["test", "--release", "--workspace", "--test", &self.name]);
        command
            .args(["--no-fail-fast", "--", "--ignored", "--test-threads=2"])
            .args(&options.filter);
        run::seen(&mut command)
    }
}

/// The packages' folders.
const FOLDERS: [&str; 5] = [".", "data", "serving", "speed-layer", "batch-layer"];

/// Every `tests/stack_….rs`, or folder with a `main.rs`. Its name says what it needs
/// (`stack_kafka_s3_export.rs`); one that names nothing gets all servers.
fn test_files() -> Vec<TestFile> {
    let files = FOLDERS.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(run::root().join(folder).join("tests"));
        entries.into_iter().flatten().flatten().map(|entry| entry.path())
    });
    let names: BTreeSet<String> = files
        .filter(|path| {
            path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").is_file()
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name.starts_with("stack_"))
        .collect();
    names.into_iter().map(|name| TestFile { needs: needs(&name), name }).collect()
}

fn needs(name: &str) -> BTreeSet<Need> {
    let named = name.split('_').filter_map(|word| match word {
        "kafka" => Some(Need::Kafka),
        "elasticsearch" | "elastic" | "opensearch" => Some(Need::Elasticsearch),
        "s3" => Some(Need::S3),
        "browser" | "page" => Some(Need::Browser),
        _ => None,
    });
    let named: BTreeSet<Need> = named.collect();
    if named.is_empty() { [Need::Kafka, Need::Elasticsearch, Need::S3].into() } else { named }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_says_what_it_needs() {
        assert_eq!(needs("stack_kafka_s3_export"), [Need::Kafka, Need::S3].into());
        assert_eq!(needs("stack_page"), [Need::Browser].into());
        assert_eq!(needs("stack_whole").len(), 3);
    }

    /// Files and folders, each once.
    #[test]
    fn every_file_that_needs_servers_is_found() {
        let names: Vec<String> = test_files().into_iter().map(|file| file.name).collect();
        for name in ["stack_browser", "stack_kafka", "stack_elasticsearch"] {
            assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{names:?}");
        }
        assert!(names.iter().all(|name| !name.contains('.')), "{names:?}");
    }

    #[test]
    fn without_takes_what_it_knows() {
        let parse =
            |text: &str| Options::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let options = parse("--without s3 races --without browser").unwrap();
        assert_eq!(options.without, [Need::S3, Need::Browser].into());
        assert_eq!(options.filter, ["races"]);
        assert!(parse("--without redis").unwrap_err().contains("kafka"));
    }
}
