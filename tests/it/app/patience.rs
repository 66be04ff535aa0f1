//! A database that another process holds for a long time.

use chrono::TimeDelta;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::support::fake_model::Reply;
use crate::support::gate::Gate;
use crate::support::test_bot::TestBot;

/// Longer than anything that fails for an unknown reason is tried.
const SECONDS: usize = 320;

#[tokio::test]
async fn what_a_model_was_paid_for_is_kept_however_long_it_cannot_be_written_down() {
    let bot = TestBot::with(&[("storage.busy_timeout_ms", "1")]).await;
    let gate = Gate::new();
    bot.model([Reply::text("Here.").held(&gate)]);
    bot.says("are you there?").await;
    gate.wait_for_arrivals(1).await;
    let options = SqliteConnectOptions::new().filename(bot.settings.database());
    let mut holder = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut holder)
        .await
        .unwrap();
    gate.open();
    let mut last = 0;
    for _ in 0..SECONDS {
        last = bot.clock.someone_sleeps_after(last, 999..1_001).await;
        bot.advance(TimeDelta::seconds(1));
    }
    assert!(bot.alice().messages().is_empty());
    holder.close().await.unwrap();
    bot.advance(TimeDelta::seconds(1));
    bot.alice().replies("Here.").await;
    assert_eq!(bot.provider.requests().len(), 1);
    bot.finish().await;
}
