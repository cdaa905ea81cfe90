//! A connection with TLS or without.
//!
//! Never here: a look at certificates. What is measured is on this machine, and its certificates
//! are its own.

use crate::Outcome;
use bytes::BytesMut;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// A pipe to a door in this process, and what it gave beyond what was asked for.
    Inside(Box<net::Conn>, BytesMut),
}

impl Stream {
    pub async fn plain(at: SocketAddr) -> Outcome<Stream> {
        connect(at).await.map(Stream::Plain)
    }

    pub async fn tls(at: SocketAddr) -> Outcome<Stream> {
        let plain = connect(at).await?;
        let connector = TlsConnector::from(settings().clone());
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        let tls = connector.connect(name, plain).await;
        let tls = tls.map_err(|error| format!("{at}: TLS: {error}"))?;
        Ok(Stream::Tls(Box::new(tls)))
    }

    pub fn inside(conn: net::Conn) -> Stream {
        Stream::Inside(Box::new(conn), BytesMut::new())
    }

    pub async fn read(&mut self, room: &mut [u8]) -> Outcome<usize> {
        let read = match self {
            Stream::Plain(stream) => stream.read(room).await,
            Stream::Tls(stream) => stream.read(room).await,
            Stream::Inside(conn, ahead) => inside(conn, ahead, room).await,
        };
        read.map_err(|error| format!("reading: {error}"))
    }

    pub async fn write_all(&mut self, bytes: &[u8]) -> Outcome<()> {
        let written = match self {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => match stream.write_all(bytes).await {
                Ok(()) => stream.flush().await,
                error => error,
            },
            Stream::Inside(conn, _) => conn.write_all(bytes).await,
        };
        written.map_err(|error| format!("writing: {error}"))
    }
}

async fn inside(
    conn: &mut net::Conn,
    ahead: &mut BytesMut,
    room: &mut [u8],
) -> std::io::Result<usize> {
    if ahead.is_empty() {
        conn.read(ahead).await?;
    }
    let count = room.len().min(ahead.len());
    room[..count].copy_from_slice(&ahead.split_to(count));
    Ok(count)
}

async fn connect(at: SocketAddr) -> Outcome<TcpStream> {
    let stream = TcpStream::connect(at).await;
    let stream = stream.map_err(|error| format!("{at}: {error}"))?;
    // Commands are small and awaited.
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    Ok(stream)
}

/// One for all connections. Tickets are left alone: each session pays its own handshake.
fn settings() -> &'static Arc<ClientConfig> {
    static SETTINGS: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("because ring knows them");
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    })
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
