//! A hostile peer's connection: plain or with TLS, from an address of its own, with a bound on how
//! long it waits for anything.
//!
//! What never happens here: an attack; these are its tools.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use std::io::Result;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// A server that does not answer for so long is left alone.
const PATIENCE: Duration = Duration::from_secs(5);

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub struct Peer(Box<dyn Stream>);

/// A TCP connection from 127.66.x.y, so that honest programs have an address of their own.
pub async fn tcp(at: SocketAddr, from: u64) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let [low, high, ..] = from.to_le_bytes();
    let own = Ipv4Addr::new(127, 66, high, low.max(1));
    socket.bind(SocketAddr::from((own, 0)))?;
    timeout(PATIENCE, socket.connect(at)).await?
}

impl Peer {
    pub async fn plain(at: SocketAddr, from: u64) -> Result<Peer> {
        Ok(Peer(Box::new(tcp(at, from).await?)))
    }

    pub async fn tls(at: SocketAddr, from: u64) -> Result<Peer> {
        let stream = tcp(at, from).await?;
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let shaken = timeout(PATIENCE, connector().connect(name, stream)).await?;
        Ok(Peer(Box::new(shaken?)))
    }

    /// An error also when the server does not take it.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        })
        .await?
    }

    /// What comes next, at most this much; empty at the end.
    pub async fn read(&mut self, most: usize) -> Result<Vec<u8>> {
        let mut buffer = vec![0; most];
        let count = timeout(PATIENCE, self.0.read(&mut buffer)).await??;
        buffer.truncate(count);
        Ok(buffer)
    }

    /// Reads until these octets have come; the connection's end is an error.
    pub async fn until(&mut self, mark: &[u8]) -> Result<()> {
        let mut tail = Vec::new();
        loop {
            let piece = self.read(16 * 1024).await?;
            if piece.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            tail.extend_from_slice(&piece);
            if tail.windows(mark.len()).any(|window| window == mark) {
                return Ok(());
            }
            let surplus = tail.len().saturating_sub(mark.len());
            tail.drain(..surplus);
        }
    }

    /// Sends and waits for a mark.
    pub async fn ask(&mut self, bytes: &[u8], mark: &[u8]) -> Result<()> {
        self.send(bytes).await?;
        self.until(mark).await
    }
}

fn connector() -> TlsConnector {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("because ring knows both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// An attacker does not care whose server it is.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
