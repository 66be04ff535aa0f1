//! The outbox: the one sender. It delivers in order within a chat and side by side over chats, and
//! writes down each attempt before and after it.

mod calls;
pub mod compose;
mod live;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::calls::Calls;
pub use self::live::{AnswerPlace, LiveAnswers};
use super::channels::Channels;
use super::rest::rest_until;
use super::signals::Signals;
use super::store_trouble::tell;
use crate::core::boundary::Boundary;
use crate::core::channel::{Buttons, Channel, ChatTarget, DeliveryError, Urgency};
use crate::core::clock::Clock;
use crate::core::delivery::DeliveryOutcome;
use crate::core::error::StoreResult;
use crate::core::files::{WorkspaceId, Workspaces};
use crate::core::ids::{ChannelName, ChatId, MessageId};
use crate::core::outbox::{OutboxRow, OutboxStore};
use crate::core::outgoing_file::OutgoingFiles;

/// Deliveries under way at the same time, each to another chat.
/// Most of them wait for their place in the channel's rate budget.
const MOST_IN_FLIGHT: usize = 512;

/// So many more of those that a person waits for: thousands of reminders are not in their way.
const MORE_URGENT: usize = 64;

/// How long the sender waits when the database fails.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Without any row that waits for its time, the table is looked at this often: a safety net.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(5);

/// A clock that is slowed down may go back by less.
const SET_BACK: TimeDelta = TimeDelta::seconds(1);

/// A number from 0 to 1 that spreads retries.
pub type Jitter = fn() -> f64;

type Place = (ChannelName, ChatId);

/// What the sender knows of those who wait.
#[derive(Debug, Default)]
struct Line {
    /// Chats with a delivery under way.
    busy: HashSet<Place>,
    /// Whether more is due than was taken up.
    unread: Unread,
    /// When the table is looked at again at the latest.
    look_at: DateTime<Utc>,
    /// When it was looked at last, or had to be again.
    looked_at: DateTime<Utc>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Unread {
    #[default]
    None,
    Some,
}

/// A delivery that has come to its end.
#[derive(Debug)]
struct Landed {
    place: Place,
    then: Then,
}

/// Where the next row may be.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// In the chat that is free now.
    SameChat,
    /// The chat waits until then.
    Later(DateTime<Utc>),
    /// Its rows have moved.
    Anywhere,
}

/// The sender.
#[derive(Debug)]
pub struct Outbox {
    /// The table.
    pub store: Arc<dyn OutboxStore>,
    /// Where things go.
    pub channels: Channels,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Rings when there is something new.
    pub signals: Arc<Signals>,
    /// The files of the chats, which move when a chat does.
    pub files: Arc<dyn Workspaces>,
    /// The copies of the files that are sent.
    pub copies: Arc<dyn OutgoingFiles>,
    /// Spreads retries.
    pub jitter: Jitter,
    /// Bounds what would be made twice if the process were killed now.
    pub calls: Calls,
    /// From then on no call is begun; those under way come to their end.
    pub hurry: CancellationToken,
}

impl Outbox {
    /// Delivers until `stop`, then what is due at that time, and waits for the calls under way.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        self.recover(&stop).await;
        let mut flights = FuturesUnordered::new();
        let mut line = Line::default();
        let mut landed = None;
        loop {
            let now = self.clock.now();
            match self.next(&mut line, landed.take(), now).await {
                Ok(rows) => flights.extend(rows.into_iter().map(|row| self.deliver(row))),
                Err(error) => {
                    tell(&error, "the outbox cannot be read");
                    line.look_at = now + TimeDelta::seconds(1);
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.signals.outbox_woken() => {}
                Some(flight) = flights.next() => landed = Some(flight),
                () = rest_until(self.clock.as_ref(), now, line.look_at) => {
                    // So late it is now, whatever a clock says that was set back meanwhile.
                    line.looked_at = line.looked_at.max(line.look_at);
                }
            }
        }
        while flights.next().await.is_some() {}
        Ok(self.flush().await?)
    }

