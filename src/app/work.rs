//! What a worker does with what waits: commands from the table, turns for the rest.

use std::sync::Arc;

use async_trait::async_trait;

use super::commands::{Commands, Handled};
use super::dispatcher::{TurnStops, Work};
use super::presses::Presses;
use super::turn_loop::TurnLoop;
use crate::core::error::StoreResult;
use crate::core::ids::InboxId;
use crate::core::inbox::InboxRow;
use crate::core::journal::RunningTurn;
use crate::core::message::IncomingContent;

/// The work of this bot.
#[derive(Debug)]
pub struct ChatWork {
    /// The table of commands.
    pub commands: Arc<Commands>,
    /// What buttons do.
    pub presses: Arc<Presses>,
    /// Everything else.
    pub turns: TurnLoop,
}

#[async_trait]
impl Work for ChatWork {
    async fn handle(&self, rows: Vec<InboxRow>, stops: &TurnStops) -> StoreResult<()> {
        if let [row] = rows.as_slice() {
            // One that the last process took in and did not get to.
            if let IncomingContent::Press(press) = &row.incoming.content {
                if let Some(acknowledgement) = self.presses.handle(row, press).await? {
                    acknowledgement.send().await;
                }
                return Ok(());
            }
            match self.commands.run_in_turn(row).await? {
                Handled::Done => return Ok(()),
                Handled::Rerun(turn) => {
                    self.turns.run_again(*turn, stops).await;
                    return Ok(());
                }
                Handled::NotACommand => {}
            }
        }
        let ids: Vec<InboxId> = rows.iter().map(|row| row.id).collect();
        self.turns.run(&ids, stops).await
    }

    async fn resume(&self, turn: RunningTurn, stops: &TurnStops) {
        self.turns.resume(turn, stops).await;
    }
}
