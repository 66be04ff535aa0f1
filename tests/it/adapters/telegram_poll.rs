//! Polling against a strict server: nothing is confirmed before it is stored, and every trouble passes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use minibot::adapters::telegram::config::{GroupMode, TelegramConfig};
use minibot::adapters::telegram::{PollError, Poller, TelegramSettings};
use minibot::core::error::{StoreError, StoreResult};
use minibot::core::http_url::HttpUrl;
use minibot::core::inbox::Arrival;
use minibot::core::units::Seconds;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::telegram_samples::{OWNER, StoppedClock, reader_for};
use crate::support::fake_telegram::{FakeTelegram, Fault, Options};
use crate::support::gate::Gate;

/// A bot that polls and keeps what it stores; stopped when dropped.
struct PollingBot {
    telegram: FakeTelegram,
    stored: watch::Receiver<Vec<i64>>,
    completed: Arc<AtomicUsize>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), PollError>>,
}

/// How storing a batch ends, one for each of the first attempts; after them it succeeds.
type Outcomes = Vec<StoreResult<()>>;

fn settings(api_url: &str, token: String) -> TelegramSettings {
    let config = TelegramConfig {
        api_url: HttpUrl::parse(api_url).unwrap(),
        allowed_user_ids: vec![OWNER],
        poll_timeout_seconds: Seconds::new(1),
        ..TelegramConfig::default()
    };
    TelegramSettings::new(&config, token.into())
}

fn poller(settings: TelegramSettings) -> Poller {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let reader = reader_for(&[OWNER], GroupMode::Mention);
    let poller = Poller::new(settings, reader, Arc::new(StoppedClock)).unwrap();
    poller.first_pause(Duration::from_millis(5))
}

async fn world() -> FakeTelegram {
    let options = Options {
        longest_poll: Duration::from_millis(100),
        ..Options::default()
    };
    let telegram = FakeTelegram::start_with(options).await;
    telegram.add_private_chat(OWNER, "Ann");
    telegram
}

impl PollingBot {
    fn start(telegram: FakeTelegram, outcomes: Outcomes) -> Self {
        let completed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&completed);
        let poller =
            poller(settings(&telegram.url(), telegram.token())).on_completed_poll(move || {
                counter.fetch_add(1, Ordering::SeqCst);
            });
        let (sender, stored) = watch::channel(Vec::new());
        let outcomes = Mutex::new(outcomes.into_iter());
        let sink = move |batch: Vec<Arrival>| {
            let outcome = outcomes.lock().unwrap().next().unwrap_or(Ok(()));
            if outcome.is_ok() {
                sender.send_modify(|stored| stored.extend(batch.iter().map(|one| one.external_id)));
            }
            async move { outcome }
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(poller.run(stop.clone(), sink));
        Self {
            telegram,
            stored,
            completed,
            stop,
            task,
        }
    }

    async fn stores(&mut self, ids: &[i64]) {
        let wait = self.stored.wait_for(|stored| stored.len() >= ids.len());
        let stored = tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*stored, ids);
    }

    async fn stops(self) {
        self.stop.cancel();
        assert_eq!(self.task.await.unwrap(), Ok(()));
    }

    async fn ends(self) -> PollError {
        self.task.await.unwrap().unwrap_err()
    }
}

