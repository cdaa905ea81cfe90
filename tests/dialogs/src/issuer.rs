//! An issuer of tokens for tests: a small web server on loopback, and a key that signs.
//!
//! Never here: a decision on a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::BytesMut;
use net::{Conn, Listener};
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A web server whose pages are JSON. It ends with the test's runtime.
#[derive(Clone)]
pub struct Web {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// By path; a form that was posted stands behind it, after a space.
    pages: BTreeMap<String, String>,
    requests: Vec<String>,
}

impl Web {
    pub async fn start() -> std::io::Result<Web> {
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let web = Web {
            url: format!("http://{}", listener.local_addr()),
            shared: Arc::default(),
        };
        let server = web.clone();
        tokio::spawn(async move {
            while let Ok(conn) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.serve(conn).await });
            }
        });
        Ok(web)
    }

    pub fn put(&self, path: &str, json: impl Into<String>) {
        self.shared().pages.insert(path.to_owned(), json.into());
    }

    /// All that was asked so far, each as it was sent.
    pub fn requests(&self) -> Vec<String> {
        self.shared().requests.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut conn: Conn) {
        let mut input = BytesMut::new();
        let request = loop {
            match conn.read(&mut input).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&input).into_owned();
            if is_whole(&text) {
                break text;
            }
        };
        let reply = self.reply(&request);
        self.shared().requests.push(request);
        let _ = conn.write_all(reply.as_bytes()).await;
        conn.close().await;
    }

    fn reply(&self, request: &str) -> String {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let form = request.split_once("\r\n\r\n").map_or("", |(_, form)| form);
        let name = match form {
            "" => path.to_owned(),
            form => format!("{path} {form}"),
        };
        match self.shared().pages.get(&name) {
            Some(json) => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                 Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{json}\r\n0\r\n\r\n",
                json.len()
            ),
            None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        }
    }
}

/// The header is there, and as much of a form as it says.
fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    body.len() >= length
}

/// A key that signs tokens, the same for the same number.
pub struct Signer {
    id: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub fn new(number: u8) -> Signer {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[number; 32]);
        Signer {
            id: format!("key{number}"),
            pair: pair.expect("because a seed has 32 octets"),
        }
    }

    /// A set with this key alone, as issuers publish it.
    pub fn key_set(&self) -> String {
        let point = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"{}","x":"{point}"}}]}}"#,
            self.id
        )
    }

    /// A token with these claims, which are a JSON object.
    pub fn token(&self, claims: &str) -> String {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, self.id);
        self.token_with(&header, claims)
    }

    pub fn token_with(&self, header: &str, claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
