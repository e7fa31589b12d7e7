//! Who there is and what there is: clients, pages, user agents.

use std::collections::HashSet;

use super::profile::Profile;
use super::random::{Random, Weighted};

/// The clients, pages and user agents of one stream of traffic.
#[derive(Debug)]
pub struct Population {
    /// Addresses, the busiest first.
    pub clients: Vec<String>,
    /// Paths, the most visited first.
    pub pages: Vec<String>,
    /// User agents.
    pub agents: Vec<String>,
    /// Each client's own user agent.
    pub agent_of: Vec<u16>,
}

impl Population {
    /// The population of a profile.
    pub fn new(profile: &Profile, random: &mut Random) -> Self {
        let agents = agents();
        let people = agents.len() - BOTS.len();
        let weight = |at: usize| match at {
            at if at < people => 0.88 * (at as f64 + 1.0).powf(-0.6),
            at => 0.6 * ((at - people) as f64 + 1.0).powf(-0.6),
        };
        let choice = Weighted::new(&(0..agents.len()).map(weight).collect::<Vec<_>>());
        Self {
            agent_of: (0..profile.clients).map(|_| choice.draw(random) as u16).collect(),
            clients: distinct(profile.clients, || address(random)),
            pages: pages(profile.pages, random),
            agents,
        }
    }
}

fn distinct(count: usize, mut draw: impl FnMut() -> String) -> Vec<String> {
    let mut seen = HashSet::with_capacity(count);
    let mut found = Vec::with_capacity(count);
    while found.len() < count {
        let one = draw();
        if seen.insert(one.clone()) {
            found.push(one);
        }
    }
    found
}

/// A public-looking IPv4 address, or in one of fifty cases an IPv6 one.
fn address(random: &mut Random) -> String {
    let first = 11 + random.below(211);
    let first = if first == 127 { 128 } else { first };
    let [b, c, d] = [random.below(256), random.below(256), random.below(256)];
    match random.chance(0.02) {
        true => format!("2001:db8:{:x}:{c:x}::{:x}", first * 7 + b, d + 1),
        false => format!("{first}.{b}.{c}.{d}"),
    }
}

const SECTIONS: [(&str, &str); 14] = [
    ("products", ""),
    ("category", ""),
    ("blog", ".html"),
    ("api/v1/items", ""),
    ("api/v1/users", ""),
    ("static/js", ".js"),
    ("static/css", ".css"),
    ("images", ".png"),
    ("search", ""),
    ("cart", ""),
    ("checkout", ""),
    ("login", ""),
    ("docs", ""),
    ("wp-content/uploads", ".jpg"),
];

const WORDS: [&str; 26] = [
    "alpha", "bravo", "copper", "delta", "ember", "falcon", "garnet", "harbor", "indigo",
    "juniper", "kestrel", "lumen", "maple", "nimbus", "onyx", "piper", "quartz", "river",
    "saffron", "tundra", "umber", "violet", "willow", "xenon", "yarrow", "zephyr",
];

const FIRST_PAGES: [&str; 7] =
    ["/", "/index.html", "/favicon.ico", "/robots.txt", "/login", "/cart", "/search"];

fn pages(count: usize, random: &mut Random) -> Vec<String> {
    let mut first = FIRST_PAGES.iter().map(|page| (*page).to_owned());
    distinct(count, || first.next().unwrap_or_else(|| page(random)))
}

fn page(random: &mut Random) -> String {
    let (section, extension) = SECTIONS[random.below(SECTIONS.len() as u64) as usize];
    let mut word = || WORDS[random.below(WORDS.len() as u64) as usize];
    let (one, two) = (word(), word());
    format!("/{section}/{one}-{two}-{}{extension}", 1 + random.below(1999))
}

/// What a scanner asks for.
pub const HOLES: [&str; 12] = [
    "/wp-login.php",
    "/xmlrpc.php",
    "/.env",
    "/.git/config",
    "/phpmyadmin/index.php",
    "/admin.php",
    "/wp-admin/setup-config.php",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/server-status",
    "/actuator/health",
    "/cgi-bin/luci",
    "/boaform/admin/formLogin",
];

/// The user agents that stand last in the list; `-` among them.
pub const BOTS: [&str; 29] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "GPTBot/1.0 (+https://openai.com/gptbot)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "Applebot/0.1",
    "curl/7.88.1",
    "curl/8.4.0",
    "Wget/1.21.3",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "Go-http-client/2.0",
    "okhttp/4.9.3",
    "Java/17.0.8",
    "PostmanRuntime/7.32.3",
    "kube-probe/1.27",
    "ELB-HealthChecker/2.0",
    "Prometheus/2.45.0",
    "axios/1.4.0",
    "-",
];

/// Some 180 browsers, then the bots.
fn agents() -> Vec<String> {
    const DESKTOPS: [&str; 4] = [
        "Windows NT 10.0; Win64; x64",
        "Windows NT 6.1; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
    ];
    let mut agents = Vec::new();
    for version in (96..126).rev() {
        agents.extend(DESKTOPS.iter().map(|system| format!(
            "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.{}.{} Safari/537.36",
            4500 + version, version % 90
        )));
    }
    for version in 90..112 {
        let system = DESKTOPS[version % 4];
        agents.push(format!(
            "Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
        ));
    }
    for (version, minor) in (10..18).flat_map(|version| [(version, 1), (version, 4)]) {
        agents.push(format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {version}_{minor} like Mac OS X) AppleWebKit/605.1.15 \
             (KHTML, like Gecko) Version/{version}.{minor} Mobile/15E148 Safari/604.1"
        ));
    }
    for model in ["SM-G991B", "Pixel 6", "Pixel 7", "SM-A525F", "M2101K6G", "CPH2387"] {
        agents.extend([113, 119].map(|version| {
            format!(
                "Mozilla/5.0 (Linux; Android 1{}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/{version}.0.0.0 Mobile Safari/537.36",
                version % 4
            )
        }));
    }
    agents.extend(BOTS.iter().map(|bot| (*bot).to_owned()));
    agents
}
