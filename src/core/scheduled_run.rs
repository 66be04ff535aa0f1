//! How a scheduled run ends: what is said, what its receipt says, and when it is tried again.

use chrono::{DateTime, TimeDelta, Utc};

use super::card::ButtonData;
use super::exits::Links;
use super::jobs::OccurrenceState;
use super::journal::{Receipt, TurnState};
use super::message::ScheduledPrompt;
use super::outbox::Outgoing;
use super::reminder::failure_text;

/// What a model answers when the person need not hear of a run.
pub const NOTHING_TO_REPORT: &str = "NOTHING_TO_REPORT";

/// The waits after failed attempts, in minutes; the last one stays.
const WAITS: [i64; 4] = [1, 5, 15, 60];

/// No attempt is further away than that.
pub const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(WAITS[WAITS.len() - 1]);

/// How the turn of a run came out.
#[derive(Debug, Clone, Copy)]
pub struct RunResult<'a> {
    /// As a turn.
    pub state: TurnState,
    /// What was answered.
    pub text: &'a str,
    /// What went wrong, in a few words.
    pub trouble: &'a str,
    /// What its calls have done.
    pub done: Done,
}

/// Whether the calls of a run have changed anything, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// They have only read, if there were any.
    Nothing,
    /// Some have, and that is not taken back.
    Something,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// What the person reads.
    pub said: RunSaid,
    /// The receipt.
    pub receipt: Receipt,
}

/// What a person reads of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunSaid {
    /// The answer.
    Answer,
    /// Nothing, and the conversation knows nothing of it either.
    Nothing,
    /// That it failed.
    Failure(Outgoing),
}

/// Decides over a run that has had its `result`.
pub fn conclude(
    prompt: &ScheduledPrompt,
    result: RunResult<'_>,
    max_attempts: u32,
    now: DateTime<Utc>,
) -> RunEnd {
    let receipt = |state, reason: Option<String>| Receipt {
        occurrence: prompt.occurrence,
        state,
        reason,
        retry_at: None,
    };
    match result.state {
        TurnState::Answered => {
            let in_time = prompt.remark.is_none();
            let state = if in_time {
                OccurrenceState::Ran
            } else {
                OccurrenceState::Late
            };
            let silent = is_nothing(result.text);
            let nothing = silent.then(|| "nothing to report".to_owned());
            let reasons: Vec<String> = nothing.into_iter().chain(prompt.remark.clone()).collect();
            let reason = (!reasons.is_empty()).then(|| reasons.join("; "));
            RunEnd {
                said: if silent {
                    RunSaid::Nothing
                } else {
                    RunSaid::Answer
                },
                receipt: receipt(state, reason),
            }
        }
        TurnState::Stopped => RunEnd {
            said: RunSaid::Answer,
            receipt: receipt(OccurrenceState::Failed, Some(result.trouble.to_owned())),
        },
        TurnState::Failed if prompt.attempt < max_attempts => {
            let reason = format!("attempt {}: {}", prompt.attempt, result.trouble);
            let retry_at = Some(now + wait(prompt.attempt));
            RunEnd {
                said: RunSaid::Nothing,
                receipt: Receipt {
                    retry_at,
                    ..receipt(OccurrenceState::Running, Some(reason))
                },
            }
        }
        TurnState::Failed => {
            let reason = last_reason(prompt.attempt, result);
            let occurrence = prompt.occurrence;
            let retry = ButtonData::Retry { occurrence }.button("🔁 Retry");
            let words = Outgoing::plain(failure_text(&prompt.content, &reason))
                .with_links(&Links::under(&prompt.labels));
            RunEnd {
                said: RunSaid::Failure(words.with_buttons(vec![vec![retry]])),
                receipt: receipt(OccurrenceState::Failed, Some(reason)),
            }
        }
    }
}

