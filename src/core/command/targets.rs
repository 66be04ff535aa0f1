//! What a word names in the file system: everything at once, a device, or what keeps others out.

/// Folders right below the root whose loss ends a system.
const SYSTEM: [&str; 22] = [
    "Applications",
    "Library",
    "System",
    "Users",
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "snap",
    "srv",
    "sys",
    "usr",
    "var",
];

/// Folders below those that are as bad to lose.
const SYSTEM_BELOW: [(&str, &[&str]); 4] = [
    (
        "usr",
        &["bin", "lib", "lib64", "local", "sbin", "share", "libexec"],
    ),
    ("var", &["lib", "log", "spool"]),
    ("etc", &["ssh", "ssl", "systemd", "pam.d"]),
    ("lib", &["systemd", "modules"]),
];

/// Other spellings of the home folder.
const HOMES: [&str; 4] = ["~root", "~", "${HOME}", "$HOME"];

/// Files and folders of `/etc` that decide who may do what.
const KEYS_OF_ETC: [&str; 13] = [
    "passwd",
    "shadow",
    "group",
    "gshadow",
    "sudoers",
    "sudoers.d",
    "ld.so.preload",
    "pam.d",
    "crontab",
    "cron.d",
    "cron.daily",
    "ssh",
    "fstab",
];

/// Devices that are safe to write to.
const SAFE_DEVICES: [&str; 9] = [
    "null", "zero", "full", "stdin", "stdout", "stderr", "tty", "random", "urandom",
];

/// The names on the way of an absolute path, with `.`, `..` and doubled slashes resolved.
fn names(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for name in path.strip_prefix('/')?.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    Some(names)
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// The whole disk, a home, or a folder of the system, or everything in one of these.
pub(super) fn is_whole(word: &str) -> bool {
    for home in HOMES {
        if let Some(rest) = word.strip_prefix(home)
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return rest
                .split('/')
                .all(|name| matches!(name, "" | "." | "*" | ".*" | ".[!.]*"));
        }
    }
    let Some(mut names) = names(word) else {
        return false;
    };
    if names.last().is_some_and(|last| is_pattern(last)) && names.len() > 1 {
        names.pop();
    }
    match names[..] {
        [] => true,
        [only] => SYSTEM.contains(&only) || is_pattern(only),
        ["home" | "Users", _] => true,
        [first, second] => SYSTEM_BELOW
            .iter()
            .any(|(name, below)| *name == first && below.contains(&second)),
        _ => false,
    }
}

/// Everything where the shell stands.
pub(super) fn is_all_here(word: &str) -> bool {
    matches!(
        word,
        "*" | "." | "./" | "./*" | ".*" | "$PWD" | "${PWD}" | "$PWD/*"
    )
}

/// A disk, the memory, or another device that must not be written.
pub(super) fn is_device(word: &str) -> bool {
    match names(word).as_deref() {
        Some(["dev", name]) => !SAFE_DEVICES.contains(name),
        Some(["dev", "disk" | "mapper" | "block" | "input" | "cpu", ..]) => true,
        Some(["proc", "sysrq-trigger" | "kcore"]) => true,
        _ => false,
    }
}

/// What decides who may come in.
pub(super) fn is_key(word: &str) -> bool {
    if word.split('/').any(|name| name == ".ssh") {
        return true;
    }
    matches!(names(word).as_deref(), Some(["etc", name, ..]) if KEYS_OF_ETC.contains(name))
}

/// What is read only with a person's word: keys, and what the kernel tells of other programs.
pub(super) fn is_private(word: &str) -> bool {
    const FOLDERS: [&str; 6] = [
        ".ssh",
        ".gnupg",
        ".aws",
        ".kube",
        ".docker",
        ".password-store",
    ];
    const FILES: [&str; 9] = [
        ".netrc",
        ".pgpass",
        ".git-credentials",
        ".env",
        "shadow",
        "gshadow",
        "sudoers",
        "id_rsa",
        "id_ed25519",
    ];
    const OF_PROC: [&str; 5] = ["cpuinfo", "meminfo", "uptime", "loadavg", "version"];
    word.split('=').any(|word| {
        let named = |name: &str| FOLDERS.contains(&name) || FILES.contains(&name);
        if word.split('/').any(named) {
            return true;
        }
        match names(word).as_deref() {
            Some(["proc", name]) => !OF_PROC.contains(name),
            Some(["dev", name]) => !SAFE_DEVICES.contains(name),
            Some(["proc" | "sys" | "dev", ..]) => true,
            _ => false,
        }
    })
}

