//! The browser and its way out: started where it is switched on, and ended behind the turns.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Ports;
use super::ports::guard;
use super::settings::Settings;
use crate::adapters::browser::{ChromiumBrowser, Confine, LaunchSettings, Wrapped};
use crate::adapters::config::Environment;
use crate::adapters::egress::ForwardProxy;
use crate::adapters::sandbox::{BROWSER_STAGE, open_to_browsers};
use crate::adapters::system::random_bytes;
use crate::core::egress::ProxyEndpoint;
use crate::llm::tools::browser::{BrowserLimits, BrowserPorts};

/// What a window needs of the bot's environment; without one, nothing of it is passed on.
const DISPLAY: &[&str] = &[
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];

/// The running browser, where it is switched on.
#[derive(Debug)]
pub struct RunningBrowser(Option<Parts>);

#[derive(Debug)]
struct Parts {
    browser: Arc<ChromiumBrowser>,
    /// Closes the way out, when no page needs it any more.
    proxy_stop: CancellationToken,
}

impl RunningBrowser {
    /// Opens the way out and makes the browser ready; no process is started before the first visit.
    pub(super) async fn start(
        settings: &Settings,
        ports: &mut Ports,
        parts: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<Self> {
        let config = &settings.tools.browser;
        if !config.enabled {
            return Ok(Self(None));
        }
        let open = open_to_browsers();
        if !open.is_empty() {
            warn!(
                left_open = open.join(", "),
                "the kernel is too old to hold a browser that has broken out of its own sandbox in all; \
                 its pages have no way but the guard's proxy all the same"
            );
        }
        let guard = guard(settings);
        let proxy = ForwardProxy::bind(guard.clone(), random_bytes())
            .await
            .context("the browser's way out cannot be opened")?;
        let launch = launch_settings(settings, proxy.endpoint());
        let proxy_stop = CancellationToken::new();
        parts.spawn(proxy.run(proxy_stop.clone()));
        let browser = Arc::new(ChromiumBrowser::new(launch));
        ports.browser = Some(BrowserPorts {
            browser: browser.clone(),
            fetcher: Arc::new(guard),
            workspaces: ports.files.clone(),
            limits: BrowserLimits {
                navigation: config.navigation_timeout_seconds.get(),
                action: config.action_timeout_seconds.get(),
                chars: config.max_text_chars.get() as usize,
            },
        });
        Ok(Self(Some(Parts {
            browser,
            proxy_stop,
        })))
    }

    /// Ends all browsers, and then the way out.
    pub(super) async fn end(&mut self) {
        if let Some(parts) = self.0.take() {
            parts.browser.close_all().await;
            parts.proxy_stop.cancel();
        }
    }
}

/// How a browser is started here; `minibot doctor` tries it without a way out.
pub fn launch_settings(settings: &Settings, proxy: ProxyEndpoint) -> LaunchSettings {
    let environment = Environment::of_process();
    let display = DISPLAY
        .iter()
        .filter(|_| !settings.tools.browser.headless)
        .filter_map(|name| Some(((*name).into(), environment.get(name)?.into())))
        .collect();
    LaunchSettings {
        config: settings.tools.browser.clone(),
        root: settings.runtime.data_dir.join("browser"),
        proxy,
        confine: Confine::Within(Arc::new(|profile, port| Wrapped {
            // Not the path of the program: that may lead to a newer one by now.
            program: "/proc/self/exe".into(),
            arguments: confinement(profile, port),
        })),
        display,
    }
}

/// What stands before the browser's command line, so that it runs within the sandbox.
pub fn confinement(profile: &Path, port: u16) -> Vec<OsString> {
    vec![
        BROWSER_STAGE.into(),
        "--profile".into(),
        profile.into(),
        "--port".into(),
        port.to_string().into(),
        "--parent".into(),
        std::process::id().to_string().into(),
        "--".into(),
    ]
}
