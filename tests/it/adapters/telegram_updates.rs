//! What each kind of raw update becomes: tables of JSON as Telegram sends it.
#![allow(clippy::unwrap_used, clippy::panic)]

use minibot::adapters::telegram::config::GroupMode;
use minibot::core::inbox::Arrived;
use minibot::core::message::{IncomingContent, Message, Press};
use serde_json::{Value, json};

use super::telegram_samples::*;

#[test]
fn a_private_text_is_read_whole() {
    let update = private(json!({ "text": "  hello\nthere " }));
    let arrival = arrival(&update);
    assert_eq!(
        (arrival.source.as_str(), arrival.external_id),
        ("telegram:99", 1001)
    );
    assert_eq!(arrival.kind, "message");

    let incoming = serde_json::to_value(welcome(&update)).unwrap();
    let expected = json!({
        "target": { "channel": "telegram", "chat": "42", "thread": null },
        "chat_kind": "private",
        "sender": { "user": "42", "name": "Ann Lee" },
        "sent_at": "2027-01-15T07:43:20Z",
        "content": { "kind": "message", "id": "7", "text": "  hello\nthere " },
    });
    assert_eq!(incoming, expected);
}

#[test]
fn entities_leave_the_words_alone_and_links_are_shown() {
    let entity = |kind: &str, offset: u32, length: u32| json!({ "type": kind, "offset": offset, "length": length, "url": "https://example.org/a" });
    let cases = [
        ("a bold word", json!([entity("bold", 2, 4)]), "a bold word"),
        (
            "😀 see here now",
            json!([entity("text_link", 7, 4)]),
            "😀 see here (https://example.org/a) now",
        ),
        (
            "ends here",
            json!([entity("text_link", 5, 4)]),
            "ends here (https://example.org/a)",
        ),
        (
            "https://example.org/a",
            json!([entity("text_link", 0, 21)]),
            "https://example.org/a",
        ),
        ("outside", json!([entity("text_link", 5, 40)]), "outside"),
        (
            "new kinds",
            json!([entity("sparkles", 0, 3), entity("bold", 4, 5)]),
            "new kinds",
        ),
        (
            "bad ones",
            json!([7, { "type": "bold" }, { "type": "text_link", "offset": 0, "length": 3 }]),
            "bad ones",
        ),
    ];
    for (text, entities, expected) in cases {
        let update = private(json!({ "text": text, "entities": entities }));
        assert_eq!(message(&update).text, expected);
    }
}

#[test]
fn files_are_found_whatever_their_form() {
    let file = json!({ "file_id": "f", "file_unique_id": "u", "file_size": 10 });
    let with = |fields: Value| {
        let mut whole = file.clone();
        whole
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        whole
    };
    let size = with(json!({ "width": 90, "height": 90 }));
    let sticker = with(
        json!({ "width": 90, "height": 90, "type": "regular", "emoji": "😀",
        "is_animated": false, "is_video": false }),
    );
    let cases = [
        (
            json!({ "photo": [size], "caption": "what is it?" }),
            "what is it?",
            "a photo a photo",
        ),
        (
            json!({ "document": with(json!({ "file_name": "report.pdf" })) }),
            "",
            "a file report.pdf",
        ),
        (json!({ "document": file }), "", "a file a file"),
        (
            json!({ "voice": with(json!({ "duration": 3 })) }),
            "",
            "a voice message a voice message",
        ),
        (
            json!({ "audio": with(json!({ "duration": 3, "file_name": "song.mp3" })) }),
            "",
            "an audio file song.mp3",
        ),
        (
            json!({ "video_note": with(json!({ "duration": 3, "length": 9 })) }),
            "",
            "a video message a video message",
        ),
        (json!({ "sticker": sticker }), "", "a sticker 😀"),
    ];
    for (fields, text, words) in cases {
        let message = message(&private(fields.clone()));
        let files: Vec<String> = message
            .attachments
            .iter()
            .map(|file| format!("{} {}", file.kind.describe(), file.shown_name()))
            .collect();
        assert_eq!(
            (message.text.as_str(), files),
            (text, vec![words.to_owned()]),
            "{fields}"
        );
    }
}

