//! From start to end: takes the lock, opens the database, runs the parts, and ends them in the
//! order in which nothing is lost.

use std::fs::DirBuilder;
use std::future::Future;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

#[cfg(feature = "browser")]
use super::browser::RunningBrowser;
use super::damage;
use super::maintenance::{self, Housekeeping};
#[cfg(not(feature = "browser"))]
use super::no_browser::RunningBrowser;
use super::programs::Wanted;
use super::settings::Settings;
use super::{App, Ports, Stops, assemble};
use crate::adapters::files;
use crate::adapters::sandbox::{SandboxPlace, hide_from_others};
use crate::adapters::sqlite::{Database, DatabaseLock};
use crate::adapters::system::SystemClock;
use crate::app::channels::Channels;
use crate::app::dispatcher::{Dispatcher, Work};
use crate::app::signals::Signals;
use crate::app::spending::Spending;
use crate::core::channel::Channel;
use crate::core::clock::Clock;

/// What others have changed in the database is noticed within this time, without any signal.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// After the grace time, running turns get this long to leave in order, and so does each part behind them.
const LEAVE: Duration = Duration::from_secs(2);

/// Browsers get longer: what they know is written down when they end.
const LEAVE_OF_BROWSERS: Duration = Duration::from_secs(5);

/// All of them together get this long. With the time to close the database, the end comes within ten seconds of
/// the grace time: before the service manager's patience is over.
const LEAVE_OF_ALL: Duration = Duration::from_secs(6);

/// The database of this process: opened, and locked against others.
#[derive(Debug)]
pub struct Store {
    /// The handle.
    pub database: Database,
    /// The ports on it.
    pub ports: Ports,
    writer: JoinHandle<()>,
    writer_gone: CancellationToken,
    _lock: DatabaseLock,
}

impl Store {
    /// Takes the lock and opens the database, on the clock of this machine, and finds the programs
    /// that models may run.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        hide_from_others()
            .context("the bot cannot close its memory to other programs of its user")?;
        let programs = Wanted::of(settings)?;
        let mut store = Self::open_at(settings, Arc::new(SystemClock)).await?;
        let files = store.ports.files.clone();
        let proved = programs.prove(settings, files, SandboxPlace::prepare);
        store.ports.programs = proved.await?;
        Ok(store)
    }

    /// The database alone, on any clock.
    #[expect(clippy::disallowed_methods, reason = "the lifecycle owns the tasks")]
    pub async fn open_at(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        // From here on the signal does not end this process; who finds the lock may send it.
        let _ = signal(SignalKind::user_defined1()).context("SIGUSR1 cannot be awaited")?;
        make_folder(&settings.runtime.data_dir)?;
        let path = settings.database();
        let lock = DatabaseLock::acquire(&path, clock.now())?;
        let busy = Duration::from_millis(settings.storage.busy_timeout_ms.into());
        let (database, writer) = Database::open(&path, busy).await?;
        let writer_gone = CancellationToken::new();
        let told_at_its_end = writer_gone.clone().drop_guard();
        let writer = tokio::spawn(async move {
            let _told_at_its_end = told_at_its_end;
            writer.run().await;
        });
        if let Err(error) = files::clean(settings.files_root()).await {
            warn!(%error, "half-written files of the last process stay");
        }
        let ports = Ports::on(settings, &database, clock);
        Ok(Self {
            database,
            ports,
            writer,
            writer_gone,
            _lock: lock,
        })
    }

    /// Closes the database. Every other handle must be gone, or this waits for it in vain.
    pub async fn close(self) {
        let Self {
            database,
            ports,
            writer,
            _lock,
            ..
        } = self;
        let closed = async move {
            database.close_readers().await;
            drop((database, ports));
            writer.await
        };
        if timeout(LEAVE, closed).await.is_err() {
            warn!("the database is still in use; it is left to recover by itself");
        }
    }
}

