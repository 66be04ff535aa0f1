//! The image as it ships, run with docker-compose.yml between the fakes. `scripts/docker-check` builds it and runs this.
//!
//! It is no test target, as every run of the tests would have to skip it: like a benchmark it is compiled and linted with
//! everything else, and run when somebody asks for it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr
)]

#[path = "../../tests/it/support/mod.rs"]
mod support;

mod compose;
mod life;
mod setup;
mod tools;

use std::time::Duration;

use crate::support::fake_model::FakeModel;
use crate::support::fake_telegram::{FakeTelegram, Options};

/// The person who owns the bot; the id of their private chat too.
const ALICE: i64 = 1_001;

/// Longer than a container takes to start, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both fakes; the containers share this machine's network, and so reach them.
struct World {
    telegram: FakeTelegram,
    provider: FakeModel,
}

impl World {
    async fn new() -> Self {
        let options = Options {
            wait_timeout: PATIENCE,
            ..Options::default()
        };
        let telegram = FakeTelegram::start_with(options).await;
        telegram.add_private_chat(ALICE, "Alice");
        let provider = FakeModel::start().await;
        Self { telegram, provider }
    }
}

/// The containers and volumes go, and when it ends badly their log is shown first.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = compose::command(&["logs", "--tail", "100"]).output();
            eprintln!(
                "{}",
                log.map_or_else(|e| e.to_string(), |log| compose::said(&log))
            );
        }
        let _ = compose::command(&["down", "--volumes"]).output();
    }
}

/// Whether the image was built with it.
fn has_browser() -> bool {
    std::env::var("INSTALL_BROWSER").is_ok_and(|wanted| wanted == "true")
}

fn done(what: &str) {
    eprintln!("✓ {what}");
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _cleanup = Cleanup;
    runtime.block_on(async {
        let world = World::new().await;
        setup::offline_without_a_config();
        setup::the_config_goes_into_the_volume(&world).await;
        setup::tools_are_switched_on();
        setup::a_secret_goes_into_the_volume(&world);
        life::it_starts_and_answers(&world).await;
        life::it_cannot_do_what_it_need_not();
        tools::doctor_finds_everything(&world);
        tools::programs_run_in_the_sandbox(&world).await;
        life::commands_work_beside_it(&world).await;
        life::its_health_is_known(&world).await;
        life::a_reminder_outlives_the_container(&world).await;
        life::a_copy_is_put_back(&world).await;
        compose::all_documented_ran();
    });
}
