//! The page follows what happens: new lines, a publication, a server that goes away.

use crate::browser::Browser;
use crate::server::Site;
use crate::{REQUESTS, count, open};

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_publication_is_seen_to_happen() {
    let mut site = Site::live(3_000, 35);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    assert!(
        browser.eval("document.querySelectorAll('main .number.estimate').length").as_u64()
            > Some(0)
    );
    let requests = count(&browser.text("#figure-requests .number"));
    site.append(500);
    browser.wait(&format!("{REQUESTS} > {requests}"));
    site.publish();
    browser.wait("document.querySelector('#stand').innerText.startsWith('Exact until')");
    browser.wait("!document.querySelector('.boundary-line').hidden || document.querySelector('.estimated-stretch').hidden");
    assert!(browser.text("#stand").contains("generation 1"));
    site.append(500);
    browser.wait("document.querySelector('#pulse').dataset.state === 'live'");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn the_page_outlives_its_server() {
    let mut site = Site::of_a_day(3_000, 36);
    let mut browser = Browser::start();
    open(&mut browser, &site.address("/?last=all"));
    let requests = browser.text("#figure-requests .number");
    site.stop();
    browser.wait("!document.querySelector('#away').hidden");
    assert_eq!(browser.text("#figure-requests .number"), requests);
    browser.wait("document.querySelector('#pulse').dataset.state === 'gone'");
    site.start();
    browser.wait("document.querySelector('#away').hidden");
    browser.wait("document.querySelector('#pulse').dataset.state === 'live'");
    assert_eq!(browser.text("#figure-requests .number"), requests);
}
