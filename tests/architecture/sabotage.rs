//! Small sources that the rules must refuse, for the right reason, and others that they must let pass.

use crate::rules::SourceFile;

/// Path, source below its first line, and a part of the complaint; an empty one means it must pass.
#[rustfmt::skip] // one case, one line
const CASES: &[(&str, &str, &str)] = &[
    // The direction.
    ("src/core/turn.rs", "use crate::app::intake::Intake;", "`core` must not name `app`"),
    ("src/core/turn.rs", "use crate::{core::ids, llm::tools};", "`core` must not name `llm`"),
    ("src/app/intake.rs", "use crate::adapters::sqlite::Store;", "`app` must not name `adapters`"),
    ("src/app/intake.rs", "fn f() { crate::llm::run() }", "`app` must not name `llm`"),
    ("src/app/turn/mod.rs", "fn f() { super::super::adapters::x::f() }", "not name `adapters`"),
    ("src/app/turn/mod.rs", "use super::super::{wiring as w};", "`app` must not name `wiring`"),
    ("src/app/turn.rs", "mod tests { use super::super::super::cli; }", "`app` must not name `cli`"),
    ("src/llm/mod.rs", "use r#crate::app::x;", "`llm` must not name `app`"),
    ("src/llm/mod.rs", "macro_rules! m { () => { $crate::app::f() } }", "must not name `app`"),
    ("src/llm/mod.rs", "use minibot::app::x;", "`llm` must not name `app`"),
    ("src/llm/mod.rs", "#[serde(with = \"crate::app::dates\")] struct S;", "must not name `app`"),
    ("src/llm/mod.rs", "pub(in crate::wiring) fn f() {}", "`llm` must not name `wiring`"),
    ("src/llm/mod.rs", "type T = Vec<crate::cli::Args>;", "`llm` must not name `cli`"),
    ("src/wiring/ports.rs", "use crate::cli::Args;", "`wiring` must not name `cli`"),
    ("src/lib.rs", "pub use crate::adapters::telegram::Bot;", "root of the crate must not name"),
    ("src/main.rs", "use minibot::adapters::sqlite::Store;", "root of the crate must not name"),
    // The crate's root as a way around.
    ("src/app/x.rs", "use crate as root; fn f() { root::llm::g() }", "takes the whole crate"),
    ("src/app/x.rs", "use crate as root; fn f() { root::llm::g() }", "`app` must not name `llm`"),
    ("src/app/x.rs", "use super::super::*;", "takes the whole crate"),
    ("src/app/x.rs", "use crate::Bot;", "nothing but the layers"),
    ("src/app/x.rs", "#[path = \"../adapters/x.rs\"] mod x;", "`#[path]` hides a module"),
    ("src/app/x.rs", "include!(\"../llm/x.rs\");", "`include!` hides source"),
    ("src/other.rs", "pub struct X;", "stands in no layer"),
    ("src/bin/other.rs", "fn main() {}", "stands in no layer"),
    // Adapters do not know each other.
    ("src/adapters/telegram/mod.rs", "use crate::adapters::http::Client;", "must not name `http`"),
    ("src/adapters/telegram/mod.rs", "use super::sqlite::Store;", "must not name `sqlite`"),
    ("src/adapters/telegram/send.rs", "use super::super::egress;", "must not name `egress`"),
    ("src/adapters/telegram/mod.rs", "use super::*;", "must not take all adapters"),
    ("src/adapters/http/a_tests.rs", "use super::super::super::sqlite;", "must not name `sqlite`"),
    ("src/adapters/console.rs", "use super as all;", "must not take all adapters"),
    ("src/adapters/console.rs", "use crate::app::commands;", "`adapters` must not name `app`"),
    // `core` does nothing.
    ("src/core/a.rs", "use tokio::sync::mpsc;", "`core` must not name `tokio`"),
    ("src/core/a.rs", "fn f() { ::tokio::spawn(g()); }", "`core` must not name `tokio`"),
    ("src/core/a.rs", "fn f() { tokio::select! {} }", "`core` must not name `tokio`"),
    ("src/core/a.rs", "extern crate sqlx as database;", "`core` must not name `sqlx`"),
    ("src/core/a.rs", "use tokio as t;", "`core` must not name `tokio`"),
    ("src/core/a.rs", "#[derive(sqlx::FromRow)] struct R;", "`core` must not name `sqlx`"),
    ("src/core/a.rs", "use sea_query::Query;", "`core` must not name `sea_query`"),
    ("src/core/a.rs", "use teloxide_core::Bot;", "`core` must not name `teloxide_core`"),
    ("src/core/a.rs", "use teloxide::Bot;", "`core` must not name `teloxide`"),
    ("src/core/a.rs", "use reqwest::Url;", "`core` must not name `reqwest`"),
    ("src/core/a.rs", "use axum::Router;", "`core` must not name `axum`"),
    ("src/core/a.rs", "use async_openai::types;", "`core` must not name `async_openai`"),
    ("src/core/a.rs", "use std::{fmt, fs::File};", "`core` must not name `std::fs`"),
    ("src/core/a.rs", "use std as s; fn f() { s::env::var(\"A\"); }", "must not name `std::env`"),
    ("src/core/a.rs", "use std::{self as s}; fn f() { s::fs::read(1) }", "not name `std::fs`"),
    ("src/core/a.rs", "use std::*;", "`core` must not name `std::env`"),
    ("src/core/a.rs", "use std::net::*;", "`core` must not name `std::net::Tcp"),
    ("src/core/a.rs", "use std::net; fn f() { net::UdpSocket::bind(1) }", "std::net::UdpSocket"),
    ("src/core/a.rs", "fn f() { std::process::exit(1) }", "`core` must not name `std::process`"),
    // What only looks like a comment or a string.
    ("src/core/a.rs", "/* /* */ */ use tokio::io;", "`core` must not name `tokio`"),
    ("src/core/a.rs", "const A: char = '\"'; use tokio::io; // \"", "must not name `tokio`"),
    ("src/core/a.rs", "const A: &str = \"\\\\\"; use tokio::io; // \"", "must not name `tokio`"),
    ("src/core/a.rs", "const A: &str = r#\"\"\"#; use tokio::io;", "must not name `tokio`"),
    ("src/core/a.rs", "fn f<'a>(x: &'a str) {} use tokio::io; // '", "must not name `tokio`"),
    ("src/core/a.rs", "const A: u8 = b'\\''; use tokio::io; // '", "must not name `tokio`"),
    // Harmless.
    ("src/core/a.rs", "use crate::core::ids::ChatId; use super::clock::Clock;", ""),
    ("src/core/a.rs", "use core::fmt; use std::{fmt::Display, net::{IpAddr, Ipv4Addr}};", ""),
    ("src/core/a.rs", "use std::net::IpAddr; use std::collections::*; use serde::*;", ""),
    ("src/core/a.rs", "// use tokio::io;\n/* use crate::app; */\n/// `tokio::spawn`\nstruct A;", ""),
    ("src/core/a.rs", "const A: &str = \"use tokio::io; crate::app::x\";", ""),
    ("src/core/a.rs", "const A: &str = r##\"\"# use tokio::io;\"##;", ""),
    ("src/core/a.rs", "fn tokio() {} fn f() { let app = tokio(); app.fs.env(1) }", ""),
    ("src/core/a.rs", "fn f<'a>() -> impl Iterator + use<'a> { Self::g() }", ""),
    ("src/core/a.rs", "mod tests { use super::*; mod deep { use super::super::f; } }", ""),
    ("src/core/mod.rs", "pub mod ids; pub use ids::ChatId; pub use self::ids::UserId;", ""),
    ("src/app/a.rs", "use crate::core::{channel::{self, Channel}, ids::*}; use channel::x;", ""),
    ("src/app/a.rs", "use tokio::sync::mpsc; use super::turn_loop;", ""),
    ("src/adapters/mod.rs", "pub mod sqlite; pub mod telegram;", ""),
    ("src/adapters/sqlite/inbox.rs", "use super::pool::Pool; use crate::core::inbox;", ""),
    ("src/adapters/sqlite/mod.rs", "mod tests { use super::*; }", ""),
    ("src/adapters/sqlite/mod.rs", "use crate::adapters::sqlite::pool; use sqlx::query;", ""),
    ("src/adapters/sqlite/a.rs", "#[path = \"a_tests.rs\"] mod tests;", ""),
    ("src/adapters/sqlite/a_tests.rs", "use super::*; use super::super::pool;", ""),
    ("src/wiring/mod.rs", "use crate::{adapters::telegram, app, core, llm};", ""),
    ("src/cli/run.rs", "use crate::{adapters::console, wiring};", ""),
    ("src/main.rs", "fn main() { minibot::cli::main() }", ""),
    ("src/lib.rs", "pub mod adapters; pub mod core;", ""),
    ("src/app/a.rs", "fn f() { info!(path = \"x\"); include_str!(\"x\"); }", ""),
    ("tests/it/app.rs", "use minibot::{adapters::sqlite, app, cli};", ""),
    // Not Rust at all: no panic, no complaint about paths.
    ("src/app/a.rs", "use ; use {{}; use a::; mod ; r# '", ""),
    ("src/app/a.rs", "} } \" never closed", ""),
];

