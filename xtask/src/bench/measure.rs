//! What a child process cost: CPU and wall time, peak memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// User and system time, in seconds.
    pub cpu: f64,
    /// Wall time, in seconds.
    pub wall: f64,
    /// The largest resident set, in MiB.
    pub peak: f64,
}

/// The wall clock, since the Unix epoch.
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same in whole seconds.
pub fn seconds() -> i64 {
    now().as_secs() as i64
}

/// Runs a command to its end; what it prints is dropped.
pub fn measure(command: &mut Command) -> Result<Measured, String> {
    measure_into(command, Stdio::null())
}

/// What a running process has used since it started; its wall time is not told.
pub fn so_far(pid: u32) -> Result<Measured, String> {
    let cpu = ticks(&format!("/proc/{pid}/stat"), OWN)? as f64 / TICKS_PER_SECOND;
    let peak = resident_peak(pid).unwrap_or(0) as f64 / 1024.0;
    Ok(Measured { cpu, wall: 0.0, peak })
}

/// The same as [`measure`]; what it prints goes to `out`. The CPU time is the difference in what
/// the kernel says that our children have used.
pub fn measure_into(command: &mut Command, out: Stdio) -> Result<Measured, String> {
    let before = children_ticks()?;
    let start = Instant::now();
    let mut child = command.stdout(out).spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(resident_peak(child.id()).unwrap_or(0)).max(resident_tree(child.id()));
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if !status.success() {
        return Err(format!("{command:?} failed: {status}"));
    }
    let ticks = children_ticks()? - before;
    Ok(Measured {
        cpu: ticks as f64 / TICKS_PER_SECOND,
        wall: start.elapsed().as_secs_f64(),
        peak: peak as f64 / 1024.0,
    })
}

/// `sysconf(_SC_CLK_TCK)`: 100 on every Linux that we know.
const TICKS_PER_SECOND: f64 = 100.0;

/// Where user and system time stand in `stat` behind the name (proc(5), fields 14 to 17): a
/// process's own, and its children's.
const OWN: usize = 11;
const CHILDRENS: usize = 13;

fn children_ticks() -> Result<u64, String> {
    ticks("/proc/self/stat", CHILDRENS)
}

/// User and system time together.
fn ticks(path: &str, at: usize) -> Result<u64, String> {
    let stat = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(at).take(2);
    Ok(fields.filter_map(|field| field.parse::<u64>().ok()).sum())
}

/// The high-water mark of a process, in KiB.
fn resident_peak(pid: u32) -> Option<u64> {
    status_kib(pid, "VmHWM:")
}

fn status_kib(pid: u32, field: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The resident sets of a process and its descendants in KiB, now. A child that has just been
/// forked and shares its parent's pages is counted twice for that instant, if it is met.
fn resident_tree(pid: u32) -> u64 {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let children: Vec<u32> =
        children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect();
    if children.is_empty() {
        return status_kib(pid, "VmRSS:").unwrap_or(0);
    }
    status_kib(pid, "VmRSS:").unwrap_or(0) + children.into_iter().map(resident_tree).sum::<u64>()
}
