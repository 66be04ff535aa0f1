//! A wall clock that is set back or ahead, while the bot runs and while it is down: reminders come once, and no pause
//! becomes a day long.

use chrono::TimeDelta;
use minibot::core::jobs::{JobFilter, JobStatusFilter, OccurrenceState};
use serde_json::json;

use super::approvals::{asking, card, outcome, save};
use super::reminders::{schedule, stretch_in_half_an_hour};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{Fault, FileKind, UserFile};
use crate::support::gate::Gate;
use crate::support::test_bot::{ALICE, TestBot};

/// How a bot meets a clock that was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Running,
    AfterRestart,
}

impl Meeting {
    const BOTH: [Self; 2] = [Self::Running, Self::AfterRestart];

    async fn set(self, bot: &mut TestBot, by: TimeDelta) {
        if self == Self::AfterRestart {
            bot.stop().await;
        }
        bot.clock.set(by);
        if self == Self::AfterRestart {
            bot.start().await;
            // It looks at the clock before it asks for anything.
            let polls = bot.telegram.calls("getUpdates").len();
            bot.telegram.wait_for_calls("getUpdates", polls + 1).await;
        }
    }
}

#[tokio::test]
async fn a_reminder_waits_for_its_time_on_a_clock_that_was_set_back() {
    for meeting in Meeting::BOTH {
        let mut bot = TestBot::new().await;
        stretch_in_half_an_hour(&bot).await;
        meeting.set(&mut bot, TimeDelta::days(-1)).await;
        bot.advance(TimeDelta::hours(23));
        bot.says("/whoami").await.replies_with("Alice").await;
        bot.advance(TimeDelta::minutes(90));
        bot.alice().replies("stretch").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_reminder_that_has_come_does_not_come_again_when_the_clock_is_set_back() {
    for meeting in Meeting::BOTH {
        let mut bot = TestBot::new().await;
        stretch_in_half_an_hour(&bot).await;
        bot.advance(TimeDelta::minutes(30));
        bot.alice().replies("stretch").await;
        meeting.set(&mut bot, TimeDelta::days(-1)).await;
        bot.advance(TimeDelta::days(2));
        bot.says("/whoami").await.replies_with("Alice").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_repeated_reminder_comes_once_for_each_time_of_a_clock_that_goes_to_and_fro() {
    for meeting in Meeting::BOTH {
        let mut bot = TestBot::new().await;
        let twice_a_day = json!({
            "content": "drink", "recurrence_type": "interval", "recurrence_interval_seconds": 43200,
        });
        bot.model(schedule(twice_a_day));
        bot.says("twice a day I should drink")
            .await
            .replies("Will do.")
            .await;
        meeting.set(&mut bot, TimeDelta::hours(13)).await;
        bot.alice().replies("drink\n(was due 22:00, 1 h ago)").await;
        meeting.set(&mut bot, TimeDelta::hours(-13)).await;
        // The one of tonight has come; that of tomorrow is next.
        bot.advance(TimeDelta::hours(23));
        bot.says("/whoami").await.replies_with("Alice").await;
        bot.advance(TimeDelta::hours(2));
        bot.alice().replies_with("drink").await;
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_reminder_that_a_clock_set_ahead_has_passed_comes_once_and_is_marked() {
    for meeting in Meeting::BOTH {
        let mut bot = TestBot::new().await;
        stretch_in_half_an_hour(&bot).await;
        meeting.set(&mut bot, TimeDelta::days(1)).await;
        let card = bot.telegram.wait_for_text(ALICE, "stretch\n").await;
        assert_eq!(card.text, "stretch\n(was due Mon 1 Mar 10:30, 23 h ago)");
        meeting.set(&mut bot, TimeDelta::days(-1)).await;
        bot.advance(TimeDelta::hours(2));
        bot.says("/whoami").await;
        bot.telegram.wait_for_text(ALICE, "Alice").await;
        let texts = bot.alice().texts();
        let cards = texts.iter().filter(|text| text.starts_with("stretch"));
        assert_eq!(cards.count(), 1, "{texts:?}");
        bot.alice().has_read_all();
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_model_is_asked_again_in_time_when_the_clock_is_set_back_meanwhile() {
    let bot = TestBot::with(&[("llm.retry_delay_seconds", "10")]).await;
    bot.model([Reply::status(500), Reply::text("Here.")]);
    bot.says("hi").await;
    bot.clock.someone_sleeps(9_000..20_000).await;
    bot.clock.set(TimeDelta::days(-1));
    bot.advance(TimeDelta::seconds(20));
    bot.alice().replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn an_answer_goes_on_growing_when_the_clock_is_set_back_meanwhile() {
    let bot = TestBot::with(&[("channels.telegram.stream_edit_interval_ms", "60000")]).await;
    let gate = Gate::new();
    bot.model([Reply::text("one two three four five six").held_midway(&gate)]);
    bot.says("count").await;
    gate.wait_for_arrivals(1).await;
    bot.clock.set(TimeDelta::days(-1));
    bot.advance(TimeDelta::seconds(2));
    bot.telegram.wait_for(ALICE, |sent| !sent.is_empty()).await;
    gate.open();
    bot.alice().replies("one two three four five six").await;
    bot.finish().await;
}

#[tokio::test]
async fn typing_is_renewed_when_the_clock_is_set_back_meanwhile() {
    let bot = TestBot::new().await;
    let gate = Gate::new();
    bot.model([Reply::text("Here.").held(&gate)]);
    bot.says("hi").await;
    bot.telegram.wait_for_calls("sendChatAction", 1).await;
    bot.clock.someone_sleeps(3_000..4_001).await;
    bot.clock.set(TimeDelta::days(-1));
    bot.advance(TimeDelta::seconds(5));
    bot.telegram.wait_for_calls("sendChatAction", 2).await;
    gate.open();
    bot.alice().replies("Here.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_message_is_sent_again_in_time_when_the_clock_is_set_back_meanwhile() {
    for meeting in Meeting::BOTH {
        let mut bot = TestBot::new().await;
        bot.telegram
            .fail_times("sendMessage", 4, Fault::ServerError(502));
        bot.model([Reply::text("Here.")]);
        bot.says("hi").await;
        for wait in [600..1_251, 1_300..2_501, 2_600..5_001] {
            bot.advance(TimeDelta::milliseconds(wait.start));
            bot.clock.someone_sleeps(wait).await;
        }
        meeting.set(&mut bot, TimeDelta::days(-1)).await;
        bot.advance(TimeDelta::seconds(6));
        bot.alice().replies("Here.").await;
        assert_eq!(bot.telegram.calls("sendMessage").len(), 5);
        bot.finish().await;
    }
}

#[tokio::test]
async fn a_run_that_failed_is_tried_again_in_time_when_the_clock_is_set_back_meanwhile() {
    let bot = TestBot::with(&[("llm.retry_attempts", "1")]).await;
    bot.model(schedule(
        json!({ "content": "look at the news", "delay_seconds": 60, "role": "user" }),
    ));
    bot.says("the news in a minute")
        .await
        .replies("Will do.")
        .await;
    bot.model([Reply::status(500), Reply::text("News.")]);
    bot.advance(TimeDelta::minutes(1));
    bot.provider.wait_for_requests(3).await;
    let filter = JobFilter {
        target: None,
        status: JobStatusFilter::Any,
        limit: 9,
        offset: 0,
    };
    loop {
        let jobs = bot.ports().jobs.list(filter.clone()).await.unwrap().jobs;
        let last = jobs[0].last_occurrence.as_ref().unwrap();
        assert_eq!(last.state, OccurrenceState::Running);
        if last.reason.is_some() {
            break;
        }
        tokio::task::yield_now().await;
    }
    bot.clock.set(TimeDelta::days(-1));
    let mut minutes = 0;
    while bot.provider.requests().len() < 4 {
        minutes += 1;
        assert!(minutes < 10, "it is not tried again");
        bot.advance(TimeDelta::minutes(1));
        bot.bob().says("/whoami").await.replies_with("Bob").await;
    }
    bot.alice().replies("News.").await;
    bot.finish().await;
}

#[tokio::test]
async fn an_album_settles_when_the_clock_is_set_back_meanwhile() {
    let bot = TestBot::with(&[("channels.telegram.album_settle_ms", "40000")]).await;
    // What an earlier process held back is given a minute, from the start on, by the clock and by the pause.
    let mut at_start = 0;
    for _ in 0..2 {
        at_start = bot
            .clock
            .someone_sleeps_after(at_start, 58_000..60_001)
            .await;
    }
    // One part: another that came during the sleep would be a reason to sleep again.
    let part = UserFile {
        media_group_id: Some("album".to_owned()),
        ..UserFile::new(FileKind::Document, "a.txt", "words")
    };
    bot.model([Reply::text("A file.")]);
    bot.telegram.user_sends_file(ALICE, ALICE, part);
    bot.clock
        .someone_sleeps_after(at_start, 38_000..40_001)
        .await;
    bot.clock.set(TimeDelta::days(-1));
    bot.advance(TimeDelta::minutes(3));
    bot.alice().replies("A file.").await;
    bot.finish().await;
}

#[tokio::test]
async fn a_question_ends_in_time_when_the_clock_is_set_back_meanwhile() {
    for meeting in Meeting::BOTH {
        let mut bot = asking().await;
        bot.model([save("key"), Reply::text("Not saved.")]);
        let asked = card(bot.says("note the key").await).await;
        // Its id is known, so that it can be edited.
        while bot.ports().outbox.count_waiting(None).await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        meeting.set(&mut bot, TimeDelta::days(-1)).await;
        bot.clock.someone_sleeps(590_000..600_001).await;
        bot.advance(TimeDelta::minutes(11));
        bot.alice().replies("Not saved.").await;
        assert!(
            outcome(&bot, ALICE, &asked)
                .await
                .contains("nobody answered")
        );
        bot.finish().await;
    }
}
