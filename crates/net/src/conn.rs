//! One connection: TCP, a Unix socket, TLS over them, a pipe in memory, or one of the simulated network.
//!
//! Reads go through one scratch buffer per thread, so an idle connection holds no read buffer and
//! the caller's buffer grows only by what came. What never happens here: a protocol word.

use crate::certificate::{ClientCertificate, server_end_point};
use crate::limits::{self, READ_BYTES};
use crate::listener::UNIX_ADDRESS;
use crate::sessions::SessionEntry;
use crate::sim::SimStream;
use crate::source::Source;
use crate::stop::Stop;
use crate::tls::{TlsClient, TlsServer};
use crate::trust::{Authorities, TlsFailure, Trust, Untrusted, Verifier, Voucher};
use crate::unix::Credentials;
use bytes::BytesMut;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// A connection to one peer.
#[derive(Debug)]
pub struct Conn {
    stream: Stream,
    /// What came while somebody watched for the end; `read` gives it first.
    ahead: BytesMut,
    peer: SocketAddr,
    local: SocketAddr,
    entry: Arc<SessionEntry>,
}

/// Why work for a peer was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GivenUp {
    /// The peer has gone.
    Closed,
    /// The server stops.
    Stopped,
}

#[derive(Debug)]
enum Stream {
    Plain(Plain),
    Tls(Box<Secured>),
}

#[derive(Debug)]
struct Secured {
    stream: TlsStream<Plain>,
    /// Of the server's certificate.
    end_point: Option<Vec<u8>>,
    /// Who vouches for the server's certificate; None on the server's side.
    voucher: Option<Result<Voucher, Untrusted>>,
}

/// What TLS can run over.
#[derive(Debug)]
enum Plain {
    Tcp(TcpStream),
    Unix(UnixStream),
    Pipe(DuplexStream),
    Sim(SimStream),
}

/// A connection as a listener takes it.
#[derive(Debug)]
pub(crate) enum Incoming {
    Tcp(TcpStream),
    Unix(UnixStream),
    Sim(SimStream),
}

impl Incoming {
    /// As limits count it.
    pub(crate) fn source(&self, peer: SocketAddr) -> Source {
        let user = match self {
            Incoming::Unix(stream) => Credentials::of(stream),
            Incoming::Tcp(_) | Incoming::Sim(_) => None,
        };
        user.map_or_else(|| Source::of(peer.ip()), Source::of_user)
    }
}

/// What was agreed in a TLS handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsInfo {
    /// `TLSv1.2` or `TLSv1.3`
    pub version: &'static str,
    /// IANA's name of the cipher suite, such as `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The name that the client asked for; None on the client's side.
    pub sni: Option<String>,
    /// Who vouches for the server, or why nobody does; None on the server's side.
    pub voucher: Option<Result<Voucher, Untrusted>>,
}

/// What both ends of a TLS connection know, and nobody between them. [rfc5056 2.1]
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ChannelBindings {
    /// `tls-exporter`; None below TLS 1.3, where it cannot be trusted in every case [rfc9266 3]
    pub exporter: Option<[u8; 32]>,
    /// `tls-server-end-point` [rfc5929 4.1]
    pub server_end_point: Option<Vec<u8>>,
}

impl Conn {
    pub(crate) fn tcp(
        stream: TcpStream,
        peer: SocketAddr,
        entry: Arc<SessionEntry>,
    ) -> io::Result<Conn> {
        // replies are written whole, so waiting for more to send only costs time
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok(Conn {
            stream: Stream::Plain(Plain::Tcp(stream)),
            ahead: BytesMut::new(),
            peer: canonical(peer),
            local,
            entry,
        })
    }

    pub(crate) fn unix(stream: UnixStream, entry: Arc<SessionEntry>) -> Conn {
        Conn {
            stream: Stream::Plain(Plain::Unix(stream)),
            ahead: BytesMut::new(),
            peer: UNIX_ADDRESS,
            local: UNIX_ADDRESS,
            entry,
        }
    }

    /// Its place among the sessions that run; of its own where no listener took it.
    pub fn session(&self) -> &Arc<SessionEntry> {
        &self.entry
    }

    pub(crate) fn simulated(
        stream: SimStream,
        (peer, local): (SocketAddr, SocketAddr),
        entry: Arc<SessionEntry>,
    ) -> Conn {
        Conn {
            stream: Stream::Plain(Plain::Sim(stream)),
            ahead: BytesMut::new(),
            peer,
            local,
            entry,
        }
    }

