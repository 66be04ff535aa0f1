//! The joined program, as it is started in production.

mod webhook;
