//! The database beside a running bot: for commands that look into it or change something.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Ports;
use super::settings::Settings;
use crate::adapters::sqlite::{Database, DatabaseLock, HolderPlace, SqliteAuditLog};
use crate::adapters::system::{SystemClock, wake_process};

/// The open database.
#[derive(Debug)]
pub struct Beside {
    /// The ports on it.
    pub ports: Ports,
    database: Database,
    path: PathBuf,
    writer: JoinHandle<()>,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesEffect {
    /// The running bot was told.
    Now,
    /// A bot runs where it cannot be told: when it looks the next time.
    AtNextLook,
    /// No bot runs.
    AtNextStart,
}

impl Beside {
    /// Opens the database without the lock. It must have the schema of this version.
    #[expect(clippy::disallowed_methods, reason = "the wiring owns the tasks")]
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let path = settings.database();
        let busy = settings.storage.busy_timeout();
        let (database, writer) = Database::open_beside(&path, busy).await?;
        Ok(Self {
            ports: Ports::on(settings, &database, Arc::new(SystemClock)),
            database,
            path,
            writer: tokio::spawn(writer.run()),
        })
    }

    /// The audit log.
    pub fn audit_log(&self) -> SqliteAuditLog {
        SqliteAuditLog::new(self.database.clone())
    }

    /// Tells the running bot that something has changed.
    pub fn tell(&self) -> TakesEffect {
        match DatabaseLock::holder_place(&self.path) {
            HolderPlace::Nowhere => TakesEffect::AtNextStart,
            HolderPlace::Here { pid } if wake_process(pid).is_ok() => TakesEffect::Now,
            HolderPlace::Here { .. } | HolderPlace::Elsewhere => TakesEffect::AtNextLook,
        }
    }

    /// Closes the database.
    pub async fn close(self) {
        self.database.close_readers().await;
        drop((self.database, self.ports));
        // It ends with the last handle.
        let _ = self.writer.await;
    }
}
