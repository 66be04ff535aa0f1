//! What is more than the machine can take: no descriptor is left, and a model that does not stop.

use crate::support::fake_model::Reply;
use crate::support::machine::cannot;
use crate::support::program::{ALICE, Program};

/// More than this much memory no model may make the bot take, in megabytes.
const MOST_MEMORY: u64 = 250;

#[tokio::test]
async fn a_process_without_a_free_descriptor_heals_when_it_has_some_again() {
    let mut program = Program::new("").await;
    let telegram = program.telegram.clone();
    program
        .provider
        .respond_with(|request| Reply::text(format!("Answer to {}.", request.last_user_text())));
    program.start();
    telegram.user_sends(ALICE, ALICE, "one");
    telegram.wait_for_text(ALICE, "Answer to one.").await;
    let own = program.child().id().unwrap();
    let limit = |files: &str| {
        let limited = std::process::Command::new("prlimit")
            .arg(format!("--pid={own}"))
            .arg(format!("--nofile={files}:"))
            .status();
        limited.is_ok_and(|status| status.success())
    };
    if !limit("3") {
        cannot("limit the descriptors of another process");
        return;
    }
    // Every connection must be opened anew, and none can be.
    telegram.go_offline();
    program.says("polling Telegram fails", 1).await;
    telegram.go_online();
    telegram.user_sends(ALICE, ALICE, "two");
    assert!(limit("1024"));
    telegram.wait_for_text(ALICE, "Answer to two.").await;
    assert_eq!(program.terminate().await.code(), Some(0));
    assert_eq!(telegram.messages(ALICE).len(), 2, "{}", telegram.dump());
}

#[tokio::test]
async fn a_model_that_does_not_stop_costs_one_line_and_no_memory() {
    let kept = "Your message is kept";
    for (endless, told) in [
        // It is cut at its limit, and comes as a file.
        (Reply::endless_stream(), "the whole answer"),
        (Reply::endless_body(), kept),
        (Reply::endless_line(), kept),
    ] {
        let mut program = Program::new("retry_attempts = 1").await;
        let telegram = program.telegram.clone();
        program.provider.replies([endless]);
        program.start();
        telegram.user_sends(ALICE, ALICE, "what do you think of Mozart?");
        telegram.wait_for_text(ALICE, told).await;
        let memory = peak_megabytes(program.child().id().unwrap());
        assert!(memory < MOST_MEMORY, "{told}: {memory} MB");
        program.provider.replies([Reply::text("Here.")]);
        telegram.user_sends(ALICE, ALICE, "are you there?");
        telegram.wait_for_text(ALICE, "Here.").await;
        assert_eq!(program.terminate().await.code(), Some(0));
        eprintln!("{told}: {memory} MB");
    }
}

/// The most that a process has ever had in memory.
fn peak_megabytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.unwrap().parse::<u64>().unwrap() / 1024
}
