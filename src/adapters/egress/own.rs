//! Which addresses are this machine's own, those of its public interfaces included.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Whether the system takes an address for its own. Nothing is sent to find out.
pub(super) fn is_own(address: IpAddr) -> bool {
    // Nobody has these (documentation); a machine that lets them be bound to lets any other (ip_nonlocal_bind).
    let (nobodys, any): (IpAddr, IpAddr) = match address {
        IpAddr::V4(_) => (
            Ipv4Addr::new(192, 0, 2, 1).into(),
            Ipv4Addr::UNSPECIFIED.into(),
        ),
        IpAddr::V6(_) => (
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            Ipv6Addr::UNSPECIFIED.into(),
        ),
    };
    if can_be_bound(address) && !can_be_bound(nobodys) {
        return true;
    }
    // The way to an own address begins where it ends. Without a socket nothing is known, and nobody goes there.
    let Ok(socket) = UdpSocket::bind((any, 0)) else {
        return true;
    };
    let from = socket
        .connect((address, 9))
        .and_then(|()| socket.local_addr());
    from.is_ok_and(|from| from.ip() == address)
}

fn can_be_bound(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
