//! The numbers shown are those of the API, and told exact from estimated.

use serde_json::Value;

use crate::browser::Browser;
use crate::common::{Traffic, ok, text};
use crate::server::Site;
use crate::{count, open};

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn the_page_shows_what_the_api_says() {
    let site = Site::of_a_day(20_000, 31);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    let totals = site.api("totals");
    let shown = browser.text("#figure-requests .number");
    assert_eq!(count(&shown), totals["measures"]["requests"].as_u64().unwrap());
    let clients = browser.text("#figure-clients .number");
    assert_eq!(count(&clients), totals["distinct_clients"]["value"].as_u64().unwrap());
    for (list, view) in [("pages", "pages"), ("clients", "clients"), ("statuses", "statuses")] {
        let top = site.api(&format!("top/{view}?n=10"));
        for (at, row) in top["rows"].as_array().unwrap().iter().enumerate() {
            let row_of = format!("#list-{list} tbody tr:nth-child({})", at + 1);
            let key = browser.text(&format!("{row_of} .key"));
            assert_eq!(key.trim_end_matches('…'), row["key"].as_str().unwrap());
            let number = browser.text(&format!("{row_of} .n"));
            assert_eq!(count(&number), row["requests"].as_u64().unwrap(), "{key}");
        }
    }
    // Everything is exact once the input has ended, and the page says so.
    let estimates = browser.eval("document.querySelectorAll('main .number.estimate').length");
    assert_eq!(estimates, 0);
    let from_outside = browser.requested();
    assert!(from_outside.iter().all(|url| url.starts_with(&site.address("/"))), "{from_outside:?}");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_kept_report_shows_the_same_numbers() {
    let traffic = Traffic::new("demo", 20_000, 37);
    let kept = traffic.folder.path().join("kept.html");
    ok(&["report", text(&traffic.log), "--html", text(&kept)]);
    let mut browser = Browser::start();
    open(&mut browser, &format!("file://{}", kept.display()));
    let requests = count(&browser.text("#figure-requests .number"));
    assert_eq!(requests, traffic.answers["requests"].as_u64().unwrap());
    let pages = traffic.answers["top_pages"].as_array().unwrap();
    assert_eq!(
        browser.text("#list-pages tbody tr:first-child .key"),
        pages[0][0].as_str().unwrap()
    );
    assert_eq!(browser.eval("document.querySelectorAll('main .number.estimate').length"), 0);
    let asked = browser.requested();
    assert!(
        asked.iter().all(|url| url.starts_with("file:") || url.starts_with("data:")),
        "{asked:?}"
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

/// What the API says of the clients, and what the page says where one points at their number.
///
/// The estimate moves a little when the speed layer writes an hour in place of its minutes, so the
/// two are held against each other only where the API said the same before the page and after it.
fn clients_and_their_tip(site: &Site, browser: &mut Browser) -> (Value, String) {
    for _ in 0..20 {
        let clients = || site.api("totals")["distinct_clients"].clone();
        let before = clients();
        open(browser, &site.address("/?last=all"));
        browser.hover("#figure-clients .number");
        browser.wait("!document.querySelector('#tip').hidden");
        let tip = browser.text("#tip");
        if clients() == before {
            return (before, tip);
        }
    }
    panic!("the estimate of the clients never stands still");
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn hover_and_keys_tell_exact_from_estimated() {
    let site = Site::live(3_000, 34);
    let mut browser = Browser::start();
    let (clients, tip) = clients_and_their_tip(&site, &mut browser);
    assert!(browser.text("#stand").contains("Estimates only"));
    let [low, high] = ["low", "high"].map(|end| clients[end].as_u64().unwrap());
    assert!(tip.starts_with("Estimated: from"), "{tip}");
    let numbers: Vec<u64> = tip
        .split(" to ")
        .map(|part| part.split(',').take(2).collect::<String>())
        .map(|part| count(&part))
        .collect();
    assert_eq!(numbers[0], low, "{tip} {high}");
    browser.eval("document.querySelector('#chart').focus()");
    browser.press("End");
    browser.wait("document.querySelector('.chart-tip .surely.estimate') !== null");
    browser.press("ArrowLeft");
    browser.wait("document.querySelector('#chart-said').innerText.includes('requests')");
    assert_eq!(browser.complaints(), [""; 0]);
}

/// The four numbers at the top are held against a day and a week before, with a filter too.
#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn changes_are_held_against_a_day_and_a_week_before() {
    let site = Site::until_now(60_000, 40);
    site.publish_before("2h");
    let mut browser = Browser::start();
    let day = |ago: i64| {
        let end = jiff::Timestamp::now().as_second() / 3600 - 3 - 24 * ago;
        [end - 12, end].map(|hour| {
            let at = jiff::Timestamp::from_second(hour * 3600).unwrap();
            at.strftime("%Y-%m-%dT%H:%MZ").to_string()
        })
    };
    let range = |[from, to]: [String; 2]| format!("from={from}&to={to}");
    for (filter, question) in
        [("", "totals?"), ("&status=404", "slice?"), ("&status=404&kind=bot", "slice?")]
    {
        let requests = |ago| {
            let answer = site.api(&format!("{question}{}{filter}", range(day(ago))));
            let totals = if filter.is_empty() { &answer } else { &answer["totals"] };
            totals["measures"]["requests"].as_f64().unwrap()
        };
        let now = requests(0);
        open(&mut browser, &site.address(&format!("/?{}{filter}", range(day(0)))));
        for (name, ago) in [("day", 1), ("week", 7)] {
            let change = 100.0 * (now - requests(ago)) / requests(ago);
            let size = format!("{:.1}", change.abs());
            let sign = if size == "0.0" {
                "±"
            } else if change > 0.0 {
                "+"
            } else {
                "−"
            };
            let text = format!("{sign}{size}%");
            browser.wait(&format!(
                "document.querySelector('#figure-requests [data-before={name}] b').innerText === '{text}'"
            ));
        }
        // Every row has its course, whether the index tells it or the archive.
        let courses = "[...document.querySelectorAll('#list-clients .trend-line')]";
        browser.wait(&format!(
            "{courses}.length > 5 && {courses}.every((line) => line.getAttribute('d').includes('L'))"
        ));
    }
    assert_eq!(browser.complaints(), [""; 0]);
}
