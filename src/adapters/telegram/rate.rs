//! The rate budget of one bot: how fast it may send, shared by messages and edits.
//!
//! A place is taken in the order of urgency, then of arrival. A chat that must wait does not hold
//! up the others.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::config::RateLimitConfig;
use super::meter::{Bucket, Window};
use crate::core::channel::Urgency;
use crate::core::ids::ChatId;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// So many chats are kept before the idle ones are forgotten.
const SWEEP_AT: usize = 256;

/// The budget.
pub struct RateBudget {
    limits: RateLimitConfig,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    global: Window,
    chats: HashMap<ChatId, ChatBudget>,
    waiting: BTreeMap<Ticket, ChatId>,
    next_ticket: u64,
    sweep_at: usize,
}

/// A place in the queue: who is urgent first, then who came first.
type Ticket = (Urgency, u64);

struct ChatBudget {
    bucket: Bucket,
    minute: Option<Window>,
    paused_until: Option<Instant>,
}

impl fmt::Debug for RateBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateBudget")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl RateBudget {
    /// A full budget. The limits are those of the Bot API's FAQ ("My bot is hitting limits").
    pub fn new(limits: RateLimitConfig) -> Self {
        let state = State {
            global: Window::new(limits.global_per_second.get(), SECOND),
            chats: HashMap::new(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            sweep_at: SWEEP_AT,
        };
        Self {
            limits,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Waits until one request to `chat` may be made, and counts it.
    pub async fn reserve(&self, chat: &ChatId, urgency: Urgency) {
        let place = self.queue_up(chat, urgency);
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let Err(ready_at) = self.lock().take(place.ticket, chat, Instant::now()) else {
                return;
            };
            tokio::select! {
                () = sleep_until(ready_at) => {}
                () = changed => {}
            }
        }
    }

    /// Counts an edit if it may be made now without taking what a waiting or a coming message needs.
    pub fn try_reserve(&self, chat: &ChatId) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        state.chat(chat, self.limits);
        state.spares_one(chat, now) && {
            state.count(chat, now);
            true
        }
    }

    /// Nothing more goes to `chat` for so long: the service said so.
    pub fn pause(&self, chat: &ChatId, duration: Duration) {
        let mut state = self.lock();
        let budget = state.chat(chat, self.limits);
        budget.paused_until = budget
            .paused_until
            .max(Instant::now().checked_add(duration));
    }

    fn queue_up<'a>(&'a self, chat: &ChatId, urgency: Urgency) -> Place<'a> {
        let mut state = self.lock();
        state.chat(chat, self.limits);
        let ticket = (urgency, state.next_ticket);
        state.next_ticket += 1;
        state.waiting.insert(ticket, chat.clone());
        Place {
            budget: self,
            ticket,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A ticket that leaves the queue also when nobody waits for it any more.
struct Place<'a> {
    budget: &'a RateBudget,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.budget.lock().waiting.remove(&self.ticket).is_some() {
            self.budget.changed.notify_waiters();
        }
    }
}

impl State {
    fn chat(&mut self, chat: &ChatId, limits: RateLimitConfig) -> &mut ChatBudget {
        if !self.chats.contains_key(chat) && self.chats.len() >= self.sweep_at {
            self.forget_idle(Instant::now());
        }
        self.chats
            .entry(chat.clone())
            .or_insert_with(|| ChatBudget::new(chat, limits))
    }

    fn forget_idle(&mut self, now: Instant) {
        let waiting: std::collections::HashSet<&ChatId> = self.waiting.values().collect();
        self.chats
            .retain(|chat, budget| waiting.contains(chat) || !budget.is_idle(now));
        self.sweep_at = (self.chats.len() * 2).max(SWEEP_AT);
    }

    /// Counts the ticket's request, or says when to ask again.
    fn take(&mut self, ticket: Ticket, chat: &ChatId, now: Instant) -> Result<(), Instant> {
        let ready_at = self.ready_at(ticket, chat, now);
        if ready_at > now {
            return Err(ready_at);
        }
        self.count(chat, now);
        self.waiting.remove(&ticket);
        Ok(())
    }

    fn ready_at(&self, ticket: Ticket, chat: &ChatId, now: Instant) -> Instant {
        let before = self
            .waiting
            .range(..ticket)
            .filter(|(_, other)| *other == chat)
            .count();
        let own = self
            .chats
            .get(chat)
            .map_or(now, |budget| budget.ready_at(before + 1, now));
        if own > now {
            return own;
        }
        self.global
            .ready_at(self.ready_before(Some(ticket), now) + 1, now)
    }

    /// How many of the tickets before `ticket` (of all, if there is none) only wait for the global limit.
    fn ready_before(&self, ticket: Option<Ticket>, now: Instant) -> usize {
        let mut seen: HashMap<&ChatId, usize> = HashMap::new();
        let mut ready = 0;
        for (_, chat) in self
            .waiting
            .iter()
            .take_while(|(other, _)| Some(**other) != ticket)
        {
            let place = seen.entry(chat).or_insert(0);
            *place += 1;
            let budget = self.chats.get(chat);
            ready += usize::from(budget.is_none_or(|budget| budget.ready_at(*place, now) <= now));
        }
        ready
    }

    fn spares_one(&self, chat: &ChatId, now: Instant) -> bool {
        let waited_for = self.waiting.values().any(|other| other == chat);
        let spared = self
            .chats
            .get(chat)
            .is_none_or(|budget| budget.spares_one(now));
        let others = self.ready_before(None, now);
        !waited_for && spared && self.global.ready_at(others + 2, now) <= now
    }

    fn count(&mut self, chat: &ChatId, now: Instant) {
        self.global.count(now);
        if let Some(budget) = self.chats.get_mut(chat) {
            budget.bucket.count(now);
            if let Some(minute) = &mut budget.minute {
                minute.count(now);
            }
        }
    }
}

impl ChatBudget {
    fn new(chat: &ChatId, limits: RateLimitConfig) -> Self {
        // Ids of groups are negative (Bot API, Chat).
        let is_group = chat.as_str().starts_with('-');
        Self {
            bucket: Bucket::new(
                limits.chat_per_second.get(),
                limits.chat_burst.get(),
                SECOND,
            ),
            minute: is_group.then(|| Window::new(limits.group_per_minute.get(), MINUTE)),
            paused_until: None,
        }
    }

    /// When `places` requests, one after the other, could have been made.
    fn ready_at(&self, places: usize, now: Instant) -> Instant {
        let minute = self
            .minute
            .as_ref()
            .map_or(now, |minute| minute.ready_at(places, now));
        let paused = self.paused_until.unwrap_or(now);
        self.bucket.ready_at(places, now).max(minute).max(paused)
    }

    /// Whether an edit leaves room for a message: one place of the burst, a quarter of a group's minute.
    fn spares_one(&self, now: Instant) -> bool {
        let bucket = self.bucket.ready_at(self.bucket.burst().min(2), now);
        let minute = self.minute.as_ref().map_or(now, |minute| {
            minute.ready_at(1 + (minute.limit() / 4).max(1).min(minute.limit() - 1), now)
        });
        bucket.max(minute).max(self.paused_until.unwrap_or(now)) <= now
    }

    fn is_idle(&self, now: Instant) -> bool {
        let quiet = self
            .minute
            .as_ref()
            .is_none_or(|minute| minute.is_empty(now));
        quiet && self.bucket.is_full(now) && self.paused_until.is_none_or(|until| until <= now)
    }
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
