//! Sockets: listening, accepting, dialling.
//!
//! What never happens here: bounds on connections, which are in `serve`.

use crate::conn::{Conn, Incoming};
use crate::limits;
use crate::sim::{SimListener, SimNet, SimStream};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A listening TCP socket, or its like in the simulated network.
#[derive(Debug)]
pub struct Listener {
    socket: Socketlike,
    local: SocketAddr,
}

#[derive(Debug)]
enum Socketlike {
    Tcp(TcpListener),
    Sim(SimListener),
}

impl Listener {
    /// Binds and listens. An IPv6 address takes IPv6 only: `[::]` and `0.0.0.0` are two listeners.
    pub async fn bind(at: SocketAddr) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // a restart must not wait for connections of the last run to time out
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&at.into())?;
        socket.listen(limits::BACKLOG)?;
        let socket = TcpListener::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Listener {
            socket: Socketlike::Tcp(socket),
            local,
        })
    }

    /// Listens in the simulated network.
    pub fn simulated(net: &SimNet, at: SocketAddr) -> io::Result<Listener> {
        Ok(Listener {
            socket: Socketlike::Sim(net.listen(at)?),
            local: at,
        })
    }

    /// Where it listens; the port is the real one even if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. Cancel-safe.
    pub async fn accept(&self) -> io::Result<Conn> {
        let (stream, peer) = self.accept_stream().await?;
        Conn::accepted(stream, peer)
    }

    pub(crate) async fn accept_stream(&self) -> io::Result<(Incoming, SocketAddr)> {
        match &self.socket {
            Socketlike::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Incoming::Tcp(stream), peer))
            }
            Socketlike::Sim(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Incoming::Sim(stream), peer))
            }
        }
    }
}

/// Connects to a TCP server.
pub async fn dial(to: SocketAddr) -> io::Result<Conn> {
    let stream = timeout(limits::DIAL, TcpStream::connect(to)).await??;
    Conn::tcp(stream, to)
}

/// Says a last word without ever waiting: what does not fit into the socket's buffer is not said.
pub(crate) fn send_last_word(stream: Incoming, word: &[u8]) {
    match stream {
        Incoming::Tcp(stream) => {
            let socket = SockRef::from(&stream);
            // Whom we turn away may be gone already; there is nothing to do about it.
            let _ = socket.send(word);
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
        Incoming::Sim(stream) => SimStream::say_last(stream, word),
    }
}
