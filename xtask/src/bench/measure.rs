//! What a child process cost: CPU and wall time, peak memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// User and system time, in seconds.
    pub cpu: f64,
    /// Wall time, in seconds.
    pub wall: f64,
    /// The largest resident set, in MiB.
    pub peak: f64,
}

/// Runs a command to its end. Its CPU time is the difference in what the kernel
/// says that our children have used (proc(5), `stat`, fields 16 and 17).
pub fn measure(command: &mut Command) -> Result<Measured, String> {
    let before = children_ticks()?;
    let start = Instant::now();
    let mut child =
        command.stdout(Stdio::null()).spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let mut peak = 0;
    let status = loop {
        peak = peak.max(resident_peak(child.id()).unwrap_or(0));
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

fn children_ticks() -> Result<u64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<u64> = after_name
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    Ok(fields.iter().sum())
}

/// `VmHWM` in KiB.
fn resident_peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
