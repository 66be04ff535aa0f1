//! One life of the bot, from its start to its stop, in the process of the test.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use minibot::adapters::config::{Text, load_text};
use minibot::adapters::egress::{Guard, Tls};
use minibot::adapters::media::{LocalFileReader, PdfLimits, PdfReader};
use minibot::adapters::sandbox::SandboxPlace;
use minibot::core::clock::Clock;
use minibot::core::egress::{ResolveError, Resolver};
use minibot::wiring::lifecycle::{Running, Store};
use minibot::wiring::programs::Wanted;
use minibot::wiring::settings::{RULES, Settings};
use minibot::wiring::telegram::Telegram;

use super::browser::TestBrowser;

/// Keys of the configuration, dotted, with their values.
pub type Overrides = Vec<(String, String)>;

/// A bot that is wired as in the program, and runs.
#[derive(Debug)]
pub struct Process {
    pub store: Store,
    pub running: Running,
}

impl Process {
    pub async fn start(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        browser: Option<&TestBrowser>,
    ) -> Self {
        // As main does; the first one of this process stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut store = Store::open_at(settings, clock).await.unwrap();
        // No test asks a real name server.
        store.ports.web = Arc::new(guard(settings));
        // The program would start its own file as the browser's sandbox: here, that is the test.
        store.ports.browser = browser.map(|browser| browser.ports(settings, &store.ports));
        // The text of PDFs is read by the program, which this process is not.
        let program = env!("CARGO_BIN_EXE_minibot").into();
        let pdfs = PdfReader::by(program, PdfLimits::default());
        store.ports.reader = Arc::new(LocalFileReader::new(store.ports.scratch.clone(), pdfs));
        let helper = env!("CARGO_BIN_EXE_minibot").into();
        let prepare = |runs, within: &[&Path]| SandboxPlace::with_helper(helper, runs, within);
        let programs = Wanted::of(settings).unwrap();
        let files = store.ports.files.clone();
        let proved = programs.prove(settings, files, prepare);
        store.ports.programs = proved.await.unwrap();
        let telegram = Telegram::configured(settings, &store.ports.clock)
            .unwrap()
            .unwrap();
        let mut running = Running::start(settings, &store, vec![telegram.channel()])
            .await
            .unwrap();
        telegram.start(&store, &mut running);
        Self { store, running }
    }

    /// Ends as after SIGTERM.
    pub async fn stop(self) {
        self.running.stop().await;
        self.store.close().await;
    }
}

/// Reads settings as the program does; `overrides` stand in for its environment.
pub fn settings(text: &str, folder: &Path, overrides: &Overrides) -> Settings {
    let text = Text {
        label: "config.toml",
        content: text,
        base_dir: folder,
    };
    let variable = |key: &str| format!("MINIBOT__{}", key.replace('.', "__").to_uppercase());
    let environment = overrides
        .iter()
        .map(|(key, value)| (variable(key), value.clone()))
        .collect();
    match load_text(&text, &environment, &RULES) {
        Ok(loaded) => loaded.settings,
        Err(problems) => panic!("{problems}"),
    }
}

/// The program's own guard, for which every name leads to this machine.
pub fn guard(settings: &Settings) -> Guard {
    Guard::new(&settings.egress, Arc::new(Loopback), Tls::system())
}

/// Every name leads to this machine.
#[derive(Debug)]
struct Loopback;

#[async_trait]
impl Resolver for Loopback {
    async fn resolve(&self, _name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}
