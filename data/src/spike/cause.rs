//! What made a spike: the keys whose part in the traffic has changed most.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::stretch::Direction;
use crate::view::Row;

/// A key with what it has contributed to a spike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributor {
    /// The client, network, page, agent or status.
    pub key: String,
    /// What was observed of it during the spike.
    pub observed: u64,
    /// What would have been expected of it: its part before the spike, of what was expected in all.
    pub expected: f64,
    /// Its part in the difference between all that was observed and expected, 0 to 1 (more
    /// where others made up for it).
    pub part: f64,
}

/// The rows of one view during a spike, and before it.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// Rows of the spike's minutes.
    pub during: &'a [Row],
    /// Rows of the minutes before.
    pub before: &'a [Row],
    /// The position of what is counted, in [`crate::view::MEASURES`].
    pub measure: usize,
    /// What was observed in all during the spike.
    pub observed: f64,
    /// What was expected in all during the spike.
    pub expected: f64,
    /// What was observed in all before.
    pub total_before: f64,
}

/// A contributor has at least this part in the difference.
const LEAST: f64 = 0.03;

/// The keys that contributed most, at most `count`, the largest part first.
pub fn contributors(
    compared: &Compared<'_>,
    direction: Direction,
    count: usize,
) -> Vec<Contributor> {
    let sign = direction.sign();
    let difference = ((compared.observed - compared.expected) * sign).max(1.0);
    let scale = compared.expected / compared.total_before.max(1.0);
    let mut counts: HashMap<&str, (u64, f64)> = HashMap::new();
    for row in compared.during {
        counts.entry(&row.key).or_default().0 += row.counts.0[compared.measure];
    }
    for row in compared.before {
        counts.entry(&row.key).or_default().1 += row.counts.0[compared.measure] as f64 * scale;
    }
    let mut found: Vec<Contributor> = counts
        .into_iter()
        .map(|(key, (observed, expected))| {
            let part = (observed as f64 - expected) * sign / difference;
            Contributor { key: key.to_owned(), observed, expected, part }
        })
        .filter(|contributor| contributor.part >= LEAST)
        .collect();
    found.sort_by(|a, b| b.part.total_cmp(&a.part).then_with(|| a.key.cmp(&b.key)));
    found.truncate(count);
    found
}

/// Rows of clients as rows of their networks: IPv4 by 24 bits, IPv6 by 48; a host name is left out.
pub fn networks(clients: &[Row]) -> Vec<Row> {
    let mut networks: HashMap<String, Row> = HashMap::new();
    for row in clients {
        let Some(key) = network(&row.key) else { continue };
        let sum = networks.entry(key.clone()).or_insert_with(|| Row {
            key,
            counts: Default::default(),
            missed: 0,
        });
        sum.counts += &row.counts;
    }
    networks.into_values().collect()
}

fn network(client: &str) -> Option<String> {
    match client.parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Counts;

    fn rows(keys: &[(&str, u64)]) -> Vec<Row> {
        let row = |(key, requests): &(&str, u64)| {
            let mut counts = Counts::default();
            counts.0[0] = *requests;
            Row { key: (*key).to_owned(), counts, missed: 0 }
        };
        keys.iter().map(row).collect()
    }

    #[test]
    fn who_rose_most_against_its_own_part_comes_first() {
        let during = rows(&[("big", 1000), ("new", 500), ("grown", 300), ("small", 5)]);
        let before = rows(&[("big", 2000), ("grown", 200), ("small", 10)]);
        let compared = Compared {
            during: &during,
            before: &before,
            measure: 0,
            observed: 1805.0,
            expected: 1105.0,
            total_before: 2210.0,
        };
        let found = contributors(&compared, Direction::Up, 5);
        let keys: Vec<_> =
            found.iter().map(|one| (&*one.key, (one.part * 100.0).round())).collect();
        assert_eq!(keys, [("new", 71.0), ("grown", 29.0)], "the biggest one only went on");
        let down = Compared { observed: 400.0, ..compared };
        let during = rows(&[("big", 395), ("small", 5)]);
        let found = contributors(&Compared { during: &during, ..down }, Direction::Down, 5);
        assert_eq!((&*found[0].key, found[0].observed), ("big", 395));
    }

    #[test]
    fn clients_make_networks() {
        let clients = rows(&[
            ("192.0.2.1", 1),
            ("192.0.2.200", 2),
            ("2001:db8:1:2::3", 4),
            ("2001:db8:1:9::3", 8),
            ("host.example", 16),
        ]);
        let mut found: Vec<_> =
            networks(&clients).into_iter().map(|row| (row.key, row.counts.requests())).collect();
        found.sort();
        assert_eq!(found, [("192.0.2.0/24".into(), 3), ("2001:db8:1::/48".into(), 12)]);
    }
}
