//! The start of a browser: with its own sandbox where that can be set up, within ours, and logged in to
//! the proxy before it sees its first page.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use headless_chrome::{Browser as Connection, Tab};
use secrecy::ExposeSecret;
use serde_json::{Map, json};
use tokio::time::Instant;

use super::arguments::command_line;
use super::config::BrowserConfig;
use super::devtools::{
    CallError, Devtools, EnableInspector, EnableNetwork, FetchOff, FetchOn, GrantPermissions,
    RefuseDownloads, SetHeaders, SetPlace,
};
use super::process::{ChromiumProcess, StartError};
use super::program;
use super::watch::Patience;
use crate::core::browser::{BrowserError, BrowserResult};
use crate::core::egress::ProxyEndpoint;

/// A page that no server has: only the proxy ever hears of it.
const LOGIN: &str = "http://proxy-login.invalid/";

/// Its first page is there after a few tenths of a second.
const FIRST_PAGE: Duration = Duration::from_secs(10);

/// Whether Chromium can set up its own sandbox here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnSandbox {
    /// It can.
    Works,
    /// It cannot: as root, or where user namespaces are switched off.
    CannotStart,
}

/// A command line that runs another within limits.
#[derive(Debug, Clone)]
pub struct Wrapped {
    /// The program to start.
    pub program: PathBuf,
    /// What stands before the browser's own program and arguments.
    pub arguments: Vec<OsString>,
}

/// What holds the browser's processes in.
#[derive(Clone)]
pub enum Confine {
    /// Nothing but what it does itself.
    Nothing,
    /// A program that confines itself to a profile's folder and the proxy's port, and then becomes the browser.
    Within(Wrap),
}

/// Makes that program's command line for a profile's folder and the proxy's port.
pub type Wrap = Arc<dyn Fn(&Path, u16) -> Wrapped + Send + Sync>;

impl fmt::Debug for Confine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Within(_) => "Within",
        })
    }
}

/// What every start needs.
#[derive(Debug, Clone)]
pub struct LaunchSettings {
    /// `[tools.browser]`
    pub config: BrowserConfig,
    /// The folder of all profiles.
    pub root: PathBuf,
    /// The way out.
    pub proxy: ProxyEndpoint,
    /// What holds the browser in.
    pub confine: Confine,
    /// What a window needs of the environment; nothing when there is none.
    pub display: Vec<(OsString, OsString)>,
}

/// Starts browsers.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) settings: LaunchSettings,
    /// Found out by the first start.
    sandbox: Mutex<Option<OwnSandbox>>,
}

impl Launcher {
    pub(super) fn new(settings: LaunchSettings) -> Self {
        Self {
            settings,
            sandbox: Mutex::new(None),
        }
    }

    /// Starts a browser in a profile.
    pub(super) fn start(&self, profile: &Path) -> BrowserResult<ChromiumProcess> {
        self.start_either(profile).map(|(process, _)| process)
    }

