//! A real Chromium for the whole bot, wired as in the program: within the sandbox, and behind the guard's proxy.

use std::sync::Arc;

use minibot::adapters::browser::config::BrowserConfig;
use minibot::adapters::browser::{ChromiumBrowser, Confine, LaunchSettings, Wrapped, program};
use minibot::adapters::egress::ForwardProxy;
use minibot::core::browser::Browser;
use minibot::llm::tools::browser::{BrowserLimits, BrowserPorts};
use minibot::wiring::Ports;
use minibot::wiring::browser::confinement;
use minibot::wiring::settings::Settings;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::process::guard;

#[derive(Debug)]
pub struct TestBrowser {
    browser: Arc<ChromiumBrowser>,
    proxy_stop: CancellationToken,
    _profiles: TempDir,
}

impl TestBrowser {
    /// Whether there is a Chromium. In CI there must be one.
    pub fn is_here() -> bool {
        let Err(why) = program::find(&BrowserConfig::default()) else {
            return true;
        };
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("skipped: {why}");
        false
    }

    pub async fn start(settings: &Settings) -> Self {
        let proxy = ForwardProxy::bind(guard(settings), [7; 32]).await.unwrap();
        let profiles = tempfile::tempdir().unwrap();
        let launch = LaunchSettings {
            config: settings.tools.browser.clone(),
            root: profiles.path().to_owned(),
            proxy: proxy.endpoint(),
            confine: Confine::Within(Arc::new(|profile, port| Wrapped {
                program: env!("CARGO_BIN_EXE_minibot").into(),
                arguments: confinement(profile, port),
            })),
            display: Vec::new(),
        };
        let proxy_stop = CancellationToken::new();
        tokio::spawn(proxy.run(proxy_stop.clone()));
        Self {
            browser: Arc::new(ChromiumBrowser::new(launch)),
            proxy_stop,
            _profiles: profiles,
        }
    }

    /// What the tools are given.
    pub fn ports(&self, settings: &Settings, ports: &Ports) -> BrowserPorts {
        let config = &settings.tools.browser;
        let browser: Arc<dyn Browser> = self.browser.clone();
        BrowserPorts {
            browser,
            fetcher: ports.web.clone(),
            workspaces: ports.files.clone(),
            limits: BrowserLimits {
                navigation: config.navigation_timeout_seconds.get(),
                action: config.action_timeout_seconds.get(),
                chars: config.max_text_chars.get() as usize,
            },
        }
    }

    /// Ends it, and waits until it is gone.
    pub async fn close(self) {
        self.browser.close_all().await;
        self.proxy_stop.cancel();
    }
}
