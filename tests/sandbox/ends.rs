//! Whoever goes first, the bot, the helper or the caller: nothing of a run stays.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use minibot::core::sandbox::{RunEnd, Sandbox, SandboxMode};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::world::{World, own, prepare};

/// Asks again and again; the one way to wait for what another process does.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "waited in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const SLEEPERS: &str = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(600)\nopen('begun', 'w')\ntime.sleep(600)";

/// Children of children in sessions of their own, of whom no parent knows any more.
const STRANGERS: &str = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            os.chdir('/usr')\n            os.execve('/bin/sh', ['sh', '-c', 'sleep 600; exit'], {'MARK': os.environ['MARK']})\n        os._exit(0)\n    os.wait()\nopen('begun', 'w')\ntime.sleep(600)";

fn has_begun(world: &World) -> bool {
    let runs = fs::read_dir(world.runs()).unwrap().flatten();
    runs.map(|run| run.path().join("work/begun"))
        .any(|path| path.exists())
}

#[tokio::test]
async fn dropping_the_future_ends_the_run() {
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    let mut request = world.python(SLEEPERS);
    // Nothing else ends it while the test waits.
    request.timeout = Duration::from_secs(300);
    let run = tokio::spawn(async move { sandbox.run(request).await });
    until("it has begun", || has_begun(&world)).await;
    run.abort();
    until("nothing is left", || world.left_behind().is_empty()).await;
}

/// The helper of the only run of this world.
fn helper_of(world: &World) -> Pid {
    helper_among(&world.processes())
}

/// Of the processes of one run, the program itself is its helper's child.
fn helper_among(processes: &[u32]) -> Pid {
    let mut parents = processes.iter().filter_map(|process| parent(*process));
    let helper = parents.find(|parent| {
        let words = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(b"__sandbox")
    });
    Pid::from_raw(helper.unwrap()).unwrap()
}

fn parent(process: u32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    parent.trim().parse().ok()
}

#[tokio::test]
async fn a_helper_that_is_killed_takes_its_whole_run_with_it_and_leaves_its_neighbour_alone() {
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    let request = world.python(STRANGERS);
    let run = tokio::spawn(async move { sandbox.run(request).await });
    until("it has begun", || has_begun(&world)).await;
    let helper = helper_of(&world);
    let beside = world.sandbox(SandboxMode::Native);
    let other = world.python(
        "import os, time\nopen('beside', 'w')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('whole')",
    );
    let other = tokio::spawn(async move { beside.run(other).await });
    let works = || {
        let runs = fs::read_dir(world.runs()).unwrap().flatten();
        runs.map(|run| run.path().join("work"))
            .find(|work| work.join("beside").exists())
    };
    until("the other has begun", || works().is_some()).await;
    let beside = works().unwrap();
    kill_process(helper, Signal::KILL).unwrap();
    let error = run.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("did not answer"), "{error}");
    // It goes on to its own end, with the other long gone.
    fs::write(beside.join("go"), "").unwrap();
    let other = other.await.unwrap().unwrap();
    assert_eq!(other.stdout.text, "whole\n", "its neighbour is left alone");
    assert_eq!(world.left_behind(), Vec::<String>::new());
}

/// Returns when no thread of it runs any more.
fn stop(child: &Child) {
    let pid = Pid::from_child(child);
    kill_process(pid, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped(), "{status:?}");
}

/// Nobody else could be asked what becomes of a run whose bot and helper go at the same moment.
#[tokio::test]
async fn what_outlives_bot_and_helper_is_ended_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bot, runs, mark) = another_bot(folder.path()).await;
    let helper = helper_among(&crate::world::marked(&mark));
    // Who is stopped does not see the other go. It is the bot, as the kernel wakes a helper whose bot goes: it is
    // the only stopped one of a group that nobody leads any more.
    stop(&bot);
    kill_process(helper, Signal::KILL).unwrap();
    bot.kill().unwrap();
    bot.wait().unwrap();
    let left = || crate::world::marked(&mark);
    until("the program itself is gone", || left().len() == 6).await;
    let data = Path::new(&runs).parent().unwrap();
    prepare(data, &[]);
    assert_eq!(left(), Vec::<u32>::new());
    assert_eq!(fs::read_dir(&runs).unwrap().count(), 0);
    fs::remove_dir_all(data).unwrap();
}

