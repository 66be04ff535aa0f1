//! The built-in grammar, the tools and the calculator as tables, the provider against a strict server, and
//! what wraps it against scripted models.

mod breaker;
mod builtin_answers;
mod builtin_model;
mod builtin_world;
mod calculator;
mod fallback;
mod grammar_table;
mod model_fixture;
mod openai;
mod openai_requests;
mod responses;
mod retry;
mod scripted_model;
mod tool_schemas;
mod tools;
