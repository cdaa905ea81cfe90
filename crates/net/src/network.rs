//! Named networks: an address and how many of its leading bits count.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// `192.0.2.0/24`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Of 127.0.0.0/8. IPv6 has one such address.
const LOOPBACK_BITS: u8 = 8;

/// The text is no network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkError(String);

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is no network; write 192.0.2.0/24 or 2001:db8::/32",
            self.0
        )
    }
}

impl std::error::Error for NetworkError {}

impl Network {
    /// Whether the address lies in it; an IPv4 address in IPv6 clothes counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (bits(self.address), bits(address.to_canonical()));
        let kept = u32::from(own.1 - self.prefix_bits);
        own.1 == other.1 && own.0.checked_shr(kept) == other.0.checked_shr(kept)
    }

    /// Whether only this machine itself has addresses in it.
    pub fn is_loopback(&self) -> bool {
        let least = match self.address {
            IpAddr::V4(_) => LOOPBACK_BITS,
            IpAddr::V6(_) => bits(self.address).1,
        };
        self.address.is_loopback() && self.prefix_bits >= least
    }
}

/// An address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), 32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let width = bits(address).1;
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| error())?,
            None => width,
        };
        if prefix_bits > width {
            return Err(error());
        }
        Ok(Network {
            address,
            prefix_bits,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, address: &str, expect: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(
            network.contains(address.parse().unwrap()),
            expect,
            "{network:?} {address}"
        );
    }

    #[test]
    fn knows_what_lies_inside() {
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.0/24", "::ffff:192.0.2.1", true);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
    }

    #[test]
    fn knows_what_only_this_machine_has() {
        for (text, expect) in [
            ("127.0.0.1", true),
            ("127.0.0.0/8", true),
            ("127.0.0.0/7", false),
            ("::1", true),
            ("::1/127", false),
            ("::ffff:127.0.0.1", false),
            ("192.0.2.1", false),
            ("0.0.0.0/0", false),
        ] {
            let network: Network = text.parse().unwrap();
            assert_eq!(network.is_loopback(), expect, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_network() {
        for text in [
            "",
            "x",
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/",
            "192.0.2.0/-1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
