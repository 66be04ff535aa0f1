//! From nothing to a config: what `docker compose run --rm minibot setup` asks and writes.

use std::time::Duration;

use rexpect::session::{PtySession, spawn_command};

use crate::support::fake_model::Reply;
use crate::{ALICE, PATIENCE, World, compose, done, has_browser};

const DOWN: &str = "\u{1b}[B";

/// The suggested address is deleted before another one is written.
const DELETE: &str = "\u{7f}";

/// Added to what setup wrote. With the short poll an outage is noticed within seconds.
const MORE: &str = r#"
[approvals.tools]
"*" = "allow"

[tools.python_exec]
enabled = true

[tools.bash]
enabled = true
"#;

/// Docker alone, without compose and without any file.
pub fn offline_without_a_config() {
    let image = std::env::var("IMAGE").unwrap_or_else(|_| "minibot:latest".to_owned());
    let confined = [
        "run",
        "--rm",
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
    ];
    let question = [&*image, "console", "--once", "what is 12*12?"];
    let answer = compose::docker(&[&confined[..], &question].concat());
    assert!(answer.contains("144"), "{answer}");
    done("it answers offline, without a config");
}

fn answer(session: &mut PtySession, words: &str, answer: &str) {
    session.exp_string(words).unwrap();
    session.send_line(answer).unwrap();
}

pub async fn the_config_goes_into_the_volume(world: &World) {
    world.provider.replies([Reply::text("OK")]);
    world.telegram.user_sends(ALICE, ALICE, "/start");
    let url = world.telegram.url();
    let command = compose::command(&["run", "--rm", "minibot", "setup", "--api-url", &url]);
    let (token, key) = (world.telegram.token(), world.provider.api_key());
    let url = world.provider.url();
    let talk = move || {
        let patience = Duration::as_millis(&PATIENCE);
        let mut session = spawn_command(command, Some(patience.try_into().unwrap())).unwrap();
        answer(&mut session, "The bot's token", &token);
        session.exp_string("Is this you: Alice").unwrap();
        session.send("y").unwrap();
        session.flush().unwrap();
        session.exp_string("Which model answers?").unwrap();
        session.send(&DOWN.repeat(3)).unwrap();
        session.send_line("").unwrap();
        answer(
            &mut session,
            "Its address",
            &format!("{}{url}", DELETE.repeat(60)),
        );
        answer(&mut session, "API key", &key);
        answer(&mut session, "model's name", "fake");
        session.exp_string("answers: OK").unwrap();
        answer(&mut session, "Your time zone", "");
        session.exp_eof().unwrap()
    };
    let shown = tokio::task::spawn_blocking(talk).await.unwrap();
    assert!(shown.contains("is written"), "{shown}");
    let owner = compose::other("stat", &["-c", "%u:%g %a", "/config/config.toml"], b"");
    assert_eq!(owner.trim(), "10001:10001 600");
    let checked = compose::minibot(&["check"]);
    assert!(checked.contains("no problems"), "{checked}");
    let project = std::env::var("COMPOSE_PROJECT_NAME").unwrap_or_else(|_| "minibot".to_owned());
    let volume = format!("{project}_config");
    let place = compose::docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", &volume]);
    assert!(place.ends_with(&format!("{volume}/_data")), "{place}");
    done("setup asks, and writes the config into the volume as uid 10001");
}

const BROWSER: &str = "\n[tools.browser]\nenabled = true\n";

pub fn tools_are_switched_on() {
    // The token stays where setup wrote it, so its section can get another key only there.
    let sed = [
        "-i",
        "s/^enabled = true/&\\npoll_timeout_seconds = 2/",
        "/config/config.toml",
    ];
    compose::other("sed", &sed, b"");
    let more = if has_browser() {
        [MORE, BROWSER].concat()
    } else {
        MORE.to_owned()
    };
    compose::other("tee", &["-a", "/config/config.toml"], more.as_bytes());
    compose::minibot(&["check"]);
}

/// The key moves from the config into a file beside it.
pub fn a_secret_goes_into_the_volume(world: &World) {
    let key = world.provider.api_key();
    compose::other("tee", &["/config/api_key"], key.as_bytes());
    let named = "s/^api_key = .*/api_key_file = \"api_key\"/";
    compose::other("sed", &["-i", named, "/config/config.toml"], b"");
    let config = compose::other("cat", &["/config/config.toml"], b"");
    assert!(config.contains("api_key_file") && !config.contains(&key));
    compose::minibot(&["check"]);
    done("a secret is in a file of the volume, and the config names it");
}
