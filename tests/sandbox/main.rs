//! The sandbox, tried for real: programs that want out, or want too much, under the real binary.
//! System calls are named by their numbers, so these are attempts of one machine.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr
)]

mod abuse;
mod artifacts;
mod browser;
mod cgroup;
mod ends;
mod git;
#[path = "../it/support/machine.rs"]
#[allow(dead_code, reason = "the sandbox needs no small disks")]
mod machine;
mod probes;
mod runs;
mod world;
