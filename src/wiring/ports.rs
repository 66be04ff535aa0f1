//! The ports of a process, each with its adapter.

use std::sync::Arc;

use super::settings::Settings;
use crate::adapters::egress::{Guard, SystemResolver, Tls};
use crate::adapters::files::{CapWorkspaces, OutgoingCopies};
use crate::adapters::media::{LocalFileReader, PdfLimits, PdfReader, ScratchFolder};
use crate::adapters::sqlite::{
    Database, SqliteApprovalStore, SqliteConversationStore, SqliteFileLabelStore, SqliteInboxStore,
    SqliteJobStore, SqliteNoteStore, SqliteOutboxStore, SqliteSummaryStore, SqliteTurnJournal,
    SqliteUsageStore,
};
use crate::core::approval::ApprovalStore;
use crate::core::clock::Clock;
use crate::core::compaction::SummaryStore;
use crate::core::conversation::ConversationStore;
use crate::core::egress::Fetcher;
use crate::core::files::WorkspaceFiles;
use crate::core::inbox::InboxStore;
use crate::core::jobs::JobStore;
use crate::core::journal::TurnJournal;
use crate::core::media::{FileReader, Scratch};
use crate::core::notes::NoteStore;
use crate::core::outbox::OutboxStore;
use crate::core::outgoing_file::OutgoingFiles;
use crate::core::usage::UsageStore;
use crate::llm::tools::ProgramTools;
use crate::llm::tools::browser::BrowserPorts;

/// Everything that the parts are joined over.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What arrived.
    pub inbox: Arc<dyn InboxStore>,
    /// What was said.
    pub conversations: Arc<dyn ConversationStore>,
    /// What was said before that.
    pub summaries: Arc<dyn SummaryStore>,
    /// What happens in turns.
    pub journal: Arc<dyn TurnJournal>,
    /// Who may run what.
    pub approvals: Arc<dyn ApprovalStore>,
    /// What is to be sent.
    pub outbox: Arc<dyn OutboxStore>,
    /// What is scheduled.
    pub jobs: Arc<dyn JobStore>,
    /// What is remembered.
    pub notes: Arc<dyn NoteStore>,
    /// What was spent.
    pub usage: Arc<dyn UsageStore>,
    /// The files of the chats.
    pub files: Arc<dyn WorkspaceFiles>,
    /// Copies of files on their way.
    pub copies: Arc<dyn OutgoingFiles>,
    /// Room for files that are needed only for a while.
    pub scratch: Arc<dyn Scratch>,
    /// Reads files of strangers. There is one: what it limits, it limits for the whole process.
    pub reader: Arc<dyn FileReader>,
    /// The browser and what its tools need, once it is started where it is switched on.
    pub browser: Option<BrowserPorts>,
    /// The way out for what is fetched for models.
    pub web: Arc<dyn Fetcher>,
    /// The programs that models may run; none until they are found.
    pub programs: ProgramTools,
}

impl Ports {
    /// All stores on one database, and the files beside it.
    pub fn on(settings: &Settings, database: &Database, clock: Arc<dyn Clock>) -> Self {
        let labels = Arc::new(SqliteFileLabelStore::new(database.clone()));
        let quota = settings.tools.file_storage.quota_bytes;
        let scratch: Arc<dyn Scratch> =
            Arc::new(ScratchFolder::new(settings.runtime.data_dir.clone()));
        let pdfs = PdfReader::new(PdfLimits::default());
        Self {
            reader: Arc::new(LocalFileReader::new(scratch.clone(), pdfs)),
            scratch,
            copies: Arc::new(OutgoingCopies::new(
                settings.files_root(),
                settings.outgoing_copies(),
            )),
            browser: None,
            files: Arc::new(CapWorkspaces::new(settings.files_root(), quota, labels)),
            web: Arc::new(guard(settings)),
            inbox: Arc::new(SqliteInboxStore::new(database.clone(), clock.clone())),
            conversations: Arc::new(SqliteConversationStore::new(database.clone())),
            summaries: Arc::new(SqliteSummaryStore::new(database.clone())),
            journal: Arc::new(SqliteTurnJournal::new(database.clone())),
            approvals: Arc::new(SqliteApprovalStore::new(database.clone())),
            outbox: Arc::new(SqliteOutboxStore::new(database.clone(), clock.clone())),
            jobs: Arc::new(SqliteJobStore::new(database.clone(), clock.clone())),
            notes: Arc::new(SqliteNoteStore::new(database.clone())),
            usage: Arc::new(SqliteUsageStore::new(database.clone())),
            programs: ProgramTools::default(),
            clock,
        }
    }
}

/// The one way out for requests made for models.
pub fn guard(settings: &Settings) -> Guard {
    let resolver = Arc::new(SystemResolver::default());
    Guard::new(&settings.egress, resolver, Tls::system())
}
