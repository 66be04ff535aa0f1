//! Whose updates are let in, which of a group's messages are for the bot, and what is kept of the others.
#![allow(clippy::unwrap_used, clippy::panic)]

use chrono::TimeDelta;
use minibot::adapters::telegram::config::GroupMode;
use minibot::core::inbox::Arrived;
use serde_json::{Value, json};

use super::telegram_samples::*;

fn stranger(update: &mut Value) {
    update["message"]["from"] = json!({ "id": 66, "is_bot": false, "first_name": "Eve" });
    if update["message"]["chat"]["type"] == "private" {
        update["message"]["chat"]["id"] = 66.into();
    }
}

#[test]
fn in_a_group_only_what_is_meant_for_the_bot_is_kept() {
    let kept = [
        (json!({ "text": "@minibot what is up?" }), "what is up?"),
        (json!({ "text": "remind me, @MiniBot" }), "remind me"),
        (json!({ "text": "/help@minibot" }), "/help@minibot"),
        (json!({ "text": "/help" }), "/help"),
        (
            json!({ "text": "yes", "reply_to_message": earlier(bot(), json!({ "text": "sure?" })) }),
            "yes",
        ),
    ];
    for (fields, text) in kept {
        assert_eq!(message(&group(fields)).text, text);
    }
    let chatter = [
        json!({ "text": "lunch?" }),
        json!({ "text": "/help@otherbot" }),
        json!({ "text": "ask @minibot2" }),
        json!({ "text": "no", "reply_to_message": earlier(owner(), json!({ "text": "sure?" })) }),
        json!({ "text": "@minibot look", "forward_origin": { "type": "hidden_user", "date": 1, "sender_user_name": "X" } }),
        json!({ "sparkles": { "of": "a kind nobody knows" } }),
    ];
    for fields in chatter {
        let content = arrival(&group(fields.clone())).content;
        assert!(
            matches!(content, Arrived::Ignored { raw: None }),
            "{fields}: {content:?}"
        );
    }
}

#[test]
fn group_mode_all_hears_everything_but_commands_for_others() {
    let reader = reader_for(&[OWNER], GroupMode::All);
    let read = |text: &str| {
        reader
            .read(&group(json!({ "text": text })), now())
            .unwrap()
            .content
    };
    assert!(matches!(read("lunch?"), Arrived::Welcome { .. }));
    assert!(matches!(
        read("/help@otherbot"),
        Arrived::Ignored { raw: None }
    ));
}

#[test]
fn what_nobody_asked_for_is_passed_over() {
    let service = private(json!({ "new_chat_title": "Club" }));
    assert!(matches!(
        arrival(&service).content,
        Arrived::Ignored { raw: Some(_) }
    ));
    let migration = group(json!({ "migrate_to_chat_id": -100_777 }));
    assert!(matches!(
        arrival(&migration).content,
        Arrived::Ignored { raw: Some(_) }
    ));

    let mut post = private(json!({ "text": "news" }));
    post["channel_post"] = post["message"].take();
    post.as_object_mut().unwrap().remove("message");
    let mut other_bot = group(json!({ "text": "@minibot hello" }));
    other_bot["message"]["from"]["is_bot"] = true.into();
    let unread = [
        post,
        other_bot,
        json!({ "update_id": 5, "chosen_inline_result": {} }),
        json!({ "update_id": 5, "poll": 3 }),
        json!({ "update_id": 5 }),
    ];
    for update in unread {
        assert!(
            matches!(arrival(&update).content, Arrived::Ignored { raw: None }),
            "{update}"
        );
    }
}

#[test]
fn of_an_update_without_ids_nothing_is_kept() {
    for message in [
        json!({ "text": "secret" }),
        json!("secret"),
        json!({ "chat": { "id": "42" }, "text": "secret" }),
    ] {
        let content = arrival(&json!({ "update_id": 5, "message": message })).content;
        let Arrived::Unreadable { raw, .. } = content else {
            panic!("{content:?}")
        };
        assert!(!raw.contains("secret"), "{raw}");
    }
}

#[test]
fn a_stranger_leaves_only_ids_and_gets_one_line_a_day() {
    let mut update = private(json!({ "text": "a secret" }));
    stranger(&mut update);
    let reader = reader_for(&[OWNER], GroupMode::Mention);
    let read = |now| match reader.read(&update, now).unwrap().content {
        Arrived::Stranger {
            target,
            sender,
            notice,
        } => (target, sender, *notice.unwrap()),
        other => panic!("{other:?}"),
    };
    let (target, sender, notice) = read(now());
    assert!(!format!("{target:?} {sender:?} {notice:?}").contains("secret"));
    assert_eq!((target.chat.as_str(), sender.user.as_str()), ("66", "66"));
    assert_eq!(
        notice.content.visible_text(),
        "Not allowed here yet. Your user id is 66, this chat's id is 66: \
         add the user id to allowed_user_ids in config.toml."
    );
    assert_eq!(
        notice.dedupe_key.as_deref(),
        Some("stranger:telegram:66:66:2027-01-15")
    );
    assert_ne!(
        read(now() + TimeDelta::days(1)).2.dedupe_key,
        notice.dedupe_key
    );
}

#[test]
fn a_stranger_in_a_group_is_told_only_when_speaking_to_the_bot() {
    let cases = [
        (group(json!({ "text": "lunch?" })), false),
        (group(json!({ "text": "@minibot hi" })), true),
        (group(json!({ "text": "/start" })), true),
        (group(json!({ "text": "/start@otherbot" })), false),
    ];
    for (mut update, told) in cases {
        stranger(&mut update);
        let content = arrival(&update).content;
        let Arrived::Stranger { notice, .. } = content else {
            panic!("{content:?}")
        };
        assert_eq!(notice.is_some(), told, "{update}");
    }
    let press = json!({ "update_id": 5, "callback_query": { "id": "q", "chat_instance": "i", "data": "x",
        "from": { "id": 66 }, "message": { "chat": group_chat(), "message_id": 3, "date": 0 } } });
    assert!(matches!(
        arrival(&press).content,
        Arrived::Stranger { notice: None, .. }
    ));
}

#[test]
fn with_no_list_at_all_nobody_is_let_in_and_the_refusal_says_how() {
    let reader = reader_for(&[], GroupMode::Mention);
    let content = reader
        .read(&private(json!({ "text": "hi" })), now())
        .unwrap()
        .content;
    let Arrived::Stranger {
        notice: Some(notice),
        ..
    } = content
    else {
        panic!("{content:?}")
    };
    let text = notice.content.visible_text().to_owned();
    assert!(
        text.ends_with("add one of them to allowed_user_ids or allowed_chat_ids in config.toml."),
        "{text}"
    );
}
