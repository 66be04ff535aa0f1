//! `minibot usage` with the real program.

use serde_json::Value;

use crate::support::fake_model::Reply;
use crate::support::program::{ALICE, Program};

const PRICES: &str = "[llm.prices]\nfake = { input = 1.0, output = 2.0 }\n\
    [llm.budget]\ndaily_usd = 2.0\n";

#[tokio::test]
async fn tokens_and_money_are_told_beside_the_running_bot() {
    let mut program = Program::new(PRICES).await;
    program.provider.replies([
        Reply::status(400),
        Reply::text("A composer.").usage(200_000, 50_000),
    ]);
    program.start();
    for (question, answer) in [("who is Bach?", "HTTP 400"), ("who is Mozart?", "composer")] {
        program.telegram.user_sends(ALICE, ALICE, question);
        program.telegram.wait_for_text(ALICE, answer).await;
    }
    let stdout = async |arguments: &[&str]| {
        let output = program.run(arguments).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let line = "• fake: 2 calls, 200,000 tokens in, 50,000 out, $0.30";
    let report = format!(
        "Today: $0.30\n{line}\nThis month: $0.30\n{line}\nBudget: $1.70 of $2.00 left today\n"
    );
    assert_eq!(stdout(&["usage"]).await, report);
    let json: Value = serde_json::from_str(&stdout(&["usage", "--json"]).await).unwrap();
    let model = &json["month"][0];
    assert_eq!(
        (&model["model"], &model["calls"]),
        (&"fake".into(), &2.into())
    );
    assert_eq!(model["tokens"]["input"], 200_000);
    assert_eq!(model["cost_micro_usd"], 300_000);
    assert_eq!(json["budget"][0]["left_micro_usd"], 1_700_000);
    program.kill().await;
    let after = program.run(&["usage"]).await;
    assert_eq!(
        String::from_utf8(after.stdout).unwrap(),
        report,
        "also when it is down"
    );
}
