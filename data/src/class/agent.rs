//! What a user agent is: browser, operating system, device, and whether a bot.
//!
//! Browsers and systems are known by the patterns of uap-core, bots by a
//! maintained list of crawlers; see `lists/README.md`.

use std::sync::LazyLock;

use regex_filtered::{Builder, Regexes};
use serde::Deserialize;
use ua_parser::{os, user_agent};

use super::cut_key;
use crate::facts::Kind;

/// What a user agent is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// The browser, or the bot's name; without version, so that there are few.
    pub name: Option<Box<str>>,
    /// The operating system.
    pub os: Option<Box<str>>,
    /// `desktop`, `mobile`, `tablet`, `bot` or `other`.
    pub device: Option<&'static str>,
    /// Human, bot or unknown.
    pub kind: Kind,
}

impl Agent {
    /// Looks the user agent up in all lists: some 10 to 100 µs, so results are cached.
    pub fn of(user_agent: &str) -> Self {
        let browser = LISTS.browsers.extract(user_agent).map(|found| found.family.into_owned());
        let os = LISTS.systems.extract(user_agent).map(|found| found.os.into_owned());
        if LISTS.bots.is_match(user_agent) {
            let name = browser.filter(|name| !is_browser(name)).or_else(|| product(user_agent));
            let name = name.map(|name| cut_key(&name).into());
            return Self { name, os: None, device: Some("bot"), kind: Kind::Bot };
        }
        let kind = if browser.is_some() { Kind::Human } else { Kind::Unknown };
        let device = Some(device(user_agent, os.as_deref()));
        let text = |name: String| cut_key(&name).into();
        Self { name: browser.map(text), os: os.map(text), device, kind }
    }
}

/// A crawler that calls itself a browser as well goes by its own name.
fn is_browser(name: &str) -> bool {
    const BROWSERS: [&str; 8] =
        ["Chrome", "Chrome Mobile", "Firefox", "Safari", "Mobile Safari", "Edge", "IE", "Opera"];
    BROWSERS.contains(&name)
}

/// The name before the first version, as in `curl/8.4.0`: of `Mozilla/5.0 (compatible;
/// Some-Bot/1.0)` that of the comment.
fn product(user_agent: &str) -> Option<String> {
    let rest = match user_agent.split_once("compatible; ") {
        Some((_, comment)) => comment,
        None => user_agent,
    };
    let name: String =
        rest.chars().take_while(|c| c.is_alphanumeric() || "-_. ".contains(*c)).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The device class, by the system and the words that browsers use.
fn device(user_agent: &str, os: Option<&str>) -> &'static str {
    let says = |word| user_agent.contains(word);
    match os.unwrap_or_default() {
        _ if says("iPad") || says("Tablet") || says("Kindle") => "tablet",
        "Android" if says("Mobile") => "mobile",
        "Android" => "tablet",
        "iOS" | "Windows Phone" | "KaiOS" | "BlackBerry OS" => "mobile",
        _ if says("Mobile") => "mobile",
        "Windows" | "Mac OS X" | "Linux" | "Ubuntu" | "Debian" | "Fedora" | "Chrome OS"
        | "FreeBSD" | "OpenBSD" => "desktop",
        _ => "other",
    }
}

/// The compiled lists: made when the first user agent is looked up.
struct Lists {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
    bots: Regexes,
}

const AGENTS: &str = include_str!("lists/agents.json");
const CRAWLERS: &str = include_str!("lists/crawlers.json");
const TOOLS: &str = include_str!("lists/tools.json");

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    compile().unwrap_or_else(|error| panic!("the built-in lists do not compile: {error}"))
});

/// The part of uap-core's patterns that is used.
#[derive(Deserialize)]
struct Patterns {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

fn compile() -> Result<Lists, Box<dyn std::error::Error>> {
    let patterns: Patterns = serde_json::from_str(AGENTS)?;
    let crawlers: Vec<String> = serde_json::from_str(CRAWLERS)?;
    let tools: Vec<String> = serde_json::from_str(TOOLS)?;
    let bots = Builder::new().push_all(crawlers.iter().chain(&tools))?.build()?;
    Ok(Lists {
        browsers: user_agent::Builder::new().push_all(patterns.user_agent_parsers)?.build()?,
        systems: os::Builder::new().push_all(patterns.os_parsers)?.build()?,
        bots,
    })
}

/// A hash of the lists, so that what they classified is known to be of this version.
pub(super) fn lists_hash() -> u64 {
    static HASH: LazyLock<u64> = LazyLock::new(|| {
        let text = [AGENTS, CRAWLERS, TOOLS].concat();
        rapidhash::v3::rapidhash_v3(text.as_bytes())
    });
    *HASH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user_agent: &str, name: Option<&str>, os: Option<&str>, device: &str, kind: Kind) {
        let agent = Agent::of(user_agent);
        let found = (agent.name.as_deref(), agent.os.as_deref(), agent.device, agent.kind);
        assert_eq!(found, (name, os, Some(device), kind), "{user_agent}");
    }

    #[test]
    fn people_use_browsers() {
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
            Some("Chrome"),
            Some("Windows"),
            "desktop",
            Kind::Human,
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1",
            Some("Mobile Safari"),
            Some("iOS"),
            "mobile",
            Kind::Human,
        );
        check(
            "Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Mobile Safari/537.36",
            Some("Chrome Mobile"),
            Some("Android"),
            "mobile",
            Kind::Human,
        );
        check(
            "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/111.0",
            Some("Firefox"),
            Some("Linux"),
            "desktop",
            Kind::Human,
        );
    }

    #[test]
    fn crawlers_tools_and_monitors_are_bots() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "Googlebot",
            ),
            ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot"),
            ("curl/8.4.0", "curl"),
            ("Wget/1.21.3", "Wget"),
            ("kube-probe/1.27", "kube-probe"),
            ("ELB-HealthChecker/2.0", "ELB-HealthChecker"),
            ("Java/17.0.8", "Java"),
            ("PostmanRuntime/7.32.3", "PostmanRuntime"),
            ("Prometheus/2.45.0", "Prometheus"),
        ] {
            check(user_agent, Some(name), None, "bot", Kind::Bot);
        }
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        check("xyzzy", None, None, "other", Kind::Unknown);
    }
}
