//! TLS of the guard: the certificate authorities of the system, read when they are first needed.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::{Host, Url};

use crate::core::egress::FetchError;

/// Whom connections trust.
#[derive(Clone)]
pub struct Tls(Arc<OnceLock<Option<Arc<ClientConfig>>>>);

impl Tls {
    /// The certificate authorities of the system.
    pub fn system() -> Self {
        Self(Arc::new(OnceLock::new()))
    }

    /// These instead.
    pub fn with(config: Arc<ClientConfig>) -> Self {
        Self(Arc::new(OnceLock::from(Some(config))))
    }

    /// Makes a connection a private one with the host of the URL.
    pub(super) async fn wrap(
        &self,
        stream: TcpStream,
        url: &Url,
    ) -> Result<TlsStream<TcpStream>, FetchError> {
        let config = self.0.get_or_init(|| {
            let config = ClientConfig::with_platform_verifier();
            config.map(Arc::new).ok()
        });
        let config = config.clone().ok_or(FetchError::Failed(
            "the certificate authorities of this system cannot be read",
        ))?;
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned())
                .map_err(|_| FetchError::Failed("no certificate can be for this host name"))?,
            Some(Host::Ipv4(address)) => ServerName::from(std::net::IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => ServerName::from(std::net::IpAddr::V6(address)),
            None => return Err(FetchError::Failed("the URL has no host")),
        };
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| FetchError::Failed(why(&error)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

/// The library's own words hold what the server sent.
fn why(error: &std::io::Error) -> &'static str {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidCertificate(_)) => "the server's certificate is not valid",
        _ => "no secure connection to the server can be made",
    }
}
