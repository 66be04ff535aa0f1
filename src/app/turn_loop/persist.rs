//! Writing to the journal through a database that is full or busy for a while: what a model was
//! paid for must not be thrown away and asked for again.

use tracing::warn;

use super::{STORE_PAUSE, TurnLoop};
use crate::core::error::{StoreError, StoreResult};
use crate::core::ids::TurnId;
use crate::core::journal::{JournalEntry, OpenAnswer, TurnEnd};

/// Tries of one write that fails for an unknown reason, a second apart. After that the turn begins again from its journal.
const TRIES: u32 = 300;

impl TurnLoop {
    /// Writes a step.
    pub(super) async fn append(
        &self,
        turn: TurnId,
        entry: JournalEntry,
    ) -> StoreResult<OpenAnswer> {
        let mut tries = 1;
        loop {
            let outcome = self
                .journal
                .append(turn, entry.clone(), self.clock.now())
                .await;
            match outcome {
                Err(error) if self.may_pass(&error, &mut tries).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Writes the end.
    pub(super) async fn finish(&self, turn: TurnId, end: TurnEnd) -> StoreResult<()> {
        let mut tries = 1;
        loop {
            let outcome = self.journal.end(turn, end.clone(), self.clock.now()).await;
            match outcome {
                Err(error) if self.may_pass(&error, &mut tries).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Waits where another try makes sense. A full disk is waited for, however long that takes.
    async fn may_pass(&self, error: &StoreError, tries: &mut u32) -> bool {
        if matches!(error, StoreError::Corrupt(_)) || (*tries >= TRIES && !error.passes()) {
            return false;
        }
        if *tries == 1 {
            warn!(%error, "the turn cannot be written down; trying until it can");
        }
        *tries += 1;
        self.clock.sleep(STORE_PAUSE).await;
        true
    }
}
