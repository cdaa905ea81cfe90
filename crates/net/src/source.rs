//! Where a peer comes from, as limits count it.
//!
//! What never happens here: counting.

use crate::unix::Credentials;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// One IPv4 address, or one IPv6 /64: the smallest piece of IPv6 that one customer gets, and so
/// the one within which addresses cost nothing. At a Unix socket, one user of this machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source(From);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum From {
    Address(IpAddr),
    User(u32),
}

impl Source {
    pub fn of(address: IpAddr) -> Source {
        // ::ffff:192.0.2.1 is 192.0.2.1
        Source(From::Address(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        }))
    }

    /// All users of this machine share an address, and the system tells them apart.
    pub(crate) fn of_user(who: Credentials) -> Source {
        Source(From::User(who.uid))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            From::Address(IpAddr::V4(v4)) => v4.fmt(f),
            From::Address(IpAddr::V6(v6)) => write!(f, "{v6}/64"),
            From::User(uid) => write!(f, "uid {uid}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_of_this_machine_are_as_many_sources() {
        let of = |uid| Source::of_user(Credentials { uid, gid: 7 });
        assert_eq!(of(0), of(0));
        assert_ne!(of(0), of(1_000));
        assert_eq!(of(1_000).to_string(), "uid 1000");
    }

    #[test]
    fn ipv6_counts_by_64_bits_and_mapped_ipv4_as_ipv4() {
        let of = |text: &str| Source::of(text.parse().expect("because the test says so"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1:2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8::1").to_string(), "2001:db8::/64");
    }
}
