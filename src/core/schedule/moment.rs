//! Moments and spans of time in words.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// A moment as a person in `zone` would say it at `now`: "today at 15:42", "tomorrow at 07:00",
/// "yesterday at 22:10", "Fri 24 Dec 2027 at 10:15".
pub fn describe_moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> String {
    let (there, here) = (wall_clock(at, zone), wall_clock(now, zone));
    let day = match (there.date() - here.date()).num_days() {
        -1 => "yesterday",
        0 => "today",
        1 => "tomorrow",
        _ => return describe_date(at, zone),
    };
    format!("{day} at {}", there.format("%H:%M"))
}

/// A span in its two largest units: "30 minutes", "1 hour 30 minutes", "2 days 3 hours". The sign
/// is left out.
pub fn describe_delay(delay: TimeDelta) -> String {
    let parts = units(delay.num_seconds().unsigned_abs());
    match parts.as_slice() {
        [] => "less than a second".to_owned(),
        [only] => only.clone(),
        [first, second, ..] => format!("{first} {second}"),
    }
}

/// A span in its largest unit, short and rounded down: "5 min", "2 h", "3 d". The sign is left out.
pub fn describe_span(span: TimeDelta) -> String {
    let minutes = span.num_minutes().unsigned_abs();
    match (minutes / 1_440, minutes / 60) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h"),
        (days, _) => format!("{days} d"),
    }
}

/// A span as a person would say it, with the sign left out: seconds count only in the first two
/// minutes, minutes in the first half day, hours in the first three days.
pub fn describe_roughly(delay: TimeDelta) -> String {
    let seconds = delay.num_seconds().unsigned_abs();
    let step = match seconds {
        0..120 => 1,
        120..43_200 => 60,
        43_200..259_200 => 3_600,
        _ => 86_400,
    };
    let rounded = seconds.saturating_add(step / 2) / step * step;
    describe_delay(TimeDelta::seconds(
        i64::try_from(rounded).unwrap_or(i64::MAX / 1_000),
    ))
}

/// A moment with its full date, whenever it is said: "Fri 24 Dec 2027 at 10:15".
pub fn describe_date(at: DateTime<Utc>, zone: Tz) -> String {
    wall_clock(at, zone)
        .format("%a %-d %b %Y at %H:%M")
        .to_string()
}

/// "2 days", "3 hours", …, largest first; units that are zero are left out.
pub(super) fn units(mut seconds: u64) -> Vec<String> {
    let mut parts = Vec::new();
    for (size, name) in [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ] {
        let count = seconds / size;
        seconds %= size;
        match count {
            0 => {}
            1 => parts.push(format!("1 {name}")),
            _ => parts.push(format!("{count} {name}s")),
        }
    }
    parts
}

/// Kept two days away from the ends of time, where an offset would overflow.
pub(super) fn wall_clock(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    let margin = TimeDelta::days(2);
    at.clamp(
        DateTime::<Utc>::MIN_UTC + margin,
        DateTime::<Utc>::MAX_UTC - margin,
    )
    .with_timezone(&zone)
    .naive_local()
}
