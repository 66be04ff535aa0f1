//! Where in the tree of cgroups this process stands, and what it does so that runs can have their own
//! beside it.

use std::fs;
use std::path::{Path, PathBuf};

/// The bot's own cgroup. The kernel lets a cgroup hand on controllers only when no process is in it, so
/// the bot steps aside, into one below.
const ITSELF: &str = "minibot-itself";

/// What runs are held by.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

/// Prepares the cgroup of this process for those of runs. May be done again.
pub(super) fn prepare() -> Result<(), String> {
    prepare_in(&own()?, std::process::id())
}

/// Whether [`prepare`] would do, as far as that shows beforehand: it moves the bot, so only who wants its
/// runs to have cgroups does it.
pub(super) fn could_prepare() -> Result<(), String> {
    could_prepare_in(&own()?, std::process::id())
}

/// The cgroup in which those of runs are made, and which hands on what they need.
pub(super) fn of_runs() -> Result<PathBuf, String> {
    let shared = shared(&own()?).to_path_buf();
    let lacks = lacking(&shared, "cgroup.subtree_control");
    if lacks.is_empty() {
        return Ok(shared);
    }
    let (path, lacks) = (shared.display(), lacks.join(", "));
    Err(format!("the cgroup {path} does not hand on: {lacks}"))
}

fn could_prepare_in(own: &Path, pid: u32) -> Result<(), String> {
    let shared = shared(own);
    if lacking(shared, "cgroup.subtree_control").is_empty() {
        return Ok(());
    }
    is_given(shared)?;
    let there = fs::read_to_string(own.join("cgroup.procs")).unwrap_or_default();
    if there.trim() == pid.to_string() {
        Ok(())
    } else {
        let shown = own.display();
        Err(format!("the bot must be alone in the cgroup {shown}"))
    }
}

fn is_given(shared: &Path) -> Result<(), String> {
    let lacks = lacking(shared, "cgroup.controllers");
    if lacks.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the cgroup {} was not given: {}; with systemd, Delegate=yes in the unit gives them",
        shared.display(),
        lacks.join(", ")
    ))
}

fn prepare_in(own: &Path, pid: u32) -> Result<(), String> {
    let shared = shared(own);
    if lacking(shared, "cgroup.subtree_control").is_empty() {
        return Ok(());
    }
    is_given(shared)?;
    let shown = shared.display();
    let aside = (shared == own).then(|| own.join(ITSELF));
    if let Some(aside) = &aside {
        step_aside(aside, pid)?;
    }
    let wanted = CONTROLLERS
        .map(|controller| format!("+{controller}"))
        .join(" ");
    fs::write(shared.join("cgroup.subtree_control"), wanted).map_err(|error| {
        if let Some(aside) = &aside {
            let _ = fs::write(own.join("cgroup.procs"), pid.to_string());
            let _ = fs::remove_dir(aside);
        }
        format!(
            "the cgroup {shown} cannot hand on what runs need: {error}; the bot must be alone in it, and may \
             need Delegate=yes"
        )
    })
}

fn step_aside(aside: &Path, pid: u32) -> Result<(), String> {
    let failed = |error: std::io::Error| {
        let path = aside.display();
        format!(
            "the bot cannot make itself the cgroup {path}: {error}; with systemd, Delegate=yes in the unit lets it"
        )
    };
    match fs::create_dir(aside) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(error));
        }
        _ => {}
    }
    fs::write(aside.join("cgroup.procs"), pid.to_string()).map_err(|error| {
        let _ = fs::remove_dir(aside);
        failed(error)
    })
}

/// The cgroup that is the bot's to divide.
fn shared(own: &Path) -> &Path {
    match (own.file_name(), own.parent()) {
        (Some(name), Some(above)) if name == ITSELF => above,
        _ => own,
    }
}

