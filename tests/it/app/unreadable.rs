//! What nobody here can look at: said in one line, never asked about.

use image::ImageFormat;
use serde_json::{Value, json};

use super::attachments::{file, sends};
use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::pictures::picture;
use crate::support::test_bot::{ALICE, TestBot};

fn all_kinds() -> Vec<(&'static str, Value)> {
    let video =
        json!({ "file_id": "v", "file_unique_id": "u", "width": 9, "height": 9, "duration": 3 });
    let chat = json!({ "id": ALICE, "type": "private", "first_name": "Alice" });
    let sticker = json!({
        "file_id": "s", "file_unique_id": "u", "type": "regular", "width": 9, "height": 9,
        "is_animated": true, "is_video": false, "emoji": "😀",
    });
    let game = json!({ "title": "Chess", "description": "it", "photo": [] });
    let invoice = json!({
        "title": "Tea", "description": "it", "start_parameter": "", "currency": "EUR", "total_amount": 1,
    });
    let paid = json!({ "star_count": 1, "paid_media": [{ "type": "preview" }] });
    vec![
        ("the video", json!({ "video": video })),
        (
            "the animation",
            json!({ "animation": video, "document": video }),
        ),
        ("the story", json!({ "story": { "chat": chat, "id": 1 } })),
        ("the paid media", json!({ "paid_media": paid })),
        ("😀", json!({ "sticker": sticker })),
        ("the game", json!({ "game": game })),
        ("the invoice", json!({ "invoice": invoice })),
        ("the photo", json!({ "photo": [] })),
        ("the video", json!({ "video": { "mime_type": 7 } })),
    ]
}

/// No message of a person is empty, to none of the providers.
fn none_is_empty(bot: &TestBot) {
    for request in bot.provider.requests() {
        let of_person = request
            .messages()
            .iter()
            .filter(|one| one["role"] == "user");
        for message in of_person {
            let content = &message["content"];
            assert!(content != "" && *content != json!([]), "{}", request.body);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said_without_a_model() {
    let bot = TestBot::new().await;
    for (name, fields) in all_kinds() {
        bot.telegram.user_sends_raw(ALICE, ALICE, fields);
        let line = format!(
            "I did not read {name}: I cannot look at things of this kind; describe it, or send a picture of it."
        );
        bot.alice().replies(&line).await;
    }
    assert_eq!(bot.provider.requests().len(), 0);
    // What follows is asked about as ever, and the conversation says what was there.
    bot.model([Reply::text("A video.")]);
    bot.says("what did I send?").await.replies("A video.").await;
    let body = bot.provider.requests()[0].body.to_string();
    assert!(body.contains("[video, not read]"), "{body}");
    none_is_empty(&bot);
    bot.finish().await;
}

#[tokio::test]
async fn words_beside_it_are_answered() {
    for provider in ["openai", "openai_responses"] {
        let bot = TestBot::with(&[("llm.provider", provider)]).await;
        bot.model([Reply::text("I cannot see it.")]);
        let mut fields = all_kinds().remove(0).1;
        fields["caption"] = "is it good?".into();
        bot.telegram.user_sends_raw(ALICE, ALICE, fields);
        bot.alice()
            .replies_with("I did not read the video: I cannot look")
            .await;
        bot.alice().replies("I cannot see it.").await;
        let request = bot.provider.requests().remove(0);
        assert_eq!(request.last_user_text(), "is it good?");
        let body = request.body.to_string();
        assert!(
            body.contains("The message also has a video, which was not read"),
            "{body}"
        );
        bot.finish().await;
    }
}

#[tokio::test]
async fn an_album_of_a_picture_and_a_video_is_one_question() {
    let bot = TestBot::new().await;
    bot.model([Reply::text("A gradient.")]);
    let part = |kind, name: &str, bytes: Vec<u8>| UserFile {
        media_group_id: Some("album".to_owned()),
        ..file(kind, name, bytes, "")
    };
    sends(
        &bot,
        part(FileKind::Photo, "p.png", picture(9, 9, ImageFormat::Png)),
    );
    sends(&bot, part(FileKind::Video, "v.mp4", b"mp4".to_vec()));
    bot.alice()
        .replies_with("I did not read v.mp4: I cannot look")
        .await;
    bot.alice().replies("A gradient.").await;
    assert_eq!(bot.telegram.calls("getFile").len(), 1);
    none_is_empty(&bot);
    bot.finish().await;
}

#[tokio::test]
async fn an_unnamed_file_that_is_only_kept_is_no_empty_message() {
    for provider in ["openai", "openai_responses"] {
        let files = ("tools.file_storage.enabled", "true");
        let bot = TestBot::with(&[files, ("llm.provider", provider)]).await;
        bot.model([Reply::text("Kept.")]);
        sends(
            &bot,
            file(
                FileKind::Document,
                "",
                b"PK\x03\x04\x00\x00\x00\x00".to_vec(),
                "",
            ),
        );
        bot.alice().replies("Kept.").await;
        assert!(!bot.provider.requests()[0].last_user_text().is_empty());
        bot.finish().await;
    }
}

#[tokio::test]
async fn the_words_of_a_forwarded_file_that_was_refused_are_answered() {
    let bot = TestBot::with(&[("channels.telegram.media_enabled", "false")]).await;
    bot.model([Reply::text("A cat.")]);
    let photo = json!([{ "file_id": "f", "file_unique_id": "u", "width": 9, "height": 9 }]);
    let forwarded = json!({
        "photo": photo, "caption": "my cat",
        "forward_origin": { "type": "hidden_user", "sender_user_name": "Eve", "date": 1 },
    });
    bot.telegram.user_sends_raw(ALICE, ALICE, forwarded);
    bot.alice()
        .replies("I did not read the photo: files are switched off here (media_enabled).")
        .await
        .replies("A cat.")
        .await;
    bot.finish().await;
}

#[tokio::test]
async fn what_reads_as_well_in_words_is_answered_as_words() {
    let bot = TestBot::new().await;
    let place = json!({ "latitude": 40.4168, "longitude": -3.7038 });
    let option = |text: &str| json!({ "text": text, "voter_count": 0, "persistent_id": text });
    let poll = json!({
        "id": "1", "question": "Tea?", "options": [option("yes"), option("no")],
        "total_voter_count": 0, "is_closed": false, "is_anonymous": true, "type": "regular",
        "allows_multiple_answers": false,
    });
    for (fields, words) in [
        (json!({ "location": place }), "[location: 40.4168, -3.7038]"),
        (
            json!({ "contact": { "phone_number": "+3491", "first_name": "Bo", "last_name": "Ek" } }),
            "[contact: Bo Ek, +3491]",
        ),
        (json!({ "poll": poll }), "[poll: Tea? — yes / no]"),
    ] {
        bot.model([Reply::text(words)]);
        bot.telegram.user_sends_raw(ALICE, ALICE, fields);
        bot.alice().replies(words).await;
        let request = bot.provider.requests().pop().unwrap();
        // What stands in a contact was written by whoever made it.
        let is_of_others = words.starts_with("[contact");
        let asked = request.last_user_text();
        assert_eq!(asked == words, !is_of_others, "{asked}");
        assert!(asked.contains(words), "{asked}");
    }
    bot.finish().await;
}