#[test]
fn what_reads_as_well_in_words_is_text() {
    let place = json!({ "latitude": 40.4168, "longitude": -3.7038 });
    let cases = [
        (json!({ "location": place }), "[location: 40.4168, -3.7038]"),
        (
            json!({ "venue": { "location": place, "title": "Prado", "address": "Madrid" }, "location": place }),
            "[venue: Prado, Madrid (40.4168, -3.7038)]",
        ),
        (
            json!({ "contact": { "phone_number": "+3491", "first_name": "Bo", "last_name": "Ek" } }),
            "[contact: Bo Ek, +3491]",
        ),
        (
            json!({ "dice": { "emoji": "🎲", "value": 4 } }),
            "[🎲 shows 4]",
        ),
        (
            json!({ "poll": { "id": "1", "question": "Tea?", "options": [
                { "text": "yes", "voter_count": 0 }, { "text": "no", "voter_count": 0 }],
                "total_voter_count": 0, "is_closed": false, "is_anonymous": true, "type": "regular",
                "allows_multiple_answers": false } }),
            "[poll: Tea? — yes / no]",
        ),
    ];
    for (fields, text) in cases {
        assert_eq!(message(&private(fields)).text, text);
    }
}

#[test]
fn what_somebody_else_has_put_together_is_passed_on() {
    let place = json!({ "latitude": 40.4168, "longitude": -3.7038 });
    let other = json!({ "id": 98, "is_bot": true, "first_name": "Gifs", "username": "gifs_bot" });
    let contact = json!({ "phone_number": "+3491", "first_name": "Bo" });
    let venue = json!({ "location": place, "title": "Prado", "address": "Madrid" });
    for (fields, author) in [
        (json!({ "text": "/new x", "via_bot": other }), Some("Gifs")),
        // Of a kind that the types do not know.
        (
            json!({ "text": "x", "via_bot": other, "date": "?" }),
            Some("Gifs"),
        ),
        (json!({ "text": "x", "via_bot": {} }), Some("somebody")),
        (json!({ "contact": contact }), Some("a contact card")),
        (
            json!({ "venue": venue, "location": place }),
            Some("a place on a map"),
        ),
        (json!({ "location": place }), None),
        (json!({ "text": "x", "via_bot": bot() }), None),
        (json!({ "text": "x" }), None),
    ] {
        let message = message(&private(fields.clone()));
        assert_eq!(message.forwarded_from.as_deref(), author, "{fields}");
    }
}

#[test]
fn replies_quote() {
    let photo = json!([{ "file_id": "f", "file_unique_id": "u", "width": 9, "height": 9 }]);
    let cases = [
        (
            json!({ "reply_to_message": earlier(bot(), json!({ "text": "pong" })) }),
            Some(("Mini", "pong")),
        ),
        (
            json!({ "reply_to_message": earlier(owner(), json!({ "text": "one two" })),
                "quote": { "text": "two", "position": 4, "is_manual": true } }),
            Some(("Ann Lee", "two")),
        ),
        (
            json!({ "reply_to_message": earlier(owner(), json!({ "photo": photo, "caption": "my cat" })) }),
            Some(("Ann Lee", "my cat")),
        ),
        (
            json!({ "reply_to_message": earlier(owner(), json!({ "photo": photo })) }),
            Some(("Ann Lee", "[a photo]")),
        ),
        (
            json!({ "reply_to_message": earlier(owner(), json!({ "text": "odd",
                "entities": [{ "type": "sparkles", "offset": 0, "length": 3 }] })) }),
            Some(("Ann Lee", "odd")),
        ),
        (
            json!({ "external_reply": { "origin": { "type": "channel", "date": 1, "message_id": 3,
                "chat": { "id": -1009, "type": "channel", "title": "News" } } },
                "quote": { "text": "headline", "position": 0 } }),
            Some(("News", "headline")),
        ),
        (
            json!({ "reply_to_message": earlier(owner(), json!({
                "forum_topic_created": { "name": "Chess", "icon_color": 7_322_096 } })) }),
            None,
        ),
    ];
    for (mut fields, expected) in cases {
        fields["text"] = "why?".into();
        let quote = message(&private(fields.clone())).quote;
        let found = quote
            .as_ref()
            .map(|quote| (quote.author.as_str(), quote.text.as_str()));
        assert_eq!(found, expected, "{fields}");
    }
}