/// The cgroup of this process.
fn own() -> Result<PathBuf, String> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mount = mount_of(&mounts).ok_or("there is no cgroup v2 here")?;
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let below = own.lines().find_map(|line| line.strip_prefix("0::/"));
    Ok(Path::new(mount).join(below.ok_or("this process is in no cgroup v2")?))
}

fn mount_of(mounts: &str) -> Option<&str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let path = fields.next()?;
        (fields.next()? == "cgroup2").then_some(path)
    })
}

/// The controllers that a file of a cgroup does not name.
fn lacking(cgroup: &Path, file: &str) -> Vec<&'static str> {
    let named = fs::read_to_string(cgroup.join(file)).unwrap_or_default();
    let is_named = |controller: &&str| named.split_ascii_whitespace().any(|one| one == *controller);
    CONTROLLERS
        .into_iter()
        .filter(|controller| !is_named(controller))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{could_prepare_in, mount_of, prepare_in};

    #[test]
    fn the_mount_is_found_among_others() {
        let mounts = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
        assert_eq!(mount_of(mounts), Some("/sys/fs/cgroup"));
        assert_eq!(mount_of("proc /proc proc rw 0 0"), None);
    }

    /// Files as the kernel shows them; what is written stays as it was written.
    fn cgroup(at: &Path, controllers: &str) {
        fs::create_dir_all(at).unwrap();
        for (file, content) in [
            ("cgroup.controllers", controllers),
            ("cgroup.subtree_control", ""),
            ("cgroup.procs", "7\n"),
        ] {
            fs::write(at.join(file), content).unwrap();
        }
    }

    fn read(path: impl AsRef<Path>) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_bot_steps_aside_before_its_cgroup_hands_anything_on() {
        let top = tempfile::tempdir().unwrap();
        let own = top.path().join("minibot.service");
        cgroup(&own, "cpuset cpu io memory pids");
        prepare_in(&own, 7).unwrap();
        let aside = own.join("minibot-itself");
        assert_eq!(read(aside.join("cgroup.procs")), "7");
        assert_eq!(
            read(own.join("cgroup.subtree_control")),
            "+cpu +memory +pids"
        );
        // Once it stands aside, nothing below it is made.
        fs::write(own.join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
        fs::remove_file(aside.join("cgroup.procs")).unwrap();
        prepare_in(&aside, 7).unwrap();
        assert!(fs::read_dir(&aside).unwrap().next().is_none());
    }

    #[test]
    fn what_it_was_not_given_is_named_and_nothing_is_changed() {
        let top = tempfile::tempdir().unwrap();
        cgroup(top.path(), "cpu pids");
        let why = prepare_in(top.path(), 7).unwrap_err();
        assert!(
            why.contains("not given: memory") && why.contains("Delegate=yes"),
            "{why}"
        );
        assert!(!top.path().join("minibot-itself").exists());
    }

    #[test]
    fn whether_it_could_be_done_is_found_out_without_doing_it() {
        let top = tempfile::tempdir().unwrap();
        cgroup(top.path(), "cpu memory pids");
        assert_eq!(could_prepare_in(top.path(), 7), Ok(()));
        let why = could_prepare_in(top.path(), 8).unwrap_err();
        assert!(why.contains("must be alone"), "{why}");
        assert_eq!(read(top.path().join("cgroup.procs")), "7\n");
        assert!(!top.path().join("minibot-itself").exists());
    }

    #[test]
    fn who_is_not_alone_goes_back() {
        let top = tempfile::tempdir().unwrap();
        cgroup(top.path(), "cpu memory pids");
        // The kernel answers that it is busy; here a folder is in the way.
        fs::remove_file(top.path().join("cgroup.subtree_control")).unwrap();
        fs::create_dir(top.path().join("cgroup.subtree_control")).unwrap();
        let why = prepare_in(top.path(), 8).unwrap_err();
        assert!(why.contains("must be alone"), "{why}");
        assert_eq!(
            read(top.path().join("cgroup.procs")),
            "8",
            "it is where it was"
        );
    }
}
