//! Zones by name, and wall-clock times in them.

use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use super::{PAST_TOLERANCE, ScheduleError};

/// The longest name that is compared or repeated; the longest zone has 30 characters.
const MAX_NAME_LENGTH: usize = 40;

/// How many letters a name may be off and still be recognised.
const MAX_TYPOS: usize = 2;

/// Shorter names are a few letters off from nearly anything.
const SHORTEST_MISSPELT: usize = 5;

/// How far a gap of the clocks is searched: a zone that changes sides of the date line skips a day.
const MAX_GAP_MINUTES: i64 = 25 * 60;

/// Reads the IANA name of a zone, exactly as the database spells it.
pub fn parse_zone(name: &str) -> Result<Tz, ScheduleError> {
    let name = name.trim();
    if let Ok(zone) = name.parse() {
        return Ok(zone);
    }
    let given: String = name.chars().take(MAX_NAME_LENGTH).collect();
    match nearest_zone(&given.to_lowercase().replace(' ', "_")) {
        Some(suggestion) => Err(ScheduleError::ZoneNearMiss { given, suggestion }),
        None => Err(ScheduleError::UnknownZone { given }),
    }
}

/// The moment at which the clocks of `zone` show `local`: the first of two, or the first moment after
/// the gap when the clocks skip it. `None` only at the ends of time.
pub fn resolve_local(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let exact = |time: NaiveDateTime| zone.from_local_datetime(&time).earliest();
    let found = exact(local).or_else(|| {
        let minute = local.duration_trunc(TimeDelta::minutes(1)).ok()?;
        (1..=MAX_GAP_MINUTES)
            .filter_map(|later| minute.checked_add_signed(TimeDelta::minutes(later)))
            .find_map(exact)
    });
    found.map(|moment| moment.with_timezone(&Utc))
}

/// The same for a time that is still to come at `now`: the second of two when the first has passed.
pub fn resolve_coming(local: NaiveDateTime, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let has_passed = |moment: DateTime<Utc>| now - moment > PAST_TOLERANCE;
    let first = resolve_local(local, zone)?;
    let second = zone.from_local_datetime(&local).latest();
    second
        .map(|moment| moment.with_timezone(&Utc))
        .filter(|moment| has_passed(first) && !has_passed(*moment))
        .or(Some(first))
}

/// By full name, then by city, then by a city misspelt a little.
fn nearest_zone(wanted: &str) -> Option<Tz> {
    if wanted.is_empty() {
        return None;
    }
    let find = |matches: &dyn Fn(&str) -> bool| {
        TZ_VARIANTS
            .iter()
            .copied()
            .find(|zone| matches(&zone.name().to_lowercase()))
    };
    let city = last_segment(wanted);
    find(&|name| name == wanted)
        .or_else(|| find(&|name| last_segment(name) == city))
        .or_else(|| misspelt_zone(city))
}

fn misspelt_zone(city: &str) -> Option<Tz> {
    TZ_VARIANTS
        .iter()
        .map(|zone| (last_segment(zone.name()), *zone))
        .filter(|(name, _)| name.len() >= SHORTEST_MISSPELT)
        .filter(|(name, _)| name.len().abs_diff(city.len()) <= MAX_TYPOS)
        .map(|(name, zone)| {
            (
                strsim::damerau_levenshtein(city, &name.to_lowercase()),
                zone,
            )
        })
        .filter(|(typos, _)| *typos <= MAX_TYPOS)
        .min_by_key(|(typos, _)| *typos)
        .map(|(_, zone)| zone)
}

fn last_segment(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
