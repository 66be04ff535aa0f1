//! An entry of `egress.allow_private`.

use std::net::IpAddr;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

/// A network in CIDR notation with an optional port, such as `10.0.0.5/32` or `127.0.0.1/32:8080`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedNetwork {
    pub address: IpAddr,
    /// Leading bits that count.
    pub prefix: u8,
    /// `None` means every port.
    pub port: Option<u16>,
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
        let bits = if address.is_ipv4() { 32 } else { 128 };
        if prefix > bits || port == Some(0) {
            return Err(());
        }
        Ok(Self {
            address,
            prefix,
            port,
        })
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
    fn networks_have_a_prefix_and_maybe_a_port() {
        let good = [
            ("10.0.0.5/32", 32, None),
            ("127.0.0.1/32:8080", 32, Some(8080)),
            ("192.168.0.0/16", 16, None),
            ("fd00::/8", 8, None),
            ("::1/128:80", 128, Some(80)),
        ];
        for (text, prefix, port) in good {
            let network: AllowedNetwork = text.parse().unwrap();
            assert_eq!((network.prefix, network.port), (prefix, port), "{text}");
        }
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
