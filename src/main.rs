//! The `minibot` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything can open a connection; it fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    minibot::cli::main()
}
