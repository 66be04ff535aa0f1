//! What the tests of tools stand on: workspaces in memory, and a person in a private chat.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::files::{
    FileContent, FileError, SavedFile, WorkspaceId, WorkspacePath, Workspaces,
};
use crate::core::ids::{ChannelName, ChatId, ConversationId, UserId};
use crate::core::label::Labels;
use crate::core::notes::NoteOwner;
use crate::core::tool::{ToolContext, TurnOrigin};

/// Keeps what is saved; takes nothing named `full.txt`.
#[derive(Debug, Default)]
pub(super) struct MemoryWorkspaces {
    /// Where, and what; folders end with a slash.
    pub(super) saved: Mutex<Vec<(String, FileContent)>>,
    pub(super) labels: Mutex<Labels>,
    /// The methods that were called.
    asked: Mutex<Vec<&'static str>>,
}

impl MemoryWorkspaces {
    /// What was asked of them, each once, in the order of the alphabet.
    pub(super) fn asked(&self) -> Vec<&'static str> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    fn note(&self, method: &'static str) {
        self.asked.lock().unwrap().push(method);
    }
}

#[async_trait]
impl Workspaces for MemoryWorkspaces {
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError> {
        self.note("save_new");
        if name == "full.txt" {
            return Err(FileError::TooLarge("the folder is full".to_owned()));
        }
        let path = WorkspacePath::parse(&format!("{folder}/{name}"))?;
        let size_bytes = content.bytes.len() as u64;
        let place = format!("{}/{path}", workspace.folder());
        self.saved.lock().unwrap().push((place, content));
        Ok(SavedFile { path, size_bytes })
    }

    async fn read(
        &self,
        _: &WorkspaceId,
        path: &WorkspacePath,
        _: u64,
    ) -> Result<FileContent, FileError> {
        self.note("read");
        Err(FileError::NotFound(path.to_string()))
    }

    async fn directory(&self, workspace: &WorkspaceId) -> Result<PathBuf, FileError> {
        self.note("directory");
        Ok(PathBuf::from("/files/chats").join(workspace.folder()))
    }

    async fn labels(&self, _: &WorkspaceId) -> Result<Labels, FileError> {
        self.note("labels");
        Ok(self.labels.lock().unwrap().clone())
    }

    async fn expose(&self, _: &WorkspaceId, labels: &Labels) -> Result<(), FileError> {
        self.note("expose");
        self.labels.lock().unwrap().join(labels);
        Ok(())
    }

    async fn make_folder(
        &self,
        workspace: &WorkspaceId,
        folder: &WorkspacePath,
        labels: &Labels,
    ) -> Result<(), FileError> {
        self.note("make_folder");
        let place = format!("{}/{folder}/", workspace.folder());
        let content = FileContent {
            bytes: Vec::new(),
            labels: labels.clone(),
        };
        self.saved.lock().unwrap().push((place, content));
        Ok(())
    }

    async fn move_chat(&self, _: &WorkspaceId, _: &WorkspaceId) -> Result<(), FileError> {
        panic!("no tool moves a chat")
    }

    async fn sweep(&self, _: &str, _: DateTime<Utc>) -> Result<u64, FileError> {
        panic!("no tool clears away")
    }
}

/// A turn of the person 7 in their chat of this number, in which nothing from outside was read.
pub(super) fn person_in(chat: &str) -> ToolContext {
    let target = ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new(chat),
        thread: None,
    };
    let user = UserId::new("7");
    ToolContext {
        notes_of: NoteOwner::of(&target, ChatKind::Private, &user),
        target,
        chat_kind: ChatKind::Private,
        conversation: ConversationId(1),
        sender: Sender {
            user,
            name: "Ada".to_owned(),
        },
        now: DateTime::UNIX_EPOCH,
        zone: chrono_tz::UTC,
        origin: TurnOrigin::Person,
        labels: Labels::default(),
    }
}
