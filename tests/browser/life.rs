//! The life of browsers: started late, kept apart, few, started again after a crash, gone without a trace.

use std::time::{Duration, Instant};

use minibot::adapters::browser::{LaunchSettings, report};
use minibot::core::browser::{Browser, BrowserError, View};
use minibot::core::tool::ErrorCode;
use rustix::process::{Pid, Signal, kill_process};

use crate::world::{PATIENCE, World, chat, confined, visit};

/// Waits until no process of the world's browsers is left, and no folder of theirs.
async fn gone(world: &World) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let folders = std::fs::read_dir(world.root.path().join("open"));
        let folders: Vec<_> = folders.into_iter().flatten().flatten().collect();
        let processes = world.processes();
        if processes.is_empty() && folders.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "left: {processes:?}, {folders:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_before_a_visit_and_after_the_end() {
    let Some(world) = World::start().await else {
        return;
    };
    let browser = &world.browser;
    assert_eq!(browser.info(&chat(1)).await, Err(BrowserError::NoPage));
    assert_eq!(
        browser.read(&chat(1), View::Text).await,
        Err(BrowserError::NoPage)
    );
    browser.close(&chat(1)).await.unwrap();
    assert!(world.processes().is_empty());
    world.open("/").await.unwrap();
    assert!(!world.processes().is_empty());
    browser.close(&chat(1)).await.unwrap();
    gone(&world).await;
    assert_eq!(browser.info(&chat(1)).await, Err(BrowserError::NoPage));
    world.open("/").await.unwrap();
    browser.close_all().await;
    gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chats_see_nothing_of_each_other_and_the_idle_one_makes_room() {
    let Some(world) = World::with(|config| config.max_sessions = 1.try_into().unwrap()).await
    else {
        return;
    };
    let browser = &world.browser;
    let cookie = visit(&world.site.url("/cookie"));
    browser.navigate(&chat(1), cookie.clone()).await.unwrap();
    browser.navigate(&chat(1), cookie.clone()).await.unwrap();
    assert!(world.text().await.contains("known"));
    browser.navigate(&chat(2), cookie.clone()).await.unwrap();
    let text = browser.read(&chat(2), View::Text).await.unwrap().content;
    assert!(text.contains("stranger"), "{text}");
    assert_eq!(browser.info(&chat(1)).await, Err(BrowserError::NoPage));
    browser.navigate(&chat(1), cookie).await.unwrap();
    assert!(world.text().await.contains("stranger"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_nobody_uses_ends() {
    let short = serde_json::from_str("1").unwrap();
    let Some(world) = World::with(|config| config.session_ttl_seconds = short).await else {
        return;
    };
    world.open("/").await.unwrap();
    gone(&world).await;
    assert_eq!(
        world.browser.info(&chat(1)).await,
        Err(BrowserError::NoPage)
    );
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_profile_knows_its_logins_after_a_restart() {
    let Some(mut world) = World::with(|config| config.keep_profile = true).await else {
        return;
    };
    world.open("/cookie").await.unwrap();
    world.browser.close(&chat(1)).await.unwrap();
    gone(&world).await;
    world.restart();
    world.open("/cookie").await.unwrap();
    assert!(world.text().await.contains("known"));
    let other = visit(&world.site.url("/cookie"));
    world.browser.navigate(&chat(2), other).await.unwrap();
    let text = world
        .browser
        .read(&chat(2), View::Text)
        .await
        .unwrap()
        .content;
    assert!(text.contains("stranger"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_costs_the_page_and_nothing_else() {
    let Some(world) = World::start().await else {
        return;
    };
    world.open("/").await.unwrap();
    for pid in world.processes() {
        let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
    }
    let lost = world.browser.read(&chat(1), View::Text).await.unwrap_err();
    assert_eq!(lost.code(), ErrorCode::Failed);
    assert_eq!(
        world.browser.info(&chat(1)).await,
        Err(BrowserError::NoPage)
    );
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");

    // Without anybody noticing in between.
    for pid in world.processes() {
        let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
    }
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");

    // Only what draws the page.
    for pid in world.processes() {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains("--type=renderer") {
            let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
        }
    }
    let started = Instant::now();
    assert!(world.browser.read(&chat(1), View::Text).await.is_err());
    assert!(started.elapsed() < PATIENCE);
    assert_eq!(world.open("/").await.unwrap().page.title, "Front");
    world.browser.close_all().await;
    gone(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_is_told_what_is_here() {
    let Some(world) = World::start().await else {
        return;
    };
    let settings = LaunchSettings {
        config: world.config.clone(),
        root: world.root.path().to_owned(),
        proxy: world.proxy.endpoint(),
        confine: confined(),
        display: Vec::new(),
    };
    let found = tokio::task::spawn_blocking(move || report(settings))
        .await
        .unwrap();
    let found = found.unwrap();
    assert!(found.program.is_absolute());
    assert!(found.version.contains('.'), "{}", found.version);
}

/// Shared parts counted once, in megabytes.
fn memory(world: &World) -> u64 {
    let kilobytes = world.processes().into_iter().filter_map(|pid| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text
            .lines()
            .find(|line| line.starts_with("Pss:"))?
            .to_owned();
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    kilobytes.sum::<u64>() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_costs_is_given_back() {
    let Some(world) = World::start().await else {
        return;
    };
    let visit = async |path| {
        let started = Instant::now();
        world.open(path).await.unwrap();
        started.elapsed().as_millis()
    };
    let cold = visit("/article").await;
    let mut warm = Vec::new();
    for path in ["/", "/article", "/late", "/form", "/tall"] {
        warm.push(visit(path).await);
    }
    warm.sort_unstable();
    let started = Instant::now();
    world.text().await;
    let read = started.elapsed().as_millis();
    let (processes, held) = (world.processes().len(), memory(&world));
    world.browser.close(&chat(1)).await.unwrap();
    gone(&world).await;
    let after = memory(&world);
    println!(
        "cold {cold} ms, warm {} ms (median of 5), read {read} ms, {processes} processes with {held} MB, after {after} MB",
        warm[2]
    );
    assert_eq!(after, 0);
}
