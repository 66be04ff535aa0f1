//! A model inside the test: answers from a list, and notes what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use minibot::core::model::{
    ChatModel, FinishReason, ModelError, ModelErrorKind, ModelReply, ModelRequest, ReplySink,
};
use minibot::core::usage::{TokenUsage, UsageEntry};
use minibot::llm::fallback::OfflineAnswer;

/// What to do for one request.
#[derive(Debug, Clone)]
pub enum Scripted {
    /// Push the text and answer it.
    Says(&'static str),
    /// Push the text, then fail.
    Fails(&'static str, ModelErrorKind),
    /// Never answer.
    Hangs,
}

#[derive(Debug)]
pub struct ScriptedModel {
    name: &'static str,
    script: Mutex<VecDeque<Scripted>>,
    asked: Mutex<usize>,
    understands: &'static str,
}

impl ScriptedModel {
    pub fn new(name: &'static str, script: impl IntoIterator<Item = Scripted>) -> Arc<Self> {
        Self::understanding(name, script, "")
    }

    /// One that, asked offline, understands messages that contain `word`.
    pub fn understanding(
        name: &'static str,
        script: impl IntoIterator<Item = Scripted>,
        word: &'static str,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            script: Mutex::new(script.into_iter().collect()),
            asked: Mutex::new(0),
            understands: word,
        })
    }

    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl ChatModel for ScriptedModel {
    async fn reply(
        &self,
        _: &ModelRequest,
        sink: &dyn ReplySink,
    ) -> Result<ModelReply, ModelError> {
        *self.asked.lock().unwrap() += 1;
        let next = self
            .script
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| panic!("{} was asked once too often", self.name));
        let (text, failure) = match next {
            Scripted::Says(text) => (text, None),
            Scripted::Fails(text, kind) => (text, Some(kind)),
            Scripted::Hangs => std::future::pending().await,
        };
        if !text.is_empty() {
            sink.push(text);
        }
        match failure {
            None => Ok(ModelReply {
                text: text.into(),
                calls: Vec::new(),
                finish: FinishReason::Done,
                usage: vec![cost(self.name)],
                continuation: None,
            }),
            Some(kind) => Err(ModelError {
                kind,
                detail: format!("{} failed", self.name),
                tries: 1,
                usage: vec![cost(self.name)],
            }),
        }
    }

    fn describe(&self) -> String {
        self.name.into()
    }
}

/// What each call of the model with this name costs.
pub fn cost(name: &str) -> UsageEntry {
    UsageEntry::new(name, "scripted", TokenUsage::default())
}

impl OfflineAnswer for ScriptedModel {
    fn understands(&self, request: &ModelRequest) -> bool {
        request.user.contains(self.understands)
    }
}
