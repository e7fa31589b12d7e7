//! What a log may hold to harm who looks at it.

use crate::browser::Browser;
use crate::common::{ok, text};
use crate::open;
use crate::server::Site;

/// Everything that a log may hold to harm who looks at it.
const HOSTILE: [&str; 7] = [
    "/<script>alert(1)</script>",
    "/<img/src=x/onerror=alert(1)>",
    "/\\\"onmouseover=alert(1)",
    "/\u{1b}[31mred\u{1b}[0m\u{7}",
    "/\u{202e}gnp.exe\u{202c}",
    "/javascript:alert(1)",
    "/&lt;b&gt;{{7*7}}${7*7}",
];

#[test]
#[ignore = "needs the browser that cargo xtask test finds"]
fn a_hostile_log_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access.log");
    let line = |path: &str| {
        format!(
            "203.0.113.9 - <b>x</b> [10/Mar/2026:14:30:00 +0000] \"GET {path} HTTP/1.1\" 404 5 \
             \"http://<svg onload=alert(1)>/\" \"<script>alert(2)</script>\"\n"
        )
    };
    std::fs::write(&log, HOSTILE.map(line).concat()).unwrap();
    let data = text(&folder.path().join("data")).to_owned();
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
    let site = Site::serving(folder, &data);
    let mut browser = Browser::start();
    for address in [
        "/?last=all",
        "/?last=all&page=%3Cscript%3Ealert(1)%3C%2Fscript%3E&agent=%3Cimg%20src%3Dx%3E",
    ] {
        open(&mut browser, &site.address(address));
        let made = browser.eval(
            "document.querySelectorAll('main script, main img, main b b, svg[onload], [onerror], [onmouseover]').length",
        );
        assert_eq!(made, 0);
    }
    open(&mut browser, &site.address("/?last=all"));
    let keys = browser
        .eval("[...document.querySelectorAll('#list-pages .key')].map((key) => key.innerText)");
    assert_eq!(keys.as_array().unwrap().len(), HOSTILE.len(), "{keys}");
    let keys = keys.to_string();
    assert!(keys.contains("<script>alert(1)</script>") && keys.contains("u202egnp"), "{keys}");
    assert!(!keys.contains('\u{202e}') && !keys.contains('\u{1b}'), "{keys}");
    browser.hover("#list-pages tbody tr");
    browser.click("#list-pages tbody tr .to-lines");
    browser.wait("document.querySelectorAll('#lines li').length > 0");
    assert_eq!(
        browser.eval("document.querySelectorAll('#lines li script, #lines li img').length"),
        0
    );
    assert_eq!(browser.complaints(), [""; 0]);
    // The same in a file that was kept.
    let kept = site.folder().join("kept.html");
    ok(&["report", "--data", &data, "--html", text(&kept)]);
    open(&mut browser, &format!("file://{}", kept.display()));
    assert!(browser.text("#list-pages").contains("<script>alert(1)</script>"));
    assert_eq!(browser.eval("document.querySelectorAll('main script, main img').length"), 0);
    assert_eq!(browser.complaints(), [""; 0]);
}
