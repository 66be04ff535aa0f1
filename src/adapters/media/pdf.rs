//! The text of PDFs, read by a second process of this program: a PDF can be made so that reading it
//! takes all memory, all time or all of the stack, and then only that process dies.

use std::any::Any;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rlimit::Resource;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio::sync::Semaphore;
use tracing::{info, warn};

use crate::core::media::{Blob, Excerpt, MediaError};

/// The hidden command of this program that reads a PDF.
pub const COMMAND: &str = "read-pdf";

/// Stands before the text: a library that prints something must not be read as the document.
const MARK: char = '\u{1e}';

/// What a library may print before the text, in bytes.
const MOST_BESIDE: u64 = 64 * 1024;

/// Given to the process at once.
const PIECE: usize = 64 * 1024;

/// The stack of the thread that reads: documents are trees, and some are deep.
const STACK: usize = 256 * 1024 * 1024;

/// How soon the reading process is to be ended for lack of memory, up to 1000 (proc(5), `oom_score_adj`).
const SOONER: &str = "900";

/// What the reading process may spend.
#[derive(Debug, Clone, Copy)]
pub struct PdfLimits {
    /// Wall clock time.
    pub time: Duration,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
    /// Addresses, in bytes.
    pub memory_bytes: u64,
    /// The file, in bytes.
    pub file_bytes: u64,
}

impl Default for PdfLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(20),
            cpu_seconds: 15,
            memory_bytes: 1024 * 1024 * 1024,
            file_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Has PDFs read.
#[derive(Debug)]
pub struct PdfReader {
    program: PathBuf,
    limits: PdfLimits,
    /// One process at a time.
    gate: Semaphore,
}

impl PdfReader {
    /// Has them read by this program.
    pub fn new(limits: PdfLimits) -> Self {
        Self::by(std::env::current_exe().unwrap_or_default(), limits)
    }

    /// Has them read by `program`, which must know [`COMMAND`].
    pub fn by(program: PathBuf, limits: PdfLimits) -> Self {
        Self {
            program,
            limits,
            gate: Semaphore::new(1),
        }
    }

    /// The beginning of a PDF's text. The error is for a person.
    pub async fn text(
        &self,
        content: &Arc<dyn Blob>,
        most_bytes: usize,
    ) -> Result<Excerpt, String> {
        let Ok(_place) = self.gate.acquire().await else {
            return Err(unreadable());
        };
        let read = tokio::time::timeout(self.limits.time, self.run(content, most_bytes)).await;
        match read {
            Ok(Ok(excerpt)) if excerpt.text.trim().is_empty() && !excerpt.is_cut => {
                Err("it has no text; it may be made of pictures".to_owned())
            }
            Ok(Ok(excerpt)) => Ok(excerpt),
            Ok(Err(error)) => {
                info!(%error, "the text of a PDF was not read");
                Err(unreadable())
            }
            // Dropping the run has ended the process.
            Err(_) => Err("reading it takes too long".to_owned()),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the process is this program itself, and there to contain what it reads"
    )]
    async fn run(&self, content: &Arc<dyn Blob>, most_bytes: usize) -> Result<Excerpt, MediaError> {
        let mut child = Command::new(&self.program)
            .arg(COMMAND)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(MediaError::Failed("the process has no pipes".to_owned()));
        };
        let most_said = (most_bytes as u64).saturating_add(MOST_BESIDE);
        let mut said = Vec::new();
        let mut output = output.take(most_said);
        let (given, heard) = tokio::join!(give(content, input), output.read_to_end(&mut said));
        heard.map_err(failed)?;
        let is_enough = said.len() as u64 == most_said;
        if is_enough {
            // It would wait for ever for somebody who reads on.
            child.start_kill().map_err(failed)?;
            child.wait().await.map_err(failed)?;
        } else {
            let status = child.wait().await.map_err(failed)?;
            if !status.success() {
                return Err(MediaError::Failed(format!("the reading process: {status}")));
            }
            given?;
        }
        let said = String::from_utf8_lossy(&said);
        let text = said.split_once(MARK).map(|(_, text)| text);
        let text = text.ok_or_else(|| MediaError::Failed("no text came".to_owned()))?;
        let mut excerpt = Excerpt::of(text.to_owned(), most_bytes);
        excerpt.is_cut |= is_enough;
        Ok(excerpt)
    }
}

async fn give(content: &Arc<dyn Blob>, mut input: ChildStdin) -> Result<(), MediaError> {
    let mut offset = 0;
    while offset < content.size() {
        let piece = content.read_at(offset, PIECE).await?;
        offset += piece.len() as u64;
        if piece.is_empty() || input.write_all(&piece).await.is_err() {
            // It has ended before; its status says why.
            break;
        }
    }
    let _ = input.shutdown().await;
    Ok(())
}

fn failed(error: std::io::Error) -> MediaError {
    MediaError::Failed(error.to_string())
}

fn unreadable() -> String {
    "the PDF is damaged, protected, or too intricate".to_owned()
}

/// What the second process does: reads a PDF from its input, within limits that it sets for itself,
/// and writes its text.
///
/// # Errors
/// When there is no text to be had.
pub fn read_pdf(limits: PdfLimits) -> anyhow::Result<()> {
    let confined = [
        (Resource::AS, limits.memory_bytes),
        (Resource::CPU, limits.cpu_seconds),
        (Resource::FSIZE, 0),
        (Resource::CORE, 0),
        (Resource::NOFILE, 16),
    ];
    for (resource, most) in confined {
        resource.set(most, most)?;
    }
    // Short of memory, the kernel ends this one and not the bot. Only a container may forbid it.
    let _ = std::fs::write("/proc/self/oom_score_adj", SOONER);
    let mut file = Vec::new();
    std::io::stdin()
        .lock()
        .take(limits.file_bytes)
        .read_to_end(&mut file)?;
    let reading = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || extracted(&file))?;
    let text = reading.join().unwrap_or_else(|panic| Err(said(&panic)));
    let text = text.map_err(anyhow::Error::msg)?;
    let mut output = std::io::stdout().lock();
    write!(output, "{MARK}{text}")?;
    output.flush()?;
    Ok(())
}

fn extracted(file: &[u8]) -> Result<String, String> {
    let text = catch_unwind(AssertUnwindSafe(|| {
        pdf_extract::extract_text_from_mem(file)
    }));
    let text = text.map_err(|panic| said(&panic))?;
    let text = text.map_err(|error| error.to_string())?;
    Ok(text.chars().filter(|letter| *letter != MARK).collect())
}

fn said(panic: &Box<dyn Any + Send>) -> String {
    warn!("the PDF library broke down");
    let text = panic.downcast_ref::<&str>();
    text.map_or_else(|| "it broke down".to_owned(), |text| (*text).to_owned())
}
