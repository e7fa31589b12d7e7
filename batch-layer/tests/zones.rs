//! Days and hours by the clock of a time zone, over the night in which it is put forward.

mod site;

use std::collections::BTreeMap;

use serde_json::Value;
use site::Site;
use twofold_batch::archive::Archive;
use twofold_batch::history::History;
use twofold_batch::run::{Options, Outcome, run};
use twofold_data::minute::Minute;
use twofold_data::zone::Zone;
use twofold_serving::index::Index;
use twofold_serving::query::{Range, Stores, report};

/// A log of one request a quarter of an hour; each quarter has a client of its own, but for one that
/// comes all the time, at most 30 minutes apart.
fn site() -> Site {
    let site = Site::new();
    let mut log = String::new();
    // From Saturday, March 28, 2026, to Monday, in UTC.
    for quarter in 0..3 * 96 {
        let (day, hour, minute) = (28 + quarter / 96, quarter / 4 % 24, quarter % 4 * 15);
        for client in [format!("10.0.{}.{}", quarter / 200, quarter % 200), "1.2.3.4".to_owned()] {
            log += &format!(
                "{client} - - [{day:02}/Mar/2026:{hour:02}:{minute:02}:30 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"\n"
            );
        }
    }
    std::fs::write(site.log(), log).unwrap();
    site.archive();
    site
}

fn batch(site: &Site, zone: &str) -> Outcome {
    let archive = Archive::open(site.store("archive")).unwrap();
    let history = History::open(site.store("history")).unwrap();
    let options = Options { timezone: Zone::named(zone).unwrap(), ..Options::default() };
    run(&archive, &history, &site.index(), &options, &mut |_, _| ()).unwrap()
}

/// The documents of a kind by day, without those that were removed.
fn days(site: &Site, kind: &str) -> BTreeMap<String, Value> {
    let found = site.index().documents(kind, Minute(0), Minute(1 << 40)).unwrap();
    let bodies = found.into_iter().map(|document| document.body);
    let day = |body: Value| (body["day"].as_str().unwrap().to_owned(), body);
    bodies.filter(|body| body["removed"] != true).map(day).collect()
}

fn hours(day: &Value) -> Vec<u64> {
    day["hours"].as_array().unwrap().iter().map(|hour| hour.as_u64().unwrap()).collect()
}

#[test]
fn a_day_has_23_hours_where_the_clock_is_put_forward() {
    let site = site();
    batch(&site, "Europe/Berlin");
    let heatmap = days(&site, "heatmap");
    assert_eq!(
        heatmap.keys().collect::<Vec<_>>(),
        ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"]
    );
    // Saturday begins at 01:00 in Berlin with the log.
    let saturday = hours(&heatmap["2026-03-28"]);
    assert_eq!((saturday[0], saturday[1], saturday.iter().sum::<u64>()), (0, 8, 23 * 8));
    let sunday = hours(&heatmap["2026-03-29"]);
    assert_eq!((sunday[1], sunday[2], sunday[3]), (8, 0, 8));
    assert_eq!(
        (sunday.iter().sum::<u64>(), &heatmap["2026-03-29"]["weekday"]),
        (23 * 8, &6.into())
    );
    assert_eq!(hours(&heatmap["2026-03-30"]).iter().sum::<u64>(), 24 * 8);
    assert_eq!(hours(&heatmap["2026-03-31"]).iter().sum::<u64>(), 2 * 8);

    let newcomers = days(&site, "newcomers");
    assert_eq!(newcomers["2026-03-29"]["clients"], 23 * 4 + 1);
    assert_eq!(newcomers["2026-03-29"]["returning"], 1);
    let sessions = days(&site, "sessions");
    // The client that comes all the time has one session, which began on the first day.
    assert_eq!(sessions["2026-03-28"]["sessions"], 23 * 4 + 1);
    assert_eq!(sessions["2026-03-29"]["sessions"], 23 * 4);

    let report = report(&Stores::new(&site.index()), Range::ALL, 3).unwrap();
    assert_eq!(report.timezone, "Europe/Berlin");
    let of_day: Vec<_> = report.days.iter().map(|day| (day.day.as_str(), day.requests)).collect();
    let expected =
        [("2026-03-28", 184), ("2026-03-29", 184), ("2026-03-30", 192), ("2026-03-31", 16)];
    assert_eq!(of_day, expected);
}

#[test]
fn another_zone_tells_every_day_again() {
    let site = site();
    batch(&site, "Europe/Berlin");
    assert!(!batch(&site, "Europe/Berlin").published);
    let again = batch(&site, "UTC");
    assert!(again.published && again.hours == 0, "no hour is computed again: {again:?}");
    let heatmap = days(&site, "heatmap");
    assert_eq!(heatmap.keys().collect::<Vec<_>>(), ["2026-03-28", "2026-03-29", "2026-03-30"]);
    assert!(heatmap.values().all(|day| hours(day) == [8; 24]));
    assert_eq!(days(&site, "sessions").len(), 3);
}

/// In Kolkata midnight is at half past the hour.
#[test]
fn hours_are_cut_where_the_zone_cuts_them() {
    let site = site();
    batch(&site, "Asia/Kolkata");
    let heatmap = days(&site, "heatmap");
    let saturday = hours(&heatmap["2026-03-28"]);
    // The log begins at 05:30 there.
    assert_eq!((saturday[4], saturday[5], saturday[6]), (0, 4, 8));
    assert_eq!(saturday.iter().sum::<u64>(), 4 + 18 * 8);
    assert_eq!(hours(&heatmap["2026-03-29"]), [8; 24]);
    let newcomers = days(&site, "newcomers");
    assert_eq!(newcomers["2026-03-28"]["clients"], 18 * 4 + 2 + 1);
    assert_eq!(newcomers["2026-03-29"]["clients"], 24 * 4 + 1);
    assert_eq!(newcomers["2026-03-29"]["new"], 24 * 4);
    assert_eq!(days(&site, "sessions")["2026-03-29"]["sessions"], 24 * 4);
}