#[test]
fn forwards_name_their_author() {
    let channel = json!({ "id": -1009, "type": "channel", "title": "News" });
    let cases = [
        (
            json!({ "type": "user", "date": 1, "sender_user": { "id": 5, "is_bot": false, "first_name": "Bo" } }),
            "Bo",
        ),
        (
            json!({ "type": "hidden_user", "date": 1, "sender_user_name": "Somebody Else" }),
            "Somebody Else",
        ),
        (
            json!({ "type": "chat", "date": 1, "sender_chat": group_chat() }),
            "Family",
        ),
        (
            json!({ "type": "channel", "date": 1, "message_id": 3, "chat": channel }),
            "News",
        ),
        (
            json!({ "type": "channel", "date": 1, "message_id": 3, "chat": channel, "author_signature": "Kim" }),
            "News (Kim)",
        ),
        (
            json!({ "type": "from_the_future", "sender_user_name": "Zed" }),
            "Zed",
        ),
        (json!({ "type": "from_the_future" }), "somebody"),
    ];
    for (origin, author) in cases {
        let update = private(json!({ "text": "/new", "forward_origin": origin }));
        assert_eq!(
            message(&update).forwarded_from.as_deref(),
            Some(author),
            "{origin}"
        );
        assert_eq!(welcome(&update).command(), None);
    }
}

#[test]
fn topics_are_targets_of_their_own() {
    let cases = [
        (
            forum_chat(),
            json!({ "message_thread_id": 77, "is_topic_message": true }),
            Some("77"),
        ),
        (forum_chat(), json!({}), None),
        (forum_chat(), json!({ "message_thread_id": 5 }), None),
        (group_chat(), json!({ "message_thread_id": 5 }), None),
        (
            private_chat(),
            json!({ "message_thread_id": 8, "is_topic_message": true }),
            Some("8"),
        ),
    ];
    for (chat, mut fields, thread) in cases {
        fields["text"] = "/help".into();
        let target = welcome(&in_chat(chat, fields.clone())).target;
        assert_eq!(
            target.thread.as_ref().map(|thread| thread.as_str()),
            thread,
            "{fields}"
        );
    }
}

#[test]
fn edits_presses_and_albums_are_told_apart() {
    let mut update = private(json!({ "text": "better", "edit_date": 1_799_999_500 }));
    update["edited_message"] = update["message"].take();
    update.as_object_mut().unwrap().remove("message");
    let edit = welcome(&update);
    assert_eq!(edit.sent_at.timestamp(), 1_799_999_500);
    assert!(
        matches!(edit.content, IncomingContent::Edit(Message { text, .. }) if text == "better")
    );

    let album = message(&private(json!({ "text": "one", "media_group_id": "a1" }))).album;
    assert!(album.is_none(), "only media make an album");
    let photo = json!([{ "file_id": "f", "file_unique_id": "u", "width": 9, "height": 9 }]);
    let album = message(&private(json!({ "photo": photo, "media_group_id": "a1" }))).album;
    assert_eq!(album.unwrap().as_str(), "a1");
}

#[test]
fn a_part_of_an_album_in_a_group_waits_for_one_that_says_whom_it_is_for() {
    let photo = json!([{ "file_id": "f", "file_unique_id": "u", "width": 9, "height": 9 }]);
    let part = |caption: &str| {
        let fields = json!({ "photo": photo, "media_group_id": "a1", "caption": caption });
        group(fields)
    };
    let arrived = |update: &Value| arrival(update).content;
    assert!(matches!(
        arrived(&part("@minibot look")),
        Arrived::Welcome { .. }
    ));
    for caption in ["", "a cat"] {
        let Arrived::Held { raw, incoming } = arrived(&part(caption)) else {
            panic!("{caption}")
        };
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), part(caption));
        assert_eq!(incoming.message().unwrap().attachments.len(), 1);
    }
    // For another bot, no album, an edit, a stranger's: nothing of that is kept.
    let mut edited = part("");
    edited["edited_message"] = edited["message"].take();
    edited.as_object_mut().unwrap().remove("message");
    for update in [
        part("/help@other_bot"),
        group(json!({ "photo": photo, "caption": "a cat" })),
        edited,
    ] {
        let content = arrived(&update);
        assert!(
            matches!(content, Arrived::Ignored { raw: None }),
            "{content:?}"
        );
    }
    let stranger = reader_for(&[1], GroupMode::Mention).read(&part(""), now());
    let content = stranger.unwrap().content;
    assert!(
        matches!(content, Arrived::Stranger { notice: None, .. }),
        "{content:?}"
    );
    let all = reader_for(&[OWNER], GroupMode::All).read(&part(""), now());
    assert!(matches!(all.unwrap().content, Arrived::Welcome { .. }));
}

