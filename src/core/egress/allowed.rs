//! An entry of `egress.allow_private`.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error};

/// A network in CIDR notation with an optional port, such as `10.0.0.5/32` or `127.0.0.1/32:8080`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedNetwork {
    network: IpNet,
    /// `None` means every port.
    port: Option<u16>,
}

impl AllowedNetwork {
    /// Whether the entry opens this port of this address.
    pub fn opens(&self, address: IpAddr, port: u16) -> bool {
        self.network.contains(&address) && self.opens_port(port)
    }

    /// Whether the entry opens this port of anything.
    pub fn opens_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for AllowedNetwork {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, rest) = text.split_once('/').ok_or(())?;
        let (prefix, port) = match rest.split_once(':') {
            Some((prefix, port)) => (prefix, Some(port.parse().map_err(|_| ())?)),
            None => (rest, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ())?;
        let prefix: u8 = prefix.parse().map_err(|_| ())?;
        if port == Some(0) {
            return Err(());
        }
        let network = IpNet::new(address, prefix).map_err(|_| ())?;
        Ok(Self { network, port })
    }
}

impl<'de> Deserialize<'de> for AllowedNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| {
            D::Error::custom("expected a network such as \"10.0.0.5/32\" or \"127.0.0.1/32:8080\"")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn an_entry_opens_its_addresses_and_its_port() {
        let table = [
            ("10.0.0.5/32", "10.0.0.5", 1, true),
            ("10.0.0.5/32", "10.0.0.6", 1, false),
            ("127.0.0.1/32:8080", "127.0.0.1", 8080, true),
            ("127.0.0.1/32:8080", "127.0.0.1", 8081, false),
            ("192.168.7.9/16", "192.168.1.1", 80, true),
            ("fd00::/8", "fd12::1", 80, true),
            ("::1/128:80", "::1", 80, true),
            // An IPv4 address in IPv6 clothes is another address.
            ("127.0.0.0/8", "::ffff:127.0.0.1", 80, false),
        ];
        for (entry, address, port, opens) in table {
            let network: AllowedNetwork = entry.parse().unwrap();
            let address = address.parse().unwrap();
            assert_eq!(network.opens(address, port), opens, "{entry} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.5",
            "10.0.0.5/33",
            "x/8",
            "10.0.0.0/8:0",
            "10.0.0.0/8:99999",
            "::1/129",
        ] {
            assert!(text.parse::<AllowedNetwork>().is_err(), "{text}");
        }
    }
}
