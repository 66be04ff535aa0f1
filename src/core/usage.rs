//! What model calls cost: one row for each HTTP call.

use serde::{Deserialize, Serialize};

/// The tokens of one call, as the server counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the request.
    pub input: u64,
    /// Those of them that came from the server's cache.
    pub cached_input: u64,
    /// Tokens of the reply.
    pub output: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// The provider, as configured.
    pub provider: String,
    /// The model that answered, as it calls itself.
    pub model: String,
    /// The tokens; zero where the server did not say.
    pub tokens: TokenUsage,
}
