//! The page's smaller parts: time zones, the heatmap, percentiles and the drawer of lines, each held
//! against the API.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::server::Site;
use crate::{count, open};

/// The day that the generator writes is a Tuesday.
const TUESDAY: usize = 1;

/// The heatmap's means by weekday and hour; `None` where nothing is stored.
fn heatmap(browser: &mut Browser) -> Vec<Vec<Option<u64>>> {
    let cells = browser.eval(
        "[...document.querySelectorAll('#heatmap tbody tr')].map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText))",
    );
    let text =
        |cell: &Value| Some(cell.as_str().unwrap().trim()).filter(|text| *text != "–").map(count);
    let row = |row: &Value| row.as_array().unwrap().iter().map(text).collect();
    cells.as_array().unwrap().iter().map(row).collect()
}

/// Until when the page says that it is exact, without how long ago it was published.
fn boundary(browser: &mut Browser) -> String {
    let stands = browser.text("#stand");
    stands.split(" · ").next().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn the_heatmap_and_all_times_go_by_the_zone() {
    let site = Site::of_a_day(20_000, 51);
    let mut browser = Browser::start();
    // Nine hours ahead of UTC, without summer time.
    browser.call("Emulation.setTimezoneOverride", json!({ "timezoneId": "Asia/Tokyo" }));
    open(&mut browser, &site.address("/?last=all"));
    browser.wait("document.querySelectorAll('#heatmap tbody tr').length === 7");
    let days = site.api("heatmap")["days"].clone();
    let hours: Vec<u64> =
        days[0]["hours"].as_array().unwrap().iter().map(|hour| hour.as_u64().unwrap()).collect();
    assert_eq!((days.as_array().unwrap().len(), hours.len()), (1, 24), "{days}");
    let utc = heatmap(&mut browser);
    for (hour, requests) in hours.iter().enumerate() {
        assert_eq!(utc[TUESDAY][hour], Some(*requests), "{hour}");
    }
    assert!(utc[TUESDAY + 1].iter().all(Option::is_none), "{utc:?}");
    let stands = boundary(&mut browser);
    browser.press("u");
    browser.wait("document.querySelector('#zone').innerText === 'Local'");
    browser.wait("location.search.includes('zone=local')");
    browser.wait(
        "[...document.querySelectorAll('#heatmap tbody tr:nth-child(3) td')].some((cell) => cell.innerText.trim() !== '–')",
    );
    let local = heatmap(&mut browser);
    for (hour, requests) in hours.iter().enumerate() {
        let at = hour + 9;
        assert_eq!(local[TUESDAY + at / 24][at % 24], Some(*requests), "{hour}");
    }
    // The boundary, Wednesday's first minute, is nine o'clock there.
    assert!(stands.contains("00:0"), "{stands}");
    let stands_there = boundary(&mut browser);
    assert!(stands_there.contains("09:0"), "{stands_there}");
    browser.click("#zone");
    browser.wait("document.querySelector('#zone').innerText === 'UTC'");
    browser.wait("!location.search.includes('zone')");
    assert_eq!(boundary(&mut browser), stands);
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Whether a size or a duration, as the page writes it, is the value, but for its rounding.
fn says(text: &str, value: f64) -> bool {
    let (number, unit) = text.split_once(' ').unwrap_or_else(|| panic!("{text:?} has no unit"));
    let of = match unit {
        "B" | "µs" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => panic!("{text:?} is in no unit that is known"),
    };
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len() as i32);
    let rounded = 0.500_001 * 10f64.powi(-decimals) * of;
    (number.parse::<f64>().unwrap() * of - value).abs() <= rounded
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn percentiles_are_those_of_the_api() {
    let site = Site::of_a_day(20_000, 52);
    let mut browser = Browser::start();
    for query in ["?last=all", "?last=6h"] {
        open(&mut browser, &site.address(&format!("/{query}")));
        browser.wait("document.querySelectorAll('#percentiles tbody tr').length === 4");
        let totals = site.api(&format!("totals{}", query.replace("?last=all", "")));
        for (row, rank) in ["p50", "p90", "p95", "p99"].iter().enumerate() {
            let name = browser.text(&format!("#percentiles tbody tr:nth-child({}) th", row + 1));
            assert!(name.starts_with(rank), "{name}");
            for (column, of) in ["sizes", "durations"].iter().enumerate() {
                let Some(value) = totals[of][rank].as_f64() else { continue };
                let cell = format!(
                    "#percentiles tbody tr:nth-child({}) td:nth-child({})",
                    row + 1,
                    column + 2
                );
                let shown = browser.text(&cell);
                assert!(says(&shown, value), "{query} {of} {rank}: {shown} is not {value}");
            }
        }
        assert!(totals["sizes"]["p50"].is_number(), "{totals}");
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn lines_are_paged_to_their_end() {
    let site = Site::of_a_day(20_000, 53);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    // The status whose lines take two pages and a part of a third, or more.
    let statuses = site.api("top/statuses?n=20")["rows"].as_array().unwrap().clone();
    let wanted = |row: &&Value| (101..1000).contains(&row["requests"].as_u64().unwrap());
    let row = statuses.iter().find(wanted).unwrap_or_else(|| panic!("{statuses:?}"));
    let (status, requests) = (row["key"].as_str().unwrap(), row["requests"].as_u64().unwrap());
    let rows = "[...document.querySelectorAll('#list-statuses tbody tr')]";
    browser.eval(&format!(
        "{rows}.find((row) => row.querySelector('.key').innerText === '{status}').querySelector('.to-lines').id = 'its-lines'"
    ));
    browser.hover("#list-statuses tbody tr");
    browser.click("#its-lines");
    let mut shown = 0;
    while shown < requests {
        shown = (shown + 50).min(requests);
        browser.wait(&format!("document.querySelectorAll('#lines li').length === {shown}"));
        let more = "document.querySelector('#lines button.solid').hidden";
        browser.wait(&format!("{more} === {}", shown == requests));
        if shown < requests {
            browser.click("#lines button.solid");
        }
    }
    let said = browser.text("#lines .note");
    assert!(said.starts_with(&format!("{requests} lines, all")), "{said}");
    let lines =
        browser.eval("[...document.querySelectorAll('#lines code')].map((line) => line.innerText)");
    let api = site.api(&format!("lines?status={status}&limit=1000"));
    let of_api: Vec<&Value> =
        api["lines"].as_array().unwrap().iter().map(|one| &one["line"]).collect();
    assert_eq!(lines.as_array().unwrap().iter().collect::<Vec<_>>(), of_api);
    assert_eq!(browser.complaints(), [""; 0]);
}
