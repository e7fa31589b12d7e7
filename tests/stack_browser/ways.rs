//! A person finds the way: ranges, filters, the lines behind a number, who caused a spike.

use serde_json::Value;

use crate::browser::Browser;
use crate::server::Site;
use crate::{count, open, requests_are};

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn ranges_zoom_and_back_stand_in_the_address() {
    let site = Site::of_a_day(20_000, 32);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    let all = count(&browser.text("#figure-requests .number"));
    browser.click("#ranges [data-last='6h']");
    let shown = requests_are(&site.api("totals?last=6h")["measures"]["requests"]);
    browser.wait(&shown);
    assert_eq!(browser.eval("location.search"), "?last=6h");
    // Zooming by dragging: the middle third of the chart.
    browser.middle("#chart .u-over");
    let at = browser.eval(
        "(() => { const at = document.querySelector('#chart .u-over').getBoundingClientRect(); \
         return [at.left, at.top + at.height / 2, at.width]; })()",
    );
    let [left, y, width] = [0, 1, 2].map(|i| at[i].as_f64().unwrap());
    browser.drag((left + width / 3.0, y), (left + width * 2.0 / 3.0, y));
    browser.wait("location.search.startsWith('?from=')");
    browser.wait(&format!("!({shown})"));
    let query = browser.eval("location.search").as_str().unwrap().to_owned();
    let zoomed = site.api(&format!("totals{query}"))["measures"]["requests"].clone();
    browser.wait(&requests_are(&zoomed));
    browser.eval("history.back()");
    browser.wait(&shown);
    // A view that is shared shows the same.
    open(&mut browser, &site.address(&format!("/{query}")));
    assert_eq!(count(&browser.text("#figure-requests .number")), zoomed.as_u64().unwrap());
    assert!(zoomed.as_u64().unwrap() < all);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_click_on_a_value_filters_and_leads_to_the_lines() {
    let site = Site::of_a_day(20_000, 33);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    let page = browser.text("#list-errors tbody tr:nth-child(2) .key");
    let statuses = "[...document.querySelectorAll('#list-statuses .key')]";
    browser.eval(&format!("{statuses}.find((key) => key.innerText === '404').id = 'the-404'"));
    browser.click("#the-404");
    browser.wait("location.search.includes('status=404')");
    let slice = site.api("slice?status=404&step=1h");
    let wanted = slice["totals"]["measures"]["requests"].clone();
    browser.wait(&requests_are(&wanted));
    // A second condition: no row has both, the archive answers.
    browser.click("#filters [data-kind=bot]");
    let slice = site.api("slice?status=404&kind=bot&step=1h");
    assert_eq!(slice["source"], "archive");
    browser.wait(&requests_are(&slice["totals"]["measures"]["requests"]));
    browser.press("x");
    browser.wait("!location.search.includes('status')");
    browser.wait("document.querySelector('#filters .chip') === null");
    // The lines behind a row.
    browser.hover("#list-errors tbody tr:nth-child(2)");
    browser.click("#list-errors tbody tr:nth-child(2) .to-lines");
    browser.wait("document.querySelectorAll('#lines li').length > 0");
    let lines =
        browser.eval("[...document.querySelectorAll('#lines code')].map((one) => one.innerText)");
    for line in lines.as_array().unwrap() {
        let line = line.as_str().unwrap();
        assert!(
            line.contains(&page) && (line.contains("\" 404 ") || line.contains("\" 5")),
            "{line}"
        );
    }
    browser.press("Escape");
    browser.wait("!document.querySelector('#lines').open");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_spike_is_marked_and_leads_to_who_caused_it() {
    let site = Site::of_a_day(60_000, 41);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    browser.wait("document.querySelectorAll('#spikes .event').length > 0");
    let spikes = site.api("spikes");
    let at_half_past_two = |spike: &&Value| {
        spike["quantity"] == "requests"
            && spike["scope"] == "all"
            && spike["@timestamp"].as_str().unwrap().ends_with("T14:30Z")
    };
    let spike = spikes["spikes"].as_array().unwrap().iter().find(at_half_past_two).unwrap();
    let event = browser.text("#spikes .event:first-child");
    assert!(event.contains("Requests: ") && event.contains("14:30"), "{event}");
    assert!(event.contains("Confirmed by the exact minutes"), "{event}");
    let page = spike["causes"]["pages"][0]["key"].as_str().unwrap().to_owned();
    assert!(event.contains(&page), "{event} {page}");
    // Marked where it is: the mark's middle is that of its minutes.
    let marked = browser.eval(
        "(() => { const [mark, over] = ['.spike-mark', '#chart .u-over'].map((one) => document.querySelector(one).getBoundingClientRect()); \
         return (mark.left + mark.width / 2 - over.left) / over.width; })()",
    );
    let marked = marked.as_f64().unwrap() * 24.0;
    assert!((14.3..14.9).contains(&marked), "marked at {marked} o'clock");
    // A click on who caused it leads to what it did in these minutes.
    let chips = "[...document.querySelectorAll('#spikes .event:first-child button.cause')]";
    browser
        .eval(&format!("{chips}.find((chip) => chip.innerText.startsWith('page')).id = 'cause'"));
    browser.click("#cause");
    browser.wait("location.search.includes('page=') && location.search.startsWith('?from=')");
    let query = browser.eval("location.search").as_str().unwrap().to_owned();
    let slice = site.api(&format!("slice{query}&step=1m"));
    let wanted = slice["totals"]["measures"]["requests"].clone();
    assert!(wanted.as_u64() >= spike["causes"]["pages"][0]["observed"].as_u64(), "{slice}");
    browser.wait(&requests_are(&wanted));
    // So does the mark itself, without a filter.
    browser.eval("history.back()");
    browser.wait("location.search === '?last=all'");
    browser.wait("document.querySelector('.spike-mark .flag') !== null");
    browser.click(".spike-mark .flag");
    browser.wait("location.search.startsWith('?from=') && !location.search.includes('page=')");
    assert!(browser.text("#accuracy").contains("confirmed by the exact minutes"));
    assert_eq!(browser.complaints(), [""; 0]);
}
