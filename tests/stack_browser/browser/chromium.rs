//! The browser's process, and messages to and from it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What it is started with: nothing of the machine's, nothing from outside, no window.
const FLAGS: [&str; 16] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--lang=en",
    "--remote-debugging-pipe",
];

/// A running browser.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    number: u64,
    /// What it told by itself so far.
    pub events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Chromium {
    pub fn start() -> Self {
        let program = std::env::var("TWOFOLD_TEST_CHROMIUM").expect(
            "TWOFOLD_TEST_CHROMIUM names no browser: run `cargo xtask test`, which finds one",
        );
        let profile = tempfile::tempdir().unwrap();
        // The browser reads file descriptor 3 and writes 4; a process group of its own lets us end
        // its helpers with it.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null", &program])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, from) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                if let Ok(value) = serde_json::from_slice(&message)
                    && sender.send(value).is_err()
                {
                    break;
                }
                message.clear();
            }
        });
        Self { child, to, from, number: 0, events: Vec::new(), _profile: profile }
    }

    /// Calls a method and waits for its answer.
    #[track_caller]
    pub fn call(&mut self, session: &str, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if !session.is_empty() {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser has gone");
        self.to.flush().unwrap();
        let until = Instant::now() + super::PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let got = self.from.recv_timeout(left);
            let got = got.unwrap_or_else(|_| panic!("no answer to {method} {parameters}"));
            if got["id"] != self.number {
                self.events.push(got);
                continue;
            }
            assert!(got["error"].is_null(), "{method} {parameters}: {got}");
            return got["result"].clone();
        }
    }

    /// Takes in what it tells within so long.
    pub fn listen(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Ok(event) =
            self.from.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.events.push(event);
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
