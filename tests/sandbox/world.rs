//! A bot's data folder with secrets in it, and a sandbox beside them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use minibot::adapters::sandbox::config::{CgroupConfig, JailConfig, RlimitConfig};
use minibot::adapters::sandbox::{JailArtifacts, ProcessSandbox, SandboxPlace, SandboxSettings};
use minibot::core::sandbox::{Argument, RunFolder, RunRequest, SandboxMode};

pub const PYTHON: &str = "/usr/bin/python3";

pub struct World {
    pub data: tempfile::TempDir,
    pub place: SandboxPlace,
}

pub fn settings(mode: SandboxMode) -> SandboxSettings {
    SandboxSettings {
        mode,
        limits: RlimitConfig::default(),
        cgroup: CgroupConfig::default(),
        jail: JailConfig::default(),
        jail_folder: None,
        jail_artifacts: JailArtifacts::Left,
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
    }
}

impl World {
    pub fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join("minibot.db"), "the database").unwrap();
        for chat in ["7", "8"] {
            fs::create_dir_all(data.path().join("files/chats").join(chat)).unwrap();
        }
        for file in ["minibot.db"] {
            fs::set_permissions(data.path().join(file), fs::Permissions::from_mode(0o600)).unwrap();
        }
        fs::write(data.path().join("files/chats/7/note.txt"), "own note").unwrap();
        fs::write(data.path().join("files/chats/8/note.txt"), "other chat").unwrap();
        let within = ["", "files", "files/chats"].map(|name| data.path().join(name));
        let within: Vec<&Path> = within.iter().map(PathBuf::as_path).collect();
        let place = SandboxPlace::with_helper(
            env!("CARGO_BIN_EXE_minibot").into(),
            data.path().join("sandbox"),
            &within,
        )
        .unwrap();
        Self { data, place }
    }

    pub fn workspace(&self) -> PathBuf {
        fs::canonicalize(self.data.path().join("files/chats/7")).unwrap()
    }

    pub fn sandbox(&self, mode: SandboxMode) -> ProcessSandbox {
        ProcessSandbox::new(self.place.clone(), settings(mode))
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
            timeout: Duration::from_secs(8),
            most_output_bytes: 64_000,
            artifacts: None,
        }
    }
}
