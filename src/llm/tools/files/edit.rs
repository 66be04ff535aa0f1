//! Changing files.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::super::typed::{TypedTool, failure, success};
use super::read::{MOST_READ, PathArguments, text_of};
use super::{TEXTS, failed, workspace, written};
use crate::core::action::{Action, Loss};
use crate::core::files::{
    FileContent, FileEdit, FileError, NewName, Overwrite, SavedFile, WorkspaceFiles, WorkspacePath,
};
use crate::core::tool::{ErrorCode, ToolContext, ToolEffect, ToolOutcome};

#[derive(Debug)]
pub(super) struct CreateFile {
    pub(super) files: Arc<dyn WorkspaceFiles>,
    pub(super) most_bytes: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateArguments {
    path: String,
    content: String,
    overwrite: Option<bool>,
}

#[async_trait]
impl TypedTool for CreateFile {
    const NAME: &'static str = "create_file";
    const TEXTS: &'static str = TEXTS;
    // A file that is there already as it should be counts as written.
    const EFFECT: ToolEffect = ToolEffect::OutsideIdempotent;
    type Arguments = CreateArguments;

    async fn action(&self, context: &ToolContext, arguments: CreateArguments) -> Action {
        let loss = match overwrite(arguments.overwrite) {
            Overwrite::Replace => loss(self.files.as_ref(), context, &arguments.path).await,
            Overwrite::Never => Loss::Nothing,
        };
        let paths = vec![arguments.path];
        Action::ChangeFiles { paths, loss }
    }

    async fn run(&self, context: &ToolContext, arguments: CreateArguments) -> ToolOutcome {
        if let Some(refusal) = too_large(arguments.content.len(), self.most_bytes) {
            return refusal;
        }
        match self.create(context, arguments).await {
            Ok(saved) => success(written(&saved.path, saved.size_bytes)),
            Err(error) => failed(&error),
        }
    }
}

impl CreateFile {
    async fn create(
        &self,
        context: &ToolContext,
        arguments: CreateArguments,
    ) -> Result<SavedFile, FileError> {
        let path = WorkspacePath::parse(&arguments.path)?;
        let workspace = workspace(context);
        let bytes = arguments.content.into_bytes();
        let content = FileContent {
            bytes: bytes.clone(),
            labels: context.labels.clone(),
        };
        let overwrite = overwrite(arguments.overwrite);
        let done = self.files.write(&workspace, &path, content, overwrite);
        match done.await {
            Err(FileError::Exists(shown)) => {
                let there = self.files.read(&workspace, &path, self.most_bytes).await;
                let size_bytes = bytes.len() as u64;
                match there {
                    Ok(there) if there.bytes == bytes => Ok(SavedFile { path, size_bytes }),
                    _ => Err(FileError::Exists(shown)),
                }
            }
            done => done,
        }
    }
}

fn overwrite(wanted: Option<bool>) -> Overwrite {
    match wanted {
        Some(true) => Overwrite::Replace,
        Some(false) | None => Overwrite::Never,
    }
}

/// What is lost where a file is written to. What a model wrote after it had read something is known by its
/// labels.
async fn loss(files: &dyn WorkspaceFiles, context: &ToolContext, path: &str) -> Loss {
    // Nobody asks for it, or it will be refused.
    let path = WorkspacePath::parse(path).ok();
    let Some(path) = path.filter(|_| context.labels.is_untrusted()) else {
        return Loss::Nothing;
    };
    match files.info(&workspace(context), &path).await {
        Ok(there) if there.is_remembered && there.labels.is_rewritten() => Loss::Nothing,
        Err(FileError::NotFound(_)) => Loss::Nothing,
        Ok(_) | Err(_) => Loss::Content,
    }
}

fn too_large(bytes: usize, most: u64) -> Option<ToolOutcome> {
    let message = || {
        format!(
            "a file that is written may have {most} bytes, this has {bytes}; write less, or several files"
        )
    };
    (bytes as u64 > most).then(|| failure(ErrorCode::TooLarge, message()))
}

#[derive(Debug)]
pub(super) struct EditFile {
    pub(super) files: Arc<dyn WorkspaceFiles>,
    pub(super) most_bytes: u64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EditArguments {
    path: String,
    old: String,
    new: String,
    replace_all: Option<bool>,
}

#[async_trait]
impl TypedTool for EditFile {
    const NAME: &'static str = "edit_file";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = EditArguments;

    async fn action(&self, context: &ToolContext, arguments: EditArguments) -> Action {
        let loss = loss(self.files.as_ref(), context, &arguments.path).await;
        let paths = vec![arguments.path];
        Action::ChangeFiles { paths, loss }
    }

