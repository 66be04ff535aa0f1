//! Keeping the files that a program left: into the chat's own folder, within the settings' limits.

use serde::Serialize;

use crate::core::artifacts::ArtifactRules;
use crate::core::files::{FileContent, WorkspaceId, WorkspacePath, Workspaces};
use crate::core::label::Labels;
use crate::core::sandbox::RunOutcome;
use crate::core::tool::{ErrorCode, ToolOutcome};
use crate::llm::tools::typed::failure;

/// More patterns, or longer ones, are a mistake.
const MOST_GLOBS: usize = 20;
const LONGEST_GLOB: usize = 200;

/// Whether files are kept, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactSettings {
    /// None are; why, in words for the model.
    Never(&'static str),
    /// These, at most.
    Within {
        /// The limits. The patterns are those of a call without any.
        rules: ArtifactRules,
        /// The folder in the workspace, where a call names none.
        folder: String,
    },
}

/// What a call asks for.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub save: Option<bool>,
    pub globs: Vec<String>,
    pub folder: Option<String>,
    pub most: Option<u32>,
}

/// What is kept of one run.
#[derive(Debug)]
pub(super) struct Keeping {
    pub rules: ArtifactRules,
    folder: WorkspacePath,
    named_by: NamedBy,
}

/// Who chose the name of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NamedBy {
    Settings,
    Call,
}

/// What was kept and what was not.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub artifacts: Vec<KeptFile>,
    pub skipped: Vec<NotKept>,
}

#[derive(Debug, Serialize)]
pub(super) struct KeptFile {
    path: String,
    size_bytes: u64,
    mime: String,
}

#[derive(Debug, Serialize)]
pub(super) struct NotKept {
    name: String,
    reason: String,
}

impl ArtifactSettings {
    /// What a call gets of what it asks for; `None` keeps nothing.
    pub(super) fn keeping(&self, wishes: Wishes) -> Result<Option<Keeping>, ToolOutcome> {
        let (rules, folder) = match (self, wishes.save) {
            (_, Some(false)) => return Ok(None),
            (Self::Never(why), Some(true)) => return Err(failure(ErrorCode::Unavailable, why)),
            (Self::Never(_), None) => return Ok(None),
            (Self::Within { rules, folder }, _) => (rules, folder),
        };
        let long = |glob: &String| glob.len() > LONGEST_GLOB;
        if wishes.globs.len() > MOST_GLOBS || wishes.globs.iter().any(long) {
            let message = format!("give at most {MOST_GLOBS} short patterns in artifact_globs");
            return Err(failure(ErrorCode::BadArguments, message));
        }
        let wished = wishes.folder.filter(|folder| !folder.trim().is_empty());
        let named_by = match &wished {
            Some(_) => NamedBy::Call,
            None => NamedBy::Settings,
        };
        let folder = wished.unwrap_or_else(|| folder.clone());
        let folder = WorkspacePath::parse(&folder).map_err(|error| {
            failure(ErrorCode::BadArguments, format!("artifact_subdir: {error}"))
        })?;
        let mut rules = rules.clone();
        rules.most_files = wishes
            .most
            .map_or(rules.most_files, |most| most.min(rules.most_files));
        if !wishes.globs.is_empty() {
            rules.globs = wishes.globs;
        }
        Ok(Some(Keeping {
            rules,
            folder,
            named_by,
        }))
    }
}

impl Keeping {
    /// Saves what the run left.
    pub(super) async fn keep(
        &self,
        files: &dyn Workspaces,
        workspace: &WorkspaceId,
        outcome: RunOutcome,
        labels: &Labels,
    ) -> Kept {
        let mut kept = Kept::default();
        for skipped in outcome.skipped {
            kept.skip(&skipped.name, skipped.reason);
        }
        let named = match self.named_by {
            NamedBy::Settings => Ok(()),
            NamedBy::Call => files.make_folder(workspace, &self.folder, labels).await,
        };
        for artifact in outcome.artifacts {
            if let Err(error) = &named {
                kept.skip(&artifact.name, error);
                continue;
            }
            let name = artifact.name.rsplit('/').next().unwrap_or(&artifact.name);
            let content = FileContent {
                bytes: artifact.content,
                labels: labels.clone(),
            };
            match files
                .save_new(workspace, self.folder.as_str(), name, content)
                .await
            {
                Ok(saved) => kept.artifacts.push(KeptFile {
                    mime: mime_guess::from_path(saved.path.as_str())
                        .first_or_octet_stream()
                        .to_string(),
                    path: saved.path.to_string(),
                    size_bytes: saved.size_bytes,
                }),
                Err(error) => kept.skip(&artifact.name, error),
            }
        }
        kept
    }
}

impl Kept {
    fn skip(&mut self, name: &str, reason: impl ToString) {
        self.skipped.push(NotKept {
            name: name.to_owned(),
            reason: reason.to_string(),
        });
    }
}
