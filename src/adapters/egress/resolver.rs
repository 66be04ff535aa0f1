//! The name servers of this machine.

use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::core::egress::{ResolveError, Resolver};

/// The system cannot break a look-up off, so those that hang are counted.
const MAX_AT_ONCE: usize = 16;

/// Asks as the system does, its hosts file included.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    places: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| ResolveError::Unavailable)?;
        let name = name.to_owned();
        let looked_up = spawn_blocking(move || {
            let _place = place;
            (name.as_str(), 0)
                .to_socket_addrs()
                .map(|found| found.map(|address| address.ip()).collect())
        });
        match looked_up.await {
            Ok(Ok(addresses)) => Ok(addresses),
            // The system tells an unknown name and a silent server apart only in its own words.
            Ok(Err(_)) => Err(ResolveError::Unknown),
            Err(_) => Err(ResolveError::Unavailable),
        }
    }
}
