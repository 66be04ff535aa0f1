//! The port to the name servers.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;

/// Why a name has no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such name, or it has no address.
    #[error("the name is not known")]
    Unknown,
    /// The name servers do not answer, or too much is asked already.
    #[error("the name could not be looked up")]
    Unavailable,
}

/// Asks for the addresses of names.
///
/// An implementer answers with all addresses there are, and keeps nothing between two questions.
#[async_trait]
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The addresses of a name.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError>;
}