    /// What a listener took; from now on the session of the entry.
    pub(crate) fn accepted(
        stream: Incoming,
        peer: SocketAddr,
        entry: Arc<SessionEntry>,
    ) -> io::Result<Conn> {
        match stream {
            Incoming::Tcp(stream) => Conn::tcp(stream, peer, entry),
            Incoming::Unix(stream) => Ok(Conn::unix(stream, entry)),
            Incoming::Sim(stream) => {
                let local = stream.server();
                Ok(Conn::simulated(stream, (peer, local), entry))
            }
        }
    }

    /// Two ends in memory, for tests and simulation, each with a buffer of `limit` octets. The
    /// addresses are 127.0.0.1 with ports 40,000 (first end) and 1 (second end).
    pub fn pipe(limit: usize) -> (Conn, Conn) {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Conn::pipe_between(at(40_000), at(1), limit)
    }

    /// As `pipe`: the first end is the one of `client`, the second the one of `server`.
    pub fn pipe_between(client: SocketAddr, server: SocketAddr, limit: usize) -> (Conn, Conn) {
        let (a, b) = tokio::io::duplex(limit);
        let end = |pipe, peer, local| Conn {
            stream: Stream::Plain(Plain::Pipe(pipe)),
            ahead: BytesMut::new(),
            peer,
            local,
            entry: SessionEntry::apart(),
        };
        (end(a, server, client), end(b, client, server))
    }

    /// The other side's address; an IPv4 address is never shown as an IPv6 one.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Who is at the other end of a Unix socket; None for every other connection.
    pub fn credentials(&self) -> Option<Credentials> {
        match &self.stream {
            Stream::Plain(Plain::Unix(stream)) => Credentials::of(stream),
            _ => None,
        }
    }

    /// Appends what has come, at most READ_BYTES; 0 = end. Cancel-safe: nothing is lost if the
    /// future is dropped. A peer that leaves TLS without a goodbye has ended as well: no protocol
    /// of mail takes the end of a connection for the end of a message.
    pub async fn read(&mut self, buf: &mut BytesMut) -> io::Result<usize> {
        let came = if self.ahead.is_empty() {
            self.stream.read(buf).await?
        } else {
            let ahead = std::mem::take(&mut self.ahead);
            buf.extend_from_slice(&ahead);
            ahead.len()
        };
        self.entry.took(came);
        Ok(came)
    }