#[test]
fn each_sabotage_is_refused_and_each_harmless_source_passes() {
    for (path, body, complaint) in CASES {
        let source = format!("//! A file.\n{body}\n");
        let found = SourceFile::new(path, &source).violations();
        if complaint.is_empty() {
            assert!(
                found.is_empty(),
                "{path}: {body}\nmust pass, but: {found:?}"
            );
        } else {
            let refused = found.iter().any(|line| line.contains(complaint));
            assert!(
                refused,
                "{path}: {body}\nmust be refused with {complaint:?}, got {found:?}"
            );
        }
    }
}

#[test]
fn a_complaint_names_file_and_line() {
    let source = "//! A file.\n\nconst A: &str = \"\n\";\nuse crate::app::x;\n";
    let found = SourceFile::new("src/core/a.rs", source).violations();
    assert_eq!(
        found,
        ["src/core/a.rs:5: `crate::app::x`: `core` must not name `app`"]
    );
}

#[test]
fn a_file_has_at_most_500_lines_and_opens_with_a_sentence() {
    for folder in ["src/core", "tests/it"] {
        let path = format!("{folder}/a.rs");
        let complaints = |source: &str| SourceFile::new(&path, source).violations().len();
        let of_length = |lines: usize| format!("//! A file.\n{}", "\n".repeat(lines - 1));
        assert_eq!(complaints(&of_length(500)), 0);
        assert_eq!(complaints(&of_length(501)), 1);
        assert_eq!(complaints("use std::fmt;\n"), 1);
        assert_eq!(complaints("//!\n//! Late.\n"), 1);
        assert_eq!(complaints(""), 1);
    }
}
