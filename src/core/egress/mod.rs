//! Egress: which addresses a request made for the model may go to, and the ports through which it goes.
//!
//! A request goes on behalf of somebody who may have been fooled: by a page, a file, a message. So
//! it may reach what is public, and what the settings name, and nothing else. The rules are pure;
//! whoever talks to the network asks them at each step: for the address as written, for each host
//! that a name leads to, and for each redirect.

mod address;
mod allowed;
mod config;
mod domain;
mod fetch;
mod headers;
mod policy;
mod redirect;
mod refusal;
mod resolve;
mod written;

pub use address::{AddressKind, classify};
pub use allowed::AllowedNetwork;
pub use config::EgressConfig;
pub use domain::Domain;
pub use fetch::{
    BodyEnding, FetchError, FetchLimits, FetchMethod, FetchRequest, Fetched, Fetcher, ProxyEndpoint,
};
pub use headers::{HeaderRefusal, check_header};
pub use policy::{Destination, DestinationHost, EgressPolicy, Route};
pub use redirect::{Hop, Next};
pub use refusal::Refusal;
pub use resolve::{ResolveError, Resolver};
pub use written::{parse_url, resolve_location};

#[cfg(test)]
mod tests;
