//! Secrets are shown nowhere: not by `config show`, not in an error, not in the log at its loudest.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

use common::{Traffic, ok, text, twofold};

const TOKEN: &str = "token-of-a-test-that-must-not-be-seen";

#[test]
fn config_show_hides_them() {
    for json in [&[][..], &["--json"]] {
        let show = [&["config", "show"], json].concat();
        let output = twofold(&show).env("TWOFOLD_SERVE_TOKEN", TOKEN).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("(hidden)") && said.contains("TWOFOLD_SERVE_TOKEN"), "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[test]
fn an_error_about_a_secret_does_not_quote_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twofold.toml");
    std::fs::write(&file, format!("[serve]\ntoken = [\"{TOKEN}\"]\n")).unwrap();
    let output = twofold(&["--config", text(&file), "config", "check"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("serve.token"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
}

#[test]
fn the_log_at_its_loudest_does_not_show_the_token() {
    let traffic = Traffic::new("demo", 1_000, 71);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let mut child = twofold(&["serve", "--data", &data, "--listen", "127.0.0.1:0"])
        .env("TWOFOLD_LOG", "trace")
        .env("TWOFOLD_SERVE_TOKEN", TOKEN)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let address = lines
        .find_map(|line| {
            let line = line.unwrap();
            said += &line;
            line.strip_prefix("listening on ").map(str::to_owned)
        })
        .unwrap();
    let rest = std::thread::spawn(move || {
        lines.map_while(Result::ok).fold(String::new(), |all, line| all + &line + "\n")
    });
    let asked = |token: &str| {
        let request = ureq::get(format!("{address}/api/v1/status"));
        request.header("Authorization", format!("Bearer {token}")).call()
    };
    assert_eq!(asked(TOKEN).unwrap().status(), 200);
    let wrong = asked(&format!("{TOKEN}x")).unwrap_err().to_string();
    assert!(wrong.contains("401"), "{wrong}");
    child.kill().unwrap();
    child.wait().unwrap();
    said += &rest.join().unwrap();
    assert!(!said.contains(TOKEN), "{said}");
}

/// An index that refuses everybody is asked with a login; the client's own traces are shown, too.
#[test]
fn the_log_at_its_loudest_does_not_show_the_index_s_login() {
    for (name, secret, sent) in [
        (
            "TWOFOLD_INDEX_PASSWORD",
            "password-of-a-test",
            "Basic ZWxhc3RpYzpwYXNzd29yZC1vZi1hLXRlc3Q=",
        ),
        ("TWOFOLD_INDEX_API_KEY", "a2V5LW9mLWEtdGVzdA==", "ApiKey a2V5LW9mLWEtdGVzdA=="),
    ] {
        let (url, requests) = refuses_everybody();
        let mut setup = twofold(&["setup", "--index", &url]);
        setup.env("TWOFOLD_LOG", "trace").env(name, secret);
        if name.ends_with("PASSWORD") {
            setup.env("TWOFOLD_INDEX_USERNAME", "elastic");
        }
        let output = setup.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("401"), "{said}");
        assert!(said.contains("TRACE") || said.contains("DEBUG"), "the log is not loud: {said}");
        let request = requests.recv().unwrap();
        assert!(request.contains(sent), "the login was sent: {request}");
        let encoded = sent.rsplit(' ').next().unwrap();
        assert!(!said.contains(secret) && !said.contains(encoded), "{said}");
    }
}

/// A server that answers 401 to each request, and passes on what it was asked.
fn refuses_everybody() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = vec![0; 64 * 1024];
            let length = stream.read(&mut request).unwrap();
            let _ = sender.send(String::from_utf8_lossy(&request[..length]).into_owned());
            let _ = stream.write_all(
                b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
            );
        }
    });
    (url, requests)
}

#[test]
fn a_server_for_others_does_not_start_open() {
    let traffic = Traffic::new("demo", 100, 72);
    let data = traffic.data("data");
    ok(&["run", "--to-end", "--no-serve", "--data", &data, "--source", text(&traffic.log)]);
    let serve = ["serve", "--data", &data, "--listen", "0.0.0.0:0"];
    let output = twofold(&serve).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("serve.token_file") && said.contains("behind_proxy"), "{said}");
}
