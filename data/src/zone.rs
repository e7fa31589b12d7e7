//! The time zone that decides days and hours in reports and heatmaps. Times are stored in UTC.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};

use crate::minute::{Grain, Minute};

/// A time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A day in a time zone: 23 hours long or 25 where clocks are put forward or back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDay {
    /// Its date, `2026-11-23`.
    pub date: String,
    /// 0 is Monday.
    pub weekday: u8,
    /// Its first minute.
    pub from: Minute,
    /// The first minute after it.
    pub to: Minute,
}

/// No such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no time zone `{0}`: write a name of the IANA database, such as UTC or Europe/Berlin \
     (the names are in /usr/share/zoneinfo, which the package `tzdata` brings)"
)]
pub struct UnknownZone(String);

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Zone {
    /// The zone of that name in the IANA database, as the system has it.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let name = name.trim();
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Self::default());
        }
        let zone = TimeZone::get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, zone })
    }

    /// Whether it is UTC.
    pub fn is_utc(&self) -> bool {
        self.zone == TimeZone::UTC
    }

    /// The day that holds a minute.
    pub fn day(&self, minute: Minute) -> LocalDay {
        let local = self.at(minute);
        let start =
            |date: Date| date.to_zoned_datetime(self.zone.clone()).ok().map(|zoned| of(&zoned));
        let (from, to) = local
            .date()
            .checked_add(1.day())
            .ok()
            .and_then(|next| Some((start(local.date())?, start(next)?)))
            // At the ends of the calendar a day of UTC will do.
            .unwrap_or((Grain::Day.start(minute), Grain::Day.end(minute)));
        LocalDay {
            date: local.date().to_string(),
            weekday: local.weekday().to_monday_zero_offset().unsigned_abs(),
            from,
            to,
        }
    }

    /// The hour of the day, from 0 to 23.
    pub fn hour(&self, minute: Minute) -> usize {
        usize::from(self.at(minute).hour().unsigned_abs())
    }

    /// The first minute of the hour by the zone's clock that holds a minute.
    pub fn hour_start(&self, minute: Minute) -> Minute {
        Minute(minute.0 - i64::from(self.at(minute).minute()))
    }

    /// A minute as people write it: `2026-11-23T19:04+01:00`, and with `Z` in UTC.
    pub fn show(&self, minute: Minute) -> String {
        match self.is_utc() {
            true => minute.to_string(),
            false => self.at(minute).strftime("%Y-%m-%dT%H:%M%:z").to_string(),
        }
    }

    fn at(&self, minute: Minute) -> ZonedDateTime {
        let instant = Timestamp::from_millisecond(minute.start_ms()).unwrap_or_default();
        instant.to_zoned_datetime(self.zone.clone())
    }
}

fn of(zoned: &ZonedDateTime) -> Minute {
    Minute::of(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, minute: &str, date: &str, from: &str, hours: i64, hour: usize) {
        let (zone, minute) = (Zone::named(zone).unwrap(), Minute::parse(minute).unwrap());
        let day = zone.day(minute);
        assert_eq!((day.date.as_str(), day.from.to_string().as_str()), (date, from));
        assert_eq!(day.to.0 - day.from.0, hours * 60);
        assert_eq!(zone.hour(minute), hour);
        assert!((day.from..day.to).contains(&minute));
    }

    #[test]
    fn days_begin_at_local_midnight() {
        check("UTC", "2026-11-23T23:59Z", "2026-11-23", "2026-11-23T00:00Z", 24, 23);
        check("Europe/Berlin", "2026-11-23T23:59Z", "2026-11-24", "2026-11-23T23:00Z", 24, 0);
        check("America/New_York", "2026-11-23T04:59Z", "2026-11-22", "2026-11-22T05:00Z", 24, 23);
        check("Asia/Kathmandu", "2026-11-23T18:15Z", "2026-11-24", "2026-11-23T18:15Z", 24, 0);
    }

    #[test]
    fn clocks_are_put_forward_and_back() {
        check("Europe/Berlin", "2026-03-29T01:00Z", "2026-03-29", "2026-03-28T23:00Z", 23, 3);
        check("Europe/Berlin", "2026-10-25T00:59Z", "2026-10-25", "2026-10-24T22:00Z", 25, 2);
        check("Europe/Berlin", "2026-10-25T01:00Z", "2026-10-25", "2026-10-24T22:00Z", 25, 2);
        // In Beirut midnight itself is left out: the day begins at one o'clock.
        check("Asia/Beirut", "2026-03-28T22:00Z", "2026-03-29", "2026-03-28T22:00Z", 23, 1);
    }

    #[test]
    fn weekdays_and_minutes_are_shown() {
        let zone = Zone::named("Asia/Kolkata").unwrap();
        let minute = Minute::parse("2026-11-22T20:00Z").unwrap();
        assert_eq!(zone.day(minute).weekday, 0, "already Monday there");
        assert_eq!(zone.show(minute), "2026-11-23T01:30+05:30");
        assert_eq!(zone.hour_start(minute).to_string(), "2026-11-22T19:30Z");
        assert_eq!(Zone::default().show(minute), "2026-11-22T20:00Z");
        assert_eq!(zone.to_string(), "Asia/Kolkata");
        assert!(Zone::named("Europe/Atlantis").unwrap_err().to_string().contains("Atlantis"));
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trap() {
        for minute in [i64::MIN / 70_000, i64::MAX / 70_000] {
            let day = Zone::named("Europe/Berlin").unwrap().day(Minute(minute));
            assert!(day.from < day.to);
        }
    }
}
