//! What people use today, on the same work: see `xtask/peers/README.md`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use serde_json::Value;

use super::Bench;
use super::broker::{Broker, TOPIC};
use super::job::Job;
use super::measure::{self, Measured};
use crate::run;
use crate::stack::packages;

/// Pinned, so that a figure can be had again.
const PACKAGES: [&str; 4] = ["duckdb==2.0.0", "polars==2.1.0", "chdb==4.4.0", "pyspark==3.5.7"];

/// What a peer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// The raw log.
    Log,
    /// twofold's archive of it.
    Archive,
    /// The topic that holds the log, to aggregate it.
    Topic,
    /// The same, to keep it.
    TopicToKeep,
}

impl Reads {
    /// twofold's jobs that do the same from the same input.
    fn beside(self) -> &'static [&'static str] {
        match self {
            Self::Log => &["speed", "report", "run"],
            Self::Archive => &["batch"],
            Self::Topic => &["kafka-speed", "kafka-speed-es"],
            Self::TopicToKeep => &["kafka-archive"],
        }
    }

    fn is_topic(self) -> bool {
        matches!(self, Self::Topic | Self::TopicToKeep)
    }
}

/// One peer on one kind of input.
pub struct Peer {
    name: &'static str,
    what: &'static str,
    script: Option<&'static str>,
    reads: Reads,
    python: PathBuf,
    /// What Spark needs beside itself to read a topic.
    jars: PathBuf,
    broker: Rc<RefCell<Broker>>,
    archived: bool,
}

/// Every peer.
pub fn all() -> Vec<Peer> {
    let peer = |name, what, script, reads| Peer {
        name,
        what,
        script,
        reads,
        python: PathBuf::new(),
        jars: PathBuf::new(),
        broker: Broker::shared(),
        archived: false,
    };
    use Reads::{Archive, Log, Topic, TopicToKeep};
    vec![
        peer("goaccess-log", "GoAccess, its own panels, raw log", None, Log),
        peer("duckdb-log", "DuckDB, one pass of questions, raw log", Some("duckdb_job.py"), Log),
        peer("polars-log", "Polars, one pass of questions, raw log", Some("polars_job.py"), Log),
        peer("clickhouse-log", "ClickHouse, the same, raw log", Some("clickhouse_job.py"), Log),
        peer("spark-log", "Spark, the same, raw log", Some("spark_job.py"), Log),
        peer("duckdb", "DuckDB, one pass of questions, Parquet", Some("duckdb_job.py"), Archive),
        peer("polars", "Polars, the same, Parquet", Some("polars_job.py"), Archive),
        peer("clickhouse", "ClickHouse, the same, Parquet", Some("clickhouse_job.py"), Archive),
        peer("spark", "Spark, the same, Parquet", Some("spark_job.py"), Archive),
        peer(
            "duckdb-views",
            "DuckDB, minute, hour and day views",
            Some("duckdb_views.py"),
            Archive,
        ),
        peer("polars-views", "Polars, the same views", Some("polars_views.py"), Archive),
        peer(
            "clickhouse-views",
            "ClickHouse, the same views",
            Some("clickhouse_views.py"),
            Archive,
        ),
        peer(
            "spark-kafka",
            "Spark Structured Streaming, three counts a minute, from Kafka",
            Some("spark_stream.py"),
            Topic,
        ),
        peer(
            "spark-kafka-archive",
            "Spark Structured Streaming, Kafka → Parquet",
            Some("spark_stream.py"),
            TopicToKeep,
        ),
    ]
}

/// Fields that are held against the generator's answers, where a script answers them; each must at least
/// say the first.
const ANSWERS: [&str; 7] =
    ["requests", "bytes", "status", "distinct_clients", "top_clients", "top_pages", "per_minute"];

impl Peer {
    /// Our jobs that it stands beside.
    pub fn beside(&self) -> &'static [&'static str] {
        self.reads.beside()
    }

    fn source(&self, log: &super::log::Log) -> Result<PathBuf, String> {
        let topic = |job: &str| {
            let address = self.broker.borrow().address()?;
            Ok(format!("{job}:{address}/{TOPIC}").into())
        };
        match self.reads {
            Reads::Log => Ok(log.path()),
            Reads::Archive => Ok(log.data().join("archive").join("logs")),
            Reads::Topic => topic("speed"),
            Reads::TopicToKeep => topic("archive"),
        }
    }

    fn command(&self, log: &super::log::Log, out: &Path) -> Result<Command, String> {
        let source = self.source(log)?;
        let Some(script) = self.script else {
            let mut command = Command::new("goaccess");
            command.arg(source).args(["--log-format=COMBINED", "--no-global-config"]);
            command.args(["--no-progress", "-o"]).arg(out);
            return Ok(command);
        };
        let mut command = Command::new(&self.python);
        command.arg(scripts().join(script)).arg(source).arg(out);
        command.env("PYSPARK_PYTHON", &self.python).env("SPARK_LOCAL_IP", "127.0.0.1");
        command.env("SPARK_KAFKA_JARS", &self.jars);
        Ok(command)
    }
}

impl Job for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn prepare(&mut self, bench: &Bench) -> Result<(), String> {
        match self.script {
            None => goaccess()?,
            Some(_) => self.python = python()?,
        }
        if self.reads == Reads::Archive && !self.archived {
            bench.log.clear_data()?;
            run::output(&mut bench.log.twofold(&["archive", "--to-end"], true))?;
            self.archived = true;
        }
        if self.reads.is_topic() {
            self.jars =
                packages::jars_of("spark-kafka", &scripts().join("spark-kafka"), |_| Ok(()))?
                    .folder;
            self.broker.borrow_mut().fill(bench)?;
        }
        Ok(())
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let out = bench.log.folder().join("peer.json");
        let measured = measure::measure(&mut self.command(&bench.log, &out)?)?;
        let said = run::json(&out)?;
        if self.script.is_none() {
            check_goaccess(&said, bench)?;
        } else {
            let answered = |field: &&str| *field == ANSWERS[0] || !said[*field].is_null();
            bench.log.check(&said, &ANSWERS.into_iter().filter(answered).collect::<Vec<_>>())?;
        }
        Ok(measured)
    }
}

/// GoAccess counts a few junk lines otherwise: it must have counted 99.8 % of the requests.
fn check_goaccess(said: &Value, bench: &Bench) -> Result<(), String> {
    let counted = said["general"]["valid_requests"].as_u64().unwrap_or(0);
    if counted * 1000 >= bench.log.lines * 998 {
        return Ok(());
    }
    Err(format!("GoAccess counted {counted} of {} lines", bench.log.lines))
}

fn scripts() -> PathBuf {
    run::root().join("xtask").join("peers")
}

fn goaccess() -> Result<(), String> {
    if run::output(Command::new("goaccess").arg("--version")).is_ok() {
        return Ok(());
    }
    run::seen(Command::new("apt-get").args(["install", "-y", "-qq", "goaccess"]))
        .map_err(|error| format!("{error}\ninstall GoAccess, or name the jobs without it"))
}

/// The Python of a virtual environment that has the peers.
fn python() -> Result<PathBuf, String> {
    let environment = run::target().join("xtask").join("peers");
    let python = environment.join("bin").join("python");
    if !python.exists() {
        run::seen(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run::seen(Command::new(&python).args(pip).args(PACKAGES))?;
    Ok(python)
}
