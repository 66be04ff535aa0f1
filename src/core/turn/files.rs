//! The files of a turn: what became of the attachments, and what tools put before the model.

use super::{Ending, Fed, Round, Turn};
use crate::core::ids::CallId;
use crate::core::label::Labels;
use crate::core::media::{Artifact, ReceivedFile};
use crate::core::model::FinishReason;

/// Files that tools may put before the model in one turn: each goes with every request from there on.
pub const MOST_INSERTED: usize = 8;

impl Turn {
    /// What became of the attachments; `None` before they were looked at.
    pub fn files(&self) -> Option<&[ReceivedFile]> {
        self.files.as_deref()
    }

    /// The files that tools put before the model, each with the number of items of the exchange that
    /// it stands behind.
    pub fn inserted(&self) -> Vec<(usize, &Artifact)> {
        let mut found = Vec::new();
        let mut count = 0;
        for round in &self.rounds {
            if round.text.is_empty() && round.calls.is_empty() {
                continue;
            }
            count += 1 + round.calls.len();
            let ids: Vec<&CallId> = round.calls.iter().map(|one| &one.call.id).collect();
            let here = self.inserted.iter().filter(|(call, _)| ids.contains(&call));
            found.extend(here.map(|(_, artifact)| (count, artifact)));
        }
        found
    }

    /// How many more files tools may put before the model.
    pub fn inserts_left(&self) -> usize {
        MOST_INSERTED.saturating_sub(self.inserted.len())
    }

    pub(super) fn take_files(
        &mut self,
        files: Vec<ReceivedFile>,
        labels: &Labels,
        answer: Option<String>,
    ) -> Fed {
        if self.files.is_some() || !self.rounds.is_empty() {
            return Fed::Ignored;
        }
        self.resumes = 0;
        self.files = Some(files);
        self.labels.join(labels);
        if let Some(text) = answer {
            self.rounds.push(Round {
                text: text.clone(),
                calls: Vec::new(),
                continuation: None,
                labels: self.labels.clone(),
            });
            self.ending = Some(Ending::Answered {
                text,
                finish: FinishReason::Done,
            });
        }
        Fed::Taken
    }

    pub(super) fn take_insert(&mut self, call: CallId, artifact: Artifact) -> Fed {
        let open = self.open_calls().any(|progress| progress.call.id == call);
        if !open || self.inserted.len() >= MOST_INSERTED {
            return Fed::Ignored;
        }
        self.inserted.push((call, artifact));
        Fed::Taken
    }
}