/// Why a run has failed for good.
fn last_reason(attempt: u32, result: RunResult<'_>) -> String {
    let attempts = match attempt {
        0 | 1 => String::new(),
        attempts => format!(", {attempts} attempts"),
    };
    let remark = match result.done {
        Done::Nothing => "",
        Done::Something => "; what it had done by then stays",
    };
    format!("{}{attempts}{remark}", result.trouble)
}

/// Models put quotes, styles and full stops around a word that is to stand alone.
fn is_nothing(text: &str) -> bool {
    text.trim_matches(|c: char| c.is_whitespace() || "`'\"*.".contains(c)) == NOTHING_TO_REPORT
}

/// How long after so many attempts the next one comes.
fn wait(attempts: u32) -> TimeDelta {
    let row = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    TimeDelta::minutes(WAITS[row.min(WAITS.len() - 1)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::core::ids::OccurrenceId;
    use crate::core::label::Labels;

    fn prompt(attempt: u32, remark: Option<&str>) -> ScheduledPrompt {
        ScheduledPrompt {
            occurrence: OccurrenceId(5),
            content: "look at the news".into(),
            due_at: DateTime::UNIX_EPOCH,
            remark: remark.map(str::to_owned),
            attempt,
            labels: Labels::default(),
        }
    }

    fn end(prompt: &ScheduledPrompt, state: TurnState, text: &str) -> RunEnd {
        let result = RunResult {
            state,
            text,
            trouble: "HTTP 500",
            done: Done::Nothing,
        };
        conclude(prompt, result, 3, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn only_the_word_alone_is_silence() {
        for (text, said) in [
            ("NOTHING_TO_REPORT", RunSaid::Nothing),
            ("  `NOTHING_TO_REPORT`.\n", RunSaid::Nothing),
            ("There is NOTHING_TO_REPORT", RunSaid::Answer),
            ("nothing to report", RunSaid::Answer),
            ("", RunSaid::Answer),
        ] {
            let end = end(&prompt(1, None), TurnState::Answered, text);
            assert_eq!(end.said, said, "{text}");
            let silent = said == RunSaid::Nothing;
            let reason = end.receipt.reason.as_deref();
            assert_eq!(reason, silent.then_some("nothing to report"));
            assert_eq!(end.receipt.state, OccurrenceState::Ran);
        }
        let late = end(&prompt(1, Some("was due 09:00")), TurnState::Answered, "x");
        assert_eq!(late.receipt.state, OccurrenceState::Late);
        assert_eq!(late.receipt.reason.as_deref(), Some("was due 09:00"));
    }

    #[test]
    fn waits_grow_and_the_last_attempt_says_so() {
        for (attempt, minutes) in [(1, 1), (2, 5)] {
            let end = end(&prompt(attempt, None), TurnState::Failed, "");
            let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
            assert_eq!(
                (end.said, end.receipt.state, end.receipt.retry_at),
                (RunSaid::Nothing, OccurrenceState::Running, Some(at))
            );
        }
        let waits: Vec<i64> = (0..7)
            .map(|attempts| wait(attempts).num_minutes())
            .collect();
        assert_eq!(waits, [1, 1, 5, 15, 60, 60, 60]);
        let last = end(&prompt(3, None), TurnState::Failed, "");
        let RunSaid::Failure(Outgoing::Text { text, buttons }) = last.said else {
            panic!("{last:?}")
        };
        assert_eq!(
            text.text,
            "A scheduled task was not finished: look at the news\n(HTTP 500, 3 attempts)"
        );
        assert_eq!(buttons[0][0].data, "r:5:retry");
        assert_eq!(last.receipt.state, OccurrenceState::Failed);
    }

    #[test]
    fn a_stopped_run_is_not_tried_again() {
        let end = end(&prompt(1, None), TurnState::Stopped, "Stopped.");
        assert_eq!(end.said, RunSaid::Answer);
        assert_eq!(
            (end.receipt.state, end.receipt.retry_at),
            (OccurrenceState::Failed, None)
        );
    }
}
