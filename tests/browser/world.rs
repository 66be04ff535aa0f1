//! A Chromium, a site that it may see, and a server that it may not.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use minibot::adapters::browser::config::BrowserConfig;
use minibot::adapters::browser::{ChromiumBrowser, Confine, LaunchSettings, Wrapped, program};
use minibot::adapters::egress::{ForwardProxy, Guard, Tls};
use minibot::core::browser::{
    Arrival, Browser, BrowserResult, Click, Filling, Milestone, PageInfo, PageUrl, View, Visit,
};
use minibot::core::channel::ChatTarget;
use minibot::core::egress::{EgressConfig, ProxyEndpoint, ResolveError, Resolver};
use minibot::core::files::WorkspaceId;
use minibot::core::ids::{ChannelName, ChatId};
use minibot::wiring::browser::confinement;
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::site::Site;

/// How long a page may take in these tests.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Browsers at the same time, where all tests run in one process.
static BROWSERS: Mutex<Option<Arc<Semaphore>>> = Mutex::new(None);

/// Everything that a test of the browser needs.
pub struct World {
    pub browser: Arc<ChromiumBrowser>,
    pub site: Site,
    pub proxy: Proxy,
    pub root: TempDir,
    pub config: BrowserConfig,
    _turn: OwnedSemaphorePermit,
}

impl World {
    /// `None` where there is no Chromium, which only a machine outside CI may have.
    pub async fn start() -> Option<Self> {
        Self::with(|_| ()).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut BrowserConfig)) -> Option<Self> {
        Self::build(change, Arc::new(TestNames), |port| EgressConfig {
            allow_http: true,
            allowed_ports: vec![80, 443, port],
            allow_private: vec![format!("127.0.0.1/32:{port}").parse().unwrap()],
            ..EgressConfig::default()
        })
        .await
    }

    /// With other rules for what may be reached, made for the site's port.
    pub async fn guarded(
        resolver: Arc<dyn Resolver>,
        egress: impl FnOnce(u16) -> EgressConfig,
    ) -> Option<Self> {
        Self::build(|_| (), resolver, egress).await
    }

    async fn build(
        change: impl FnOnce(&mut BrowserConfig),
        resolver: Arc<dyn Resolver>,
        egress: impl FnOnce(u16) -> EgressConfig,
    ) -> Option<Self> {
        let mut config = BrowserConfig {
            enabled: true,
            ..BrowserConfig::default()
        };
        change(&mut config);
        if let Err(why) = program::find(&config) {
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("skipped: {why}");
            return None;
        }
        let turns = BROWSERS
            .lock()
            .unwrap()
            .get_or_insert_with(|| Arc::new(Semaphore::new(2)))
            .clone();
        let turn = turns.acquire_owned().await.unwrap();
        let site = Site::start().await;
        // Service workers need a page that counts as safe.
        let safe = format!(
            "--unsafely-treat-insecure-origin-as-secure={}",
            site.url("")
        );
        config.launch_args.push(safe);
        let proxy = Proxy::start(resolver, &egress(site.port())).await;
        let root = tempfile::tempdir().unwrap();
        let browser = Arc::new(ChromiumBrowser::new(settings(&config, &proxy, root.path())));
        Some(Self {
            browser,
            site,
            proxy,
            root,
            config,
            _turn: turn,
        })
    }

    /// The same world with a new bot in it.
    pub fn restart(&mut self) {
        self.browser = Arc::new(ChromiumBrowser::new(settings(
            &self.config,
            &self.proxy,
            self.root.path(),
        )));
    }

    /// Opens a page of the site.
    pub async fn open(&self, path: &str) -> BrowserResult<Arrival> {
        self.open_url(&self.site.url(path)).await
    }

    pub async fn open_url(&self, url: &str) -> BrowserResult<Arrival> {
        self.browser.navigate(&chat(1), visit(url)).await
    }

    /// Looks at an element and clicks on it.
    pub async fn click(&self, selector: &str) -> BrowserResult<PageInfo> {
        let (browser, selector) = (&self.browser, selector.to_owned());
        let seen = browser.preview(&chat(1), &selector).await?;
        browser
            .click(&chat(1), Click { selector, seen }, PATIENCE)
            .await
    }

    /// Looks at a field and fills it.
    pub async fn fill(
        &self,
        selector: &str,
        text: &str,
        within: Duration,
    ) -> BrowserResult<PageInfo> {
        let (browser, selector) = (&self.browser, selector.to_owned());
        let field = Filling {
            seen: browser.preview(&chat(1), &selector).await?,
            selector,
            text: text.to_owned(),
        };
        browser.fill(&chat(1), field, within).await
    }

    /// The page that is open, as text.
    pub async fn text(&self) -> String {
        let read = self.browser.read(&chat(1), View::Text).await;
        read.unwrap().content
    }

    /// The processes whose command line names this world's profiles.
    pub fn processes(&self) -> Vec<u32> {
        processes_of(self.root.path())
    }
}

fn settings(config: &BrowserConfig, proxy: &Proxy, root: &Path) -> LaunchSettings {
    LaunchSettings {
        config: config.clone(),
        root: root.to_owned(),
        proxy: proxy.endpoint(),
        confine: confined(),
        display: Vec::new(),
    }
}

/// As the bot starts it: through the stage of its own program.
pub fn confined() -> Confine {
    Confine::Within(Arc::new(|profile, port| Wrapped {
        program: env!("CARGO_BIN_EXE_minibot").into(),
        arguments: confinement(profile, port),
    }))
}

pub fn chat(number: i64) -> WorkspaceId {
    WorkspaceId::of(&ChatTarget {
        channel: ChannelName::new("telegram"),
        chat: ChatId::new(number.to_string()),
        thread: None,
    })
}

pub fn visit(url: &str) -> Visit {
    Visit {
        url: PageUrl::new(url.parse().unwrap()).unwrap(),
        wait_until: Milestone::Load,
        within: PATIENCE,
    }
}

/// Running processes (not those that only wait to be reaped) whose command line names a folder.
pub fn processes_of(folder: &Path) -> Vec<u32> {
    let folder = folder.to_str().unwrap();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(folder) {
            found.push(pid);
        }
    }
    found
}

/// The guard's proxy, as the bot runs it.
pub struct Proxy {
    endpoint: ProxyEndpoint,
    stop: CancellationToken,
}

impl Proxy {
    async fn start(resolver: Arc<dyn Resolver>, config: &EgressConfig) -> Self {
        let guard = Guard::new(config, resolver, Tls::system());
        let proxy = ForwardProxy::bind(guard, [7; 32]).await.unwrap();
        let (endpoint, stop) = (proxy.endpoint(), CancellationToken::new());
        tokio::spawn(proxy.run(stop.clone()));
        Self { endpoint, stop }
    }

    pub fn endpoint(&self) -> ProxyEndpoint {
        self.endpoint.clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Every name that ends in `.test` is this machine.
#[derive(Debug)]
struct TestNames;

#[async_trait]
impl Resolver for TestNames {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if name.ends_with(".test") {
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        } else {
            Err(ResolveError::Unknown)
        }
    }
}
