//! A web of one answer, and a shelf for what is saved.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;

use super::super::config::HttpClientConfig;
use super::super::family;
use crate::core::channel::{ChatKind, ChatTarget, Sender};
use crate::core::egress::{BodyEnding, FetchError, FetchRequest, Fetched, Fetcher, parse_url};
use crate::core::files::{
    FileContent, FileError, SavedFile, WorkspaceId, WorkspacePath, Workspaces,
};
use crate::core::ids::{ChannelName, ChatId, ConversationId, UserId};
use crate::core::label::Labels;
use crate::core::notes::NoteOwner;
use crate::core::tool::{Tool, ToolContext, ToolOutcome, ToolResult, TurnOrigin};

/// The web, of one answer.
#[derive(Debug)]
pub(super) struct OneAnswer {
    answer: Result<Fetched, FetchError>,
    pub(super) asked: Mutex<Vec<FetchRequest>>,
}

#[async_trait]
impl Fetcher for OneAnswer {
    async fn admit(&self, url: &str) -> Result<Url, FetchError> {
        Ok(parse_url(url)?)
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        parse_url(&request.url)?;
        self.asked.lock().unwrap().push(request);
        self.answer.clone()
    }
}

/// Workspaces that keep what is saved, with its labels.
#[derive(Debug, Default)]
pub(super) struct Shelf(pub(super) Mutex<Vec<(String, FileContent)>>);

#[async_trait]
impl Workspaces for Shelf {
    async fn save_new(
        &self,
        workspace: &WorkspaceId,
        folder: &str,
        name: &str,
        content: FileContent,
    ) -> Result<SavedFile, FileError> {
        let path = WorkspacePath::parse(&format!("{folder}/{name}"))?;
        let size_bytes = content.bytes.len() as u64;
        let place = format!("{}/{path}", workspace.folder());
        self.0.lock().unwrap().push((place, content));
        Ok(SavedFile { path, size_bytes })
    }

    async fn make_folder(
        &self,
        _: &WorkspaceId,
        _: &WorkspacePath,
        _: &Labels,
    ) -> Result<(), FileError> {
        panic!("nothing is made")
    }

    async fn labels(&self, _: &WorkspaceId) -> Result<Labels, FileError> {
        panic!("nobody asks for labels")
    }

    async fn read(
        &self,
        _: &WorkspaceId,
        _: &WorkspacePath,
        _: u64,
    ) -> Result<FileContent, FileError> {
        panic!("nothing is read")
    }

    async fn directory(&self, _: &WorkspaceId) -> Result<PathBuf, FileError> {
        panic!("nothing is run")
    }

    async fn expose(&self, _: &WorkspaceId, _: &Labels) -> Result<(), FileError> {
        panic!("nothing is run")
    }

    async fn move_chat(&self, _: &WorkspaceId, _: &WorkspaceId) -> Result<(), FileError> {
        panic!("no chat moves")
    }

    async fn sweep(&self, _: &str, _: DateTime<Utc>) -> Result<u64, FileError> {
        panic!("nothing is swept")
    }
}

pub(super) struct World {
    pub(super) web: Arc<OneAnswer>,
    pub(super) shelf: Arc<Shelf>,
    pub(super) tool: Arc<dyn Tool>,
}

impl World {
    pub(super) fn new(
        answer: Result<Fetched, FetchError>,
        change: impl FnOnce(&mut HttpClientConfig),
    ) -> Self {
        let web = Arc::new(OneAnswer {
            answer,
            asked: Mutex::default(),
        });
        let shelf = Arc::new(Shelf::default());
        let mut config = HttpClientConfig::default();
        change(&mut config);
        let mut family = family(web.clone(), Some(shelf.clone()), &config);
        let tool = family.tools.remove(0);
        Self { web, shelf, tool }
    }

    pub(super) fn answering(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Ok(answer(content_type, body)), |_| {})
    }

    pub(super) async fn call(&self, arguments: Value) -> (ToolResult, Labels) {
        match self.tool.run(&context(), arguments).await {
            ToolOutcome::Finished(result) => (result, Labels::default()),
            ToolOutcome::Outside { result, labels } => (result, labels),
            _ => panic!("it changes nothing"),
        }
    }

    pub(super) async fn get(&self) -> Value {
        let (result, _) = self.call(json!({ "url": "https://a.org/dir/page" })).await;
        result.value().clone()
    }
}

pub(super) fn answer(content_type: &str, body: impl Into<Vec<u8>>) -> Fetched {
    Fetched {
        status: 200,
        url: Url::parse("https://a.org/dir/page").unwrap(),
        headers: vec![
            ("content-type".into(), content_type.into()),
            ("etag".into(), "\"1\"".into()),
            ("set-cookie".into(), "id=secret".into()),
        ],
        body: body.into(),
        ending: BodyEnding::Whole,
    }
}

pub(super) fn context() -> ToolContext {
    ToolContext {
        target: ChatTarget {
            channel: ChannelName::new("telegram"),
            chat: ChatId::new("5"),
            thread: None,
        },
        conversation: ConversationId(1),
        chat_kind: ChatKind::Private,
        sender: Sender {
            user: UserId::new("7"),
            name: "Alice".into(),
        },
        notes_of: NoteOwner::Person {
            channel: ChannelName::new("telegram"),
            user: UserId::new("7"),
        },
        now: DateTime::UNIX_EPOCH,
        zone: chrono_tz::UTC,
        origin: TurnOrigin::Person,
        labels: Labels::default(),
    }
}
