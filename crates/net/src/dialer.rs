//! Connections to other servers: by the system's sockets, or in the simulated network.
//!
//! What never happens here: a name looked up, a choice of address.

use crate::conn::Conn;
use crate::sessions::SessionEntry;
use crate::sim::SimNet;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::timeout;

/// The ports that a simulated host dials from, one after another.
const SIM_PORTS: std::ops::Range<u16> = 20_000..60_000;

/// Makes connections. Clones are the same dialler.
#[derive(Clone)]
pub struct Dialer(Engine);

#[derive(Clone)]
enum Engine {
    System,
    Sim {
        net: SimNet,
        host: IpAddr,
        dialled: Arc<AtomicU16>,
    },
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Engine::System => f.write_str("Dialer"),
            Engine::Sim { host, .. } => write!(f, "Dialer({host})"),
        }
    }
}

impl Dialer {
    pub fn system() -> Dialer {
        Dialer(Engine::System)
    }

    /// Dials from that host of the simulated network.
    pub fn simulated(net: SimNet, host: IpAddr) -> Dialer {
        let dialled = Arc::new(AtomicU16::new(0));
        Dialer(Engine::Sim { net, host, dialled })
    }

    /// Connects, from the source address if one is given (`InvalidInput` if it is of the other
    /// family); `TimedOut` if that takes longer than `within`.
    pub async fn dial(
        &self,
        to: SocketAddr,
        source: Option<IpAddr>,
        within: Duration,
    ) -> io::Result<Conn> {
        if source.is_some_and(|source| source.is_ipv4() != to.is_ipv4()) {
            let why = "the source address is of another family than the destination";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let connected = async {
            match &self.0 {
                Engine::System => dial_tcp(to, source).await,
                Engine::Sim { net, host, dialled } => {
                    let nth = dialled.fetch_add(1, Ordering::Relaxed);
                    let port = SIM_PORTS.start + nth % (SIM_PORTS.end - SIM_PORTS.start);
                    net.dial(SocketAddr::new(source.unwrap_or(*host), port), to)
                        .await
                }
            }
        };
        timeout(within, connected).await?
    }
}

async fn dial_tcp(to: SocketAddr, source: Option<IpAddr>) -> io::Result<Conn> {
    let socket = match to.is_ipv4() {
        true => TcpSocket::new_v4()?,
        false => TcpSocket::new_v6()?,
    };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(to).await?;
    Conn::tcp(stream, to, SessionEntry::apart())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Listener;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const WITHIN: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn dials_from_the_address_that_is_asked_for() {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = Listener::bind(any).await.expect("loopback is there");
        let to = listener.local_addr();
        let source = IpAddr::from(Ipv4Addr::new(127, 0, 0, 9));
        let dialer = Dialer::system();
        let conn = dialer.dial(to, Some(source), WITHIN).await;
        assert_eq!(conn.expect("it listens").local().ip(), source);
        let taken = listener.accept().await.expect("one came");
        assert_eq!(taken.peer().ip(), source);
        let other = IpAddr::from(Ipv6Addr::LOCALHOST);
        let refused = dialer.dial(to, Some(other), WITHIN).await;
        let refused = refused.expect_err("another family");
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test(start_paused = true)]
    async fn dials_in_the_simulated_network() {
        let net = SimNet::new(1);
        let at = SocketAddr::from(([192, 0, 2, 1], 25));
        let host = IpAddr::from([192, 0, 2, 9]);
        let dialer = Dialer::simulated(net.clone(), host);
        let refused = dialer.dial(at, None, WITHIN).await;
        let refused = refused.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let listener = Listener::simulated(&net, at).expect("free");
        let first = dialer.dial(at, None, WITHIN).await.expect("it listens");
        let second = dialer.dial(at, None, WITHIN).await.expect("it listens");
        assert_eq!(first.local().ip(), host);
        assert_ne!(first.local(), second.local());
        drop(listener);
        let late = dialer.dial(at, None, Duration::ZERO).await;
        let late = late.expect_err("no time at all");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
    }
}
