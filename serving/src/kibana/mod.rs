//! Saved objects for Kibana and OpenSearch Dashboards: a data view, its panels and a
//! dashboard, made from the tables of views and measures.
//!
//! Panels are declared once ([`panels`]) and written twice: aggregation-based in the format
//! of Kibana 7.10, which OpenSearch Dashboards reads, too ([`classic`]; with the time series builder
//! where it takes that, [`time_series`]), and with Lens in that of 7.17, which 8 migrates ([`lens`]).

mod classic;
mod lens;
mod object;
mod panels;
mod time_series;

pub use panels::{Chart, Metric, Operation, Panel, Split, panels};

/// The data view's id, which both dashboards share.
const DATA_VIEW: &str = "twofold";

/// Which saved objects a server can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aggregation-based: Kibana 7.10 and later, OpenSearch Dashboards 2 and later.
    Classic,
    /// Lens: Kibana 7.17 and later.
    Lens,
}

impl Format {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Classic, Self::Lens];

    /// The name of its file below `kibana/`.
    pub fn file(self) -> &'static str {
        match self {
            Self::Classic => "twofold.ndjson",
            Self::Lens => "twofold-lens.ndjson",
        }
    }
}

/// The saved objects, one a line, that read the index whose alias is `alias`.
pub fn saved_objects(format: Format, alias: &str) -> String {
    let objects = match format {
        Format::Classic => classic::objects(alias),
        Format::Lens => lens::objects(alias),
    };
    objects.iter().map(|object| format!("{object}\n")).collect()
}