/// What may name something outside of the folder where the shell stands, as a whole or in a part of it.
pub(super) fn leads_out(word: &str) -> bool {
    let is_of_a_name = |letter: char| letter.is_alphanumeric() || "._-+".contains(letter);
    let mut before = None;
    let from_the_root = word.chars().any(|letter| {
        let begins = letter == '/' && !before.is_some_and(|one| is_of_a_name(one) || one == '/');
        before = Some(letter);
        begins
    });
    let up = word
        .split(|letter: char| !is_of_a_name(letter))
        .any(|name| name == "..");
    // The value of an option may stand right behind its letter.
    let in_an_option = word.starts_with('-') && word.contains('/');
    from_the_root || up || in_an_option || word.contains('~') || word.starts_with('@')
}

#[cfg(test)]
mod tests {
    use super::{is_device, is_key, is_private, is_whole, leads_out};

    #[test]
    fn words_name_what_they_name() {
        for word in [
            "/",
            "//",
            "/.",
            "/*",
            "/usr/..",
            "/usr/../",
            "/etc",
            "/etc/",
            "/etc/*",
            "/{bin,etc}",
            "~",
            "~/",
            "~/*",
            "$HOME",
            "${HOME}/",
            "/home/ada",
            "/home/ada/*",
            "/usr/bin",
            "/var/lib/*",
            "/b*",
        ] {
            assert!(is_whole(word), "{word}");
        }
        for word in [
            "",
            "build",
            "./x",
            "/tmp/x",
            "/tmp/*",
            "~/x",
            "$HOME/tmp",
            "/home/ada/x",
            "/usr/share/x",
            "~x/y",
        ] {
            assert!(!is_whole(word), "{word}");
        }
        for word in [
            "/dev/sda",
            "/dev//nvme0n1",
            "/dev/disk/by-id/x",
            "/proc/sysrq-trigger",
        ] {
            assert!(is_device(word), "{word}");
        }
        for word in [
            "/dev/null",
            "/dev/stdout",
            "/dev/fd/3",
            "dev/sda",
            "/dev/tcp/x/80",
        ] {
            assert!(!is_device(word), "{word}");
        }
        for word in [
            "~/.ssh/authorized_keys",
            ".ssh/config",
            "/etc/passwd",
            "/etc/./shadow",
            "/etc/cron.d/x",
        ] {
            assert!(is_key(word), "{word}");
        }
        assert!(!is_key("notes/ssh.md") && !is_key("/srv/etc/passwd"));
        for word in [
            "/proc/self/environ",
            "--file=/etc/shadow",
            "a/.env",
            "/dev/sda",
            "/sys/power/state",
        ] {
            assert!(is_private(word), "{word}");
        }
        for word in [
            "/etc/minibot/config.toml",
            "//x",
            "..",
            "../x",
            "a/../b",
            "a/..",
            "~",
            "~/x",
            "--file=/x",
            "--file=../x",
            "-f/x",
            "-L../x",
            "import \"/etc/x\" as $x; $x",
            "a:/x",
            "@list",
        ] {
            assert!(leads_out(word), "{word}");
        }
        for word in [
            "",
            "a",
            "a/b",
            "./a",
            "a..b",
            "-rn",
            "--color=never",
            "1,5p",
            "fn main",
            "...",
            "a/b/",
        ] {
            assert!(!leads_out(word), "{word}");
        }
        assert!(
            !is_private("/proc/meminfo") && !is_private("/etc/passwd") && !is_private("src/env.rs")
        );
    }
}
