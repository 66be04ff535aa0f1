//! The channels of this process, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::core::channel::{Channel, ChatTarget};
use crate::core::ids::ChannelName;

/// Finds the channel of a target.
#[derive(Debug, Clone, Default)]
pub struct Channels(BTreeMap<ChannelName, Arc<dyn Channel>>);

impl Channels {
    /// The given channels; a later one replaces an earlier one of the same name.
    pub fn new(channels: impl IntoIterator<Item = Arc<dyn Channel>>) -> Self {
        Self(
            channels
                .into_iter()
                .map(|channel| (channel.name().clone(), channel))
                .collect(),
        )
    }

    /// The channel of a target; `None` when it is not running in this process.
    pub fn of(&self, target: &ChatTarget) -> Option<&Arc<dyn Channel>> {
        self.0.get(&target.channel)
    }

    /// The names of the channels that run.
    pub fn names(&self) -> impl Iterator<Item = &ChannelName> {
        self.0.keys()
    }
}
