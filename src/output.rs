//! Standard output and the progress bar.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Prints text as it is.
pub fn text(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints one JSON document, indented.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Whether the reader of our output went away (`twofold lines | head`): no error.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// A bar over bytes on standard error, which stays silent where nobody looks.
pub fn bytes_bar(total: Option<u64>, what: &str) -> ProgressBar {
    let template = match total {
        Some(_) => "{msg:<28} {bar:30} {percent:>3} %  {bytes:>10}  {bytes_per_sec:>12}  {eta}",
        None => "{msg:<28} {spinner} {bytes:>10}  {bytes_per_sec:>12}",
    };
    bar(total, what, template)
}

/// A bar over steps, such as hours.
pub fn steps_bar(total: Option<u64>, what: &str) -> ProgressBar {
    bar(total, what, "{msg:<28} {bar:30} {pos:>6}/{len}  {eta}")
}

fn bar(total: Option<u64>, what: &str, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
