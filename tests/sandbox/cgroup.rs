//! The mode `cgroup`, as far as it can be tried without one: systemd's program is a fake that does what
//! the real one promises, and tells with what it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use minibot::adapters::sandbox::{ProcessSandbox, SandboxSettings};
use minibot::core::sandbox::{RunEnd, Sandbox, SandboxMode};

use crate::world::{World, is_root};

/// It becomes what it is given, as the real one does for a scope, in an environment of its own making.
const FAKE: &str = "#!/bin/sh\nenv > \"$0.env\"\nprintf '%s\\n' \"$@\" > \"$0.args\"\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec env EXTRA=1 \"$@\"\n";

#[tokio::test]
async fn systemd_is_found_and_shown_to_no_program() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("systemd-run");
    fs::write(&fake, FAKE).unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings: SandboxSettings = world.settings(SandboxMode::Cgroup);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let search = format!("{}:/usr/bin:/bin", folder.path().display());
    settings.environment = vec![variable("PATH", &search), variable("MARK", &world.mark)];
    settings.session = vec![
        variable("XDG_RUNTIME_DIR", "/run/user/4711"),
        variable("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/4711/bus"),
    ];
    let code = "import os\nprint(sorted(os.environ))\nopen('/etc/passwd')";
    let sandbox = ProcessSandbox::new(world.place.clone(), settings);
    let outcome = sandbox.run(world.python(code)).await.unwrap();
    assert_eq!(outcome.end, RunEnd::Exited(1), "{outcome:?}");
    assert_eq!(
        outcome.stdout.text,
        "['HOME', 'LC_CTYPE', 'MARK', 'PATH', 'TMPDIR']\n"
    );
    assert!(
        outcome.stderr.text.contains("PermissionError"),
        "it is confined as well"
    );
    let told = |what: &str| fs::read_to_string(fake.with_extension(what)).unwrap();
    let environment = told("env");
    assert!(
        environment.contains("XDG_RUNTIME_DIR=/run/user/4711\n"),
        "{environment}"
    );
    assert!(
        environment.contains("DBUS_SESSION_BUS_ADDRESS=unix"),
        "{environment}"
    );
    let arguments = told("args");
    for wanted in [
        "--scope",
        "--property=MemoryMax=268435456",
        "--property=TasksMax=64",
        "--property=CPUQuota=100%",
    ] {
        assert!(arguments.lines().any(|one| one == wanted), "{arguments}");
    }
    assert_eq!(arguments.lines().any(|one| one == "--user"), !is_root());
    assert_eq!(world.left_behind(), Vec::<String>::new());
}
