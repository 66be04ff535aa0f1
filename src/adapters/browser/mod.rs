//! A real browser for each chat: a Chromium of the machine, driven over its debugging protocol. It must never
//! know a tool or a store, and has no network but the proxy that it is given.

pub mod arguments;
pub mod config;
pub mod program;

#[cfg(feature = "browser")]
mod act;
#[cfg(feature = "browser")]
mod devtools;
#[cfg(feature = "browser")]
mod launch;
#[cfg(feature = "browser")]
mod look;
#[cfg(feature = "browser")]
mod page;
#[cfg(feature = "browser")]
mod pool;
#[cfg(feature = "browser")]
mod process;
#[cfg(feature = "browser")]
mod profile;
#[cfg(feature = "browser")]
mod report;
#[cfg(feature = "browser")]
mod session;
#[cfg(feature = "browser")]
mod watch;

#[cfg(feature = "browser")]
pub use self::launch::{Confine, LaunchSettings, OwnSandbox, Wrap, Wrapped};
#[cfg(feature = "browser")]
pub use self::pool::ChromiumBrowser;
#[cfg(feature = "browser")]
pub use self::report::{BrowserReport, report};