#[test]
fn a_press_carries_its_data_and_its_message() {
    let mut button = earlier(bot(), json!({ "text": "card" }));
    button["chat"] = forum_chat();
    button["message_thread_id"] = 77.into();
    button["is_topic_message"] = true.into();
    let press = |message: Value| {
        json!({ "update_id": 1002, "callback_query": {
        "id": "q1", "from": owner(), "chat_instance": "i", "data": "job:1:done", "message": message } })
    };
    let incoming = welcome(&press(button));
    assert_eq!(incoming.target.thread.unwrap().as_str(), "77");
    assert_eq!(incoming.sent_at, now());
    let IncomingContent::Press(Press { id, message, data }) = incoming.content else {
        panic!()
    };
    assert_eq!((id.as_str(), data.as_str()), ("q1", "job:1:done"));
    assert_eq!(message.unwrap().as_str(), "5");

    let old = json!({ "chat": private_chat(), "message_id": 3, "date": 0 });
    assert_eq!(welcome(&press(old)).target.chat.as_str(), "42");
}

#[test]
fn an_update_that_the_types_refuse_is_still_read() {
    let sloppy = json!({ "update_id": 5, "message": { "message_id": 7, "chat": { "id": OWNER, "type": "private" },
        "from": { "id": OWNER }, "text": "hello", "reply_to_message": { "text": "earlier", "from": { "first_name": "Bo" } } } });
    let read = message(&sloppy);
    let quote = read.quote.unwrap();
    assert_eq!(
        (
            read.text.as_str(),
            quote.author.as_str(),
            quote.text.as_str()
        ),
        ("hello", "Bo", "earlier")
    );
    assert_eq!(welcome(&sloppy).sender.name, "somebody");
}

#[test]
fn what_cannot_be_read_at_all_is_kept_with_its_error() {
    for update in [
        private(json!({ "hologram": {} })),
        private(json!({ "text": 17 })),
    ] {
        let content = arrival(&update).content;
        let Arrived::Unreadable { raw, error } = content else {
            panic!("{content:?}")
        };
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), update);
        assert!(!error.is_empty());
    }
    let reader = reader_for(&[OWNER], GroupMode::Mention);
    for nothing in [
        json!({}),
        json!(null),
        json!([1]),
        json!({ "update_id": "7" }),
    ] {
        assert!(reader.read(&nothing, now()).is_none(), "{nothing}");
    }
}

/// Every value inside `value` replaced by `odd`, one at a time.
fn spoiled(value: &Value, odd: &Value) -> Vec<Value> {
    let mut variants = vec![odd.clone()];
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                variants.extend(spoiled(field, odd).into_iter().map(|field| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), field);
                    Value::Object(fields)
                }));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                variants.extend(spoiled(item, odd).into_iter().map(|item| {
                    let mut items = items.clone();
                    items[index] = item;
                    Value::Array(items)
                }));
            }
        }
        _ => {}
    }
    variants
}

#[test]
fn no_odd_value_anywhere_breaks_the_reader_or_opens_the_door() {
    let photo = json!([{ "file_id": "f", "file_unique_id": "u", "width": 9, "height": 9 }]);
    let samples = [
        group(
            json!({ "text": "@minibot 😀", "entities": [{ "type": "mention", "offset": 0, "length": 8 }],
            "reply_to_message": earlier(bot(), json!({ "photo": photo })), "message_thread_id": 3,
            "quote": { "text": "x", "position": 0, "is_manual": true } }),
        ),
        private(
            json!({ "photo": photo, "caption": "c", "media_group_id": "1",
            "caption_entities": [{ "type": "text_link", "offset": 0, "length": 1, "url": "https://a.example" }],
            "forward_origin": { "type": "hidden_user", "date": 1, "sender_user_name": "N" } }),
        ),
        json!({ "update_id": 5, "callback_query": { "id": "q", "from": owner(), "chat_instance": "i",
            "data": "d", "message": { "chat": forum_chat(), "message_id": 3, "date": 0 } } }),
    ];
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(0.5),
        json!(""),
        json!("\u{0}\u{202e}\u{10ffff}"),
        json!([]),
        json!([[{}]]),
        json!({}),
    ];
    let reader = reader_for(&[OWNER], GroupMode::All);
    for sample in &samples {
        for update in odd.iter().flat_map(|odd| spoiled(sample, odd)) {
            let Some(arrival) = reader.read(&update, now()) else {
                continue;
            };
            if let Arrived::Welcome { .. } = arrival.content {
                let kind = &update[arrival.kind.as_str()];
                assert_eq!(kind["from"]["id"], OWNER, "{update}");
            }
        }
    }
}
