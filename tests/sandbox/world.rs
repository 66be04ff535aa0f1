//! A bot's data folder with secrets in it, services beside it, and a sandbox between them and programs.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use minibot::adapters::sandbox::config::{CgroupConfig, JailConfig, RlimitConfig};
use minibot::adapters::sandbox::{JailArtifacts, ProcessSandbox, SandboxPlace, SandboxSettings};
use minibot::core::sandbox::{Access, Argument, RunFolder, RunRequest, SandboxMode};
use serde_json::Value;

pub const PYTHON: &str = "/usr/bin/python3";

/// The user that programs are, where the bot is root.
const NOBODY: u32 = 65532;

pub struct World {
    data: tempfile::TempDir,
    pub place: SandboxPlace,
    /// Stands in the environment of every process of this world's runs.
    pub mark: String,
}

static WORLDS: AtomicU32 = AtomicU32::new(0);

pub fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

impl World {
    pub fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        for chat in ["7", "8"] {
            fs::create_dir_all(data.path().join("files/chats").join(chat)).unwrap();
        }
        for (file, content) in [
            ("minibot.db", "the database"),
            ("config.toml", "bot_token = \"secret\""),
            ("files/chats/7/note.txt", "own note"),
            ("files/chats/8/note.txt", "other chat"),
        ] {
            let path = data.path().join(file);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let script = data.path().join("files/chats/7/run.sh");
        fs::write(&script, "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let within = ["", "files", "files/chats"].map(|name| data.path().join(name));
        let within: Vec<&Path> = within.iter().map(PathBuf::as_path).collect();
        let place = prepare(data.path(), &within);
        if is_root() {
            // Owners and modes must not be what holds: the program could do all this, were it not confined.
            for file in [
                "",
                "minibot.db",
                "config.toml",
                "files/chats/8",
                "files/chats/8/note.txt",
            ] {
                chown(data.path().join(file), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("run-of-{}-{number}", std::process::id());
        Self { data, place, mark }
    }

    pub fn data(&self) -> PathBuf {
        fs::canonicalize(self.data.path()).unwrap()
    }

    pub fn runs(&self) -> PathBuf {
        self.data().join("sandbox")
    }

    pub fn workspace(&self) -> PathBuf {
        self.data().join("files/chats/7")
    }

    pub fn settings(&self, mode: SandboxMode) -> SandboxSettings {
        SandboxSettings {
            mode,
            limits: RlimitConfig::default(),
            cgroup: CgroupConfig::default(),
            jail: JailConfig::default(),
            jail_folder: None,
            jail_artifacts: JailArtifacts::Left,
            session: Vec::new(),
            environment: vec![
                ("MARK".to_owned(), self.mark.clone()),
                ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ],
        }
    }

    pub fn sandbox(&self, mode: SandboxMode) -> ProcessSandbox {
        ProcessSandbox::new(self.place.clone(), self.settings(mode))
    }

    pub fn python(&self, code: &str) -> RunRequest {
        RunRequest {
            program: PYTHON.into(),
            arguments: vec![
                Argument::text("-I"),
                Argument::File {
                    name: "main.py".to_owned(),
                    content: code.as_bytes().to_vec(),
                },
            ],
            stdin: Vec::new(),
            folder: RunFolder::Private {
                workspace: Some(self.workspace()),
            },
            readable: Vec::new(),
            environment: Vec::new(),
            timeout: Duration::from_secs(20),
            most_output_bytes: 64_000,
            artifacts: None,
        }
    }

    pub fn bash(&self, line: &str) -> RunRequest {
        RunRequest {
            program: "/bin/bash".into(),
            arguments: vec![Argument::text("-c"), Argument::text(line)],
            folder: RunFolder::Workspace(self.workspace(), Access::Change),
            ..self.python("")
        }
    }

    /// A process that a program may have rights over: of the same user.
    pub fn victim(&self) -> Victim {
        let mut command = Command::new("/bin/sleep");
        command
            .arg("600")
            .env_clear()
            .env("BOT_TOKEN", "secret")
            .stdin(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Victim(command.spawn().unwrap())
    }

    pub fn services(&self) -> Services {
        let path = std::env::temp_dir().join(format!("{}.sock", self.mark));
        let datagram_path = std::env::temp_dir().join(format!("{}.datagram", self.mark));
        let services = Services {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            _unix: UnixListener::bind(&path).unwrap(),
            _datagram: UnixDatagram::bind(&datagram_path).unwrap(),
            _abstract: UnixListener::bind_addr(
                &SocketAddr::from_abstract_name(&self.mark).unwrap(),
            )
            .unwrap(),
            name: self.mark.clone(),
            path,
            datagram_path,
        };
        for path in [&services.path, &services.datagram_path] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        }
        services
    }

    /// The processes of this world's runs that still live.
    pub fn processes(&self) -> Vec<u32> {
        marked(&self.mark)
    }

    /// What the runs of this world have left, in words.
    pub fn left_behind(&self) -> Vec<String> {
        let folders = fs::read_dir(self.runs()).unwrap().flatten();
        let folders = folders.map(|entry| format!("the folder {:?} is left", entry.path()));
        let processes = self
            .processes()
            .into_iter()
            .map(|pid| format!("the process {pid} is left"));
        folders.chain(processes).collect()
    }
}

/// The processes with this mark in their environment.
pub fn marked(mark: &str) -> Vec<u32> {
    let mark = format!("MARK={mark}");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
                all.split(|byte| *byte == 0)
                    .any(|one| one == mark.as_bytes())
            })
        })
        .collect()
}

