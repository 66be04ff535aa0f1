//! Who may run what, from the settings.

use std::sync::Arc;

use anyhow::Context;

use super::settings::Settings;
use super::{Joints, delta};
use crate::app::approvals::{ApprovalSettings, Approvals, Escalation};
use crate::app::at_once::AtOnce;
use crate::core::approval::ToolPolicy;
use crate::core::redact::Secrets;

/// What the settings say about tools.
pub(super) fn policy(settings: &Settings) -> anyhow::Result<ToolPolicy> {
    ToolPolicy::new(&settings.approvals.tools).context("approvals.tools")
}

impl Joints<'_> {
    pub(super) fn approvals(&self, at_once: Arc<dyn AtOnce>) -> anyhow::Result<Approvals> {
        let config = &self.settings.approvals;
        let policy = policy(self.settings)?;
        Ok(Approvals {
            store: self.ports.approvals.clone(),
            inbox: self.ports.inbox.clone(),
            at_once,
            channels: self.channels.clone(),
            signals: self.signals.clone(),
            clock: self.ports.clock.clone(),
            secrets: Arc::new(Secrets::new(self.settings.secrets().cloned())),
            settings: ApprovalSettings {
                policy,
                timeout: delta(config.timeout_seconds.get()),
                escalation: if config.escalate_after_untrusted {
                    Escalation::On
                } else {
                    Escalation::Off
                },
                zone: self.settings.runtime.timezone,
            },
        })
    }
}
