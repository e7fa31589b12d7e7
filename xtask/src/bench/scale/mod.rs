//! How things grow: each chart is a few runs at different sizes, drawn into `docs/charts`.

mod chart;
mod cores;
mod files;
mod history;
mod ranges;
mod variety;

pub use chart::{Chart, Series};

/// The runs of one chart, or of two that look at the same runs.
pub trait Scale {
    /// Its name, on the command line and of the file.
    fn name(&self) -> &'static str;

    /// Runs at every size; the charts by name. The answers are checked where there are any.
    ///
    /// # Errors
    /// What failed.
    fn measure(&self) -> Result<Vec<(&'static str, Chart)>, String>;
}

/// Every chart, in the order of the page.
pub fn all() -> Vec<Box<dyn Scale>> {
    vec![
        Box::new(cores::Cores),
        Box::new(variety::Variety),
        Box::new(history::History),
        Box::new(files::Files),
        Box::new(ranges::Ranges),
    ]
}
