//! Files of the workspace that tools put before the model.

use super::Attachments;
use super::one::pdf_text;
use crate::core::channel::ChatTarget;
use crate::core::files::{WorkspaceId, WorkspacePath};
use crate::core::media::{Artifact, ArtifactKind, Part, Readable, Wanted, document};

impl Attachments {
    /// What a model is given of a file of the workspace. It may have changed or gone since it was
    /// asked for; then words say so. The texts of the files of a turn share one room: those before
    /// have taken so many bytes of it.
    pub async fn insert(
        &self,
        target: &ChatTarget,
        artifact: &Artifact,
        taken: usize,
    ) -> Vec<Part> {
        let room = self.settings.text_bytes.saturating_sub(taken);
        let said = artifact.text.clone().map(Part::Text);
        let part = self.inserted(target, artifact, room).await;
        let part = part.unwrap_or_else(|why| {
            Part::Text(format!(
                "[The file {:?} cannot be shown: {why}]",
                artifact.path
            ))
        });
        said.into_iter().chain([part]).collect()
    }

    async fn inserted(
        &self,
        target: &ChatTarget,
        artifact: &Artifact,
        room: usize,
    ) -> Result<Part, String> {
        let uploads = self.uploads.as_ref().ok_or("files are switched off")?;
        let path = WorkspacePath::parse(&artifact.path).map_err(|error| error.to_string())?;
        let workspace = WorkspaceId::of(target);
        let most = self.settings.limits.document_bytes;
        let file = uploads.workspaces.open(&workspace, &path, most).await;
        let file = file.map_err(|error| error.to_string())?;
        // The turn has only the labels that the file had when it was asked for.
        if !artifact.labels.covers(&file.labels) {
            return Err("it has changed since; insert it again".to_owned());
        }
        let content = self.copy(&file.content).await;
        let content = content.map_err(|error| error.to_string())?;
        let wanted = Wanted {
            most_bytes: room,
            pdf_text: self.settings.pdf_text,
        };
        let readable = self.reader.read(&content, wanted).await;
        let name = &artifact.file_name;
        match (
            readable.map_err(|error| error.to_string())?,
            artifact.taken_as,
        ) {
            (Readable::Picture { mime, content }, _) => Ok(Part::Picture { mime, content }),
            (_, ArtifactKind::Image) => Err("it is not a picture".to_owned()),
            (Readable::Text(excerpt), ArtifactKind::File) => {
                let labels = artifact.labels.clone();
                Ok(Part::Document(document(name, excerpt, labels)))
            }
            (Readable::Pdf { text }, ArtifactKind::File) => {
                let name = name.clone();
                let text = pdf_text(&name, text, artifact.labels.clone());
                Ok(Part::Pdf {
                    name,
                    content,
                    text,
                    spare: None,
                })
            }
        }
    }
}
