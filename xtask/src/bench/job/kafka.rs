//! From a topic: the speed layer and the archiver, held against a loop that only consumes.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;

use super::Job;
use crate::bench::Bench;
use crate::bench::broker::{Broker, TOPIC};
use crate::bench::log::EXACT;
use crate::bench::measure::{self, Measured};
use crate::run;
use crate::stack::Server;

/// Where the records of a job end up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// The embedded index.
    Index,
    /// Elasticsearch.
    Elasticsearch,
    /// The archive.
    Archive,
    /// The archive on S3.
    Bucket,
}

impl Into {
    fn is_archive(self) -> bool {
        matches!(self, Self::Archive | Self::Bucket)
    }
}

/// Topic → speed layer or archiver.
pub struct Kafka {
    into: Into,
    broker: Rc<RefCell<Broker>>,
    /// A bare loop over the same topic, run before each run of ours.
    bare: Vec<f64>,
    ours: Vec<f64>,
}

/// The jobs, which share one broker.
pub fn jobs() -> Vec<Box<dyn Job>> {
    let job = |into| -> Box<dyn Job> {
        Box::new(Kafka { into, broker: Broker::shared(), bare: vec![], ours: vec![] })
    };
    [Into::Index, Into::Elasticsearch, Into::Archive, Into::Bucket].map(job).into()
}

impl Job for Kafka {
    fn name(&self) -> &'static str {
        match self.into {
            Into::Index => "kafka-speed",
            Into::Elasticsearch => "kafka-speed-es",
            Into::Archive => "kafka-archive",
            Into::Bucket => "kafka-archive-s3",
        }
    }

    fn what(&self) -> &'static str {
        match self.into {
            Into::Index => "Kafka (4 partitions, lz4) → all speed views in the embedded index",
            Into::Elasticsearch => "Kafka (4 partitions, lz4) → all speed views in Elasticsearch",
            Into::Archive => "Kafka (4 partitions, lz4) → Parquet",
            Into::Bucket => "Kafka (4 partitions, lz4) → Parquet on S3",
        }
    }

    fn floor(&self) -> Option<f64> {
        Some(if self.into.is_archive() { 0.5e6 } else { 0.6e6 })
    }

    fn goal(&self) -> Option<f64> {
        Some(if self.into.is_archive() { 0.7e6 } else { 1e6 })
    }

    fn prepare(&mut self, bench: &Bench) -> Result<(), String> {
        run::cargo(&["build", "--release", "--workspace", "--example", "bare_consume"])?;
        self.broker.borrow_mut().fill(bench)?;
        match self.into {
            Into::Elasticsearch => self.broker.borrow_mut().start(Server::Elasticsearch),
            Into::Bucket => self.broker.borrow_mut().start(Server::S3),
            Into::Index | Into::Archive => Ok(()),
        }
    }

    fn run(&mut self, bench: &Bench) -> Result<Measured, String> {
        let broker = self.broker.borrow();
        let mut bare = Command::new(run::target().join("release/examples/bare_consume"));
        bare.args([&broker.address()?, TOPIC, &bench.log.lines.to_string()]);
        self.bare.push(measure::measure(&mut bare)?.cpu);
        bench.log.clear_data()?;
        let source = format!("kafka://{}/{TOPIC}", broker.address()?);
        let part = if self.into.is_archive() { "archive" } else { "speed" };
        let (index, bucket) = (self.index(&broker)?, self.bucket(&broker)?);
        if !bucket.is_empty() {
            // It makes the bucket.
            run::output(bench.log.twofold(&["setup"], false).envs(bucket.clone()))?;
        }
        let mut command = bench.log.twofold(&[part, "--to-end", "--source", &source], false);
        let measured = measure::measure(command.args(&index).envs(bucket.clone()))?;
        self.ours.push(measured.cpu);
        match self.into.is_archive() {
            true => bench.log.check_audit_of(&bucket)?,
            false => bench.log.check_report_of(&index, &EXACT)?,
        }
        Ok(measured)
    }

    fn findings(&self, bench: &Bench) -> Vec<String> {
        // The first run only warms up.
        let mean = |all: &[f64]| {
            let counted = all.get(1..).filter(|counted| !counted.is_empty()).unwrap_or(all);
            counted.iter().sum::<f64>() / counted.len().max(1) as f64
        };
        let (bare, ours) = (mean(&self.bare), mean(&self.ours));
        vec![format!(
            "`{}`: a loop that takes each message of the same topic and does nothing with it reads {:.0} \
             lines per CPU-second; the job does its work at {:.0} % of that.",
            self.name(),
            bench.log.lines as f64 / bare,
            bare / ours * 100.0
        )]
    }
}

impl Kafka {
    /// The variables that name the bucket; each run has one of its own.
    fn bucket(&self, broker: &Broker) -> Result<Vec<(&'static str, String)>, String> {
        if self.into != Into::Bucket {
            return Ok(Vec::new());
        }
        Ok(vec![
            ("TWOFOLD_ARCHIVE_LOCATION", format!("s3://bench-{}/archive", self.ours.len())),
            ("TWOFOLD_S3_ENDPOINT", broker.variable("TWOFOLD_TEST_S3")?),
            ("TWOFOLD_S3_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", broker.variable("TWOFOLD_TEST_S3_KEY")?),
            ("AWS_SECRET_ACCESS_KEY", broker.variable("TWOFOLD_TEST_S3_SECRET")?),
        ])
    }

    /// The flags that name the index; each run has one of its own.
    fn index(&self, broker: &Broker) -> Result<Vec<String>, String> {
        if self.into != Into::Elasticsearch {
            return Ok(Vec::new());
        }
        let url = broker.variable("TWOFOLD_TEST_ELASTICSEARCH")?;
        let prefix = format!("index.prefix=bench_{}", self.ours.len());
        Ok(vec!["--index".into(), url, "--set".into(), prefix])
    }
}
