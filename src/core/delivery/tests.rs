//! How attempts that failed go on.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::core::channel::{ChatTarget, Urgency};
use crate::core::ids::{ChannelName, CopyId, OutboxId, ThreadId};
use crate::core::markup::{FormattedText, Span, Style};
use crate::core::outgoing_file::{OutgoingFile, SentAs};

fn row(attempts: u32) -> OutboxRow {
    let text = FormattedText {
        text: "hello".into(),
        spans: vec![Span {
            start: 0,
            end: 5,
            style: Style::Bold,
        }],
    };
    OutboxRow {
        id: OutboxId(1),
        target: ChatTarget {
            channel: ChannelName::new("telegram"),
            chat: ChatId::new("7"),
            thread: None,
        },
        content: Outgoing::formatted(text),
        urgency: Urgency::Interactive,
        reply_to: None,
        message: None,
        attempts,
        ambiguous: 0,
        turn: None,
    }
}

fn picture(name: &str) -> Outgoing {
    let picture = OutgoingFile {
        copy: CopyId::new(name),
        name: name.into(),
        size_bytes: 1,
        sent_as: SentAs::Photo,
        caption: FormattedText::plain(""),
        origin: String::new(),
        place: std::path::PathBuf::new(),
    };
    Outgoing::Files {
        files: vec![picture],
    }
}

