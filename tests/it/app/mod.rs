//! The whole bot, as people meet it.

mod answers;
