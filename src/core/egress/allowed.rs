//! An entry of `egress.allow_private`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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

/// Where clouds tell machines their secrets.
const METADATA: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

impl fmt::Display for AllowedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.network),
            None => write!(f, "{}", self.network),
        }
    }
}

impl AllowedNetwork {
    /// Whether the entry opens this port of this address.
    pub fn opens(&self, address: IpAddr, port: u16) -> bool {
        self.network.contains(&address) && self.opens_port(port)
    }

    /// Whether it is wider than any network that is private: it takes in the internet, and all that is reserved.
    pub fn is_too_wide(&self) -> bool {
        let widest = match self.network {
            IpNet::V4(_) => 8,
            IpNet::V6(_) => 7,
        };
        self.network.prefix_len() < widest
    }

    /// Whether it opens addresses of the link alone, or those under which a cloud tells machines its secrets.
    pub fn opens_metadata(&self) -> bool {
        METADATA
            .iter()
            .any(|address| self.network.contains(address))
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
    fn an_entry_that_opens_more_than_its_owner_may_think_is_known() {
        for (entry, wide, metadata) in [
            ("10.0.0.0/8", false, false),
            ("192.168.1.5/32:8080", false, false),
            ("127.0.0.0/8", false, false),
            ("fc00::/7", false, true),
            ("fd12::/16", false, false),
            ("0.0.0.0/0", true, true),
            ("::/0:80", true, true),
            ("0.0.0.0/7", true, false),
            ("169.254.0.0/16", false, true),
            ("169.254.169.254/32:80", false, true),
            ("100.64.0.0/10", false, true),
            ("fe80::/10", false, true),
        ] {
            let network: AllowedNetwork = entry.parse().unwrap();
            assert_eq!(network.is_too_wide(), wide, "{entry}");
            assert_eq!(network.opens_metadata(), metadata, "{entry}");
            assert_eq!(network.to_string(), entry);
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
