//! Sockets: listening, accepting, dialling.
//!
//! What never happens here: bounds on connections, which are in `serve`.

use crate::conn::{Conn, Incoming};
use crate::limits;
use crate::sessions::{SessionEntry, Sessions};
use crate::sim::{SimListener, SimNet, SimStream};
use crate::unix::{self, SocketFile};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::timeout;

/// A listening TCP or Unix socket, or its like in the simulated network.
#[derive(Debug)]
pub struct Listener {
    socket: Socketlike,
    local: SocketAddr,
    name: &'static str,
    sessions: Sessions,
}

#[derive(Debug)]
enum Socketlike {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
    Sim(SimListener),
}

/// The address that peers and listeners of Unix sockets show: this machine.
pub(crate) const UNIX_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where a listener is, for people: an address with a port, or a path.
pub struct Place<'a>(&'a Listener);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.path() {
            Some(path) => write!(f, "{}", path.display()),
            None => write!(f, "{}", self.0.local),
        }
    }
}

/// A TCP port that is ours, before there is a runtime that could accept from it: who begins as root
/// takes ports first and starts threads when root's rights are gone.
#[derive(Debug)]
pub struct Port {
    socket: std::net::TcpListener,
    local: SocketAddr,
}

impl Port {
    /// Binds and listens. An IPv6 address takes IPv6 only: `[::]` and `0.0.0.0` are two ports.
    pub fn bind(at: SocketAddr) -> io::Result<Port> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // a restart must not wait for connections of the last run to time out
        socket.set_reuse_address(true)?;
        socket.bind(&at.into())?;
        socket.listen(limits::BACKLOG)?;
        Port::given(socket.into())
    }

    /// A socket that somebody else bound for us and that listens already.
    pub fn given(socket: std::net::TcpListener) -> io::Result<Port> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        Ok(Port { socket, local })
    }

    /// Where it listens; the port is the real one even if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

impl Listener {
    /// Binds and listens. An IPv6 address takes IPv6 only: `[::]` and `0.0.0.0` are two listeners.
    pub async fn bind(at: SocketAddr) -> io::Result<Listener> {
        Listener::on(Port::bind(at)?).await
    }

    /// Accepts from a port from now on. Asynchronous because it needs the runtime.
    pub async fn on(port: Port) -> io::Result<Listener> {
        Ok(Listener {
            socket: Socketlike::Tcp(TcpListener::from_std(port.socket)?),
            local: port.local,
            name: "listener",
            sessions: Sessions::default(),
        })
    }

    /// Listens at a path for programs on this machine that `mode` lets write to the socket's file.
    /// The system takes 107 octets of path (`InvalidInput` if there are more).
    pub fn bind_unix(path: &Path, mode: u32) -> io::Result<Listener> {
        let (socket, file) = unix::bind(path, mode)?;
        Ok(Listener {
            socket: Socketlike::Unix(socket, file),
            local: UNIX_ADDRESS,
            name: "listener",
            sessions: Sessions::default(),
        })
    }

    /// Listens in the simulated network.
    pub fn simulated(net: &SimNet, at: SocketAddr) -> io::Result<Listener> {
        Ok(Listener {
            socket: Socketlike::Sim(net.listen(at)?),
            local: at,
            name: "listener",
            sessions: Sessions::default(),
        })
    }

    /// The path of a Unix socket.
    pub fn path(&self) -> Option<&Path> {
        match &self.socket {
            Socketlike::Unix(_, file) => Some(file.path()),
            Socketlike::Tcp(_) | Socketlike::Sim(_) => None,
        }
    }

    /// Where it listens, for people.
    pub fn place(&self) -> Place<'_> {
        Place(self)
    }

    /// Gives it a name, and its sessions a place in the list of all.
    pub fn named(mut self, name: &'static str, sessions: &Sessions) -> Listener {
        self.name = name;
        self.sessions = sessions.clone();
        self
    }

    /// What it was named.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Where it listens; the port is the real one even if port 0 was asked for. A Unix socket's is
    /// this machine, port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. Cancel-safe.
    pub async fn accept(&self) -> io::Result<Conn> {
        let (stream, peer) = self.accept_stream().await?;
        Conn::accepted(stream, peer, SessionEntry::apart())
    }

    pub(crate) async fn accept_stream(&self) -> io::Result<(Incoming, SocketAddr)> {
        match &self.socket {
            Socketlike::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                Ok((Incoming::Tcp(stream), peer))
            }
            Socketlike::Unix(socket, _) => {
                let (stream, _) = socket.accept().await?;
                Ok((Incoming::Unix(stream), UNIX_ADDRESS))
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
    Conn::tcp(stream, to, SessionEntry::apart())
}

/// Connects to a Unix socket.
pub async fn dial_unix(path: &Path) -> io::Result<Conn> {
    let stream = timeout(limits::DIAL, UnixStream::connect(path)).await??;
    Ok(Conn::unix(stream, SessionEntry::apart()))
}

/// Says a last word without ever waiting: what does not fit into the socket's buffer is not said.
pub(crate) fn send_last_word(stream: Incoming, word: &[u8]) {
    match stream {
        Incoming::Tcp(stream) => say_and_shut(&SockRef::from(&stream), word),
        Incoming::Unix(stream) => say_and_shut(&SockRef::from(&stream), word),
        Incoming::Sim(stream) => SimStream::say_last(stream, word),
    }
}

fn say_and_shut(socket: &SockRef<'_>, word: &[u8]) {
    // Whom we turn away may be gone already; there is nothing to do about it.
    let _ = socket.send(word);
    let _ = socket.shutdown(std::net::Shutdown::Write);
}
