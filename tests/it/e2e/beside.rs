//! What stands beside the running bot: commands that change something, and the service manager.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};

#[tokio::test]
async fn what_a_command_changes_takes_effect_at_once() {
    let mut program = Program::new("").await;
    let tomorrow = json!({ "content": "stretch", "delay_seconds": 86_400 });
    program.provider.replies([
        Reply::tools([("schedule_prompt", tomorrow)]),
        Reply::text("Will do."),
    ]);
    program.start();
    let telegram = program.telegram.clone();
    telegram.user_sends(ALICE, ALICE, "stretch tomorrow");
    telegram.wait_for_text(ALICE, "Will do.").await;
    let ran = program.run(&["jobs", "run", "1"]).await;
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    // By itself the bot looks once a minute.
    timeout(
        Duration::from_secs(20),
        telegram.wait_for_text(ALICE, "stretch"),
    )
    .await
    .unwrap();
    assert_eq!(program.terminate().await.code(), Some(0));
}

#[tokio::test]
async fn the_service_manager_is_told_of_each_step() {
    let mut program = Program::new("").await;
    let at = program.config_path().with_file_name("notify");
    let manager = UnixDatagram::bind(&at).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    program.start_with(&[("NOTIFY_SOCKET", at.to_str().unwrap())]);
    let told = |what: &'static str| {
        let manager = manager.try_clone().unwrap();
        tokio::task::spawn_blocking(move || {
            let mut words = [0; 256];
            loop {
                let length = manager.recv(&mut words).expect(what);
                if String::from_utf8_lossy(&words[..length])
                    .lines()
                    .any(|line| line == what)
                {
                    return;
                }
            }
        })
    };
    told("READY=1").await.unwrap();
    told("WATCHDOG=1").await.unwrap();
    // A network that is down is no reason to be killed.
    program.telegram.go_offline();
    program.says("polling Telegram fails", 1).await;
    told("WATCHDOG=1").await.unwrap();
    told("WATCHDOG=1").await.unwrap();
    program.terminate().await;
    told("STOPPING=1").await.unwrap();
}
