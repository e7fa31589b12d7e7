//! A broker that holds the log, shared by the jobs and peers that read a topic.

use std::cell::RefCell;
use std::process::Command;
use std::rc::{Rc, Weak};

use super::Bench;
use crate::run;
use crate::stack::{Server, Stack};

/// The topic that holds the log.
pub const TOPIC: &str = "bench";

/// The topic's partitions.
const PARTITIONS: &str = "4";

thread_local! {
    static SHARED: RefCell<Weak<RefCell<Broker>>> = const { RefCell::new(Weak::new()) };
}

/// A broker, and what else is started beside it. All stops with the last who holds it.
#[derive(Default)]
pub struct Broker {
    started: Vec<Server>,
    filled: bool,
}

impl Broker {
    /// The one broker of this process.
    pub fn shared() -> Rc<RefCell<Self>> {
        SHARED.with_borrow_mut(|shared| {
            shared.upgrade().unwrap_or_else(|| {
                let broker = Rc::new(RefCell::new(Self::default()));
                *shared = Rc::downgrade(&broker);
                broker
            })
        })
    }

    fn stack(&self) -> Stack {
        Stack::at(run::target().join("xtask").join("bench-stack"))
    }

    /// Starts a server beside it, once.
    pub fn start(&mut self, server: Server) -> Result<(), String> {
        // Also what fails to answer in time may come up, and the folder is the bench's own.
        if !self.started.contains(&server) {
            self.started.push(server);
        }
        self.stack().up(&[server]).map(drop)
    }

    /// Starts it and ships the log into it, once.
    pub fn fill(&mut self, bench: &Bench) -> Result<(), String> {
        if self.filled {
            return Ok(());
        }
        self.start(Server::Kafka)?;
        let to = format!("kafka://{}/{TOPIC}", self.address()?);
        let mut ship = Command::new(run::twofold());
        ship.arg("ship").arg(bench.log.path()).args(["--to", &to, "--create", PARTITIONS]);
        run::output(&mut ship)?;
        self.filled = true;
        Ok(())
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> Result<String, String> {
        self.variable("TWOFOLD_TEST_KAFKA")
    }

    /// What the stack says in an environment variable.
    pub fn variable(&self, name: &str) -> Result<String, String> {
        let known = self.stack().variables()?.into_iter().find(|(known, _)| known == name);
        known
            .map(|(_, value)| value)
            .ok_or_else(|| format!("{name} is not set: the server is not up"))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.started.is_empty() {
            return;
        }
        if let Err(error) = self.stack().down(&self.started) {
            eprintln!("{error}");
        }
    }
}
