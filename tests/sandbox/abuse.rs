//! Programs that do not want to end, or leave something for later: each is over when the run is.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use minibot::core::sandbox::{
    Argument, KilledBy, Rest, RunEnd, RunOutcome, RunRequest, Sandbox, SandboxError, SandboxMode,
};

use crate::world::World;

async fn run(world: &World, request: RunRequest) -> RunOutcome {
    let outcome = world
        .sandbox(SandboxMode::Native)
        .run(request)
        .await
        .unwrap();
    assert_eq!(world.left_behind(), Vec::<String>::new(), "{outcome:?}");
    outcome
}

async fn python(code: &str, timeout: Duration) -> RunOutcome {
    let world = World::new();
    let mut request = world.python(code);
    request.timeout = timeout;
    run(&world, request).await
}

const SHORT: Duration = Duration::from_millis(1500);
const LONG: Duration = Duration::from_secs(30);

/// Each of them ends by itself and leaves others behind, who may hold its pipes.
#[tokio::test]
async fn who_stays_behind_is_ended_and_holds_nothing_up() {
    for (what, code) in [
        (
            "a child of a child, in a session of its own, with the output open",
            "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)\ntime.sleep(0.2)",
        ),
        (
            "one that hears no signal",
            "if os.fork() == 0:\n    for number in range(1, 65):\n        try: signal.signal(number, signal.SIG_IGN)\n        except (OSError, ValueError): pass\n    while True: time.sleep(600)\ntime.sleep(0.2)",
        ),
        (
            "respawners: each starts the next and goes",
            "if os.fork() == 0:\n    while True:\n        if os.fork(): os._exit(0)\ntime.sleep(0.3)",
        ),
        (
            "a stopped one",
            "if os.fork() == 0:\n    os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(0.2)",
        ),
        (
            "thirty with threads",
            "import threading\nfor _ in range(15):\n    if os.fork() == 0:\n        threading.Thread(target=time.sleep, args=(600,)).start()\n        time.sleep(600)",
        ),
    ] {
        let begun = Instant::now();
        let code = format!("import os, signal, time\n{code}\nprint('done')");
        let outcome = python(&code, LONG).await;
        assert_eq!(outcome.end, RunEnd::Exited(0), "{what}: {outcome:?}");
        assert_eq!(outcome.stdout.text, "done\n", "{what}");
        assert!(begun.elapsed() < LONG * 5 / 6, "{what}");
    }
}

const ENDLESS: &[(&str, &str, Duration, RunEnd)] = &[
    (
        "deaf",
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\ntime.sleep(600)",
        SHORT,
        RunEnd::Killed(KilledBy::Timeout),
    ),
    (
        "stopped",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        SHORT,
        RunEnd::Killed(KilledBy::Timeout),
    ),
    (
        "without output",
        "os.close(1); os.close(2); os.close(0)\ntime.sleep(600)",
        SHORT,
        RunEnd::Killed(KilledBy::Timeout),
    ),
    (
        "ten gigabytes",
        "chunk = b'x' * (1 << 20)\nfor _ in range(10_000): os.write(1, chunk)",
        LONG,
        RunEnd::Killed(KilledBy::Output),
    ),
    (
        "errors without end",
        "while True: os.write(2, b'no! ' * 10_000)",
        LONG,
        RunEnd::Killed(KilledBy::Output),
    ),
    (
        "busy",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
        LONG,
        RunEnd::Killed(KilledBy::Timeout),
    ),
    (
        "all of one's own",
        "os.kill(-1, signal.SIGKILL)\ntime.sleep(1)\nprint('alive')",
        LONG,
        RunEnd::Exited(0),
    ),
    (
        "the own group",
        "os.kill(0, signal.SIGKILL)",
        LONG,
        RunEnd::Signalled(9),
    ),
    (
        "a crash",
        "import ctypes\nctypes.string_at(0)",
        LONG,
        RunEnd::Signalled(11),
    ),
    (
        "mappings that take long to look at",
        "import mmap\nkept = [mmap.mmap(-1, 4096) for _ in range(40_000)]\nos.fork()\ntime.sleep(600)",
        LONG,
        RunEnd::Killed(KilledBy::Memory),
    ),
    (
        "a million files",
        "for number in range(1_000_000): open(f'{number}', 'w').close()",
        LONG,
        RunEnd::Killed(KilledBy::Disk),
    ),
];

/// Each of them runs into a limit and is ended there.
#[tokio::test]
async fn who_does_not_end_is_ended() {
    for (what, code, timeout, end) in ENDLESS {
        let code = format!("import os, signal, time\n{code}");
        let outcome = python(&code, *timeout).await;
        // Who is killed by a hard limit of the kernel's only shows the signal.
        let is_so = outcome.end == *end || (*what == "busy" && outcome.end == RunEnd::Signalled(9));
        assert!(is_so, "{what}: {outcome:?}");
    }
}

#[tokio::test]
async fn output_is_cut_and_shown_as_text() {
    let world = World::new();
    let mut request = world.python("import os\nos.write(1, b'\\xff\\x1b[2J\\x07' + b'x' * 100)");
    request.most_output_bytes = 10;
    let outcome = run(&world, request).await;
    assert_eq!(outcome.stdout.text, "\u{fffd}\x1b[2J\x07xxxx");
    assert_eq!(outcome.stdout.rest, Rest::CutOff);
    assert_eq!(outcome.end, RunEnd::Exited(0));
}

