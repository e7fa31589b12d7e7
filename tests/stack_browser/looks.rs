//! Readable on any screen and in any scheme, and quick.

use crate::browser::Browser;
use crate::common::{ok, text};
use crate::server::Site;
use crate::{count, open};

/// An empty index and one line are as readable as a busy day; nothing overflows on a phone.
#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn empty_and_tiny_logs_are_readable_on_any_screen() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data")).to_owned();
    std::fs::create_dir_all(folder.path().join("data/archive")).unwrap();
    let site = Site::serving(folder, &data);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/"));
    assert!(browser.text("#welcome").contains("Nothing has come in yet"));
    let log = site.folder().join("access.log");
    let line =
        "203.0.113.9 - - [10/Mar/2026:14:30:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n";
    std::fs::write(&log, line).unwrap();
    ok(&[
        "run",
        "--to-end",
        "--no-serve",
        "--format",
        "combined",
        "--data",
        &data,
        "--source",
        text(&log),
    ]);
    for (width, height, phone) in [(1440, 900, false), (390, 844, true), (320, 568, true)] {
        for scheme in ["light", "dark"] {
            browser.size(width, height, phone);
            browser.scheme(scheme);
            open(&mut browser, &site.address("/?last=all"));
            assert_eq!(count(&browser.text("#figure-requests .number")), 1);
            let over = browser.eval("document.documentElement.scrollWidth - innerWidth");
            assert_eq!(over, 0, "{width} × {height}");
            let contrasts = browser.eval(CONTRASTS);
            for one in contrasts.as_array().unwrap() {
                assert!(one[1].as_f64().unwrap() >= 4.5, "{scheme}: {one}");
            }
        }
    }
    let nameless = browser.eval(
        "[...document.querySelectorAll('button, input, a')].filter((one) => one.checkVisibility() && \
         !(one.innerText || one.getAttribute('aria-label') || one.closest('label'))).length",
    );
    assert_eq!(nameless, 0);
    assert_eq!(browser.complaints(), [""; 0]);
}

/// The contrast of texts with what is behind them (WCAG 2, 1.4.3).
const CONTRASTS: &str = "(() => {
  const parse = (colour) => { const parts = colour.match(/[\\d.]+/g).map(Number);
    return colour.startsWith('color(') ? [...parts.slice(0, 3).map((v) => v * 255), ...parts.slice(3)] : parts; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => { for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor); if (colour[3] === undefined || colour[3] > 0.5) return colour; } return [255, 255, 255]; };
  return ['h1', '.figure h2', '.figure .more', '.changes', '.note', '.sub', '#stand', '.list .s', '.list .key', '#ranges button', '#ranges button[aria-pressed=true]', 'footer']
    .map((selector) => [selector, document.querySelector(selector)]).filter(([, node]) => node)
    .map(([selector, node]) => { const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x); return [selector, (a + 0.05) / (b + 0.05)]; });
})()";

/// First paint within 1 s and interaction within 100 ms, on a day of minutes. The machine may be busy
/// with other tests, hence the best of a few tries.
#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_day_of_minutes_is_painted_and_answers_at_once() {
    let site = Site::of_a_day(100_000, 38);
    let mut browser = Browser::start();
    let mut paint = f64::MAX;
    let mut interaction = f64::MAX;
    for _ in 0..5 {
        open(&mut browser, &site.address("/?last=all"));
        let first =
            browser.eval("performance.getEntriesByName('first-contentful-paint')[0].startTime");
        paint = paint.min(first.as_f64().unwrap());
        // From a class picked out to the frame that shows it.
        let took = browser.eval(
            "new Promise((done) => { const start = performance.now(); document.querySelector('#classes button').click(); \
             requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))); })",
        );
        interaction = interaction.min(took.as_f64().unwrap());
    }
    println!("first paint {paint:.0} ms, interaction {interaction:.0} ms");
    assert!(paint < 1000.0, "first paint after {paint} ms");
    assert!(interaction < 100.0, "interaction after {interaction} ms");
}

/// The README's pictures: `TWOFOLD_TEST_PICTURES=docs/screenshots` keeps them.
#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn pictures_for_the_readme() {
    let site = Site::until_now(900_000, 39);
    site.publish_before("2h");
    let folder = std::env::var("TWOFOLD_TEST_PICTURES");
    let folder = folder.map_or_else(|_| site.folder().to_owned(), std::path::PathBuf::from);
    let mut browser = Browser::start();
    for (name, width, height, phone, scheme, query) in [
        ("day-light", 1440, 1000, false, "light", "last=24h"),
        ("day-dark", 1440, 1000, false, "dark", "last=24h"),
        ("phone-light", 390, 844, true, "light", "last=6h"),
        ("filter-dark", 1440, 1000, false, "dark", "last=6h&status=404"),
    ] {
        browser.size(width, height, phone);
        browser.scheme(scheme);
        open(&mut browser, &site.address(&format!("/?{query}")));
        // The boundary stands where it is in time, from the first picture on.
        browser.wait("!document.querySelector('.boundary-line').hidden");
        if query == "last=24h" {
            // The generator's traffic rises at half past two in the afternoon.
            browser.wait("document.querySelectorAll('#spikes .event').length > 0");
            browser.wait("document.querySelector('#chart .spike-mark') !== null");
        }
        let stands = browser.eval(
            "(() => { const [over, line] = ['.u-over', '.boundary-line'].map((one) => \
             document.querySelector(`#chart ${one}`).getBoundingClientRect()); \
             return (line.left - over.left) / over.width; })()",
        );
        let series = site.api(&format!("series?{query}&columns=true").replace("&status=404", ""));
        let at = series["columns"]["at"].as_array().unwrap();
        let (from, to) = (at[0].as_f64().unwrap(), at.last().unwrap().as_f64().unwrap() + 60.0);
        let boundary: jiff::Timestamp =
            series["boundary"].as_str().unwrap().replace('Z', ":00Z").parse().unwrap();
        let expected = (boundary.as_second() as f64 - from) / (to - from);
        assert!((stands.as_f64().unwrap() - expected).abs() < 0.01, "{stands}, not {expected}");
        let file = folder.join(format!("{name}.png"));
        browser.picture(&file, false);
        assert!(std::fs::metadata(&file).unwrap().len() > 10_000, "{name} is empty");
    }
}
