//! Looks a name up once, has every address judged, and connects to one of those.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::own;
use super::tls::Tls;
use crate::core::egress::{
    Destination, DestinationHost, EgressConfig, EgressPolicy, FetchError, ResolveError, Resolver,
    Route,
};

/// For one address; the next one is tried after it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The one way out.
#[derive(Debug, Clone)]
pub struct Guard {
    policy: Arc<EgressPolicy>,
    resolver: Arc<dyn Resolver>,
    look_up_time: Duration,
    tls: Tls,
    is_own: fn(IpAddr) -> bool,
}

impl Guard {
    /// A guard for these settings.
    pub fn new(config: &EgressConfig, resolver: Arc<dyn Resolver>, tls: Tls) -> Self {
        Self {
            policy: Arc::new(EgressPolicy::new(config)),
            resolver,
            look_up_time: config.dns_timeout_seconds.get(),
            tls,
            is_own: own::is_own,
        }
    }

    /// Takes these addresses for the machine's own.
    #[cfg(test)]
    pub(super) fn where_own(self, is_own: fn(IpAddr) -> bool) -> Self {
        Self { is_own, ..self }
    }

    pub(super) fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    pub(super) fn tls(&self) -> &Tls {
        &self.tls
    }

    /// The addresses of a destination, each of them checked. This is the only look-up there is for it.
    pub(super) async fn route(&self, destination: Destination) -> Result<Route, FetchError> {
        let resolved = match destination.host() {
            DestinationHost::Address(_) => Vec::new(),
            DestinationHost::Name(name) => {
                match timeout(self.look_up_time, self.resolver.resolve(name)).await {
                    Ok(Ok(addresses)) if addresses.is_empty() => {
                        return Err(FetchError::UnknownHost);
                    }
                    Ok(Ok(addresses)) => addresses,
                    Ok(Err(ResolveError::Unknown)) => return Err(FetchError::UnknownHost),
                    Ok(Err(ResolveError::Unavailable)) | Err(_) => {
                        return Err(FetchError::Failed("the host name could not be looked up"));
                    }
                }
            }
        };
        Ok(self
            .policy
            .check_addresses(destination, &resolved, self.is_own)?)
    }

    /// A connection to the first address of a route that takes one.
    pub(super) async fn connect(&self, route: &Route) -> Result<TcpStream, FetchError> {
        for address in route.addresses() {
            if let Ok(Ok(stream)) = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(FetchError::Failed("the server takes no connection"))
    }
}
