//! Processes that outlive this one.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Asks a process to end.
pub const TERM: &str = "TERM";

/// Ends a process at once.
pub const KILL: &str = "KILL";

/// Starts a program in a process group of its own, so that Ctrl-C at the terminal is not for it.
pub fn spawn(
    command: &[String],
    environment: &BTreeMap<String, String>,
    folder: &Path,
    log: &Path,
) -> Result<u32, String> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let out = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    let err = out.try_clone().map_err(|error| error.to_string())?;
    let child = Command::new(program)
        .args(arguments)
        .envs(environment)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .process_group(0)
        .spawn();
    child.map(|child| child.id()).map_err(|error| format!("{program}: {error}"))
}

/// Whether the process lives and is the one that was started: its command line names the folder.
pub fn lives(pid: u32, folder: &Path) -> bool {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).or_else(|error| {
        if Path::new("/proc/self").exists() {
            return Err(error);
        }
        let pid = pid.to_string();
        Command::new("ps")
            .args(["-ww", "-o", "command=", "-p", &pid])
            .output()
            .map(|out| out.stdout)
    });
    let folder = folder.display().to_string();
    line.is_ok_and(|line| match line.is_empty() {
        true => begins(pid),
        false => String::from_utf8_lossy(&line).contains(&folder),
    })
}

/// A process has no command line once it has ended and nobody has heard of it, and, on a busy
/// machine for longer than one thinks, between the call that starts its program and the program.
fn begins(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the name, which may hold anything, in parentheses.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Ends the process, by force if it does not listen, and waits until it is gone.
pub fn stop(pid: u32, folder: &Path, signal: &str) -> Result<(), String> {
    let begin = Instant::now();
    let mut sent = None;
    while lives(pid, folder) {
        let wanted = if begin.elapsed() > Duration::from_secs(30) { KILL } else { signal };
        if sent != Some(wanted) {
            send(pid, wanted)?;
            sent = Some(wanted);
        }
        if begin.elapsed() > Duration::from_secs(60) {
            return Err(format!("process {pid} does not end"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The shell's own `kill` is there where the program of that name is not.
fn send(pid: u32, signal: &str) -> Result<(), String> {
    let script = format!("kill -{signal} {pid}");
    let status = Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status();
    // It may have ended by itself in between; the caller looks again.
    status.map(drop).map_err(|error| format!("sh: {error}"))
}

/// The body of the answer to a GET; `None` where there is none.
pub fn get(url: &str) -> Option<String> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(3)))
        .http_status_as_error(false)
        .build()
        .new_agent();
    agent.get(url).call().ok()?.body_mut().read_to_string().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_lives_from_the_moment_it_is_spawned_until_it_ends() {
        let folder = crate::run::scratch("process").unwrap();
        let name = folder.display().to_string();
        let command = ["sh", "-c", "sleep 5; true", &name].map(str::to_owned);
        for _ in 0..20 {
            let log = folder.join("log");
            let pid = spawn(&command, &BTreeMap::new(), &folder, &log).unwrap();
            assert!(lives(pid, &folder));
            stop(pid, &folder, KILL).unwrap();
            assert!(!lives(pid, &folder));
        }
    }
}
