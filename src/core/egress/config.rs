//! The settings of egress.

use serde::Deserialize;

use super::allowed::AllowedNetwork;
use super::domain::Domain;
use crate::core::units::Seconds;

/// `[egress]`: one policy for every fetch made for the model.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressConfig {
    pub block_private_networks: bool,
    pub allow_private: Vec<AllowedNetwork>,
    /// Empty means all public ones; a domain covers its subdomains.
    pub allowed_domains: Vec<Domain>,
    pub denied_domains: Vec<Domain>,
    pub allow_http: bool,
    pub allowed_ports: Vec<u16>,
    pub dns_timeout_seconds: Seconds,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            block_private_networks: true,
            allow_private: Vec::new(),
            allowed_domains: Vec::new(),
            denied_domains: Vec::new(),
            allow_http: false,
            allowed_ports: vec![80, 443, 8080, 8443],
            dns_timeout_seconds: Seconds::new(3),
        }
    }
}
