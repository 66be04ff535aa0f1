//! `[tools.browser]`

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use crate::core::units::{Seconds, count, none_if_empty};

/// `[tools.browser]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrowserConfig {
    pub enabled: bool,
    /// Searched for when there is none.
    #[serde(deserialize_with = "none_if_empty")]
    pub executable_path: Option<PathBuf>,
    pub headless: bool,
    pub launch_args: Vec<String>,
    #[serde(deserialize_with = "none_if_empty")]
    pub user_agent: Option<String>,
    pub viewport_width: Option<NonZeroU32>,
    pub viewport_height: Option<NonZeroU32>,
    #[serde(deserialize_with = "none_if_empty")]
    pub locale: Option<String>,
    #[serde(deserialize_with = "none_if_empty")]
    pub timezone_id: Option<String>,
    pub geolocation: Option<Geolocation>,
    pub permissions: Vec<String>,
    /// Values may be credentials.
    pub extra_http_headers: BTreeMap<String, SecretString>,
    pub navigation_timeout_seconds: Seconds,
    pub action_timeout_seconds: Seconds,
    pub max_text_chars: NonZeroU32,
    pub session_ttl_seconds: Seconds,
    pub max_sessions: NonZeroU32,
    pub keep_profile: bool,
}

impl Default for BrowserConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            executable_path: None,
            headless: true,
            launch_args: Vec::new(),
            user_agent: None,
            viewport_width: None,
            viewport_height: None,
            locale: None,
            timezone_id: None,
            geolocation: None,
            permissions: Vec::new(),
            extra_http_headers: BTreeMap::new(),
            navigation_timeout_seconds: Seconds::new(20),
            action_timeout_seconds: Seconds::new(10),
            max_text_chars: count(6000),
            session_ttl_seconds: Seconds::new(600),
            max_sessions: count(2),
            keep_profile: false,
        }
    }
}

/// Where the browser says it is, in degrees.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Geolocation {
    pub latitude: f64,
    pub longitude: f64,
}
