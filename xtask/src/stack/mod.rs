//! The real servers, as plain processes of this machine: `cargo xtask stack`.
//!
//! Each server has a folder with its data, its log and `server.json`, which says how
//! it was started; the jars and wheels are fetched once into a cache outside of it.

mod elasticsearch;
mod java;
mod kafka;
mod opensearch;
pub mod packages;
mod ports;
mod process;
mod record;
mod s3;
mod server;

use std::path::PathBuf;

use crate::run;
use record::Record;
pub use server::Server;

const HELP: &str = "cargo xtask stack [--at FOLDER] COMMAND [SERVER…]

  up       fetch what is missing, start, wait until they answer
  down     stop, and remove their data
  status   what runs, and where
  env      the variables that the tests read: eval \"$(cargo xtask stack env)\"
  stop     stop, but keep data and port
  kill     the same with kill -9
  start    start again what was stopped or killed

SERVER is kafka, elasticsearch, elasticsearch7, opensearch or s3; `up` without any takes
kafka, elasticsearch and s3, the others take all that were started. --at keeps the
servers of one test apart from those of others (default: target/xtask/stack).";

/// Servers with their data below one folder.
pub struct Stack {
    folder: PathBuf,
}

/// `cargo xtask stack …`
pub fn main(arguments: &[String]) -> Result<(), String> {
    let mut words = arguments.iter();
    let mut stack = Stack::shared();
    let mut command = None;
    let mut servers = Vec::new();
    while let Some(word) = words.next() {
        if word == "--at" {
            let folder = words.next().ok_or("--at needs a folder")?;
            stack.folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
        } else if command.is_none() {
            command = Some(word.as_str());
        } else {
            servers.push(Server::named(word)?);
        }
    }
    stack.obey(command.unwrap_or_default(), &servers)
}

impl Stack {
    /// The one that the developer and `cargo xtask test` share.
    pub fn shared() -> Self {
        Self { folder: run::target().join("xtask").join("stack") }
    }

    /// One apart, whose servers lie below `folder`.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn obey(&self, command: &str, servers: &[Server]) -> Result<(), String> {
        match command {
            "up" if servers.is_empty() => self.up(Server::USUAL).map(drop),
            "up" => self.up(servers).map(drop),
            "down" => self.down(&self.started(servers)),
            "status" => self.status(),
            "env" => self.print_variables(),
            "stop" => self.each(servers, |record| record.stop(process::TERM)),
            "kill" => self.each(servers, |record| record.stop(process::KILL)),
            "start" => self.each(servers, Record::start).and_then(|()| self.status()),
            _ => Err(HELP.to_owned()),
        }
    }

    /// Starts those of `servers` that do not run, and waits until all answer; returns the started ones.
    pub fn up(&self, servers: &[Server]) -> Result<Vec<Server>, String> {
        let down: Vec<Server> =
            servers.iter().copied().filter(|server| !self.runs(*server)).collect();
        let started = self.start_all(&down);
        if started.is_err() {
            // Half a stack is of no use, and nobody would know that it is there.
            for server in &down {
                let _ = self.record(*server).and_then(|record| record.stop(process::KILL));
            }
        }
        started?;
        self.write_variables()?;
        self.status()?;
        Ok(down)
    }

    fn start_all(&self, servers: &[Server]) -> Result<(), String> {
        let mut records = Vec::new();
        for server in servers {
            eprintln!("stack: starting {server}");
            records.push(self.begin(*server)?);
        }
        for record in &records {
            if let Err(error) = record.wait() {
                // Another process may have taken a port between our look and the server's.
                eprintln!("stack: {error}\nstack: once more, on other ports");
                self.begin(record.server)?.wait()?;
            }
        }
        Ok(())
    }

    /// Makes a server's folder anew and starts it; does not wait for it.
    fn begin(&self, server: Server) -> Result<Record, String> {
        let folder = self.folder.join(server.name());
        run::emptied(&folder)?;
        let mut record = server.prepare(&folder)?;
        record.spawn()?;
        Ok(record)
    }

    /// Stops servers and removes their data.
    pub fn down(&self, servers: &[Server]) -> Result<(), String> {
        for server in servers {
            self.record(*server)?.stop(process::TERM)?;
            let folder = self.folder.join(server.name());
            std::fs::remove_dir_all(&folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
            println!("{server} is stopped, its data removed");
        }
        self.write_variables()
    }

    fn status(&self) -> Result<(), String> {
        let servers = self.started(&[]);
        if servers.is_empty() {
            println!("nothing runs; `cargo xtask stack up` starts {}", server::list(Server::USUAL));
        }
        for server in servers {
            println!("{}", self.record(server)?.describe());
        }
        Ok(())
    }

    /// What the tests read from their environment, name and value.
    pub fn variables(&self) -> Result<Vec<(String, String)>, String> {
        let mut all = vec![("TWOFOLD_TEST_XTASK".to_owned(), run::xtask().display().to_string())];
        for server in self.started(&[]) {
            all.extend(self.record(server)?.variables);
        }
        Ok(all)
    }

    fn write_variables(&self) -> Result<(), String> {
        let path = self.folder.join("env");
        let lines: String =
            self.variables()?.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::write(&path, lines))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    fn print_variables(&self) -> Result<(), String> {
        for (name, value) in self.variables()? {
            println!("export {name}='{value}'");
        }
        Ok(())
    }

    fn each(
        &self,
        servers: &[Server],
        action: impl Fn(&mut Record) -> Result<(), String>,
    ) -> Result<(), String> {
        for server in self.started(servers) {
            action(&mut self.record(server)?)?;
        }
        Ok(())
    }

    fn runs(&self, server: Server) -> bool {
        self.record(server).is_ok_and(|record| record.runs())
    }

    /// The named servers; without any, all that were ever started here.
    fn started(&self, named: &[Server]) -> Vec<Server> {
        let all = if named.is_empty() { Server::ALL } else { named };
        let known = |server: &&Server| !named.is_empty() || self.record(**server).is_ok();
        all.iter().filter(known).copied().collect()
    }

    fn record(&self, server: Server) -> Result<Record, String> {
        Record::read(&self.folder.join(server.name()))
    }
}