/// The bot tells its helper nothing by the environment, so nothing can be handed on.
#[tokio::test]
async fn the_helper_has_no_variables() {
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    let request = world.python(SLEEPERS);
    let run = tokio::spawn(async move { sandbox.run(request).await });
    until("it has begun", || has_begun(&world)).await;
    let helper = helper_of(&world);
    // It shows itself to nobody but a root with all rights.
    match fs::read(format!("/proc/{}/environ", helper.as_raw_nonzero())) {
        Ok(environment) => assert_eq!(String::from_utf8_lossy(&environment), ""),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
    run.abort();
    until("nothing is left", || world.left_behind().is_empty()).await;
}

#[tokio::test]
async fn a_helper_that_is_told_to_end_leaves_nothing() {
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    let request = world.python(SLEEPERS);
    let run = tokio::spawn(async move { sandbox.run(request).await });
    until("it has begun", || has_begun(&world)).await;
    kill_process(helper_of(&world), Signal::TERM).unwrap();
    assert!(run.await.unwrap().is_err());
    until("nothing is left", || world.left_behind().is_empty()).await;
}

/// This test is its own bot: started by the next one, it runs a program and is killed meanwhile.
#[tokio::test]
async fn as_a_bot() {
    let Ok(told) = std::env::var("TEST_AS_A_BOT_IN") else {
        return;
    };
    let world = World::new();
    fs::write(told, format!("{}\n{}", world.runs().display(), world.mark)).unwrap();
    let outcome = world
        .sandbox(SandboxMode::Native)
        .run(world.python(STRANGERS))
        .await;
    panic!("it ended before the bot: {outcome:?}");
}

#[tokio::test]
async fn a_bot_that_is_killed_takes_everything_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bot, runs, mark) = another_bot(folder.path()).await;
    bot.kill().unwrap();
    bot.wait().unwrap();
    until("nothing is left", || {
        fs::read_dir(&runs).unwrap().count() == 0 && crate::world::marked(&mark).is_empty()
    })
    .await;
    let data = Path::new(&runs).parent().unwrap();
    fs::remove_dir_all(data).unwrap();
}

/// A bot of its own, whose program has begun; with the folder of its runs, and their mark.
async fn another_bot(folder: &Path) -> (Child, String, String) {
    let told = folder.join("told");
    let bot = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::as_a_bot", "--nocapture"])
        .env("TEST_AS_A_BOT_IN", &told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut begun = None;
    until("it has begun", || {
        let text = fs::read_to_string(&told).unwrap_or_default();
        let Some((runs, mark)) = text.split_once('\n') else {
            return false;
        };
        let at_work = |run: fs::DirEntry| run.path().join("work/begun").exists();
        let is_so = fs::read_dir(runs).unwrap().flatten().any(at_work);
        begun = Some((runs.to_owned(), mark.to_owned()));
        is_so
    })
    .await;
    let (runs, mark) = begun.unwrap();
    (bot, runs, mark)
}

/// A thousand runs of one bot, one after the other and beside each other, and what they cost it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_leave_nothing() {
    let count = std::env::var("SANDBOX_RUNS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1000);
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    let request = || world.bash("echo $$ > last; sleep 0.01 & exit 7");
    let four = || join_all((0..4).map(|_| sandbox.run(request())));
    four().await;
    let quiet = tokio::runtime::Handle::current().metrics().num_workers() + 2;
    until("the threads of these runs are gone", || {
        own().threads <= quiet
    })
    .await;
    let before = own();
    for _ in 0..count / 4 {
        for outcome in four().await {
            assert_eq!(outcome.unwrap().end, RunEnd::Exited(7));
        }
    }
    assert_eq!(world.left_behind(), Vec::<String>::new());
    // The thread of the last run may still be on its way out.
    until("no thread and no descriptor is left", || {
        let now = own();
        (now.descriptors, now.threads) == (before.descriptors, before.threads)
    })
    .await;
    let after = own();
    assert!(
        after.kilobytes < before.kilobytes + 4000,
        "{before:?} {after:?}"
    );
}