    /// As [`Launcher::start`]; also tells whether its own sandbox is on.
    pub(super) fn start_either(
        &self,
        profile: &Path,
    ) -> BrowserResult<(ChromiumProcess, OwnSandbox)> {
        let program = program::find(&self.settings.config).map_err(BrowserError::Unavailable)?;
        let mut known = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.unwrap_or(OwnSandbox::Works);
        let mut started = ChromiumProcess::start(self.command(&program, profile, first));
        let mut tried = first;
        if matches!(started, Err(StartError::NoSandbox)) && first == OwnSandbox::Works {
            tried = OwnSandbox::CannotStart;
            started = ChromiumProcess::start(self.command(&program, profile, tried));
            if started.is_ok() {
                tracing::warn!(
                    "the browser's own sandbox cannot start here (as root, or without user namespaces); \
                     it runs without it"
                );
            }
        }
        match started {
            Ok(process) => {
                *known = Some(tried);
                Ok((process, tried))
            }
            Err(StartError::NoSandbox) => Err(BrowserError::Unavailable(
                "the browser cannot set up its sandbox".to_owned(),
            )),
            Err(StartError::Failed(why)) => {
                tracing::error!(%why, "the browser does not start");
                Err(BrowserError::Unavailable(
                    "the browser does not start; the bot's owner finds the reason in the log"
                        .to_owned(),
                ))
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "one of the two places that start processes"
    )]
    fn command(&self, program: &Path, profile: &Path, sandbox: OwnSandbox) -> Command {
        let settings = &self.settings;
        let mut command = match &settings.confine {
            Confine::Nothing => Command::new(program),
            Confine::Within(wrap) => {
                let wrapped = wrap(profile, settings.proxy.address.port());
                let mut command = Command::new(wrapped.program);
                command.args(wrapped.arguments).arg(program);
                command
            }
        };
        if sandbox == OwnSandbox::CannotStart {
            command.arg("--no-sandbox");
        }
        command
            .args(command_line(
                &settings.config,
                profile,
                settings.proxy.address,
            ))
            .env_clear()
            .envs(settings.display.iter().map(|(name, value)| (name, value)))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", profile)
            .env("XDG_CONFIG_HOME", profile)
            .env("XDG_CACHE_HOME", profile)
            .env("TMPDIR", profile.join("tmp"));
        if let Some(zone) = &settings.config.timezone_id {
            command.env("TZ", zone);
        }
        command
    }

    /// Connects to a browser, and makes its first page ready.
    pub(super) fn connect(
        &self,
        process: &ChromiumProcess,
    ) -> BrowserResult<(Connection, Devtools)> {
        let failed = |error: anyhow::Error| {
            tracing::error!(%error, "the browser cannot be reached");
            BrowserError::Crashed
        };
        // A connection that nobody uses must outlive its session.
        let idle = self.settings.config.session_ttl_seconds.get() + Duration::from_secs(3600);
        let connection =
            Connection::connect_with_timeout(process.address().to_owned(), idle).map_err(failed)?;
        let tab = first_tab(&connection).ok_or(BrowserError::Crashed)?;
        let page = Devtools::attach(tab, process.killer().clone())?;
        self.log_in(&page)?;
        self.prepare(&page)?;
        Ok((connection, page))
    }

    /// The proxy's challenge is answered once; Chromium remembers the answer for everything that follows, also
    /// for what no page's connection sees: workers, sockets, windows that open by themselves.
    fn log_in(&self, page: &Devtools) -> Result<(), CallError> {
        let proxy = &self.settings.proxy;
        page.authenticate(
            proxy.username.clone(),
            proxy.password.expose_secret().to_owned(),
        )?;
        let challenges = json!({ "patterns": [{ "urlPattern": format!("{LOGIN}*") }], "handleAuthRequests": true });
        page.call(FetchOn(challenges), Patience::SHORT)?;
        page.navigate(LOGIN, Duration::from_secs(5))?;
        page.call(FetchOff(json!({})), Patience::SHORT)?;
        // The challenges of others are not answered.
        page.authenticate(String::new(), String::new())
    }

    /// What every page needs before it is used, the ones that a click opens too.
    pub(super) fn prepare(&self, page: &Devtools) -> Result<(), CallError> {
        let config = &self.settings.config;
        page.call(EnableInspector(json!({})), Patience::SHORT)?;
        page.call(
            RefuseDownloads(json!({ "behavior": "deny" })),
            Patience::SHORT,
        )?;
        if let Some(place) = config.geolocation {
            let place =
                json!({ "latitude": place.latitude, "longitude": place.longitude, "accuracy": 10 });
            page.call(SetPlace(place), Patience::SHORT)?;
        }
        if !config.permissions.is_empty() {
            let allowed = GrantPermissions(json!({ "permissions": config.permissions }));
            if let Err(CallError::Refused(why)) = page.call(allowed, Patience::SHORT) {
                tracing::warn!(%why, "tools.browser.permissions is not understood by this browser");
            }
        }
        if !config.extra_http_headers.is_empty() {
            let headers: Map<_, _> = config
                .extra_http_headers
                .iter()
                .map(|(name, value)| (name.clone(), json!(value.expose_secret())))
                .collect();
            page.call(EnableNetwork(json!({})), Patience::SHORT)?;
            page.call(SetHeaders(json!({ "headers": headers })), Patience::SHORT)?;
        }
        Ok(())
    }
}

fn first_tab(connection: &Connection) -> Option<Arc<Tab>> {
    let until = Instant::now() + FIRST_PAGE;
    while Instant::now() < until {
        if let Some(tab) = tabs(connection).into_iter().next() {
            return Some(tab);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// The pages that are open, oldest first.
pub(super) fn tabs(connection: &Connection) -> Vec<Arc<Tab>> {
    let tabs = connection.get_tabs().lock();
    tabs.map(|tabs| tabs.clone()).unwrap_or_default()
}
