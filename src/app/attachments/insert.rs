//! Files of the workspace that tools put before the model.

use super::Attachments;
use super::one::pdf_text;
use crate::core::channel::ChatTarget;
use crate::core::files::{WorkspaceId, WorkspacePath};
use crate::core::media::{Artifact, ArtifactKind, InMemory, Part, Readable, Wanted, document};

impl Attachments {
    /// What a model is given of a file of the workspace. It may have changed or gone since it was
    /// asked for; then words say so.
    pub async fn insert(&self, target: &ChatTarget, artifact: &Artifact) -> Vec<Part> {
        let said = artifact.text.clone().map(Part::Text);
        let part = self.inserted(target, artifact).await;
        let part = part.unwrap_or_else(|why| {
            Part::Text(format!(
                "[The file {:?} cannot be shown: {why}]",
                artifact.path
            ))
        });
        said.into_iter().chain([part]).collect()
    }

    async fn inserted(&self, target: &ChatTarget, artifact: &Artifact) -> Result<Part, String> {
        let uploads = self.uploads.as_ref().ok_or("files are switched off")?;
        let path = WorkspacePath::parse(&artifact.path).map_err(|error| error.to_string())?;
        let workspace = WorkspaceId::of(target);
        let most = self.settings.limits.document_bytes;
        let file = uploads.workspaces.read(&workspace, &path, most).await;
        let content = InMemory::holding(file.map_err(|error| error.to_string())?.bytes);
        let wanted = Wanted {
            most_chars: self.settings.text_chars,
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
            (Readable::Text { text, total_chars }, ArtifactKind::File) => {
                let labels = artifact.labels.clone();
                Ok(Part::Document(document(name, &text, total_chars, labels)))
            }
            (Readable::Pdf { text }, ArtifactKind::File) => {
                let name = name.clone();
                let text = pdf_text(&name, text, artifact.labels.clone());
                Ok(Part::Pdf {
                    name,
                    content,
                    text,
                })
            }
        }
    }
}
