//! What must not wait in line: presses, and the commands that answer whatever else is going on.

use std::sync::Arc;

use async_trait::async_trait;

use super::commands::Commands;
use super::dispatcher::Dispatcher;
use super::presses::Presses;
use crate::core::error::StoreResult;
use crate::core::inbox::InboxRow;
use crate::core::message::IncomingContent;

/// Does what must not wait in line.
#[async_trait]
pub trait AtOnce: Send + Sync + std::fmt::Debug {
    /// Does what a row asks for if it must not wait. Says whether nothing is left to be done in its
    /// place. Doing it again changes nothing.
    async fn handle(&self, row: &InboxRow) -> StoreResult<bool>;
}

/// Presses and commands.
#[derive(Debug)]
pub struct PressesAndCommands {
    /// The table of commands.
    pub commands: Arc<Commands>,
    /// What buttons do.
    pub presses: Arc<Presses>,
    /// Where presses are acknowledged aside.
    pub dispatcher: Arc<Dispatcher>,
}

#[async_trait]
impl AtOnce for PressesAndCommands {
    async fn handle(&self, row: &InboxRow) -> StoreResult<bool> {
        match &row.incoming.content {
            IncomingContent::Press(press) => {
                if let Some(acknowledgement) = self.presses.handle(row, press).await? {
                    self.dispatcher.aside(acknowledgement.send());
                }
                Ok(true)
            }
            _ => self.commands.run_at_once(row).await,
        }
    }
}
