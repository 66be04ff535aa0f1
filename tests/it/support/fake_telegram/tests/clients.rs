//! A real client library understands what the fake says.

use serde_json::json;
use teloxide_core::prelude::Requester;
use teloxide_core::types::{
    CallbackQueryId, ChatId, InputFile, InputMedia, InputMediaDocument, UpdateKind,
};
use teloxide_core::{ApiError, Bot, RequestError};

use super::super::{Fault, FileKind, UserFile};
use super::*;

impl Bench {
    fn bot(&self) -> Bot {
        Bot::new(self.telegram.token()).set_api_url(self.telegram.url().parse().unwrap())
    }
}

#[tokio::test]
async fn answers() {
    let bench = Bench::new().await;
    let (bot, chat) = (bench.bot(), ChatId(ALICE));
    assert_eq!(
        bot.get_me().await.unwrap().username(),
        bench.telegram.bot_username()
    );
    let sent = bot.send_message(chat, "hello").await.unwrap();
    bot.edit_message_text(chat, sent.id, "hello you")
        .await
        .unwrap();
    let file = || InputFile::memory("abc").file_name("a.txt");
    bot.send_document(chat, file()).await.unwrap();
    bot.send_photo(chat, file()).await.unwrap();
    bot.send_voice(chat, file()).await.unwrap();
    let album = [file(), file()].map(|file| InputMedia::Document(InputMediaDocument::new(file)));
    assert_eq!(bot.send_media_group(chat, album).await.unwrap().len(), 2);
    for chat in [ALICE, GROUP, FORUM] {
        bot.get_chat(ChatId(chat)).await.unwrap();
    }
    bot.get_webhook_info().await.unwrap();
    bot.delete_message(chat, sent.id).await.unwrap();
}

#[tokio::test]
async fn refusals() {
    let bench = Bench::new().await;
    let (bot, chat) = (bench.bot(), ChatId(ALICE));
    let sent = bot.send_message(chat, "hello").await.unwrap();
    let same = bot
        .edit_message_text(chat, sent.id, "hello")
        .await
        .unwrap_err();
    assert!(
        matches!(same, RequestError::Api(ApiError::MessageNotModified)),
        "{same:?}"
    );
    let nobody = bot.send_message(ChatId(4), "hello").await.unwrap_err();
    assert!(
        matches!(nobody, RequestError::Api(ApiError::ChatNotFound)),
        "{nobody:?}"
    );
    bench.telegram.block(BOB);
    let blocked = bot.send_message(ChatId(BOB), "hello").await.unwrap_err();
    assert!(
        matches!(blocked, RequestError::Api(ApiError::BotBlocked)),
        "{blocked:?}"
    );
    bench.telegram.migrate(GROUP, -1_000_501);
    let moved = bot.send_message(ChatId(GROUP), "hello").await.unwrap_err();
    assert!(
        matches!(moved, RequestError::MigrateToChatId(ChatId(-1_000_501))),
        "{moved:?}"
    );
    bench
        .telegram
        .fail("sendMessage", [Fault::TooManyRequests { retry_after: 3 }]);
    let later = bot.send_message(chat, "hello").await.unwrap_err();
    assert!(matches!(later, RequestError::RetryAfter(_)), "{later:?}");
}

#[tokio::test]
async fn updates() {
    let bench = Bench::new().await;
    let keys = json!({ "inline_keyboard": [[{ "text": "Yes", "callback_data": "y" }]] });
    let ask = json!({ "chat_id": ALICE, "text": "Sure?", "reply_markup": keys });
    let asked = bench.ok("sendMessage", ask).await["message_id"]
        .as_i64()
        .unwrap();
    let telegram = &bench.telegram;
    telegram.user_sends(ALICE, ALICE, "/start");
    let written = telegram.user_sends(GROUP, BOB, "hi");
    telegram.user_edits(GROUP, written.message_id, "ho");
    telegram.user_replies(ALICE, ALICE, asked, "Why?");
    telegram.user_sends_in(FORUM, TOPIC, ALICE, "e4");
    let kinds = [
        FileKind::Photo,
        FileKind::Document,
        FileKind::Voice,
        FileKind::Audio,
        FileKind::Video,
    ];
    for kind in kinds {
        telegram.user_sends_file(ALICE, ALICE, UserFile::new(kind, "file.bin", "x"));
    }
    let pressed = telegram.user_presses(ALICE, ALICE, asked, "y");
    let gone = telegram.user_presses_forged(ALICE, ALICE, 999, "n");
    let updates = bench.bot().get_updates().await.unwrap();
    assert_eq!(updates.len(), 12);
    for update in updates {
        assert!(!matches!(update.kind, UpdateKind::Error(_)), "{update:?}");
    }
    for query in [pressed, gone] {
        bench
            .bot()
            .answer_callback_query(CallbackQueryId(query.query_id))
            .await
            .unwrap();
    }
}
