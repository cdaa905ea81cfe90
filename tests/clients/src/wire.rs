//! Lines over a TCP connection.
//!
//! What never happens here: knowledge of a protocol.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No server may be silent for longer when an answer is due.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

pub struct Wire(BufReader<TcpStream>);

impl Wire {
    pub fn connect(address: &str) -> Wire {
        Wire::try_connect(address)
            .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"))
    }

    pub fn try_connect(address: &str) -> std::io::Result<Wire> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Wire(BufReader::with_capacity(1 << 16, stream)))
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes)
            .unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    /// One line without CRLF; `None` at the end of the connection.
    pub fn try_line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.0.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(Some(text.to_vec())),
            None => Err(std::io::Error::other(format!(
                "a line without CRLF: {:?}",
                String::from_utf8_lossy(&line)
            ))),
        }
    }

    pub fn line(&mut self) -> Vec<u8> {
        match self.try_line() {
            Ok(Some(line)) => line,
            Ok(None) => panic!("the connection ended"),
            Err(error) => panic!("cannot read: {error}"),
        }
    }

    pub fn text_line(&mut self) -> String {
        String::from_utf8_lossy(&self.line()).into_owned()
    }

    /// A line that must come: the end of the connection is an error.
    pub fn need_line(&mut self) -> std::io::Result<Vec<u8>> {
        self.try_line()?
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }

    pub fn try_bytes(&mut self, count: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Every line that begins with a dot gets another one, and the final dot follows.
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64);
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}
