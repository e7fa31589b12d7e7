//! The commands in `docker-compose.yaml` are commands of ours.

use clap::Parser;

use super::Cli;

/// The `command:` of each service of ours, which stands on one line as JSON.
fn commands() -> Vec<Vec<String>> {
    let text = include_str!("../../docker-compose.yaml");
    let ours = text.split("<<: *twofold").skip(1).filter_map(|service| {
        let line = service.lines().find_map(|line| line.trim().strip_prefix("command: "))?;
        Some(serde_json::from_str(line).unwrap())
    });
    ours.collect()
}

/// A shell's pipeline is several commands.
fn words(command: Vec<String>) -> Vec<Vec<String>> {
    if !command[0].contains("twofold") {
        return vec![command];
    }
    let parts = command[0].split(['|', ';']);
    let parts = parts.filter_map(|part| part.trim().strip_prefix("twofold "));
    parts.map(|part| part.split(' ').map(|word| word.replace("$$d", "1")).collect()).collect()
}

#[test]
fn the_compose_file_says_what_we_understand() {
    let commands: Vec<Vec<String>> = commands().into_iter().flat_map(words).collect();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let all = std::iter::once("twofold").chain(command.iter().map(String::as_str));
        if let Err(error) = Cli::try_parse_from(all) {
            panic!("docker-compose.yaml: {command:?}: {error}");
        }
    }
}

/// The variables of the services are keys of the configuration.
#[test]
fn the_compose_file_sets_what_there_is() {
    let text = include_str!("../../docker-compose.yaml");
    let pairs = text.lines().filter_map(|line| line.trim().split_once(": "));
    let variables: Vec<(String, String)> = pairs
        .filter(|(name, _)| name.starts_with("TWOFOLD_"))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    assert!(variables.len() >= 6, "{variables:?}");
    let mut layers = crate::config::Layers::default();
    layers.environment(variables).unwrap();
    let config = layers.config().unwrap();
    assert_eq!(config.archive.location, "s3://twofold/access-log");
}