/// The database may lie elsewhere; what else is written here counts on the folder.
fn make_folder(folder: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("runtime.data_dir: {} cannot be made", folder.display()))
}

/// The running parts.
#[derive(Debug)]
pub struct Running {
    /// The joined parts, less those that run as tasks.
    pub app: RunningApp,
    browser: RunningBrowser,
    spending: Arc<Spending>,
    parts: JoinSet<anyhow::Result<()>>,
    sender: JoinHandle<anyhow::Result<()>>,
    sender_stop: CancellationToken,
    hurry: CancellationToken,
    writer_gone: CancellationToken,
    stops: Stops,
    grace: Duration,
}

/// What the channels need of the joined parts.
#[derive(Debug, Clone)]
pub struct RunningApp {
    /// Wake-up calls between the parts.
    pub signals: Arc<Signals>,
    /// The way in.
    pub intake: Arc<crate::app::intake::Intake>,
    /// The workers.
    pub dispatcher: Arc<Dispatcher>,
    /// The commands that are offered, with their summaries.
    pub menu: Vec<(&'static str, &'static str)>,
}

impl Running {
    /// Joins the parts and starts them: first what the last process left, then the rest.
    #[expect(clippy::disallowed_methods, reason = "the lifecycle owns the tasks")]
    pub async fn start(
        settings: &Settings,
        store: &Store,
        channels: Vec<Arc<dyn Channel>>,
    ) -> anyhow::Result<Self> {
        let (stops, mut parts) = (Stops::default(), JoinSet::new());
        let mut ports = store.ports.clone();
        let browser = RunningBrowser::start(settings, &mut ports, &mut parts).await?;
        let App {
            signals,
            intake,
            dispatcher,
            outbox,
            scheduler,
            channels,
            work,
            spending,
            upkeep,
            menu,
        } = assemble(settings, &ports, channels, &stops)?;
        let housekeeping = Housekeeping::of(settings, store);
        housekeeping.copies(store.ports.clock.now()).await;
        let (sender_stop, hurry) = (CancellationToken::new(), outbox.hurry.clone());
        let sender = tokio::spawn(outbox.run(sender_stop.clone()));
        spending.recall().await?;
        let unfinished = store.ports.journal.unfinished().await?;
        dispatcher.recover(unfinished, &work, &channels).await?;
        if let Some(scheduler) = scheduler {
            parts.spawn(scheduler.run(stops.stop.clone()));
        }
        parts.spawn(upkeep.run(stops.stop.clone(), stops.shutdown.clone()));
        let (clock, stop) = (&store.ports.clock, &stops.stop);
        parts.spawn(maintenance::run(housekeeping, clock.clone(), stop.clone()));
        parts.spawn(damage::watch(
            settings.database(),
            clock.clone(),
            stop.clone(),
        ));
        parts.spawn(look_around(
            signals.clone(),
            dispatcher.clone(),
            work,
            channels,
            stops.stop.clone(),
        ));
        let app = RunningApp {
            signals,
            intake,
            dispatcher,
            menu,
        };
        Ok(Self {
            app,
            browser,
            spending,
            parts,
            sender,
            sender_stop,
            hurry,
            writer_gone: store.writer_gone.clone(),
            stops,
            grace: settings.runtime.shutdown_grace_seconds.get(),
        })
    }

    /// Adds a long-running part, such as a poller.
    pub fn add(&mut self, part: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.parts.spawn(part);
    }

    /// Tells the parts to begin nothing new.
    pub fn stop_token(&self) -> CancellationToken {
        self.stops.stop.clone()
    }

    /// Runs until a signal comes or a part fails, then ends everything in order.
    pub async fn until_stopped(mut self) -> anyhow::Result<()> {
        let failure = tokio::select! {
            signal = stop_signal() => { info!(signal = signal?, "stopping"); None }
            failure = first_failure(&mut self.parts) => Some(failure),
            () = self.writer_gone.cancelled() => Some(anyhow!("the database writer broke down")),
            ended = &mut self.sender => Some(anyhow!("the outbox ended: {ended:?}")),
        };
        self.stop().await;
        failure.map_or(Ok(()), Err)
    }

