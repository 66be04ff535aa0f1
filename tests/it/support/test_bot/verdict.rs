//! What must be true at the end of every test: nothing scripted is left over, nothing was refused, nothing more was said.

use super::{ALICE, BOB, Refusals, STRANGER, TestBot};
use crate::support::fake_telegram::Call;

/// Calls that reach a chat.
const OUTWARD: [&str; 5] = [
    "sendMessage",
    "sendDocument",
    "editMessageText",
    "sendChatAction",
    "setMyCommands",
];

impl TestBot {
    /// Lets the bot come to its end, then checks that nobody was told more than was looked at.
    pub async fn finish(mut self) {
        self.stop().await;
        if let Some(browser) = self.browser.take() {
            browser.close().await;
        }
        let mut chats: Vec<i64> = self.read().keys().copied().collect();
        chats.extend([ALICE, BOB, STRANGER]);
        for chat in chats {
            let read = self.read().get(&chat).copied().unwrap_or(0);
            let said = self.telegram.messages(chat).len();
            let dump = self.telegram.dump();
            assert_eq!(said, read, "messages in chat {chat}, and looked at\n{dump}");
        }
        // The rest is checked on drop.
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        let mut count = |count: usize, what: &str| {
            if count > 0 {
                faults.push(format!("{count} {what}"));
            }
        };
        count(self.provider.unused_replies(), "scripted replies unused");
        count(self.provider.unscripted_requests(), "requests too many");
        count(self.telegram.unused_faults(), "scripted faults unused");
        if self.refusals == Refusals::Forbidden {
            faults.extend(self.provider.refusals());
            let calls = OUTWARD.iter().flat_map(|name| self.telegram.calls(name));
            faults.extend(calls.filter_map(refusal));
        }
        faults
    }
}

/// Why the fake refused the call by itself. An edit that changes nothing is a success.
fn refusal(call: Call) -> Option<String> {
    let (status, reason) = call.outcome?;
    let fine = status < 400 || reason.starts_with("scripted") || reason.contains("is not modified");
    (!fine).then(|| format!("{} {} -> {status} {reason}", call.method, call.params))
}

impl Drop for TestBot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let faults = self.faults();
        assert!(
            faults.is_empty(),
            "{}\n{}\n{}",
            faults.join("\n"),
            self.provider.dump(),
            self.telegram.dump()
        );
    }
}
