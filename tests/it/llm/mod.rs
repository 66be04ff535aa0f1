//! The built-in grammar, the tools and the calculator as tables, the providers against a strict
//! server, and what wraps them against scripted models.

mod alternating;
mod breaker;
mod broken_streams;
mod builtin_answers;
mod builtin_changes;
mod builtin_kept_times;
mod builtin_model;
mod builtin_one_time;
mod builtin_world;
mod calculator;
mod chain;
mod fallback;
mod grammar_table;
mod legal_requests;
mod model_fixture;
mod openai;
mod openai_requests;
mod openrouter;
mod own_fields;
mod responses;
mod retry;
mod scripted_model;
mod time_limits;
mod too_long;
mod tool_schemas;
mod tools;
mod unseen_files;
