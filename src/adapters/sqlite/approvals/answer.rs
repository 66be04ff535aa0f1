//! The end of a question: written once, shown on its card, and kept in the audit log, all in one
//! transaction.

use chrono::{DateTime, Utc};
use sea_query::{Expr, ExprTrait, Query};
use sqlx::SqliteConnection;

use super::super::iden::{Approvals, Outbox};
use super::super::statement::{execute, fetch_optional};
use super::super::values::{self, millis};
use super::super::{audit, outbox};
use super::row::StoredApproval;
use super::{find, rules, waiting};
use crate::core::approval::{
    Answer, AnswerRefused, Answered, Approval, ApprovalKey, Closing, Decision, Settlement, Shown,
    card, name_in_log, refusal, sha256_hex,
};
use crate::core::audit::AuditEntry;
use crate::core::error::StoreResult;
use crate::core::ids::{MessageId, TurnId, UserId};
use crate::core::outbox::{NewOutbox, Outgoing};

/// What the card of a question says that its turn has left behind.
const LEFT: &str = "⏹ Not run: this has ended";

/// Writes an answer, and with "always" the rule, if it counts.
pub(in super::super) async fn answer(
    connection: &mut SqliteConnection,
    answered: Answered,
    line: String,
    now: DateTime<Utc>,
) -> StoreResult<Result<Settlement, AnswerRefused>> {
    let stored = find(&mut *connection, answered.key).await?;
    let asked = stored.clone().map(Approval::try_from).transpose()?;
    let shown = shown(&mut *connection, answered.key).await?;
    let refused = refusal((asked.as_ref(), shown), &answered, now);
    let mut stored = match (stored, refused) {
        (Some(stored), None) => stored,
        (stored, refused) => {
            let refused = refused.unwrap_or(AnswerRefused::Unknown);
            let entry = ignored(stored.as_ref(), &answered, &refused, now);
            audit::append_ignored(connection, &answered.chat.channel, entry).await?;
            return Ok(Err(refused));
        }
    };
    let settled = Settlement {
        decision: answered.answer.decision(),
        by: Some(answered.by.name.clone()),
        at: now,
        always: answered.answer == Answer::Always,
    };
    if let (true, Some(always)) = (settled.always, asked.and_then(|asked| asked.always)) {
        let rule = rules::add(&mut *connection, &stored, &always, &answered.by.user, now).await?;
        // The row of the answer tells that it is for ever, and under which number.
        stored.rule = format!("{}; kept as {}", stored.rule, name_in_log(rule));
    }
    let by = answered.by.user;
    let pressed = answered.message;
    settle(connection, &stored, (&settled, by, line), pressed).await?;
    Ok(Ok(settled))
}

/// Whether the file of a card, where there is one, has arrived.
async fn shown(connection: &mut SqliteConnection, key: ApprovalKey) -> StoreResult<Shown> {
    let select = Query::select()
        .column(Outbox::State)
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::DedupeKey).eq(key.file_key()))
        .take();
    let row: Option<(String,)> = fetch_optional(connection, &select).await?;
    Ok(match row {
        Some((state,)) if state != "sent" => Shown::NotAll,
        Some(_) | None => Shown::All,
    })
}

/// Ends a question that still waits; returns it as it is then.
pub(super) async fn close(
    connection: &mut SqliteConnection,
    key: ApprovalKey,
    closing: Closing,
    now: DateTime<Utc>,
) -> StoreResult<Option<Approval>> {
    let Some(stored) = find(&mut *connection, key).await? else {
        return Ok(None);
    };
    let mut asked = Approval::try_from(stored.clone())?;
    if asked.settled.is_none() {
        let settled = nobody(closing.decision, now);
        let by = asked.person.clone();
        settle(connection, &stored, (&settled, by, closing.line), None).await?;
        asked.settled = Some(settled);
    }
    Ok(Some(asked))
}

/// Ends what a turn still asks at its own end.
pub(in super::super) async fn close_all(
    connection: &mut SqliteConnection,
    turn: TurnId,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    for stored in waiting(&mut *connection, turn).await? {
        let settled = nobody(Decision::Superseded, now);
        let by = UserId::new(stored.person.clone());
        let ended = (&settled, by, LEFT.to_owned());
        settle(&mut *connection, &stored, ended, None).await?;
    }
    Ok(())
}

fn nobody(decision: Decision, now: DateTime<Utc>) -> Settlement {
    Settlement {
        decision,
        by: None,
        at: now,
        always: false,
    }
}

