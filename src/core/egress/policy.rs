//! The policy: whether a request may go to an address, as written and as resolved.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::address::{AddressKind, classify};
use super::allowed::AllowedNetwork;
use super::config::EgressConfig;
use super::domain::Domain;
use super::refusal::Refusal;
use super::written::parse_url;

/// A name may have so many addresses to try.
const MAX_ADDRESSES: usize = 16;

/// Endings of names that only mean something within a network.
const LOCAL_NAMES: [&str; 12] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "onion",
    "alt",
];

/// Where requests made for the model may go.
#[derive(Debug, Clone)]
pub struct EgressPolicy {
    inside: Inside,
    allowed: Vec<AllowedNetwork>,
    allowed_domains: Vec<Domain>,
    denied_domains: Vec<Domain>,
    plain_http: PlainHttp,
    ports: Vec<u16>,
}

/// Whether this machine and its network may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Closed,
    Open,
}

/// Whether http without TLS may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainHttp {
    Allowed,
    Refused,
}

/// A URL whose written form is allowed. What its name leads to is still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    url: Url,
    host: DestinationHost,
    port: u16,
}

/// A host, by name or by address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationHost {
    /// To be looked up.
    Name(String),
    /// To be reached as it is.
    Address(IpAddr),
}

/// A destination with the addresses under which it may be reached: each was checked, and no other
/// may be used for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    destination: Destination,
    addresses: Vec<SocketAddr>,
}

impl Destination {
    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host.
    pub fn host(&self) -> &DestinationHost {
        &self.host
    }

    /// The port, also where the URL does not name it.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Route {
    /// Where it leads.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The addresses, at least one, best first.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

impl EgressPolicy {
    /// The policy of these settings.
    pub fn new(config: &EgressConfig) -> Self {
        Self {
            inside: if config.block_private_networks {
                Inside::Closed
            } else {
                Inside::Open
            },
            allowed: config.allow_private.clone(),
            allowed_domains: config.allowed_domains.clone(),
            denied_domains: config.denied_domains.clone(),
            plain_http: if config.allow_http {
                PlainHttp::Allowed
            } else {
                PlainHttp::Refused
            },
            ports: config.allowed_ports.clone(),
        }
    }

    /// Whether http without TLS may be used.
    pub fn allows_plain_http(&self) -> bool {
        self.plain_http == PlainHttp::Allowed
    }

    /// Checks a URL as it was written.
    ///
    /// # Errors
    /// Why no request goes there.
    pub fn check_written(&self, written: &str) -> Result<Destination, Refusal> {
        self.check_url(parse_url(written)?)
    }

    /// Checks a URL that [`parse_url`] or [`super::resolve_location`] has read.
    ///
    /// # Errors
    /// Why no request goes there.
    pub fn check_url(&self, url: Url) -> Result<Destination, Refusal> {
        if url.scheme() != "https" && self.plain_http == PlainHttp::Refused {
            return Err(Refusal::PlainHttp);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        let host = match url.host() {
            Some(Host::Domain(name)) => DestinationHost::Name(name.to_owned()),
            Some(Host::Ipv4(address)) => DestinationHost::Address(address.into()),
            Some(Host::Ipv6(address)) => DestinationHost::Address(address.into()),
            None => return Err(Refusal::NotAUrl),
        };
        match &host {
            DestinationHost::Name(name) => self.check_name(name, port)?,
            DestinationHost::Address(address) => self.check_literal(*address, port)?,
        }
        Ok(Destination { url, host, port })
    }

    /// Checks what a destination's name leads to; one bad address refuses it whole, since whoever
    /// answers for a name may answer otherwise the next time. For a host that is an address,
    /// `resolved` does not count. A public address for which `is_own` holds is this machine's: it looks like any
    /// other and leads past the firewall that keeps others from what listens here.
    ///
    /// # Errors
    /// Why no request goes there.
    pub fn check_addresses(
        &self,
        destination: Destination,
        resolved: &[IpAddr],
        is_own: impl Fn(IpAddr) -> bool,
    ) -> Result<Route, Refusal> {
        let port = destination.port;
        let literal;
        let addresses = match destination.host {
            DestinationHost::Address(address) => {
                literal = [address];
                &literal[..]
            }
            DestinationHost::Name(_) => resolved,
        };
        let is_closed = |address| self.inside == Inside::Closed && !self.is_named(address, port);
        let refusal = |address: &IpAddr| match self.check_address(*address, port) {
            Ok(()) if is_closed(*address) && is_own(*address) => Some(Refusal::Address),
            checked => checked.err(),
        };
        match addresses.iter().find_map(refusal) {
            Some(Refusal::Address) if matches!(destination.host, DestinationHost::Name(_)) => {
                return Err(Refusal::LeadsInside);
            }
            Some(refusal) => return Err(refusal),
            None if addresses.is_empty() => return Err(Refusal::BadHost),
            None => {}
        }
        let addresses = addresses
            .iter()
            .take(MAX_ADDRESSES)
            .map(|address| SocketAddr::new(*address, port))
            .collect();
        Ok(Route {
            destination,
            addresses,
        })
    }

    fn check_name(&self, name: &str, port: u16) -> Result<(), Refusal> {
        self.check_domain(name)?;
        if is_local(name) && self.inside == Inside::Closed && self.allowed.is_empty() {
            return Err(Refusal::LocalName);
        }
        let may_be_open = self.allowed.iter().any(|entry| entry.opens_port(port));
        if port == 0 || !(self.ports.contains(&port) || may_be_open) {
            return Err(Refusal::Port(port));
        }
        Ok(())
    }

    /// An address that the settings name needs no place in the list of domains.
    fn check_literal(&self, address: IpAddr, port: u16) -> Result<(), Refusal> {
        let text = address.to_string();
        if self.denied_domains.iter().any(|entry| entry.covers(&text)) {
            return Err(Refusal::DomainDenied);
        }
        if !self.is_named(address, port) {
            self.check_domain(&text)?;
        }
        self.check_address(address, port)
    }

    fn check_domain(&self, host: &str) -> Result<(), Refusal> {
        if self.denied_domains.iter().any(|entry| entry.covers(host)) {
            return Err(Refusal::DomainDenied);
        }
        let listed = self.allowed_domains.iter().any(|entry| entry.covers(host));
        if !listed && !self.allowed_domains.is_empty() {
            return Err(Refusal::DomainNotAllowed);
        }
        Ok(())
    }

    fn check_address(&self, address: IpAddr, port: u16) -> Result<(), Refusal> {
        if self.is_named(address, port) {
            return Ok(());
        }
        match (classify(address), self.inside) {
            (AddressKind::Public, _) => {}
            (AddressKind::Loopback | AddressKind::Private, Inside::Open) => {}
            _ => return Err(Refusal::Address),
        }
        if !self.ports.contains(&port) || port == 0 {
            return Err(Refusal::Port(port));
        }
        Ok(())
    }

    /// Whether the settings open this address by its name, on this port.
    fn is_named(&self, address: IpAddr, port: u16) -> bool {
        port != 0 && self.allowed.iter().any(|entry| entry.opens(address, port))
    }
}

fn is_local(name: &str) -> bool {
    let below = |local: &&str| {
        name.strip_suffix(*local)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !name.contains('.') || LOCAL_NAMES.iter().any(below)
}