    /// Rows that were being sent when the last process ended go back in line.
    async fn recover(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.store.recover().await {
                Ok(0) => return,
                Ok(rows) => {
                    warn!(
                        rows,
                        "messages were being sent when the process ended; sent again"
                    );
                    return;
                }
                Err(error) => {
                    tell(&error, "the outbox cannot be read");
                    self.clock.sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    /// Delivers what is due now and nothing that has to wait.
    async fn flush(&self) -> StoreResult<()> {
        while !self.hurry.is_cancelled() {
            let rows = self.launch(&mut Line::default()).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let flights: FuturesUnordered<_> =
                rows.into_iter().map(|row| self.deliver(row)).collect();
            flights.for_each(|_| async {}).await;
        }
        Ok(())
    }

    /// The rows to deliver now, after a delivery or a look around.
    async fn next(
        &self,
        line: &mut Line,
        landed: Option<Landed>,
        now: DateTime<Utc>,
    ) -> StoreResult<Vec<OutboxRow>> {
        // Before anything that can fail: a chat that stays busy is never served again.
        if let Some(landed) = &landed {
            line.busy.remove(&landed.place);
        }
        if now < line.looked_at - SET_BACK {
            info!("the clock was set back; what waits for its time waits no longer for that");
            self.store.hasten(line.looked_at - now).await?;
            line.look_at = now;
        }
        line.looked_at = now;
        match landed {
            None => self.look(line).await,
            Some(landed) => self.follow(line, landed).await,
        }
    }

    /// What is next after a delivery. Looking through the whole table each time would make the
    /// cost of a delivery grow with what waits: mostly only the chat that is free now is looked at.
    async fn follow(&self, line: &mut Line, landed: Landed) -> StoreResult<Vec<OutboxRow>> {
        let drained = line.busy.len() < MOST_IN_FLIGHT / 2;
        match landed.then {
            Then::Anywhere => return self.look(line).await,
            Then::SameChat if line.unread == Unread::Some && drained => {
                return self.look(line).await;
            }
            Then::SameChat => {}
            Then::Later(at) => line.look_at = line.look_at.min(at),
        }
        let (channel, chat) = &landed.place;
        let head = self.store.head(channel, chat, self.clock.now()).await?;
        if head.is_some() {
            line.busy.insert(landed.place);
        }
        Ok(head.into_iter().collect())
    }

    /// The rows to deliver now, one for each chat that has none under way.
    async fn look(&self, line: &mut Line) -> StoreResult<Vec<OutboxRow>> {
        let latest = self.clock.now() + LOOK_AGAIN;
        let next = self.store.next_attempt_at().await?;
        line.look_at = next.map_or(latest, |at| at.min(latest));
        self.launch(line).await
    }

    async fn launch(&self, line: &mut Line) -> StoreResult<Vec<OutboxRow>> {
        let Line { busy, unread, .. } = line;
        let least = if busy.len() < MOST_IN_FLIGHT {
            Urgency::Background
        } else {
            Urgency::Interactive
        };
        let limit = MOST_IN_FLIGHT + busy.len();
        let rows = u32::try_from(limit).unwrap_or(u32::MAX);
        let channels: Vec<ChannelName> = self.channels.names().cloned().collect();
        let now = self.clock.now();
        let mut heads = self.store.heads(&channels, least, now, rows).await?;
        heads.retain(|row| busy.len() < most(row.urgency) && busy.insert(place(row)));
        *unread = if busy.len() < MOST_IN_FLIGHT {
            Unread::None
        } else {
            Unread::Some
        };
        Ok(heads)
    }

    async fn deliver(&self, row: OutboxRow) -> Landed {
        let landed = Landed {
            place: place(&row),
            then: Then::SameChat,
        };
        let Some(channel) = self.channels.of(&row.target) else {
            return landed;
        };
        let turn = async {
            channel.reserve(&row.target, row.urgency).await;
            self.calls.place(row.urgency, self.clock.as_ref()).await
        };
        let _place = tokio::select! {
            biased;
            () = self.hurry.cancelled() => return landed,
            place = turn => place,
        };
        self.call(channel.as_ref(), row, landed).await
    }

    /// Begins, calls, and writes down what came of it.
    async fn call(&self, channel: &dyn Channel, mut row: OutboxRow, mut landed: Landed) -> Landed {
        match self.store.start(row.id, Some(&row.content)).await {
            // A question may have ended while its card waited for its place.
            Ok(Some(content)) => row.content = content,
            Ok(None) => {}
            Err(error) => {
                // Not begun: the row waits as before.
                tell(&error, &format!("delivery {} could not be begun", row.id));
                self.clock.sleep(STORE_PAUSE).await;
                return landed;
            }
        }
        Boundary::Sending.pass();
        let attempt = AssertUnwindSafe(self.attempt(channel, &row))
            .catch_unwind()
            .await;
        Boundary::Sent.pass();
        // A row that breaks the sender would break it again and again.
        let outcome = attempt.unwrap_or_else(|_| DeliveryOutcome::Failed {
            error: "sending it broke down".into(),
            notice: None,
        });
        landed.then = match &outcome {
            DeliveryOutcome::Retry { at, .. } => Then::Later(*at),
            DeliveryOutcome::Migrated { .. } => Then::Anywhere,
            _ => Then::SameChat,
        };
        let is_over = matches!(
            outcome,
            DeliveryOutcome::Sent { .. } | DeliveryOutcome::Failed { .. }
        );
        if let DeliveryOutcome::Migrated { to } = &outcome {
            self.move_files(&row, to).await;
        }
        let has_moved = matches!(outcome, DeliveryOutcome::Migrated { .. });
        self.write_down(&row, outcome).await;
        Boundary::Recorded.pass();
        if has_moved {
            // What waits there has to be taken up in its new place.
            self.signals.wake_inbox();
        }
        if is_over {
            self.discard_copies(&row).await;
        }
        self.signals.tell_delivered();
        landed
    }

    async fn attempt(&self, channel: &dyn Channel, row: &OutboxRow) -> DeliveryOutcome {
        let content = match channel.capabilities().buttons {
            Buttons::Shown => row.content.clone(),
            Buttons::None => row.content.clone().with_buttons(Vec::new()),
        };
        let content = content.with_files(|file| file.place = self.copies.place(&file.copy));
        let answer = match &row.message {
            Some(message) => channel
                .edit(&row.target, message, &content)
                .await
                .map(|()| message.clone()),
            None => {
                channel
                    .send(&row.target, &content, row.reply_to.as_ref())
                    .await
            }
        };
        self.outcome(row, answer)
    }

    /// Before the row is: until then, whoever starts again comes back to this.
    async fn move_files(&self, row: &OutboxRow, to: &ChatId) {
        let new = ChatTarget {
            chat: to.clone(),
            ..row.target.clone()
        };
        let (old, new) = (WorkspaceId::of(&row.target), WorkspaceId::of(&new));
        if let Err(error) = self.files.move_chat(&old, &new).await {
            warn!(chat.id = %row.target.chat, %error, "the files of a chat that moved stay behind");
        }
    }

    /// What stays behind here goes with the next housekeeping.
    async fn discard_copies(&self, row: &OutboxRow) {
        for file in row.content.files() {
            if let Err(error) = self.copies.discard(&file.copy).await {
                warn!(outbox.id = %row.id, %error, "a copy of a sent file stays for now");
            }
        }
    }

    /// What has happened must be written down, or the row would go out again: a full disk is
    /// waited for.
    async fn write_down(&self, row: &OutboxRow, outcome: DeliveryOutcome) {
        loop {
            let now = self.clock.now();
            match self.store.finish(row.id, outcome.clone(), now).await {
                Ok(0) => return,
                // What they missed meanwhile is due.
                Ok(_) => return self.signals.wake_scheduler(),
                Err(error) => {
                    let what = format!("delivery {} could not be written down", row.id);
                    tell(&error, &what);
                    self.clock.sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    fn outcome(
        &self,
        row: &OutboxRow,
        answer: Result<MessageId, DeliveryError>,
    ) -> DeliveryOutcome {
        let error = match answer {
            Ok(message) => return DeliveryOutcome::Sent { message },
            Err(error) => error,
        };
        let outcome = row.after_failure(&error, self.clock.now(), (self.jitter)());
        match &outcome {
            DeliveryOutcome::Failed { error, .. } | DeliveryOutcome::ChatClosed { error } => {
                warn!(outbox.id = %row.id, chat.id = %row.target.chat, %error, "not delivered");
            }
            _ => info!(outbox.id = %row.id, chat.id = %row.target.chat, %error, "delivery put off"),
        }
        outcome
    }
}

/// Deliveries under way before one of this urgency is begun.
fn most(urgency: Urgency) -> usize {
    match urgency {
        Urgency::Interactive => MOST_IN_FLIGHT + MORE_URGENT,
        Urgency::Background => MOST_IN_FLIGHT,
    }
}

fn place(row: &OutboxRow) -> Place {
    (row.target.channel.clone(), row.target.chat.clone())
}
