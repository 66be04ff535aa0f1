//! The attachments of the message: read before the model is asked, and again after a restart.

use super::{Drive, Progress, TurnLoop, TurnStops};
use crate::app::attachments::Asked;
use crate::core::boundary::Boundary;
use crate::core::error::StoreResult;
use crate::core::journal::JournalEntry;
use crate::core::media::{Attached, FileOutcome, Part, Place, ReceivedFile, remarks_for_person};
use crate::core::turn::{Fact, Step};

impl TurnLoop {
    /// Reads them, and says at once what was not read and why. A message of which nothing is left
    /// is answered with that.
    pub(super) async fn read_files(
        &self,
        progress: &mut Progress,
        stops: &TurnStops,
    ) -> StoreResult<Option<Drive>> {
        let asked = attachments(progress);
        if asked.is_empty() || matches!(progress.turn.step(), Step::Finish(_)) {
            return Ok(None);
        }
        let known = progress.turn.files().map(<[ReceivedFile]>::to_vec);
        let target = &progress.conversation.target;
        let read = self.attachments.read(target, &asked, known.as_deref());
        let read = match self.unless_halted(progress.deadline, stops, read).await {
            Ok(read) => read,
            Err(halt) => return self.halt(progress, halt).await,
        };
        let (files, parts) = (read.files.clone(), read.parts.len());
        self.context
            .add_files(&mut progress.context, &progress.inbox, read);
        let labels = progress.context.file_labels().clone();
        if known.is_some() {
            return Ok(None);
        }
        Boundary::FilesRead.pass();
        let remarks = remarks_for_person(&files);
        let kept = files
            .iter()
            .any(|file| matches!(file.outcome, FileOutcome::Kept { .. }));
        let nothing_left =
            progress.context.user.is_empty() && !passes_on_words(progress) && parts == 0 && !kept;
        let answer = remarks.clone().filter(|_| nothing_left);
        let said = match &remarks {
            Some(remarks) if !nothing_left => self.compose(progress, remarks),
            _ => Vec::new(),
        };
        let entry = JournalEntry {
            facts: vec![Fact::FilesRead {
                files,
                labels,
                answer,
            }],
            said,
            ..JournalEntry::default()
        };
        self.advance(progress, entry).await
    }
}

impl TurnLoop {
    /// What tools have put before the model since it was last asked, file by file. It is read once;
    /// after a restart anew, as nothing but its place is kept.
    pub(super) async fn newly_inserted(&self, progress: &Progress) -> Vec<Vec<Attached>> {
        let target = &progress.conversation.target;
        let artifacts = progress.turn.inserted();
        let earlier = progress.inserted.iter().flatten();
        let mut taken = progress.context.file_text_bytes();
        taken += earlier.map(|one| one.part.text_bytes()).sum::<usize>();
        let mut new = Vec::new();
        for (count, artifact) in artifacts.into_iter().skip(progress.inserted.len()) {
            let place = Place::After(count);
            let parts = self.attachments.insert(target, artifact, taken).await;
            taken += parts.iter().map(Part::text_bytes).sum::<usize>();
            let attached = parts.into_iter().map(|part| Attached { place, part });
            new.push(attached.collect());
        }
        new
    }
}

/// Whether there are words of somebody else to be answered.
fn passes_on_words(progress: &Progress) -> bool {
    let messages = progress.inbox.iter();
    let mut messages = messages.filter_map(|row| row.incoming.message());
    messages.any(|message| message.forwarded_from.is_some() && !message.text.is_empty())
}

fn attachments(progress: &Progress) -> Vec<Asked> {
    let rows = progress.inbox.iter();
    rows.flat_map(|row| row.incoming.attachments())
        .map(|(origin, attachment)| Asked {
            origin,
            attachment: attachment.clone(),
        })
        .collect()
}
