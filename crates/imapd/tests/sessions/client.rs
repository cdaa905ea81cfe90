//! A server in memory and clients that speak to it.

use crate::value::{Value, values};
use bytes::BytesMut;
use dialogs::house::House;
use dialogs::script::Script;
use imapd::{Door, Settings};
use net::{Conn, Stop};
use std::sync::Arc;
use store::Db;
use tokio::task::JoinHandle;

pub struct Server {
    pub house: House,
    pub door: Arc<Door>,
    pub stop: Stop,
}

impl Server {
    pub async fn new() -> Server {
        Server::over(Db::memory()).await
    }

    /// Over another store than memory.
    pub async fn over(db: Db) -> Server {
        Server::with(db, "").await
    }

    /// In memory, and without history beyond what sessions need.
    pub async fn forgetful() -> Server {
        Server::with(Db::memory(), "@set mail.history_s 0\n").await
    }

    async fn with(db: Db, more: &str) -> Server {
        let script = format!(
            "# Sessions.\n@listener imap\n@account alice secret\n@account bob secret\n{more}"
        );
        let script = Script::parse("sessions", &script).unwrap();
        let house = House::over(db, &script).await.unwrap();
        let settings = Settings {
            hostname: "example.test".to_owned(),
            allow_cleartext_login: true,
            ..Settings::default()
        };
        let door = Arc::new(Door::new(house.mail.clone(), settings));
        Server {
            house,
            door,
            stop: Stop::new(),
        }
    }

    /// Forgets the history that no session needs.
    pub async fn forget(&self) {
        let admin = self.house.admin();
        self.house.mail.upkeep_now(&admin).await.unwrap();
    }

    pub fn connect(&self) -> Client {
        let (client, server) = Conn::pipe(4096);
        let session = tokio::spawn(imapd::session(server, self.door.clone(), self.stop.clone()));
        Client {
            conn: client,
            input: BytesMut::new(),
            session,
            last_tag: 0,
        }
    }

    pub async fn log_in(&self, name: &str) -> Client {
        let mut client = self.connect();
        assert!(client.response().await.starts_with(b"* OK "));
        client
            .ok(&format!("LOGIN {name}@example.test secret"))
            .await;
        client
    }

    /// A session of alice with INBOX open.
    pub async fn selected(&self) -> Client {
        let mut client = self.log_in("alice").await;
        client.ok("SELECT INBOX").await;
        client
    }
}

pub struct Client {
    pub conn: Conn,
    pub input: BytesMut,
    pub session: JoinHandle<()>,
    last_tag: u32,
}

/// What came before the tagged answer, and the answer without its tag.
pub struct Said {
    pub untagged: Vec<Vec<u8>>,
    pub answer: String,
}

impl Said {
    /// As text lines without `* `.
    pub fn lines(&self) -> Vec<String> {
        let line = |text: &Vec<u8>| String::from_utf8_lossy(&text[2..]).into_owned();
        self.untagged.iter().map(line).collect()
    }

    /// Sequence number and items of each FETCH response.
    pub fn fetched(&self) -> Vec<(u32, Vec<Value>)> {
        let responses = self.untagged.iter().map(|text| values(&text[2..]));
        let fetches =
            responses.filter(|r| matches!(r.get(1), Some(Value::Atom(w)) if w == "FETCH"));
        fetches
            .map(|r| (r[0].atom().parse().unwrap(), r[2].list().to_vec()))
            .collect()
    }

    /// The string that a FETCH of one message gave under this name.
    pub fn text_of(&self, label: &str) -> Option<Vec<u8>> {
        let fetched = self.fetched();
        let items = &fetched.first().expect("a FETCH response").1;
        item(items, label).text().map(<[u8]>::to_vec)
    }
}

/// The value behind a name of a FETCH response.
pub fn item<'a>(items: &'a [Value], label: &str) -> &'a Value {
    let mut pairs = items.chunks(2);
    let pair = pairs.find(|pair| pair[0].atom().eq_ignore_ascii_case(label));
    &pair.unwrap_or_else(|| panic!("no {label} in {items:?}"))[1]
}

impl Client {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.conn.write_all(bytes).await.unwrap();
    }

    /// One response with its literals, without its last CRLF; empty at the end.
    pub async fn response(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let line = self.line().await;
            whole.extend_from_slice(&line);
            let Some(len) = literal_at_end(&line) else {
                return whole;
            };
            while self.input.len() < len {
                assert!(
                    self.conn.read(&mut self.input).await.unwrap() > 0,
                    "a cut literal"
                );
            }
            whole.extend_from_slice(b"\r\n");
            whole.extend_from_slice(&self.input.split_to(len));
        }
    }

    async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(at) = self.input.windows(2).position(|two| two == b"\r\n") {
                let line = self.input.split_to(at + 2);
                return line[..at].to_vec();
            }
            if self.conn.read(&mut self.input).await.unwrap_or(0) == 0 {
                return Vec::new();
            }
        }
    }

    /// Sends a command and reads up to its tagged answer.
    pub async fn ask(&mut self, command: &str) -> Said {
        self.ask_bytes(command.as_bytes()).await
    }

    pub async fn ask_bytes(&mut self, command: &[u8]) -> Said {
        let tag = self.start(command).await;
        self.answer(&tag).await
    }

    /// Sends a command and gives its tag.
    pub async fn start(&mut self, command: &[u8]) -> String {
        self.last_tag += 1;
        let tag = format!("t{}", self.last_tag);
        self.send(&[tag.as_bytes(), b" ", command, b"\r\n"].concat())
            .await;
        tag
    }

    pub async fn answer(&mut self, tag: &str) -> Said {
        let mut untagged = Vec::new();
        loop {
            let response = self.response().await;
            assert!(
                !response.is_empty(),
                "the session ended; before: {untagged:?}"
            );
            if let Some(answer) = response.strip_prefix(format!("{tag} ").as_bytes()) {
                let answer = String::from_utf8_lossy(answer).into_owned();
                return Said { untagged, answer };
            }
            untagged.push(response);
        }
    }

    pub async fn ok(&mut self, command: &str) -> Said {
        let said = self.ask(command).await;
        assert!(said.answer.starts_with("OK"), "{command}: {}", said.answer);
        said
    }

    /// Appends with LITERAL+.
    pub async fn append(&mut self, mailbox: &str, message: &[u8]) -> Said {
        let head = format!("APPEND {mailbox} {{{}+}}\r\n", message.len());
        let said = self.ask_bytes(&[head.as_bytes(), message].concat()).await;
        assert!(said.answer.starts_with("OK"), "{}", said.answer);
        said
    }

    /// What the session still says, up to its end.
    pub async fn end(mut self) -> String {
        while self.conn.read(&mut self.input).await.unwrap_or(0) > 0 {}
        self.session.await.unwrap();
        String::from_utf8_lossy(&self.input).into_owned()
    }
}

fn literal_at_end(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let at = inner.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(&inner[at + 1..]).ok()?.parse().ok()
}