fn waits(attempts: u32, error: &DeliveryError) -> i64 {
    let now = DateTime::UNIX_EPOCH;
    match row(attempts).after_failure(error, now, 0.0) {
        DeliveryOutcome::Retry { at, .. } => (at - now).num_milliseconds(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn waits_double_from_half_a_second_to_thirty() {
    let down = DeliveryError::ServiceDown("502".into());
    let found: Vec<i64> = (0..9).map(|attempts| waits(attempts, &down)).collect();
    assert_eq!(
        found,
        [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]
    );
}

#[test]
fn a_rate_limit_waits_exactly_as_long_as_it_says() {
    let limited = DeliveryError::RateLimited {
        retry_after: Duration::from_secs(17),
    };
    assert_eq!(waits(5, &limited), 17_000);
}

#[test]
fn a_rate_limit_without_end_is_asked_again_after_a_day() {
    let limited = DeliveryError::RateLimited {
        retry_after: Duration::from_secs(u64::MAX),
    };
    assert_eq!(waits(0, &limited), 86_400_000);
}

/// How long a row waits in all that never gets an answer, and its longest wait; then it is given up, and told of.
fn patience(row: &OutboxRow) -> (TimeDelta, TimeDelta) {
    let silent = DeliveryError::Ambiguous("timeout".into());
    let now = DateTime::UNIX_EPOCH;
    let (mut whole, mut longest) = (TimeDelta::zero(), TimeDelta::zero());
    for ambiguous in 0..10_000 {
        let tried = OutboxRow {
            ambiguous,
            attempts: ambiguous,
            ..row.clone()
        };
        match tried.after_failure(&silent, now, 0.0) {
            DeliveryOutcome::Retry { at, .. } => {
                whole += at - now;
                longest = longest.max(at - now);
            }
            DeliveryOutcome::Failed {
                notice: Some(_), ..
            } => return (whole, longest),
            other => panic!("{other:?}"),
        }
    }
    panic!("sent for ever")
}

#[test]
fn what_never_gets_an_answer_is_sent_for_a_day_and_not_for_ever() {
    let edit = OutboxRow {
        message: Some(MessageId::new("5")),
        ..row(0)
    };
    for text in [row(0), edit] {
        let (whole, longest) = patience(&text);
        assert!((23..=25).contains(&whole.num_hours()), "{whole}");
        assert_eq!(longest, TimeDelta::minutes(2));
    }
}

#[test]
fn a_file_that_never_gets_an_answer_does_not_hold_back_its_chat() {
    let answer = Outgoing::Document {
        file_name: "answer.md".into(),
        content: "long".into(),
        caption: FormattedText::plain("An answer"),
    };
    for content in [answer, picture("a.png")] {
        let (whole, _) = patience(&OutboxRow { content, ..row(0) });
        assert!(whole < TimeDelta::minutes(1), "{whole}");
    }
}

#[test]
fn what_was_taken_as_no_known_message_is_not_sent_for_a_day() {
    let garbled = DeliveryError::Garbled("no message id".into());
    let after = |ambiguous| {
        let tried = OutboxRow {
            ambiguous,
            ..row(ambiguous)
        };
        tried.after_failure(&garbled, DateTime::UNIX_EPOCH, 0.0)
    };
    assert!(matches!(after(4), DeliveryOutcome::Retry { .. }));
    assert!(matches!(after(5), DeliveryOutcome::Failed { .. }));
}

#[test]
fn waits_without_an_answer_double_to_two_minutes() {
    let now = DateTime::UNIX_EPOCH;
    let silent = DeliveryError::Ambiguous("timeout".into());
    let wait = |ambiguous| {
        let tried = OutboxRow {
            ambiguous,
            ..row(ambiguous)
        };
        match tried.after_failure(&silent, now, 0.0) {
            DeliveryOutcome::Retry { at, .. } => (at - now).num_milliseconds(),
            other => panic!("{other:?}"),
        }
    };
    let found: Vec<i64> = [0, 1, 6, 10, 11, 100].map(wait).to_vec();
    assert_eq!(found, [500, 1000, 32_000, 120_000, 120_000, 120_000]);
}

#[test]
fn refused_formatting_is_sent_once_without_it() {
    let refused = DeliveryError::BadFormatting("can't parse entities".into());
    let now = DateTime::UNIX_EPOCH;
    let DeliveryOutcome::Replace { content, .. } = row(0).after_failure(&refused, now, 0.0) else {
        panic!("not replaced")
    };
    let again = OutboxRow { content, ..row(1) };
    assert!(matches!(
        again.after_failure(&refused, now, 0.0),
        DeliveryOutcome::Failed { .. }
    ));
}

#[test]
fn a_refused_picture_goes_as_a_file_and_then_not_at_all() {
    let content = picture("a.png");
    let refused = DeliveryError::Refused("PHOTO_INVALID_DIMENSIONS".into());
    let now = DateTime::UNIX_EPOCH;
    let sent = OutboxRow { content, ..row(0) };
    let DeliveryOutcome::Replace { content, .. } = sent.after_failure(&refused, now, 0.0) else {
        panic!("not replaced")
    };
    assert_eq!(content.files()[0].sent_as, SentAs::Document);
    let again = OutboxRow { content, ..row(1) };
    let outcome = again.after_failure(&refused, now, 0.0);
    assert!(matches!(outcome, DeliveryOutcome::Failed { .. }));
}

#[test]
fn an_album_that_is_too_large_goes_in_two_and_one_file_not_at_all() {
    let names = |content: &Outgoing| -> String {
        let files = content.files().iter();
        files.map(|file| file.name.clone()).collect()
    };
    let too_large = DeliveryError::TooLarge("413".into());
    let of = |count: usize| OutboxRow {
        content: Outgoing::Files {
            files: ["a", "b", "c"][..count]
                .iter()
                .flat_map(|name| picture(name).files().to_vec())
                .collect(),
        },
        ..row(0)
    };
    let now = DateTime::UNIX_EPOCH;
    let DeliveryOutcome::Split { content, rest, .. } = of(3).after_failure(&too_large, now, 0.0)
    else {
        panic!("not split")
    };
    assert_eq!(
        (names(&content), names(&rest.content)),
        ("ab".into(), "c".into())
    );
    let one = of(1).after_failure(&too_large, now, 0.0);
    assert!(matches!(one, DeliveryOutcome::Failed { .. }), "{one:?}");
}

#[test]
fn a_refused_row_is_told_of_once_and_its_notice_never() {
    let refused = DeliveryError::Refused("400".into());
    let now = DateTime::UNIX_EPOCH;
    let DeliveryOutcome::Failed {
        notice: Some(notice),
        ..
    } = row(0).after_failure(&refused, now, 0.0)
    else {
        panic!("no notice")
    };
    let again = OutboxRow {
        content: notice.content,
        ..row(0)
    };
    assert!(matches!(
        again.after_failure(&refused, now, 0.0),
        DeliveryOutcome::Failed { notice: None, .. }
    ));
}

#[test]
fn what_a_topic_does_not_take_goes_to_the_chat_and_no_further() {
    let now = DateTime::UNIX_EPOCH;
    let gone = DeliveryError::TopicGone("message thread not found".into());
    let closed = DeliveryError::TopicClosed("TOPIC_CLOSED".into());
    for (error, expected) in [(gone, TopicJobs::Leave), (closed, TopicJobs::Stay)] {
        let target = ChatTarget {
            thread: Some(ThreadId::new("5")),
            ..row(0).target
        };
        let in_topic = OutboxRow { target, ..row(0) };
        let DeliveryOutcome::OutOfTopic { jobs, .. } = in_topic.after_failure(&error, now, 0.0)
        else {
            panic!("it stays there")
        };
        assert_eq!(jobs, expected);
        let again = row(1).after_failure(&error, now, 0.0);
        assert!(matches!(again, DeliveryOutcome::Failed { .. }));
    }
}

#[test]
fn a_message_that_is_gone_is_sent_anew() {
    let gone = DeliveryError::MessageGone("not found".into());
    let edited = OutboxRow {
        message: Some(MessageId::new("5")),
        ..row(0)
    };
    assert!(matches!(
        edited.after_failure(&gone, DateTime::UNIX_EPOCH, 0.0),
        DeliveryOutcome::Replace { message: None, .. }
    ));
}
