//! The real binary, from outside.

#[cfg(feature = "failpoints")]
mod crashes;
#[cfg(feature = "failpoints")]
mod kills;
mod run;
mod secrets;
