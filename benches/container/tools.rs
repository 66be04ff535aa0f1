//! What runs inside the container: doctor, and the programs of the model.

use serde_json::{Value, json};

use crate::support::fake_model::Reply;
use crate::{ALICE, World, compose, done, has_browser};

pub fn doctor_finds_everything(world: &World) {
    world.provider.replies([Reply::text("OK")]);
    let output = compose::inside(&["minibot", "doctor"]);
    let table = compose::said(&output);
    assert!(output.status.success(), "{table}");
    let rows = [
        "config", "process", "database", "Telegram", "updates", "model", "sandbox", "Python",
        "Bash",
    ];
    for row in rows {
        assert!(table.contains(&format!("✓ {row}: ")), "{row}: {table}");
    }
    let modes = table
        .lines()
        .find(|line| line.contains("sandbox: "))
        .unwrap();
    assert!(modes.contains("native"), "{modes}");
    if has_browser() {
        let row = table
            .lines()
            .find(|line| line.contains("browser: "))
            .unwrap();
        assert!(row.contains("Chromium"), "{table}");
    }
    eprintln!("{table}");
    done("doctor finds all that is needed");
}

pub async fn programs_run_in_the_sandbox(world: &World) {
    let python = "import os, socket\nprint(6 * 7, os.getuid())\ntry:\n    socket.socket()\nexcept OSError as e:\n    \
                  print('no network:', e)\ntry:\n    print(open('/data/minibot.db').read(1))\nexcept OSError as e:\n    print('no data:', e)";
    let bash = "echo $((6 * 7)); cat /config/config.toml || echo no config";
    world.provider.replies([
        Reply::tools([("python_execute", json!({ "code": python }))]),
        Reply::tools([("bash", json!({ "command": bash }))]),
        Reply::text("Both ran."),
    ]);
    world.telegram.user_sends(ALICE, ALICE, "run them");
    world.telegram.wait_for_text(ALICE, "Both ran.").await;
    let requests = world.provider.requests();
    let messages = requests.last().unwrap().messages().iter();
    let results: Vec<Value> = messages
        .filter(|message| message["role"] == "tool")
        .map(|message| serde_json::from_str(message["content"].as_str().unwrap()).unwrap())
        .collect();
    let [python, bash] = results.as_slice() else {
        panic!("{results:?}")
    };
    for (result, words) in [
        (python, ["42", "no network:", "no data:"]),
        (bash, ["42", "no config", "42"]),
    ] {
        let printed = result["stdout"].as_str().unwrap_or_default();
        for words in words {
            assert!(printed.contains(words), "{words}: {result}");
        }
    }
    done("Python and Bash run in the sandbox, and see neither the data nor the config");
}
