//! The end of a turn: what the person reads, and what stays in the conversation.

use super::{Progress, TurnLoop};
use crate::app::spending::raise_buttons;
use crate::core::boundary::Boundary;
use crate::core::budget::SpentBudget;
use crate::core::channel::{ChatKind, ChatTarget};
use crate::core::conversation::Item;
use crate::core::error::StoreResult;
use crate::core::ids::{OccurrenceId, TurnId};
use crate::core::journal::{BROKEN, TurnEnd, TurnState};
use crate::core::message::IncomingContent;
use crate::core::model::{FinishReason, ModelError, ModelErrorKind};
use crate::core::outbox::NewOutbox;
use crate::core::scheduled_run::{RunEnd, RunResult, RunSaid, conclude};
use crate::core::turn::{Ending, Fact, Step, StopReason};

/// How a turn ends whose person went on to something else.
const WENT_ON: Step = Step::Finish(Ending::Stopped {
    reason: StopReason::Superseded,
});

impl TurnLoop {
    /// Ends a turn whose next step is to finish.
    pub(super) async fn end(&self, progress: &Progress, facts: Vec<Fact>) -> StoreResult<()> {
        let Step::Finish(ending) = progress.turn.step() else {
            return Ok(());
        };
        let (state, text) = words(&ending);
        let text = match ending {
            Ending::Failed { .. } | Ending::Stopped { .. } if !progress.asked.is_scheduled() => {
                below(&progress.shown, &text)
            }
            Ending::Answered { .. } | Ending::Failed { .. } | Ending::Stopped { .. } => text,
        };
        let result = RunResult {
            state,
            text: &text,
            trouble: &trouble(&ending),
            done: progress.turn.done(),
        };
        self.write_end(progress, facts, result).await
    }

    /// Ends a turn that a defect of ours stopped.
    pub(super) async fn end_broken(&self, progress: &Progress) -> StoreResult<()> {
        let result = RunResult {
            state: TurnState::Failed,
            text: BROKEN,
            trouble: "something broke",
            done: progress.turn.done(),
        };
        self.write_end(progress, Vec::new(), result).await
    }

    /// Ends a turn that cannot be read: it would be tried again for ever, and its chat waits behind it.
    pub(super) async fn end_unreadable(
        &self,
        turn: TurnId,
        target: ChatTarget,
        run: Option<OccurrenceId>,
    ) -> StoreResult<()> {
        self.finish(turn, TurnEnd::unreadable(target, run)).await?;
        self.signals.wake_outbox();
        Ok(())
    }

    async fn write_end(
        &self,
        progress: &Progress,
        facts: Vec<Fact>,
        result: RunResult<'_>,
    ) -> StoreResult<()> {
        let run = self.conclude(progress, result);
        let (mut said, items) = match run.as_ref().map(|run| &run.said) {
            None | Some(RunSaid::Answer) => (
                self.answer(progress, result.text),
                items(progress, result.state, result.text),
            ),
            Some(RunSaid::Nothing) => (Vec::new(), Vec::new()),
            Some(RunSaid::Failure(words)) => {
                let target = progress.place.target.clone();
                (vec![NewOutbox::answer(target, words.clone())], Vec::new())
            }
        };
        if progress.turn.step() == WENT_ON {
            // The card says it, and the next turn has begun.
            said.clear();
        }
        let end = TurnEnd {
            facts,
            finished_calls: self.unaudited_at_the_end(progress),
            state: result.state,
            items,
            said,
            receipt: run.map(|run| run.receipt),
        };
        let is_scheduled = end.receipt.is_some();
        self.finish(progress.id, end).await?;
        Boundary::OutboxWritten.pass();
        self.signals.wake_outbox();
        // Nobody may listen, or not at once: the next turn tells it again.
        let _ = self.ended.try_send(progress.conversation.id);
        if is_scheduled {
            // It may want another attempt.
            self.signals.wake_scheduler();
        }
        Ok(())
    }

    /// The answer, with what can be pressed below it.
    fn answer(&self, progress: &Progress, text: &str) -> Vec<NewOutbox> {
        let mut rows = self.compose(progress, text);
        if self.owner_can_pay(progress)
            && let Some(last) = rows.iter_mut().rfind(|row| row.content.takes_buttons())
        {
            last.content = last.content.clone().with_buttons(raise_buttons());
        }
        rows
    }

    /// Whether the budget has ended the turn, where the owner reads it: alone, or with others.
    fn owner_can_pay(&self, progress: &Progress) -> bool {
        let ended = matches!(
            progress.turn.step(),
            Step::Finish(Ending::Failed {
                error: ModelError {
                    kind: ModelErrorKind::BudgetSpent { .. },
                    ..
                }
            })
        );
        let with_others = progress.asked.chat_kind == ChatKind::Group;
        ended && (with_others || self.spending.is_of_owner(&progress.place.target))
    }

