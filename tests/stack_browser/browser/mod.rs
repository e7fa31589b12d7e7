//! A headless Chromium, driven over the DevTools protocol as a person would drive it.
//!
//! The protocol goes over two pipes (`--remote-debugging-pipe`), which Chromium reads from file
//! descriptor 3 and writes to 4: messages are JSON, each followed by a NUL. A shell puts our
//! pipes there. So the tests need no WebSocket and no driver of the browser's own version.
#![allow(dead_code, reason = "each test file uses its part")]

mod chromium;

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use chromium::Chromium;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A window with one page in it.
pub struct Browser {
    chromium: Chromium,
    session: String,
}

impl Browser {
    /// Starts one, with an empty page of 1440 × 1000.
    ///
    /// # Panics
    /// Where `TWOFOLD_TEST_CHROMIUM`, which `cargo xtask test` sets, does not name one.
    pub fn start() -> Self {
        let mut chromium = Chromium::start();
        let target = chromium.call("", "Target.createTarget", json!({ "url": "about:blank" }));
        let target = target["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = chromium.call("", "Target.attachToTarget", attach);
        let session = session["sessionId"].as_str().unwrap().to_owned();
        let mut browser = Self { chromium, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.size(1440, 1000, false);
        browser
    }

    /// Calls a method of the protocol for the page.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        let session = self.session.clone();
        self.chromium.call(&session, method, parameters)
    }

    /// Opens an address and waits until it is loaded.
    pub fn open(&mut self, url: &str) {
        self.chromium.events.retain(|event| event["method"] != "Page.loadEventFired");
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        let until = Instant::now() + PATIENCE;
        let loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.chromium.events.iter().any(loaded) {
            assert!(Instant::now() < until, "{url} does not load");
            self.chromium.listen(Duration::from_millis(50));
        }
    }

    /// The size of the window, and whether it is a phone's.
    pub fn size(&mut self, width: u32, height: u32, phone: bool) {
        let ratio = if phone { 2 } else { 1 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": ratio, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        self.call("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone }));
    }

    /// `light` or `dark`, as the system prefers it.
    pub fn scheme(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// What an expression is, on the page.
    #[track_caller]
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// The text of the first element of a selector.
    #[track_caller]
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.eval(&format!("document.querySelector({selector:?})?.innerText"));
        found.as_str().unwrap_or_else(|| panic!("there is no {selector}")).to_owned()
    }

    /// Waits until an expression is true; returns how long that took.
    #[track_caller]
    pub fn wait(&mut self, expression: &str) -> Duration {
        let start = Instant::now();
        while self.eval(expression) != true {
            if start.elapsed() > PATIENCE {
                let body = self.eval("document.body.innerText");
                panic!(
                    "not true after {PATIENCE:?}: {expression}\n{body}\n{:?}",
                    self.complaints()
                );
            }
            self.chromium.listen(Duration::from_millis(20));
        }
        start.elapsed()
    }

    /// The middle of an element, which is brought into view.
    #[track_caller]
    pub fn middle(&mut self, selector: &str) -> (f64, f64) {
        let middle = self.eval(&format!(
            "(() => {{ const found = document.querySelector({selector:?}); if (!found) return null; \
             found.scrollIntoView({{ block: 'center' }}); const at = found.getBoundingClientRect(); \
             return [at.left + at.width / 2, at.top + at.height / 2]; }})()"
        ));
        let [x, y] = [&middle[0], &middle[1]].map(Value::as_f64);
        x.zip(y).unwrap_or_else(|| panic!("there is no {selector}"))
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64), buttons: u32) {
        let parameters = json!({
            "type": kind, "x": x, "y": y, "button": if kind == "mouseMoved" { "none" } else { "left" },
            "buttons": buttons, "clickCount": 1,
        });
        self.call("Input.dispatchMouseEvent", parameters);
    }

    /// Moves the mouse to a place.
    pub fn hover_at(&mut self, place: (f64, f64)) {
        self.mouse("mouseMoved", place, 0);
    }

    /// Moves the mouse over an element.
    #[track_caller]
    pub fn hover(&mut self, selector: &str) {
        let place = self.middle(selector);
        self.hover_at(place);
    }

    /// Clicks on an element.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let place = self.middle(selector);
        self.hover_at(place);
        self.mouse("mousePressed", place, 1);
        self.mouse("mouseReleased", place, 0);
    }

    /// Drags from one place to another.
    pub fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.hover_at(from);
        self.mouse("mousePressed", from, 1);
        self.mouse("mouseMoved", ((from.0 + to.0) / 2.0, from.1), 1);
        self.mouse("mouseMoved", to, 1);
        self.mouse("mouseReleased", to, 0);
    }

    /// Presses a key, such as `ArrowLeft` or `u`.
    pub fn press(&mut self, key: &str) {
        let text = if key.len() == 1 { key } else { "" };
        // What the browser itself does at a key (closing a dialog) it does by this number.
        let number = if key == "Escape" { 27 } else { 0 };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call(
                "Input.dispatchKeyEvent",
                json!({
                    "type": kind, "key": key, "code": key, "text": text,
                    "windowsVirtualKeyCode": number,
                }),
            );
        }
    }

    /// Writes what the window shows, or (`whole`) the whole page, as a picture.
    pub fn picture(&mut self, file: &Path, whole: bool) {
        let parameters = json!({ "format": "png", "captureBeyondViewport": whole });
        let mut parameters = parameters;
        if whole {
            let size = self.eval("[innerWidth, document.documentElement.scrollHeight]");
            parameters["clip"] =
                json!({ "x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1 });
        }
        let answer = self.call("Page.captureScreenshot", parameters);
        let data = answer["data"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// What the page complained of so far: exceptions, errors on the console (violations of the
    /// content security policy are among them), dialogs that opened.
    pub fn complaints(&mut self) -> Vec<String> {
        self.chromium.listen(Duration::from_millis(50));
        let complaint = |event: &Value| match event["method"].as_str()? {
            "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => Some(event.to_string()),
            "Runtime.consoleAPICalled" if event["params"]["type"] == "error" => {
                Some(event.to_string())
            }
            "Log.entryAdded" if event["params"]["entry"]["level"] == "error" => {
                Some(event.to_string())
            }
            _ => None,
        };
        self.chromium.events.iter().filter_map(complaint).collect()
    }

    /// The addresses that were asked for.
    pub fn requested(&mut self) -> Vec<String> {
        self.chromium.listen(Duration::from_millis(50));
        let events = self.chromium.events.iter();
        let sent = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned))
            .collect()
    }
}
