//! Results that are too large for a request: kept whole in the chat's workspace where there is one,
//! and shown in part.

use std::sync::Arc;

use tracing::warn;

use crate::core::channel::ChatTarget;
use crate::core::files::{FileContent, WorkspaceId, Workspaces};
use crate::core::tool::FinishedCall;

/// The folder of a workspace in which they are kept.
const FOLDER: &str = "results";

/// What becomes of results that are too large.
#[derive(Debug, Clone)]
pub enum LargeResults {
    /// They are kept as files.
    Kept(Arc<dyn Workspaces>),
    /// They are cut.
    Cut,
}

impl LargeResults {
    /// The result as a model is shown it.
    pub async fn fitted(
        &self,
        tool: &str,
        target: &ChatTarget,
        done: FinishedCall,
    ) -> FinishedCall {
        if !done.result.is_too_large() {
            return done;
        }
        let path = match self {
            Self::Cut => None,
            Self::Kept(files) => {
                let content = FileContent {
                    bytes: done.result.to_text().into_bytes(),
                    labels: done.labels.clone(),
                };
                let (workspace, name) = (WorkspaceId::of(target), format!("{tool}.json"));
                let saved = files.save_new(&workspace, FOLDER, &name, content).await;
                saved
                    .inspect_err(|error| warn!(%error, "a large result is cut: it cannot be kept"))
                    .ok()
                    .map(|saved| saved.path)
            }
        };
        FinishedCall {
            result: done.result.excerpt(path.as_ref()),
            labels: done.labels,
        }
    }
}
