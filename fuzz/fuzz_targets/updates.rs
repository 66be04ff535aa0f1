//! Any update, as bytes or as a sample with changed parts: no crash, and nothing of a stranger is let in or kept.
#![no_main]

use chrono::{DateTime, Utc};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use minibot::adapters::telegram::config::{GroupMode, TelegramConfig};
use minibot::adapters::telegram::{BotIdentity, TelegramSettings, UpdateReader};
use minibot::core::inbox::{Arrival, Arrived};
use serde_json::{Value, json};

const OWNER: i64 = 42;
const GROUP: i64 = -100_500;
const BOT: i64 = 99;
const MOST_CHANGES: usize = 8;

/// A real update of each kind, one in each line.
const SAMPLES: &str = include_str!("../seeds/updates.jsonl");

fuzz_target!(|bytes: &[u8]| {
    let update = match serde_json::from_slice(bytes) {
        Ok(update) => update,
        Err(_) => changed(&mut Unstructured::new(bytes)).unwrap_or_default(),
    };
    let lists: [(&[i64], &[i64]); 4] = [
        (&[], &[OWNER]),
        (&[GROUP], &[]),
        (&[GROUP, OWNER], &[OWNER]),
        (&[], &[]),
    ];
    for (chats, users) in lists {
        for group_mode in [GroupMode::Mention, GroupMode::All] {
            let reader = reader(chats, users, group_mode);
            if let Some(arrival) = reader.read(&update, now()) {
                check(&update, &arrival, chats, users);
            }
        }
    }
});

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a moment")
}

fn reader(chats: &[i64], users: &[i64], group_mode: GroupMode) -> UpdateReader {
    let config = TelegramConfig {
        allowed_chat_ids: chats.to_vec(),
        allowed_user_ids: users.to_vec(),
        group_mode,
        ..TelegramConfig::default()
    };
    let settings = TelegramSettings::new(&config, "99:x".to_owned().into());
    let username = "minibot".to_owned();
    UpdateReader::new(BotIdentity { id: BOT, username }, &settings)
}

/// Who wrote is read here from the raw update once more, in the plainest way.
fn check(update: &Value, arrival: &Arrival, chats: &[i64], users: &[i64]) {
    let body = &update[arrival.kind.as_str()];
    let user = body["from"]["id"].as_i64();
    let message = if arrival.kind == "callback_query" {
        &body["message"]
    } else {
        body
    };
    let chat = message["chat"]["id"].as_i64();
    let listed =
        |list: &[i64], id: Option<i64>| list.is_empty() || id.is_some_and(|id| list.contains(&id));
    let nobody = chats.is_empty() && users.is_empty();
    let is_friend = !nobody && listed(chats, chat) && listed(users, user);
    let bare = json!({ "update_id": update["update_id"] }).to_string();
    match &arrival.content {
        Arrived::Welcome { raw, incoming } | Arrived::Held { raw, incoming } => {
            assert!(is_friend, "a stranger is welcome: {update}");
            assert_eq!(
                user.map(|user| user.to_string()).as_deref(),
                Some(incoming.sender.user.as_str())
            );
            assert_eq!(
                chat.map(|chat| chat.to_string()).as_deref(),
                Some(incoming.target.chat.as_str())
            );
            assert_eq!(*raw, update.to_string());
        }
        Arrived::Stranger { .. } => assert!(!is_friend, "{update}"),
        Arrived::Ignored { raw } => {
            assert!(is_friend || raw.is_none(), "kept of a stranger: {raw:?}")
        }
        Arrived::Unreadable { raw, .. } => {
            assert!(is_friend || *raw == bare, "kept of a stranger: {raw}")
        }
    }
}

/// A sample in which some values are replaced, moved, doubled or taken away.
fn changed(choices: &mut Unstructured<'_>) -> Result<Value> {
    let samples: Vec<&str> = SAMPLES.lines().collect();
    let mut update: Value =
        serde_json::from_str(choices.choose(&samples)?).expect("a sample is JSON");
    for _ in 0..choices.int_in_range(1..=MOST_CHANGES)? {
        let other: Value =
            serde_json::from_str(choices.choose(&samples)?).expect("a sample is JSON");
        let new = match choices.int_in_range(0..=2)? {
            0 => value(choices)?,
            1 => pick(&other, choices)?.clone(),
            _ => pick(&update, choices)?.clone(),
        };
        change(&mut update, new, choices)?;
    }
    Ok(update)
}

fn change(within: &mut Value, new: Value, choices: &mut Unstructured<'_>) -> Result<()> {
    let deeper = !choices.ratio(1, 4)?;
    match within {
        Value::Object(fields) if !fields.is_empty() => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = choices.choose(&names)?;
            if deeper {
                return fields
                    .get_mut(name)
                    .map_or(Ok(()), |field| change(field, new, choices));
            }
            match choices.int_in_range(0..=2)? {
                0 => drop(fields.remove(name)),
                1 => drop(fields.insert(name.clone(), new)),
                _ => drop(fields.insert(choices.arbitrary::<&str>()?.to_owned(), new)),
            }
        }
        Value::Array(items) if !items.is_empty() && deeper => {
            let at = choices.choose_index(items.len())?;
            return change(&mut items[at], new, choices);
        }
        Value::Array(items) => items.push(new),
        leaf => *leaf = new,
    }
    Ok(())
}

fn pick<'v>(within: &'v Value, choices: &mut Unstructured<'_>) -> Result<&'v Value> {
    let inner: Vec<&Value> = match within {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    if inner.is_empty() || choices.ratio(1, 3)? {
        return Ok(within);
    }
    pick(choices.choose(&inner)?, choices)
}

fn value(choices: &mut Unstructured<'_>) -> Result<Value> {
    let ids = [OWNER, GROUP, BOT, 66, 0, -1, i64::MAX, i64::MIN];
    Ok(match choices.int_in_range(0..=6)? {
        0 => Value::Null,
        1 => choices.arbitrary::<bool>()?.into(),
        2 => (*choices.choose(&ids)?).into(),
        3 => choices.arbitrary::<i64>()?.into(),
        4 => choices.arbitrary::<f64>()?.into(),
        5 => choices.choose(&ids)?.to_string().into(),
        _ => choices.arbitrary::<&str>()?.into(),
    })
}
