//! Why a schedule is refused, in sentences that say how to write it.

use chrono_tz::Tz;

/// Why a schedule or zone is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "a cron expression has five fields (minute hour day month weekday), this one has {found}: write it like \"0 9 * * mon-fri\", without seconds or years"
    )]
    CronFields { found: usize },
    #[error(
        "the cron expression is not valid ({reason}): write five fields like \"0 9 * * mon-fri\", or @hourly, @daily, @weekly, @monthly, @yearly"
    )]
    CronInvalid { reason: String },
    #[error("the cron expression is too long: it may have {max} characters")]
    CronTooLong { max: usize },
    #[error("this schedule would never run: choose a date that exists, such as \"0 9 28 2 *\"")]
    NeverOccurs,
    #[error("this would run too often: leave at least {minimum} seconds between two runs")]
    TooOften { minimum: u64 },
    #[error("this is too far away: stay within 100 years")]
    TooFar,
    #[error("that time has passed, it is now {now} ({zone}): give a time in the future")]
    InThePast { now: String, zone: Tz },
    #[error("the end lies before the first run ({first}): give a later end or none")]
    EndsBeforeFirstRun { first: String },
    #[error("\"{given}\" is not a time zone: did you mean {suggestion}?")]
    ZoneNearMiss { given: String, suggestion: Tz },
    #[error("\"{given}\" is not a time zone: give an IANA name such as Europe/Madrid or UTC")]
    UnknownZone { given: String },
}
