//! Figures, and the file that keeps them between runs of the bench.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::Bench;
use super::job::Job;
use super::machine;
use super::measure::Measured;
use super::scale::Chart;
use crate::run;

/// What the runs of one job took.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The job's name.
    pub name: String,
    /// What the job does.
    pub what: String,
    /// How much work a run is.
    pub amount: f64,
    /// What is counted.
    pub unit: String,
    /// The least, in units per CPU-second.
    pub floor: Option<f64>,
    /// What is aimed at, in units per CPU-second.
    pub goal: Option<f64>,
    /// The runs.
    pub runs: Vec<Measured>,
    /// Sentences for the page.
    pub findings: Vec<String>,
    /// On what machine, with what compiler.
    pub machine: String,
    /// The load average when the last run ended: the job's own, and what else ran.
    pub load: f64,
}

impl Figure {
    /// The figure of a job that has run.
    pub fn new(job: &dyn Job, bench: &Bench, runs: Vec<Measured>) -> Self {
        Self {
            name: job.name().into(),
            what: job.what().into(),
            amount: job.amount(bench) as f64,
            unit: job.unit().into(),
            floor: job.floor(),
            goal: job.goal(),
            runs,
            findings: job.findings(bench),
            machine: machine::describe(),
            load: machine::load(),
        }
    }

    /// The run with the median CPU time.
    pub fn median(&self) -> Measured {
        let mut sorted = self.runs.clone();
        sorted.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// Units per CPU-second, of the median.
    pub fn rate(&self) -> f64 {
        self.amount / self.median().cpu
    }

    fn to_json(&self) -> Value {
        let run = |run: &Measured| json!({ "cpu": run.cpu, "wall": run.wall, "peak": run.peak });
        json!({
            "what": self.what,
            "amount": self.amount,
            "unit": self.unit,
            "floor": self.floor,
            "goal": self.goal,
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "findings": self.findings,
            "machine": self.machine,
            "load": self.load,
        })
    }

    fn of_json(name: &str, value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let run = |run: &Value| {
            let number = |field: &str| run[field].as_f64();
            Some(Measured { cpu: number("cpu")?, wall: number("wall")?, peak: number("peak")? })
        };
        Some(Self {
            name: name.to_owned(),
            what: text(&value["what"])?,
            amount: value["amount"].as_f64()?,
            unit: text(&value["unit"])?,
            floor: value["floor"].as_f64(),
            goal: value["goal"].as_f64(),
            runs: value["runs"].as_array()?.iter().filter_map(run).collect(),
            findings: value["findings"].as_array()?.iter().filter_map(text).collect(),
            machine: text(&value["machine"])?,
            load: value["load"].as_f64().unwrap_or(0.0),
        })
    }
}

/// Where the charts stand beside the jobs.
const CHARTS: &str = "charts";

/// The newest figure of every job: `docs/figures.json`.
pub struct Figures(Map<String, Value>);

impl Figures {
    /// What was measured before.
    pub fn load() -> Result<Self, String> {
        let path = path();
        if !path.exists() {
            return Ok(Self(Map::new()));
        }
        match run::json(&path)? {
            Value::Object(figures) => Ok(Self(figures)),
            _ => Err(format!("{} holds no figures", path.display())),
        }
    }

    /// Replaces a job's figure.
    pub fn put(&mut self, figure: Figure) {
        self.0.insert(figure.name.clone(), figure.to_json());
    }

    /// The figure of a job, if it was measured.
    pub fn get(&self, name: &str) -> Option<Figure> {
        Figure::of_json(name, self.0.get(name)?)
    }

    /// Replaces a chart.
    pub fn put_chart(&mut self, name: &str, chart: &Chart) -> Result<(), String> {
        let chart = serde_json::to_value(chart).map_err(|error| error.to_string())?;
        let charts = self.0.entry(CHARTS).or_insert_with(|| json!({}));
        charts[name] = chart;
        Ok(())
    }

    /// The charts by name.
    pub fn charts(&self) -> BTreeMap<String, Chart> {
        let charts = self.0.get(CHARTS).cloned().unwrap_or_default();
        serde_json::from_value(charts).unwrap_or_default()
    }

    /// Keeps them.
    pub fn save(&self) -> Result<(), String> {
        let text = serde_json::to_string_pretty(&self.0).map_err(|error| error.to_string())?;
        std::fs::write(path(), text + "\n").map_err(|error| error.to_string())
    }
}

fn path() -> PathBuf {
    run::root().join("docs").join("figures.json")
}
