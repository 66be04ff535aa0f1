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
pub struct LargeResults {
    /// What is shown whole, in bytes of JSON.
    pub most_bytes: usize,
    /// Where the rest stays.
    pub keeping: Keeping,
}

/// Where the whole of a large result is kept.
#[derive(Debug, Clone)]
pub enum Keeping {
    /// In a file.
    InWorkspace(Arc<dyn Workspaces>),
    /// Nowhere: it is cut.
    Nowhere,
}

impl LargeResults {
    /// The result as a model is shown it.
    pub async fn fitted(
        &self,
        tool: &str,
        target: &ChatTarget,
        done: FinishedCall,
    ) -> FinishedCall {
        let text = done.result.to_text();
        if text.len() <= self.most_bytes {
            return done;
        }
        let path = match &self.keeping {
            Keeping::Nowhere => None,
            Keeping::InWorkspace(files) => {
                let content = FileContent {
                    bytes: text.into_bytes(),
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
            result: done.result.excerpt(self.most_bytes / 3, path.as_ref()),
            labels: done.labels,
        }
    }
}
