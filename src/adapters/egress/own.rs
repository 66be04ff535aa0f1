//! Which addresses are this machine's own, those of its public interfaces included.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use rustix::io::Errno;

/// Whether the system takes an address for its own. Nothing is sent to find out.
pub(super) fn is_own(address: IpAddr) -> bool {
    is_own_by(address, |local| UdpSocket::bind((local, 0)))
}

/// The same, with what makes a socket at a local address.
pub(super) fn is_own_by(address: IpAddr, bind: impl Fn(IpAddr) -> io::Result<UdpSocket>) -> bool {
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
    if bind(address).is_ok() && bind(nobodys).is_err() {
        return true;
    }
    // The way to an own address begins where it ends.
    let socket = match bind(any) {
        Ok(socket) => socket,
        // Without a socket nothing is known, and nobody goes there; without the family there is no such address.
        Err(error) => return !is_without_family(&error),
    };
    let from = socket
        .connect((address, 9))
        .and_then(|()| socket.local_addr());
    from.is_ok_and(|from| from.ip() == address)
}

/// Whether the machine speaks no such version of IP, as with `ipv6.disable=1`.
fn is_without_family(error: &io::Error) -> bool {
    let error = Errno::from_io_error(error);
    [Some(Errno::AFNOSUPPORT), Some(Errno::ADDRNOTAVAIL)].contains(&error)
}
