//! Full-text search over notes. Whatever a person types is words to find, never a query language.

use sea_query::extension::sqlite::SqliteExpr;
use sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sqlx::SqlitePool;

use super::super::iden::{Notes, NotesText};
use super::super::statement::{fetch_all, fetch_one};
use super::alive;
use super::row::{self, StoredNote};
use crate::core::error::StoreResult;
use crate::core::notes::{Note, NotePage, NoteSearch};

/// Words beyond these do not count: each one is a look into the index.
const MOST_WORDS: usize = 32;

/// How notes are looked for.
enum Attempt {
    /// All of them.
    Everything,
    /// An FTS5 expression (SQLite, "Full-text Query Syntax").
    Words(String),
    /// A piece of text, for what has no words or does not part them by spaces.
    Piece(String),
}

/// Finds notes: those with all the words, else those with any of them, else those with the text.
pub(super) async fn search(readers: &SqlitePool, search: &NoteSearch) -> StoreResult<NotePage> {
    for attempt in attempts(search.query.as_deref().unwrap_or_default()) {
        let found = |select| {
            from(select, &attempt)
                .cond_where(alive(&search.owner, search.now))
                .take()
        };
        let count = Query::select()
            .expr(Func::count(Expr::col((Notes::Table, Notes::Id))))
            .take();
        let (total,): (i64,) = fetch_one(readers, &found(count)).await?;
        if total == 0 {
            continue;
        }
        let mut page = found(row::columns());
        if let Attempt::Words(_) = attempt {
            page.order_by((NotesText::Table, NotesText::Rank), Order::Asc);
        }
        page.order_by((Notes::Table, Notes::UpdatedAt), Order::Desc)
            .order_by((Notes::Table, Notes::Id), Order::Desc)
            .limit(search.limit.into())
            .offset(search.offset.into());
        let rows: Vec<StoredNote> = fetch_all(readers, &page).await?;
        let notes = rows
            .into_iter()
            .map(Note::try_from)
            .collect::<StoreResult<_>>()?;
        return Ok(NotePage {
            total: total.unsigned_abs(),
            notes,
        });
    }
    Ok(NotePage {
        total: 0,
        notes: Vec::new(),
    })
}

fn attempts(query: &str) -> Vec<Attempt> {
    let query = query.trim();
    if query.is_empty() {
        return vec![Attempt::Everything];
    }
    let words: Vec<String> = query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        // Nothing between the quotes can end them.
        .map(|word| format!("\"{word}\"*"))
        .collect();
    let mut attempts = Vec::new();
    if !words.is_empty() {
        attempts.push(Attempt::Words(words.join(" AND ")));
    }
    if words.len() > 1 {
        attempts.push(Attempt::Words(words.join(" OR ")));
    }
    attempts.push(Attempt::Piece(query.to_owned()));
    attempts
}

/// Makes `select` find what an attempt matches.
fn from(mut select: SelectStatement, attempt: &Attempt) -> SelectStatement {
    let note = |column| Expr::col((Notes::Table, column));
    let holds = |column, piece: &str| {
        Expr::expr(Func::cust("instr").args([note(column), Expr::val(piece)])).gt(0)
    };
    match attempt {
        Attempt::Everything => select.from(Notes::Table),
        // SQLite reads the left side of a cross join first: the index is asked once, not once
        // for each note.
        Attempt::Words(expression) => select
            .from(NotesText::Table)
            .cross_join(Notes::Table)
            .and_where(Expr::col(NotesText::Table).matches(expression.as_str()))
            .and_where(note(Notes::Id).equals((NotesText::Table, NotesText::Rowid))),
        Attempt::Piece(piece) => select
            .from(Notes::Table)
            .and_where(holds(Notes::Title, piece).or(holds(Notes::Data, piece))),
    };
    select
}