    /// Does what the peer waits for, which may take seconds; gives it up once the peer has gone or
    /// the server stops. The work must bear to be dropped.
    pub async fn attend<T>(
        &mut self,
        stop: &Stop,
        work: impl Future<Output = T>,
    ) -> Result<T, GivenUp> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = stop.stopped() => Err(GivenUp::Stopped),
            () = self.closed() => Err(GivenUp::Closed),
        }
    }

    /// Returns once the peer has gone: at once if the connection was reset, HALF_CLOSED after it
    /// said that it sends no more (it may still read). What comes meanwhile is kept for `read`, up
    /// to READ_BYTES; the end of a peer that has sent more is not seen. Cancel-safe.
    async fn closed(&mut self) {
        loop {
            if self.ahead.len() >= READ_BYTES {
                return pending().await;
            }
            match self.stream.read(&mut self.ahead).await {
                Ok(1..) => {}
                Ok(0) => return sleep(limits::HALF_CLOSED).await,
                Err(_) => return,
            }
        }
    }

    /// Writes and flushes. A peer that takes nothing for WRITE_STALL gets `TimedOut`. Not
    /// cancel-safe: a part may be written.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(plain) => write_and_flush(plain, bytes).await,
            Stream::Tls(tls) => write_and_flush(&mut tls.stream, bytes).await,
        }?;
        self.entry.gave(bytes.len());
        Ok(())
    }

    /// Server side of the handshake; `TimedOut` after HANDSHAKE. If it fails, no connection in the
    /// clear is left [rfc3501 11.1] [rfc9051 11.1].
    pub async fn start_tls(self, tls: &TlsServer) -> io::Result<Conn> {
        let entry = self.entry.clone();
        // in a box that goes: who waits for the peer's next word needs no room for a handshake
        let shaken = Box::pin(self.shake_hands(tls)).await;
        match &shaken {
            Ok(conn) => entry.secured(conn.tls()),
            Err(_) => entry.handshake_failed(),
        }
        shaken
    }

    async fn shake_hands(self, tls: &TlsServer) -> io::Result<Conn> {
        let handshake = TlsAcceptor::from(tls.config.clone()).accept(self.stream.plain()?);
        let stream = timeout(limits::HANDSHAKE, handshake).await??;
        let end_point = tls.end_point(stream.get_ref().1.server_name());
        let secured = Secured {
            stream: TlsStream::Server(stream),
            end_point,
            voucher: None,
        };
        Ok(Conn {
            stream: Stream::Tls(Box::new(secured)),
            // what came in the clear counts for nothing under TLS
            ahead: BytesMut::new(),
            ..self
        })
    }

    /// Client side of the handshake; the server must prove that it is `name`.
    pub async fn connect_tls(self, tls: &TlsClient, name: &str) -> io::Result<Conn> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let mut conn = self.shake_hands_as_client(tls.0.clone(), name).await?;
        conn.vouched(Some(Ok(Voucher::Authority)));
        Ok(conn)
    }

    /// Client side of the handshake between mail servers; the server, asked for by the name of its
    /// host, must show what `trust` demands. What it showed is in `TlsInfo`.
    pub async fn connect_trusting(
        self,
        trust: Trust,
        authorities: &Authorities,
        host: &str,
    ) -> Result<Conn, TlsFailure> {
        // a host without a name that TLS can carry is asked for none [rfc6066 3]
        let peer = self.peer.ip();
        let name = host.strip_suffix('.').unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).unwrap_or_else(|_| ServerName::from(peer));
        let verifier = Verifier::new(trust, authorities);
        match self.shake_hands_as_client(verifier.config(), name).await {
            Ok(mut conn) => {
                conn.vouched(verifier.found());
                Ok(conn)
            }
            Err(error) => Err(match verifier.refused() {
                Some(why) => TlsFailure::Untrusted(why),
                None => TlsFailure::Handshake(error),
            }),
        }
    }

    fn vouched(&mut self, voucher: Option<Result<Voucher, Untrusted>>) {
        if let Stream::Tls(secured) = &mut self.stream {
            secured.voucher = voucher;
        }
    }

    async fn shake_hands_as_client(
        self,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Conn> {
        let handshake = TlsConnector::from(config).connect(name, self.stream.plain()?);
        let stream = timeout(limits::HANDSHAKE, handshake).await??;
        let shown = stream.get_ref().1.peer_certificates();
        let secured = Secured {
            end_point: shown.and_then(|chain| server_end_point(chain.first()?)),
            stream: TlsStream::Client(stream),
            voucher: None,
        };
        Ok(Conn {
            stream: Stream::Tls(Box::new(secured)),
            // what came in the clear counts for nothing under TLS
            ahead: BytesMut::new(),
            ..self
        })
    }

    /// What TLS agreed on; None without TLS.
    pub fn tls(&self) -> Option<TlsInfo> {
        let Stream::Tls(secured) = &self.stream else {
            return None;
        };
        let (_, state) = secured.stream.get_ref();
        let version = match state.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            _ => "TLS",
        };
        let cipher = state
            .negotiated_cipher_suite()
            .map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
            .unwrap_or_default();
        let sni = match &secured.stream {
            TlsStream::Server(server) => server.get_ref().1.server_name().map(str::to_owned),
            TlsStream::Client(_) => None,
        };
        Some(TlsInfo {
            version,
            cipher,
            sni,
            voucher: secured.voucher.clone(),
        })
    }

    /// What a login may bind itself to; nothing without TLS.
    pub fn channel_bindings(&self) -> ChannelBindings {
        let Stream::Tls(secured) = &self.stream else {
            return ChannelBindings::default();
        };
        // [rfc9266 2] label, no context, 32 octets
        let label = b"EXPORTER-Channel-Binding";
        let exported = match &secured.stream {
            TlsStream::Server(s) => s.get_ref().1.export_keying_material([0; 32], label, None),
            TlsStream::Client(s) => s.get_ref().1.export_keying_material([0; 32], label, None),
        };
        let (_, state) = secured.stream.get_ref();
        let is_1_3 = state.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        ChannelBindings {
            exporter: exported.ok().filter(|_| is_1_3),
            server_end_point: secured.end_point.clone(),
        }
    }

    /// The certificate that the client showed, if it was asked for one and did.
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        let Stream::Tls(secured) = &self.stream else {
            return None;
        };
        let TlsStream::Server(server) = &secured.stream else {
            return None;
        };
        let chain = server.get_ref().1.peer_certificates()?;
        ClientCertificate::read(chain.first()?)
    }

    /// Says goodbye (close_notify under TLS) and closes; errors do not matter any more. What the
    /// peer sent meanwhile is thrown away, because closing on unread octets makes the system send
    /// a reset, which can take our last reply from the peer.
    pub async fn close(mut self) {
        let goodbye = async {
            match &mut self.stream {
                Stream::Plain(plain) => plain.shutdown().await,
                Stream::Tls(tls) => tls.stream.shutdown().await,
            }
        };
        if let Ok(Ok(())) = timeout(limits::CLOSE, goodbye).await {
            self.discard_received().await;
        }
    }

    /// Throws away what has already come, without waiting for more.
    async fn discard_received(&mut self) {
        let mut discarded = 0;
        poll_fn(|cx| {
            SCRATCH.with_borrow_mut(|scratch| {
                while discarded < limits::DISCARD_BYTES {
                    let mut into = ReadBuf::new(scratch);
                    match self.stream.poll_read(cx, &mut into) {
                        Poll::Ready(Ok(())) if !into.filled().is_empty() => {
                            discarded += into.filled().len();
                        }
                        _ => break,
                    }
                }
                Poll::Ready(())
            })
        })
        .await;
    }
}

