//! A web of one answer, and a shelf for what is saved.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::super::config::HttpClientConfig;
use super::super::family;
use crate::core::egress::{BodyEnding, FetchError, FetchRequest, Fetched, Fetcher, parse_url};
use crate::core::label::Labels;
use crate::core::tool::{Tool, ToolContext, ToolOutcome, ToolResult};
use crate::llm::tools::test_world::{MemoryWorkspaces, person_in};

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

pub(super) struct World {
    pub(super) web: Arc<OneAnswer>,
    pub(super) shelf: Arc<MemoryWorkspaces>,
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
        let shelf = Arc::new(MemoryWorkspaces::default());
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
        let told = match self.tool.run(&context(), arguments).await {
            ToolOutcome::Finished(result) => (result, Labels::default()),
            ToolOutcome::Outside { result, labels } => (result, labels),
            _ => panic!("it changes nothing"),
        };
        let asked = self.shelf.asked();
        assert!(asked.is_empty() || asked == ["save_new"], "{asked:?}");
        told
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
    person_in("5")
}
