//! The pure rules, where their tests are too long to stand beside them.

mod budget;
mod markup;
mod schedule;
mod schedule_days;
mod schedule_due;
