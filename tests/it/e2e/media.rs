//! A large file on its way through the program: what it takes of memory.

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::pictures::pdf;
use crate::support::program::{ALICE, Program};

/// Twenty megabytes, as Telegram counts them.
const SIZE: usize = 20_000_000;

/// The most memory that the process has had, in bytes.
fn peak(program: &mut Program) -> u64 {
    let id = program.child().id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes * 1024
}

#[tokio::test]
async fn a_large_file_takes_less_memory_than_it_has_bytes() {
    let more = "[runtime]\nlog_level = \"info\"";
    let mut program = Program::new(more).await;
    let limits = "allowed_user_ids = [1001]\nmax_document_bytes = \"30MB\"\nmax_total_media_bytes = \"30MB\"";
    let text = program.configuration(more);
    let line = text
        .lines()
        .find(|line| line.starts_with("allowed_user_ids"))
        .unwrap();
    program.configure(&text.replace(line, limits));
    program
        .provider
        .replies([Reply::text("Hello."), Reply::text("Long.")]);
    program.start();
    program.telegram.user_sends(ALICE, ALICE, "hi");
    program.telegram.wait_for_text(ALICE, "Hello.").await;
    let before = peak(&mut program);
    let mut bytes = pdf("A long document.");
    bytes.resize(SIZE, b' ');
    let file = UserFile::new(FileKind::Document, "long.pdf", bytes);
    program.telegram.user_sends_file(ALICE, ALICE, file);
    program.telegram.wait_for_text(ALICE, "Long.").await;
    let after = peak(&mut program);
    let grown = after - before;
    eprintln!("{before} bytes before, {after} with a file of {SIZE}: {grown} more");
    assert!(grown < SIZE as u64, "{grown}");
    program.terminate().await;
}
