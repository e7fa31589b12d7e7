//! The page in a headless Chromium, driven as a person would: load, pick a range, click a value,
//! hover, watch a publication, lose the server. The numbers shown are held against the API.

mod browser;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod live;
mod looks;
mod numbers;
mod parts;
mod server;
mod ways;

use browser::Browser;

const WHY: &str = "needs the browser that cargo xtask test finds";

/// How many requests the page says there are, in JavaScript.
const REQUESTS: &str =
    r"Number(document.querySelector('#figure-requests .number').innerText.replace(/\D/g, ''))";

/// Whether it says that there are so many, in JavaScript.
fn requests_are(number: impl std::fmt::Display) -> String {
    format!("{REQUESTS} === {number}")
}

fn count(text: &str) -> u64 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{text:?} is no number ({WHY})"))
}

/// Opens the page and waits until it shows numbers.
fn open(browser: &mut Browser, address: &str) {
    browser.open(address);
    browser.wait("performance.getEntriesByName('twofold-shown').length > 0");
}