#[tokio::test]
async fn the_backlog_is_fetched_and_confirmed_after_it_is_stored() {
    let telegram = world().await;
    let first = telegram.user_sends(OWNER, OWNER, "one").update_id;
    let second = telegram.user_sends(OWNER, OWNER, "two").update_id;
    let mut bot = PollingBot::start(telegram, vec![]);
    bot.stores(&[first, second]).await;
    bot.telegram.wait_for_confirmation(second).await;

    let webhook = bot.telegram.calls("deleteWebhook");
    assert_eq!(webhook[0].params["drop_pending_updates"], json!(false));
    let polls = bot.telegram.calls("getUpdates");
    assert_eq!(polls[0].params.get("offset"), None);
    let asked = json!([
        "message",
        "edited_message",
        "callback_query",
        "my_chat_member"
    ]);
    assert_eq!(polls[0].params["allowed_updates"], asked);
    assert_eq!(polls[1].params["offset"], json!(second + 1));
    bot.stops().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_asked_for_again() {
    let full = || Err(StoreError::Full("no room".to_owned()));
    let telegram = world().await;
    let id = telegram.user_sends(OWNER, OWNER, "one").update_id;
    let mut bot = PollingBot::start(telegram, vec![full(), full()]);
    bot.stores(&[id]).await;
    bot.telegram.wait_for_confirmation(id).await;
    let polls = bot.telegram.calls("getUpdates");
    for poll in &polls[..3] {
        assert_eq!(poll.params.get("offset"), None, "nothing was stored yet");
    }
    bot.stops().await;
}

#[tokio::test]
async fn after_a_quiet_week_ids_may_start_lower() {
    let telegram = world().await;
    let first = telegram.user_sends(OWNER, OWNER, "one").update_id;
    let mut bot = PollingBot::start(telegram, vec![]);
    bot.stores(&[first]).await;
    let polls = bot.telegram.wait_for_calls("getUpdates", 3).await;
    assert_eq!(polls[1].params["offset"], json!(first + 1));
    assert_eq!(
        polls[2].params.get("offset"),
        None,
        "what it confirmed is gone"
    );
    bot.telegram.set_next_update_id(1_000);
    let second = bot.telegram.user_sends(OWNER, OWNER, "two").update_id;
    assert_eq!(second, 1_000);
    bot.stores(&[first, second]).await;
    bot.stops().await;
}

#[tokio::test]
async fn every_trouble_passes() {
    let troubles = [
        (
            "conflict",
            Fault::Answer {
                status: 409,
                body:
                    json!({ "ok": false, "error_code": 409, "description": "Conflict: terminated" })
                        .to_string(),
            },
        ),
        ("server error", Fault::ServerError(500)),
        ("proxy error", Fault::HtmlError(502)),
        ("proxy's not found", Fault::HtmlError(404)),
        ("dropped connection", Fault::DropBefore),
        ("cut answer", Fault::InvalidJson),
        (
            "too many requests",
            Fault::TooManyRequests { retry_after: 0 },
        ),
        (
            "nonsense",
            Fault::Answer {
                status: 200,
                body: json!({ "ok": true, "result": {} }).to_string(),
            },
        ),
    ];
    for (name, trouble) in troubles {
        let telegram = world().await;
        telegram
            .fail_times("getUpdates", 3, trouble.clone())
            .fail("deleteWebhook", [trouble]);
        let id = telegram.user_sends(OWNER, OWNER, name).update_id;
        let mut bot = PollingBot::start(telegram, vec![]);
        bot.stores(&[id]).await;
        bot.stops().await;
    }
}

#[tokio::test]
async fn a_line_that_was_cut_comes_back() {
    let mut bot = PollingBot::start(world().await, vec![]);
    bot.telegram.wait_for_calls("getUpdates", 1).await;
    bot.telegram.go_offline();
    let id = bot.telegram.user_sends(OWNER, OWNER, "one").update_id;
    bot.telegram.go_online();
    bot.stores(&[id]).await;
    bot.stops().await;
}

#[tokio::test]
async fn a_webhook_that_appears_is_removed_again() {
    let telegram = world().await;
    let conflict = json!({ "ok": false, "error_code": 409,
        "description": "Conflict: can't use getUpdates method while webhook is active" });
    telegram.fail(
        "getUpdates",
        [Fault::Answer {
            status: 409,
            body: conflict.to_string(),
        }],
    );
    let bot = PollingBot::start(telegram, vec![]);
    bot.telegram.wait_for_calls("deleteWebhook", 2).await;
    bot.stops().await;
}

#[tokio::test]
async fn a_poll_that_brought_nothing_but_trouble_does_not_count() {
    let telegram = world().await;
    let last = Gate::new();
    let conflict = json!({ "ok": false, "error_code": 409, "description": "Conflict: terminated" });
    let nonsense = json!({ "ok": true, "result": {} });
    let answer = |status, body: &serde_json::Value| Fault::Answer {
        status,
        body: body.to_string(),
    };
    let faults = [
        answer(409, &conflict),
        Fault::ServerError(500),
        answer(200, &nonsense),
        Fault::DropBefore,
        Fault::HoldBefore(last.clone()),
    ];
    telegram.fail("getUpdates", faults);
    let bot = PollingBot::start(telegram, vec![]);
    last.wait_for_arrivals(1).await;
    assert_eq!(bot.completed.load(Ordering::SeqCst), 0);
    last.open();
    bot.telegram.wait_for_calls("getUpdates", 7).await;
    assert!(
        bot.completed.load(Ordering::SeqCst) > 0,
        "an empty answer counts"
    );
    bot.stops().await;
}

#[tokio::test]
async fn a_poll_counts_when_what_it_brought_is_stored() {
    let telegram = world().await;
    telegram.user_sends(OWNER, OWNER, "one");
    let completed = Arc::new(AtomicUsize::new(0));
    let (counter, counted) = (completed.clone(), completed);
    let poller = poller(settings(&telegram.url(), telegram.token())).on_completed_poll(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    // What was counted before each attempt to store.
    let (sender, mut seen) = watch::channel(Vec::new());
    let stop = CancellationToken::new();
    let task = tokio::spawn(poller.run(stop.clone(), move |_: Vec<Arrival>| {
        sender.send_modify(|seen| seen.push(counted.load(Ordering::SeqCst)));
        let full = sender.borrow().len() < 3;
        let outcome = if full {
            Err(StoreError::Full("no room".to_owned()))
        } else {
            Ok(())
        };
        async move { outcome }
    }));
    let patience = Duration::from_secs(10);
    let third = tokio::time::timeout(patience, seen.wait_for(|seen| seen.len() == 3));
    assert_eq!(*third.await.unwrap().unwrap(), [0, 0, 0]);
    telegram.user_sends(OWNER, OWNER, "two");
    let fourth = tokio::time::timeout(patience, seen.wait_for(|seen| seen.len() == 4));
    assert!(fourth.await.unwrap().unwrap()[3] > 0);
    stop.cancel();
    assert_eq!(task.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_wrong_token_ends_it_without_being_told() {
    let telegram = world().await;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wrong = settings(&telegram.url(), "123:wrong-token".to_owned());
    let result = poller(wrong)
        .run(CancellationToken::new(), |_| async { Ok(()) })
        .await;
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "channels.telegram.bot_token: Telegram does not accept this token any more (401 \
         Unauthorized); put the new one of @BotFather there and start again. What waits is kept"
    );
    assert!(!format!("{error:?}").contains("wrong-token"));
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_it() {
    let telegram = world().await;
    let body = json!({ "ok": false, "error_code": 401, "description": "Unauthorized" }).to_string();
    telegram.fail("getUpdates", [Fault::Answer { status: 401, body }]);
    let error = PollingBot::start(telegram, vec![]).ends().await;
    assert!(matches!(error, PollError::TokenRefused(_)), "{error}");
}

#[tokio::test]
async fn silence_is_counted_from_the_last_answer() {
    let telegram = world().await;
    // Ten silences in a row would be the end.
    let silence = || std::iter::repeat_n(Fault::DropBefore, 6);
    let answer = [Fault::ServerError(502)];
    telegram.fail("getUpdates", silence().chain(answer).chain(silence()));
    let poller = poller(settings(&telegram.url(), telegram.token()))
        .first_pause(Duration::from_micros(10))
        .patience(Duration::ZERO);
    let (sender, mut stored) = watch::channel(0);
    let stop = CancellationToken::new();
    let task = tokio::spawn(poller.run(stop.clone(), move |batch: Vec<Arrival>| {
        sender.send_modify(|stored| *stored += batch.len());
        async { Ok(()) }
    }));
    telegram.user_sends(OWNER, OWNER, "one");
    let came = tokio::time::timeout(
        Duration::from_secs(10),
        stored.wait_for(|stored| *stored > 0),
    );
    came.await.unwrap().expect("it has given up");
    stop.cancel();
    assert_eq!(task.await.unwrap(), Ok(()));
}

/// Nothing listens there, so time, which is paused, runs ahead at once.
#[tokio::test(start_paused = true)]
async fn a_long_silence_ends_it() {
    let mut lost = settings("http://127.0.0.1:1", "123:secret-token".to_owned());
    lost.poll_timeout = Duration::from_secs(50);
    let result = poller(lost)
        .run(CancellationToken::new(), |_| async { Ok(()) })
        .await;
    let Err(PollError::Silent { silent_for, last }) = result else {
        panic!("{result:?}")
    };
    assert!(silent_for >= Duration::from_secs(1500), "{silent_for:?}");
    assert!(!last.contains("secret-token"), "{last}");
}