    async fn run(&self, context: &ToolContext, arguments: EditArguments) -> ToolOutcome {
        let path = match WorkspacePath::parse(&arguments.path) {
            Ok(path) => path,
            Err(error) => return failed(&error),
        };
        let mut outcome = None;
        let edit: FileEdit<'_> = Box::new(|file| match self.edited(file, &arguments, &path) {
            Ok((mut file, replacements)) => {
                file.labels.join(&context.labels);
                outcome = Some(success(json!({ "ok": true, "replacements": replacements })));
                Some(file)
            }
            Err(refusal) => {
                outcome = Some(refusal);
                None
            }
        });
        let workspace = workspace(context);
        let done = self.files.edit(&workspace, &path, MOST_READ, edit).await;
        match (done, outcome) {
            (Err(error), _) => failed(&error),
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => failure(ErrorCode::Failed, "nothing was changed"),
        }
    }
}

impl EditFile {
    /// The file with the change in it, and how often it was made; or what to tell the model.
    fn edited(
        &self,
        file: FileContent,
        arguments: &EditArguments,
        path: &WorkspacePath,
    ) -> Result<(FileContent, usize), ToolOutcome> {
        let EditArguments {
            old,
            new,
            replace_all,
            ..
        } = arguments;
        let (text, labels) = text_of(file, path)?;
        let found = if old.is_empty() {
            0
        } else {
            text.matches(old).count()
        };
        if found == 0 || (found > 1 && *replace_all != Some(true)) {
            let message = match found {
                0 => "`old` is not in the file; read it and copy the exact text".to_owned(),
                found => format!(
                    "`old` is there {found} times; give more of what is around it, or set replace_all"
                ),
            };
            return Err(failure(ErrorCode::BadArguments, message));
        }
        // Checked before the text is made: a short `old` and a long `new` multiply.
        let bytes =
            (text.len() - found * old.len()).saturating_add(found.saturating_mul(new.len()));
        let most = self.most_bytes.max(text.len() as u64).min(MOST_READ);
        if let Some(refusal) = too_large(bytes, most) {
            return Err(refusal);
        }
        let bytes = text.replace(old, new).into_bytes();
        Ok((FileContent { bytes, labels }, found))
    }
}

#[derive(Debug)]
pub(super) struct MoveFile(pub(super) Arc<dyn WorkspaceFiles>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveArguments {
    source_path: String,
    destination_path: String,
    overwrite: Option<bool>,
}

#[async_trait]
impl TypedTool for MoveFile {
    const NAME: &'static str = "move_file";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = MoveArguments;

    async fn action(&self, context: &ToolContext, arguments: MoveArguments) -> Action {
        let files = self.0.as_ref();
        let replaced = match overwrite(arguments.overwrite) {
            Overwrite::Replace => loss(files, context, &arguments.destination_path).await,
            Overwrite::Never => Loss::Nothing,
        };
        let loss = match (replaced, loss(files, context, &arguments.source_path).await) {
            (Loss::Nothing, Loss::Nothing) => Loss::Nothing,
            // Under its new name it would pass for a file of the model's.
            (Loss::Nothing, _) => Loss::Place,
            (replaced, _) => replaced,
        };
        let paths = vec![arguments.source_path, arguments.destination_path];
        Action::ChangeFiles { paths, loss }
    }

    async fn run(&self, context: &ToolContext, arguments: MoveArguments) -> ToolOutcome {
        let moved = async {
            let from = WorkspacePath::parse(&arguments.source_path)?;
            let to = WorkspacePath::parse(&arguments.destination_path)?;
            let to = NewName {
                path: &to,
                overwrite: overwrite(arguments.overwrite),
                labels: &context.labels,
            };
            self.0.rename(&workspace(context), &from, to).await
        };
        match moved.await {
            Ok(saved) => success(json!({ "ok": true, "path": saved.path.as_str() })),
            Err(error) => failed(&error),
        }
    }
}

#[derive(Debug)]
pub(super) struct DeleteFile(pub(super) Arc<dyn WorkspaceFiles>);

#[async_trait]
impl TypedTool for DeleteFile {
    const NAME: &'static str = "delete_file";
    const TEXTS: &'static str = TEXTS;
    const EFFECT: ToolEffect = ToolEffect::OutsideOnce;
    type Arguments = PathArguments;

    async fn action(&self, _context: &ToolContext, arguments: PathArguments) -> Action {
        let path = arguments.path;
        Action::DeleteFile { path }
    }

    async fn run(&self, context: &ToolContext, arguments: PathArguments) -> ToolOutcome {
        let deleted = async {
            let path = WorkspacePath::parse(&arguments.path)?;
            self.0.delete(&workspace(context), &path).await
        };
        match deleted.await {
            Ok(()) => success(json!({ "ok": true })),
            Err(error) => failed(&error),
        }
    }
}
