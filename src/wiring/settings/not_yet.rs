//! Parts that the settings know and this version does not have: a line goes when its part arrives.

use super::Settings;
use crate::adapters::config::Finding;

struct Missing {
    /// The key that switches the part on.
    key: &'static str,
    part: &'static str,
    is_on: fn(&Settings) -> bool,
}

const MISSING: &[Missing] = &[Missing {
    key: "tools.audio_transcription.enabled",
    part: "the transcription of voice notes",
    is_on: |settings| settings.tools.audio_transcription.enabled,
}];

/// A warning for each part that is switched on and not there.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    MISSING
        .iter()
        .filter(|missing| (missing.is_on)(settings))
        .map(|missing| {
            let (key, part) = (missing.key, missing.part);
            Finding::warning(
                [key],
                format!("{key}: this version does not have {part} yet; the setting has no effect"),
            )
        })
        .collect()
}
