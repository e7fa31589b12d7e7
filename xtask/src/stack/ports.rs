//! Free ports.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::TcpListener;
use std::ops::Range;

/// Below the range from which Linux takes ports for outgoing connections. A client that
/// connects again and again to a port of that range, while its server is stopped, is
/// sooner or later given that very port, connects to itself, and takes it from the server.
const RANGE: Range<u16> = 20_000..32_000;

/// So many different ports on which nothing listens now.
pub fn free(count: usize) -> Result<Vec<u16>, String> {
    among(RANGE, count)
}

/// The same within a range.
pub fn among(range: Range<u16>, count: usize) -> Result<Vec<u16>, String> {
    let start = random() % range.len() as u64;
    let turned = range.clone().cycle().skip(start as usize).take(range.len());
    // All are held until the last one is found, so that they differ.
    let held: Vec<TcpListener> =
        turned.filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()).take(count).collect();
    let ports: Vec<u16> =
        held.iter().filter_map(|listener| Some(listener.local_addr().ok()?.port())).collect();
    if ports.len() < count {
        return Err(format!("no {count} free ports among {} to {}", range.start, range.end));
    }
    Ok(ports)
}

/// 64 random bits, from the standard library's seed of its hash tables.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