/// For libraries that drive a connection themselves.
impl AsyncRead for Conn {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let conn = self.get_mut();
        if !conn.ahead.is_empty() {
            let len = conn.ahead.len().min(buf.remaining());
            buf.put_slice(&conn.ahead.split_to(len));
            conn.entry.took(len);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(conn.stream.poll_read(cx, buf))?;
        conn.entry.took(buf.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Conn {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let conn = self.get_mut();
        let written = match &mut conn.stream {
            Stream::Plain(plain) => ready!(Pin::new(plain).poll_write(cx, bytes)),
            Stream::Tls(tls) => ready!(Pin::new(&mut tls.stream).poll_write(cx, bytes)),
        }?;
        conn.entry.gave(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(plain) => Pin::new(plain).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(&mut tls.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(plain) => Pin::new(plain).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(&mut tls.stream).poll_shutdown(cx),
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Each step must get somewhere within WRITE_STALL; the timer is armed only if the peer is slow.
async fn write_and_flush<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        let taken = timeout(limits::WRITE_STALL, stream.write(left)).await??;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        left = &left[taken..];
    }
    timeout(limits::WRITE_STALL, stream.flush()).await?
}

impl Stream {
    fn plain(self) -> io::Result<Plain> {
        match self {
            Stream::Plain(plain) => Ok(plain),
            Stream::Tls(_) => Err(io::Error::other("TLS was started already")),
        }
    }

    async fn read(&mut self, buf: &mut BytesMut) -> io::Result<usize> {
        let came = poll_fn(|cx| {
            SCRATCH.with_borrow_mut(|scratch| {
                let mut into = ReadBuf::new(scratch);
                ready!(self.poll_read(cx, &mut into))?;
                buf.extend_from_slice(into.filled());
                Poll::Ready(io::Result::Ok(into.filled().len()))
            })
        });
        match came.await {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Plain(plain) => Pin::new(plain).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(&mut tls.stream).poll_read(cx, buf),
        }
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Plain::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Plain::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
            Plain::Pipe(pipe) => Pin::new(pipe).poll_read(cx, buf),
            Plain::Sim(sim) => Pin::new(sim).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Plain::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Plain::Unix(unix) => Pin::new(unix).poll_write(cx, bytes),
            Plain::Pipe(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            Plain::Sim(sim) => Pin::new(sim).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Plain::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Plain::Unix(unix) => Pin::new(unix).poll_flush(cx),
            Plain::Pipe(pipe) => Pin::new(pipe).poll_flush(cx),
            Plain::Sim(sim) => Pin::new(sim).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Plain::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Plain::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
            Plain::Pipe(pipe) => Pin::new(pipe).poll_shutdown(cx),
            Plain::Sim(sim) => Pin::new(sim).poll_shutdown(cx),
        }
    }
}
