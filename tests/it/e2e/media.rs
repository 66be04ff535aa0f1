//! Large files on their way through the program: what they take of memory.

use crate::support::fake_model::Reply;
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::pictures::{black, pdf};
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

/// How much the process grows beyond what it had before while a file passes through it.
async fn grown_by(more: &str, file: UserFile) -> (Program, u64) {
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
    program.telegram.user_sends_file(ALICE, ALICE, file);
    program.telegram.wait_for_text(ALICE, "Long.").await;
    let after = peak(&mut program);
    let grown = after - before;
    eprintln!("{before} bytes before, {after} after: {grown} more");
    (program, grown)
}

fn large() -> UserFile {
    let mut bytes = pdf("A long document.");
    bytes.resize(SIZE, b' ');
    UserFile::new(FileKind::Document, "long.pdf", bytes)
}

#[tokio::test]
async fn a_large_file_takes_less_memory_than_it_has_bytes() {
    let (mut program, grown) = grown_by("[runtime]\nlog_level = \"info\"", large()).await;
    assert!(grown < SIZE as u64 / 2, "{grown}");
    program.terminate().await;
}

#[tokio::test]
async fn a_large_file_that_is_kept_takes_no_more() {
    let keep = "[runtime]\nlog_level = \"info\"\n\n\
                [tools.file_storage]\nenabled = true\nsave_incoming_uploads = true";
    let (mut program, grown) = grown_by(keep, large()).await;
    assert!(grown < SIZE as u64 / 2, "{grown}");
    program.terminate().await;
}

#[tokio::test]
async fn a_picture_takes_what_it_is_decoded_into_and_not_much_more() {
    let side: u32 = 4_100;
    let picture = UserFile::new(FileKind::Document, "black.png", black(side, side));
    let (mut program, grown) = grown_by("[runtime]\nlog_level = \"info\"", picture).await;
    let decoded = u64::from(side) * u64::from(side);
    assert!(grown < decoded * 3, "{grown} for {decoded}");
    program.terminate().await;
}
