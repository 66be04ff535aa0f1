//! Artifacts: files of the workspace that a tool puts before the model.

use serde::{Deserialize, Serialize};

use crate::core::label::Labels;

/// A file that becomes part of the model's next input in the same turn. The journal keeps only this;
/// the file is read whenever the model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where it is in the workspace.
    pub path: String,
    /// What it is taken for.
    pub taken_as: ArtifactKind,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The name that the model is told.
    pub file_name: String,
    /// Where its content comes from.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A picture.
    Image,
    /// A document.
    File,
}