    /// The end of the scheduled run that the turn is, if it is one.
    fn conclude(&self, progress: &Progress, result: RunResult<'_>) -> Option<RunEnd> {
        let IncomingContent::Scheduled(prompt) = &progress.asked.content else {
            return None;
        };
        let most = self.settings.max_run_attempts;
        Some(conclude(prompt, result, most, self.clock.now()))
    }
}

fn items(progress: &Progress, state: TurnState, text: &str) -> Vec<Item> {
    let mut items = vec![progress.context.item()];
    items.extend(progress.turn.items());
    if state == TurnState::Stopped {
        items.push(Item::Assistant {
            text: text.to_owned(),
            calls: Vec::new(),
            continuation: None,
            labels: progress.turn.labels().clone(),
        });
    }
    items
}

/// What the person has already read stays; the remark goes below it.
fn below(shown: &str, remark: &str) -> String {
    if shown.trim().is_empty() {
        return remark.to_owned();
    }
    // A code block that was cut off would swallow the remark.
    let fences = shown
        .lines()
        .filter(|line| line.trim_start().starts_with("```"))
        .count();
    let close = if fences % 2 == 1 { "\n```" } else { "" };
    format!("{}{close}\n\n{remark}", shown.trim_end())
}

fn words(ending: &Ending) -> (TurnState, String) {
    match ending {
        Ending::Answered { text, finish } => (TurnState::Answered, answered(text, *finish)),
        Ending::Failed { error } => (TurnState::Failed, failed(error)),
        Ending::Stopped {
            reason: reason @ StopReason::Deadline,
        } => (TurnState::Failed, stopped(*reason).to_owned()),
        Ending::Stopped { reason } => (TurnState::Stopped, stopped(*reason).to_owned()),
    }
}

fn answered(text: &str, finish: FinishReason) -> String {
    let remark = match finish {
        FinishReason::Done => return text.to_owned(),
        FinishReason::Length => "(The answer was cut at the model's length limit.)",
        FinishReason::Filtered => "(The provider withheld the rest of this answer.)",
    };
    format!("{text}\n\n{remark}").trim().to_owned()
}

/// Says what went wrong without any part of the provider's answer.
fn failed(error: &ModelError) -> String {
    if let ModelErrorKind::BudgetSpent { budget } = error.kind {
        return over_budget(budget);
    }
    let tries = match error.tries {
        0 | 1 => String::new(),
        tries => format!(", {tries} tries"),
    };
    let advice = match error.kind {
        ModelErrorKind::ContextTooLong => {
            "send /retry to try again with less of the conversation, or a shorter message after /new"
        }
        ModelErrorKind::FilesTooLarge => "send the files smaller, or fewer of them",
        ModelErrorKind::Unauthorized => "check llm.api_key, then send /retry",
        _ => "send /retry to try again",
    };
    format!(
        "The model did not answer ({}{tries}). Your message is kept; {advice}.",
        error.kind.summary()
    )
}

fn over_budget(budget: SpentBudget) -> String {
    let budget = budget.describe();
    let mut letters = budget.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    format!(
        "{}{}. Reminders, notes and sums go on without a model. Your message is kept: \
         the owner can send /budget +1 for another dollar, then /retry tries again.",
        first.map(String::from).unwrap_or_default(),
        letters.as_str()
    )
}

fn stopped(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Person => "Stopped.",
        StopReason::Deadline => "This took too long, so I stopped. Send /retry to try again.",
        StopReason::StepLimit => {
            "I stopped before I was done: this took more steps than one answer may have. \
             Say \"go on\" to let me continue."
        }
        StopReason::Crashes => {
            "I was restarted several times while I worked on this, so I gave it up. \
             What I did before that stays."
        }
        StopReason::TooManyCards => {
            "I stopped: I have asked for your approval too often. Say \"go on\" to let me continue."
        }
        StopReason::Superseded => "Not done: you went on to something else.",
    }
}

/// What went wrong, for the receipt of a scheduled run.
fn trouble(ending: &Ending) -> String {
    match ending {
        Ending::Answered { .. } => String::new(),
        Ending::Failed { error } => format!("no answer of the model: {}", error.kind.summary()),
        Ending::Stopped { reason } => match reason {
            StopReason::Person => "stopped",
            StopReason::Deadline => "it took too long",
            StopReason::StepLimit => "it took too many steps",
            StopReason::Crashes => "restarted several times while it ran",
            StopReason::TooManyCards => "it asked for approval too often",
            StopReason::Superseded => "you went on to something else while it asked",
        }
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_too_large_are_not_to_be_sent_again_as_they_are() {
        let error = ModelError {
            kind: ModelErrorKind::FilesTooLarge,
            detail: "HTTP 413: a web page".into(),
            tries: 1,
            usage: Vec::new(),
        };
        assert_eq!(
            failed(&error),
            "The model did not answer (too large for the server with its files). Your message is \
             kept; send the files smaller, or fewer of them."
        );
    }
}