pub fn prepare(data: &Path, within: &[&Path]) -> SandboxPlace {
    SandboxPlace::with_helper(
        env!("CARGO_BIN_EXE_minibot").into(),
        data.join("sandbox"),
        within,
    )
    .unwrap()
}

/// What the bot itself takes: this process.
#[derive(Debug)]
pub struct Own {
    pub descriptors: usize,
    pub threads: usize,
    pub kilobytes: u64,
}

pub fn own() -> Own {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status
        .lines()
        // Not the pages of the program's file, which come and go as the machine needs memory.
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .unwrap();
    Own {
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        threads: fs::read_dir("/proc/self/task").unwrap().count(),
        kilobytes: resident.trim().trim_end_matches(" kB").parse().unwrap(),
    }
}

pub struct Victim(Child);

impl Victim {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// What has changed about it: it should live, as nice as before, with its limits, on all processors.
    pub fn changes(&self) -> Vec<String> {
        let id = self.id().to_string();
        let read = |pid: &str, file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
        };
        let line = |pid: &str, (file, name): (&str, &str)| {
            let text = read(pid, file);
            let line = text.lines().find(|line| line.starts_with(name));
            line.unwrap_or_default().to_owned()
        };
        let mut changes: Vec<String> = [("status", "Cpus_allowed:"), ("limits", "Max open files")]
            .into_iter()
            .filter(|what| line(&id, *what) != line("self", *what))
            .map(|what| line(&id, what))
            .collect();
        let stat = read(&id, "stat");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let lives = matches!(fields.first(), Some(&("S" | "R" | "D")));
        if !lives || fields.get(16) != Some(&"0") {
            changes.push(stat);
        }
        changes
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Services {
    tcp: TcpListener,
    _unix: UnixListener,
    _datagram: UnixDatagram,
    _abstract: UnixListener,
    name: String,
    path: PathBuf,
    datagram_path: PathBuf,
}

impl Services {
    pub fn told(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("tcp", self.tcp.local_addr().unwrap().port().into()),
            ("unix", self.path.display().to_string().into()),
            ("datagram", self.datagram_path.display().to_string().into()),
            ("abstract", self.name.clone().into()),
        ])
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.datagram_path);
    }
}
