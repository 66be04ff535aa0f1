//! What kind of address an IP address is: public, or special in a way that keeps requests away.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Anybody's server.
    Public,
    /// This machine.
    Loopback,
    /// A network behind a router: private, shared, or unique local addresses.
    Private,
    /// The own wire; servers of clouds answer there too.
    LinkLocal,
    /// Where a cloud tells a machine its secrets.
    Metadata,
    /// An IPv4 address in the clothes of an IPv6 one, which would be reached past the IPv4 rules.
    Embedded,
    /// Not for hosts: unspecified, documentation, benchmarks, multicast, not assigned.
    Reserved,
}

use AddressKind::{Embedded, LinkLocal, Loopback, Metadata, Private, Public, Reserved};

/// The special blocks of IPv4 (IANA's registry, and what clouds add); the first that fits counts.
const BLOCKS_V4: [(Ipv4Addr, u8, AddressKind); 20] = [
    (Ipv4Addr::new(100, 100, 100, 200), 32, Metadata),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Metadata),
    (Ipv4Addr::new(0, 0, 0, 0), 8, Reserved),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),
    (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private),
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reserved),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reserved),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Reserved),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Reserved),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reserved),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Reserved),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reserved),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reserved),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reserved),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Reserved),
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),
];

/// The special blocks of IPv6. What is in none of them is public only within 2000::/3.
const BLOCKS_V6: [(Ipv6Addr, u8, AddressKind); 14] = [
    (Ipv6Addr::LOCALHOST, 128, Loopback),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, Embedded),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, Embedded),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, Embedded),
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Embedded),
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32, Metadata),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 32, Metadata),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Private),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Reserved),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Reserved),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, Embedded),
    (
        Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0),
        48,
        Reserved,
    ),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Reserved),
];

/// What an address is for.
pub fn classify(address: IpAddr) -> AddressKind {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressKind {
    let bits = address.to_bits();
    BLOCKS_V4
        .iter()
        .find(|(network, prefix, _)| (bits ^ network.to_bits()) >> (32 - prefix) == 0)
        .map_or(Public, |(_, _, kind)| *kind)
}

fn classify_v6(address: Ipv6Addr) -> AddressKind {
    let bits = address.to_bits();
    let special = BLOCKS_V6
        .iter()
        .find(|(network, prefix, _)| (bits ^ network.to_bits()) >> (128 - prefix) == 0)
        .map(|(_, _, kind)| *kind);
    let is_global = bits >> 125 == 0b001;
    match special {
        Some(kind) => kind,
        None if is_global && holds_tunnel_end(address) => Embedded,
        None if is_global => Public,
        None => Reserved,
    }
}

/// The interface identifier of ISATAP ends in the IPv4 address to which a router tunnels.
fn holds_tunnel_end(address: Ipv6Addr) -> bool {
    let [.., universal, marker, _, _] = address.segments();
    universal & !0x0200 == 0 && marker == 0x5efe
}
