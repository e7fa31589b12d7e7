//! Processes that run until the test ends.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

/// Is killed when the test ends, whatever happens.
pub struct Running(pub Child);

impl Running {
    /// Starts the command.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Starts a command that serves; the URL that it tells on its standard error, the rest of which is
    /// read and dropped.
    pub fn serving(command: &mut Command) -> (Self, String) {
        let (running, url, rest) = Self::heard(command);
        std::thread::spawn(move || rest.count());
        (running, url)
    }

    /// The same; the rest is the caller's to read.
    pub fn heard(command: &mut Command) -> (Self, String, Lines<BufReader<ChildStderr>>) {
        let mut running = Self::start(command.stderr(Stdio::piped()));
        let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
        let url = lines
            .find_map(|line| line.unwrap().strip_prefix("listening on ").map(str::to_owned))
            .expect("the server does not start");
        (running, url, lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
