//! A client that speaks SMTP line by line.

use bytes::BytesMut;
use net::Conn;

pub struct Client {
    pub conn: Conn,
    input: BytesMut,
}

impl Client {
    pub fn new(conn: Conn) -> Client {
        let input = BytesMut::new();
        Client { conn, input }
    }

    pub async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.conn.write_all(octets.as_ref()).await.unwrap();
    }

    /// A line without its end; empty at the end of the connection.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.input.iter().position(|octet| *octet == b'\n') {
                let line = self.input.split_to(at + 1).to_vec();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            if self.conn.read(&mut self.input).await.unwrap_or(0) == 0 {
                return String::new();
            }
        }
    }

    /// The last line of a reply, which must begin with this.
    pub async fn expect(&mut self, begin: &str) -> String {
        loop {
            let line = self.line().await;
            if line.get(3..4) != Some("-") {
                assert!(line.starts_with(begin), "expected {begin}, got {line:?}");
                return line;
            }
        }
    }

    pub async fn ask(&mut self, line: &str, begin: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.expect(begin).await
    }
}
