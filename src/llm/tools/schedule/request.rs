//! The arguments of `schedule_prompt`, and the schedule that they ask for.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::core::schedule::{
    Schedule, ScheduleRules, ScheduleTerms, later, one_interval_after, parse_zone, resolve_coming,
};
use crate::core::tool::ToolContext;

/// How local times may be written; the first is what the error asks for.
const LOCAL_FORMS: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    pub(super) content: String,
    run_at: Option<String>,
    delay_seconds: Option<u64>,
    pub(super) role: Option<Role>,
    recurrence_type: Option<RecurrenceType>,
    recurrence_interval_seconds: Option<u64>,
    recurrence_cron: Option<String>,
    /// IANA name; default: the person's zone.
    timezone: Option<String>,
    /// No run after this time.
    recurrence_end_at: Option<String>,
    /// A few words for lists.
    title: Option<String>,
    pub(super) metadata: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Assistant,
    User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RecurrenceType {
    None,
    Interval,
    Cron,
}

impl Arguments {
    /// The title, if there is one.
    pub(super) fn title(&self) -> Option<&str> {
        given(self.title.as_ref())
    }

    /// The schedule, or what to write instead.
    pub(super) fn schedule(
        &self,
        context: &ToolContext,
        rules: ScheduleRules,
    ) -> Result<Schedule, String> {
        let zone = match given(self.timezone.as_ref()) {
            Some(name) => parse_zone(name).map_err(|error| error.to_string())?,
            None => context.zone,
        };
        let ends_at = match given(self.recurrence_end_at.as_ref()) {
            Some(text) => Some(moment("recurrence_end_at", text, (zone, context.now))?),
            None => None,
        };
        let terms = ScheduleTerms {
            zone,
            ends_at,
            now: context.now,
            rules,
        };
        let start = self.start(context.now, zone)?;
        let schedule = match (self.recurrence()?, start) {
            (RecurrenceType::None, Some(at)) => Schedule::once(at, &terms),
            (RecurrenceType::None, None) => {
                return Err("say when: give run_at, delay_seconds or a recurrence".into());
            }
            (RecurrenceType::Interval, start) => {
                let every = self.recurrence_interval_seconds;
                let every = every
                    .ok_or("recurrence_type \"interval\" needs recurrence_interval_seconds")?;
                let first = start.or_else(|| one_interval_after(context.now, every, zone));
                let first = first.ok_or(TOO_FAR)?;
                Schedule::interval(first, every, &terms)
            }
            (RecurrenceType::Cron, Some(_)) => {
                return Err("a cron recurrence has its times in recurrence_cron; leave run_at and delay_seconds null".into());
            }
            (RecurrenceType::Cron, None) => {
                let cron = given(self.recurrence_cron.as_ref());
                let cron = cron.ok_or(
                    "recurrence_type \"cron\" needs recurrence_cron, such as \"0 9 * * mon-fri\"",
                )?;
                Schedule::cron(cron, &terms)
            }
        };
        schedule.map_err(|error| error.to_string())
    }

    /// What repeats: as said, or as the other arguments show.
    fn recurrence(&self) -> Result<RecurrenceType, String> {
        let cron = given(self.recurrence_cron.as_ref()).is_some();
        let interval = self
            .recurrence_interval_seconds
            .is_some_and(|seconds| seconds > 0);
        match (self.recurrence_type, interval, cron) {
            (_, true, true) => {
                Err("give recurrence_interval_seconds or recurrence_cron, not both".into())
            }
            (Some(RecurrenceType::None), true, _) | (Some(RecurrenceType::None), _, true) => {
                Err("recurrence_type is \"none\", but an interval or cron is given".into())
            }
            (Some(kind), _, _) => Ok(kind),
            (None, true, false) => Ok(RecurrenceType::Interval),
            (None, false, true) => Ok(RecurrenceType::Cron),
            (None, false, false) => Ok(RecurrenceType::None),
        }
    }

    fn start(&self, now: DateTime<Utc>, zone: Tz) -> Result<Option<DateTime<Utc>>, String> {
        match (given(self.run_at.as_ref()), self.delay_seconds) {
            (Some(_), Some(delay)) if delay > 0 => {
                Err("give run_at or delay_seconds, not both".into())
            }
            (Some(text), _) => moment("run_at", text, (zone, now)).map(Some),
            (None, Some(delay)) => Ok(Some(later(now, delay).ok_or(TOO_FAR)?)),
            (None, None) => Ok(None),
        }
    }
}

const TOO_FAR: &str = "that is too far away";

/// A moment with an offset, or a local one in the zone, which is still to come if it can be.
fn moment(
    key: &str,
    text: &str,
    (zone, now): (Tz, DateTime<Utc>),
) -> Result<DateTime<Utc>, String> {
    if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
        return Ok(exact.with_timezone(&Utc));
    }
    LOCAL_FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .and_then(|local| resolve_coming(local, zone, now))
        .ok_or_else(|| {
            format!("{key} {text:?} is not a time; write 2026-05-01T09:00 (local) or add an offset")
        })
}

/// Models write "" where they mean nothing.
fn given(text: Option<&String>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}
