//! Sketches: mergeable estimates in bounded memory, from Apache DataSketches.

use serde::{Deserialize, Serialize};

/// Distinct values by HyperLogLog (Flajolet et al. 2007), 2^12 registers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distinct {}

/// Quantiles by KLL (Karnin, Lang, Liberty 2016), k = 200.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Quantiles {}
