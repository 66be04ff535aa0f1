//! The built-in grammar and the calculator as tables, the providers against a strict server.

mod calculator;
mod grammar_table;
