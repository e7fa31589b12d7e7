//! What the tests of several packages share; never part of a release.
//!
//! [`proxy`] is an HTTP proxy in front of a real server, which misbehaves on demand; [`servers`] says
//! where the real servers are, and starts servers of one's own that can be stopped; [`tls`] makes certificates.

pub mod proxy;
pub mod servers;
pub mod tls;