    /// Ends everything within the grace time and a few seconds: nothing new, running turns to their
    /// end, then what waits to be sent.
    pub async fn stop(mut self) {
        let last = Last(Instant::now() + self.grace + LEAVE_OF_ALL);
        self.stops.stop.cancel();
        if timeout(self.grace, self.app.dispatcher.drained())
            .await
            .is_err()
        {
            warn!("turns are still running; the next start takes them up");
            self.stops.shutdown.cancel();
            let _ = timeout_at(last.within(LEAVE), self.app.dispatcher.drained()).await;
        }
        self.stops.shutdown.cancel();
        // Turns have left calls behind: nobody will hear of what those cost.
        self.book_lost(last).await;
        self.end_sender(last).await;
        let ended = timeout_at(last.within(LEAVE_OF_BROWSERS), self.browser.end()).await;
        if ended.is_err() {
            warn!("browsers are still open; they end with this process");
        }
        let _ = timeout_at(last.within(LEAVE), async {
            while self.parts.join_next().await.is_some() {}
        })
        .await;
        self.parts.shutdown().await;
        // Summaries have, too.
        self.book_lost(last).await;
        info!("stopped");
    }

    async fn book_lost(&self, last: Last) {
        match timeout_at(last.within(LEAVE), self.spending.book_lost()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "calls that were broken off could not be booked"),
            Err(_) => warn!("calls that were broken off could not be booked in time"),
        }
    }
}

/// When the last step of the end is over, whatever hangs.
#[derive(Debug, Clone, Copy)]
struct Last(Instant);

impl Last {
    /// Until when a step may take that has so long.
    fn within(self, leave: Duration) -> Instant {
        self.0.min(Instant::now() + leave)
    }
}

impl Running {
    /// Lets the sender deliver what is due, then finish the calls under way.
    async fn end_sender(&mut self, last: Last) {
        if self.sender.is_finished() {
            return;
        }
        self.sender_stop.cancel();
        if timeout_at(last.within(LEAVE), &mut self.sender)
            .await
            .is_ok()
        {
            return;
        }
        self.hurry.cancel();
        if timeout_at(last.within(LEAVE), &mut self.sender)
            .await
            .is_err()
        {
            warn!("messages are still being sent; the next start sends them again");
            self.sender.abort();
        }
    }
}

/// The first part that ends with an error. Parts that end well are not missed.
async fn first_failure(parts: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    loop {
        match parts.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(Ok(Err(failure))) => return failure,
            Some(Err(failure)) => return anyhow::Error::new(failure).context("a part broke down"),
            None => std::future::pending().await,
        }
    }
}

/// Whenever another process has changed the database and says so: looks at everything that may
/// have become due, and takes up what waits. That alone when something came into the inbox without a word.
async fn look_around(
    signals: Arc<Signals>,
    dispatcher: Arc<Dispatcher>,
    work: Arc<dyn Work>,
    channels: Channels,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut changed = signal(SignalKind::user_defined1()).context("SIGUSR1 cannot be awaited")?;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = signals.inbox_woken() => {
                take_up(&dispatcher, &work, &channels).await;
                continue;
            }
            _ = changed.recv() => {}
            // Another host that shares the database cannot send a signal.
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        signals.wake_scheduler();
        signals.wake_outbox();
        take_up(&dispatcher, &work, &channels).await;
    }
}

async fn take_up(dispatcher: &Arc<Dispatcher>, work: &Arc<dyn Work>, channels: &Channels) {
    if let Err(error) = dispatcher.recover(Vec::new(), work, channels).await {
        warn!(%error, "what waits cannot be read");
    }
}

async fn stop_signal() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be awaited")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be awaited")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

#[cfg(test)]
mod tests;