async fn settle(
    connection: &mut SqliteConnection,
    stored: &StoredApproval,
    (settled, by, line): (&Settlement, UserId, String),
    pressed: Option<MessageId>,
) -> StoreResult<()> {
    let key = stored.key();
    let update = Query::update()
        .table(Approvals::Table)
        .values([
            (Approvals::State, Expr::val(settled.decision.name())),
            (Approvals::DecidedBy, Expr::val(settled.by.clone())),
            (
                Approvals::DecidedAlways,
                Expr::val(i64::from(settled.always)),
            ),
            (Approvals::DecidedAt, Expr::val(millis(settled.at))),
        ])
        .and_where(Expr::col(Approvals::Turn).eq(key.turn.0))
        .and_where(Expr::col(Approvals::Number).eq(key.number))
        .take();
    execute(&mut *connection, &update).await?;
    show(&mut *connection, stored, (&line, pressed), settled.at).await?;
    let outcome = if settled.by.is_some() {
        "answered"
    } else {
        "closed"
    };
    let verdict = (settled.decision.name(), outcome);
    let entry = entry(stored, &by, verdict, settled.at);
    audit::append(connection, &stored.target().channel, &entry).await
}

/// Shows the end on the card: on the message where there is one, in the row where that waits to be sent. A
/// press tells of a message that the row does not know yet. Where messages are not shown again, the line is
/// one of its own.
async fn show(
    connection: &mut SqliteConnection,
    stored: &StoredApproval,
    (line, pressed): (&str, Option<MessageId>),
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let card = stored.card();
    let content = card::settled(card.as_ref(), line);
    if card.is_none() {
        return add(connection, NewOutbox::answer(stored.target(), content), now).await;
    }
    let select = Query::select()
        .columns([Outbox::Id, Outbox::Message, Outbox::State])
        .from(Outbox::Table)
        .and_where(Expr::col(Outbox::DedupeKey).eq(stored.key().card_key()))
        .take();
    let row: Option<(i64, Option<String>, String)> =
        fetch_optional(&mut *connection, &select).await?;
    let mut shown = pressed;
    let mut still_waits = false;
    if let Some((id, message, state)) = row {
        if state == "sent" {
            shown = message.map(MessageId::new).or(shown);
        } else {
            // One that is on its way may have to be sent again.
            replace(&mut *connection, id, &content).await?;
            still_waits = state == "pending";
        }
    }
    let word = match shown {
        Some(message) => NewOutbox::edit(stored.target(), message, content),
        None if still_waits => return Ok(()),
        // It is on its way, or it could not be sent: the line still says what has become of it.
        None => NewOutbox::answer(stored.target(), Outgoing::plain(line)),
    };
    add(connection, word, now).await
}

async fn add(
    connection: &mut SqliteConnection,
    row: NewOutbox,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    outbox::insert(connection, &row, None, now).await?;
    Ok(())
}

/// Changes what a row says that waits.
async fn replace(
    connection: &mut SqliteConnection,
    id: i64,
    content: &Outgoing,
) -> StoreResult<()> {
    let update = Query::update()
        .table(Outbox::Table)
        .value(Outbox::Content, values::to_json(content)?)
        .and_where(Expr::col(Outbox::Id).eq(id))
        .cond_where(outbox::is_waiting())
        .take();
    execute(connection, &update).await?;
    Ok(())
}

/// An answer that does nothing, in the chat where it was given.
fn ignored(
    stored: Option<&StoredApproval>,
    answered: &Answered,
    refused: &AnswerRefused,
    now: DateTime<Utc>,
) -> AuditEntry {
    let user = &answered.by.user;
    let asked = stored.map(|stored| entry(stored, user, ("refused", "ignored"), now));
    let mut row = asked.unwrap_or_else(|| AuditEntry {
        at: now,
        chat: answered.chat.chat.clone(),
        user: user.clone(),
        turn: None,
        tool: "unknown".to_owned(),
        arguments_hash: sha256_hex(""),
        arguments: String::new(),
        verdict: "refused".to_owned(),
        rule: answered.key.card_key(),
        outcome: "ignored".to_owned(),
    });
    row.chat = answered.chat.chat.clone();
    row.rule = format!("{}; {}", row.rule, refused.why());
    row
}

fn entry(
    stored: &StoredApproval,
    user: &UserId,
    (verdict, outcome): (&str, &str),
    now: DateTime<Utc>,
) -> AuditEntry {
    AuditEntry {
        at: now,
        chat: stored.target().chat,
        user: user.clone(),
        turn: Some(stored.key().turn),
        tool: stored.tool.clone(),
        arguments_hash: stored.arguments_hash.clone(),
        arguments: stored.arguments.clone(),
        verdict: verdict.to_owned(),
        rule: stored.rule.clone(),
        outcome: outcome.to_owned(),
    }
}