#[tokio::test]
async fn neither_side_waits_for_the_other_at_the_pipes() {
    let world = World::new();
    // It prints before it reads, more than a pipe holds, while more is given than a pipe holds.
    let mut request =
        world.python("import os, sys\nos.write(1, b'y' * 900_000)\nprint(len(sys.stdin.read()))");
    request.stdin = vec![b'x'; 1_000_000];
    request.most_output_bytes = 1_000_000;
    let outcome = run(&world, request).await;
    assert!(
        outcome.stdout.text.ends_with("y1000000\n"),
        "{:?}",
        outcome.end
    );
    // And here nobody reads at all.
    let mut request = world.python("print('not interested')");
    request.stdin = vec![b'x'; 1_000_000];
    assert_eq!(run(&world, request).await.end, RunEnd::Exited(0));
}

#[tokio::test]
async fn nothing_that_one_run_plants_is_found_by_the_next() {
    let world = World::new();
    let plant = "import os, site, sys\nhome = os.environ['HOME']\n\
        for path in [site.getusersitepackages() + '/planted.pth', home + '/.bashrc', home + '/.profile', os.environ['TMPDIR'] + '/x', 'sitecustomize.py', 'json.py']:\n\
        \x20   path = os.path.join(home, path) if path.startswith('~') else path\n\
        \x20   os.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n\
        \x20   open(path, 'w').write('import sys; print(\"planted\")\\n')\n\
        print('planted it')";
    assert_eq!(
        run(&world, world.python(plant)).await.stdout.text,
        "planted it\n"
    );
    let look = "import json, os\nprint([os.listdir(os.environ[name]) for name in ('HOME', 'TMPDIR')], sorted(os.listdir('.')))";
    assert_eq!(
        run(&world, world.python(look)).await.stdout.text,
        "[[], []] ['workspace']\n"
    );
    // Bash keeps what it writes in the workspace, and reads none of it at its start.
    let plant = "echo 'echo planted' > .bashrc; echo 'echo planted' > .profile; export BASH_ENV=$PWD/.bashrc; echo ok";
    assert_eq!(run(&world, world.bash(plant)).await.stdout.text, "ok\n");
    let outcome = run(
        &world,
        world.bash("echo \"[$BASH_ENV]\"; ls -A $HOME; cat note.txt"),
    )
    .await;
    assert_eq!(outcome.stdout.text, "[]\nown note");
}

#[tokio::test]
async fn bash_changes_the_workspace_and_nothing_else() {
    let world = World::new();
    let line = "echo more > new.txt && cat new.txt && mkdir -p a/b && mv new.txt a/b && ls; \
        cat /etc/passwd; ls ../8; cat ../../../minibot.db; echo x > ../x; echo x > /etc/x; exec 3<>/dev/tcp/127.0.0.1/80; echo end";
    let outcome = run(&world, world.bash(line)).await;
    assert_eq!(
        outcome.stdout.text, "more\na\nnote.txt\nrun.sh\nend\n",
        "{outcome:?}"
    );
    assert_eq!(
        outcome.stderr.text.matches("ermission denied").count(),
        5,
        "{}",
        outcome.stderr.text
    );
    assert!(
        outcome.stderr.text.contains("not permitted"),
        "{}",
        outcome.stderr.text
    );
    assert!(world.workspace().join("a/b/new.txt").exists());
}

#[tokio::test]
async fn a_workspace_cannot_be_filled_without_end() {
    let world = World::new();
    let line = "for i in $(seq 100); do head -c 15000000 /dev/zero > f$i; done; sleep 5";
    let outcome = run(&world, world.bash(line)).await;
    assert_eq!(outcome.end, RunEnd::Killed(KilledBy::Disk), "{outcome:?}");
}

/// A descriptor without close-on-exec, as a careless service manager leaves them, is not handed on.
#[tokio::test]
async fn no_descriptor_of_the_bot_is_inherited() {
    use rustix::io::{FdFlags, fcntl_setfd};
    let world = World::new();
    let secret = std::fs::File::open(world.data().join("config.toml")).unwrap();
    fcntl_setfd(secret.as_fd(), FdFlags::empty()).unwrap();
    let look = "import os\nfound = []\nfor number in range(3, 1000):\n    try:\n        os.fstat(number)\n        found.append(number)\n    except OSError:\n        pass\nprint(found)";
    for mode in [SandboxMode::None, SandboxMode::Basic, SandboxMode::Native] {
        let outcome = world.sandbox(mode).run(world.python(look)).await.unwrap();
        assert_eq!(outcome.stdout.text, "[]\n", "{mode:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let world = World::new();
    let sandbox = world.sandbox(SandboxMode::Native);
    for (program, why) in [
        ("/usr/bin/no-such-program", "is not there"),
        ("/etc/passwd", "may not be run in the sandbox"),
        ("/usr/lib", "may not be run in the sandbox"),
    ] {
        let request = RunRequest {
            program: program.into(),
            ..world.python("")
        };
        let error = sandbox.run(request).await.unwrap_err();
        assert!(
            matches!(&error, SandboxError::NotStarted(words) if words.contains(why)),
            "{program}: {error:?}"
        );
        assert_eq!(world.left_behind(), Vec::<String>::new());
    }
    let relative = RunRequest {
        program: "python3".into(),
        ..world.python("")
    };
    let zero = RunRequest {
        arguments: vec![Argument::text("a\0b")],
        ..world.python("")
    };
    let climbing = RunRequest {
        arguments: vec![Argument::File {
            name: "../x".to_owned(),
            content: Vec::new(),
        }],
        ..world.python("")
    };
    for request in [relative, zero, climbing] {
        let error = sandbox.run(request).await.unwrap_err();
        assert!(matches!(error, SandboxError::BadRequest(_)), "{error:?}");
        assert_eq!(world.left_behind(), Vec::<String>::new());
    }
}
