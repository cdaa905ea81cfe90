//! A door with its house, and a client of it over a pipe. What never happens here: a test.

use bytes::BytesMut;
use dialogs::house::House;
use dialogs::script::Script;
use mail::{Access, Account, Flags, Mail, MailboxName, NewMessage};
use net::{Conn, Stop};
use pop::Unstuffer;
use popd::{ClearText, Door, Settings};
use std::net::SocketAddr;
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

    pub async fn over(db: Db) -> Server {
        let script = "# Sessions.\n@listener pop3\n@account alice secret\n@account bob secret\n";
        let script = Script::parse("sessions", script).unwrap();
        let house = House::over(db, &script).await.unwrap();
        let mut settings = Settings::new("example.test");
        settings.clear_text = ClearText::Allowed;
        let door = Arc::new(Door::new(house.mail.clone(), None, settings));
        Server {
            house,
            door,
            stop: Stop::new(),
        }
    }

    /// The same house behind a door with other settings.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::new("example.test");
        settings.clear_text = ClearText::Allowed;
        change(&mut settings);
        self.door = Arc::new(self.door.successor(settings));
    }

    pub fn mail(&self) -> &Mail {
        &self.house.mail
    }

    pub fn account(&self, name: &str) -> Account {
        self.house.account(name)
    }

    pub async fn put(&self, name: &str, messages: &[&[u8]]) {
        let mut new = Vec::new();
        for octets in messages {
            let mut writer = self.mail().new_body().await.unwrap();
            writer.write(octets).await.unwrap();
            let body = writer.finish(&[]).await.unwrap();
            new.push(NewMessage {
                body,
                flags: Flags::default(),
                internal_date: None,
            });
        }
        let inbox = MailboxName::inbox();
        self.account(name).append(&inbox, new).await.unwrap();
    }

    pub async fn uids(&self, name: &str) -> Vec<u32> {
        let inbox = MailboxName::inbox();
        let view = self
            .account(name)
            .select(&inbox, Access::ReadOnly)
            .await
            .unwrap();
        view.uids().iter().collect()
    }

    pub fn connect(&self) -> Client {
        self.through(Conn::pipe(4096))
    }

    /// A client that comes from this address.
    pub fn connect_from(&self, peer: SocketAddr) -> Client {
        let here = SocketAddr::from(([127, 0, 0, 1], 110));
        self.through(Conn::pipe_between(peer, here, 4096))
    }

    fn through(&self, (client, server): (Conn, Conn)) -> Client {
        let session = tokio::spawn(popd::session(server, self.door.clone(), self.stop.clone()));
        Client {
            conn: client,
            input: BytesMut::new(),
            session,
        }
    }

    pub async fn log_in(&self, name: &str) -> Client {
        let mut client = self.connect();
        assert!(client.line().await.starts_with("+OK "));
        client.ok(&format!("USER {name}@example.test")).await;
        client.ok("PASS secret").await;
        client
    }
}

pub struct Client {
    pub conn: Conn,
    pub input: BytesMut,
    pub session: JoinHandle<()>,
}

impl Client {
    pub async fn say(&mut self, line: &str) {
        self.conn
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
    }

    /// A line with its end; empty at the end of the connection.
    pub async fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.input.iter().position(|b| *b == b'\n') {
                return String::from_utf8(self.input.split_to(at + 1).to_vec()).unwrap();
            }
            if self.conn.read(&mut self.input).await.unwrap() == 0 {
                return String::new();
            }
        }
    }

    pub async fn ask(&mut self, line: &str) -> String {
        self.say(line).await;
        self.line().await.trim_end().to_owned()
    }

    pub async fn ok(&mut self, line: &str) -> String {
        let answer = self.ask(line).await;
        let text = answer
            .strip_prefix("+OK")
            .unwrap_or_else(|| panic!("{line}: {answer}"));
        text.trim_start().to_owned()
    }

    pub async fn err(&mut self, line: &str) -> String {
        let answer = self.ask(line).await;
        assert!(answer.starts_with("-ERR"), "{line}: {answer}");
        answer
    }

    /// The content of a multi-line answer, as sent before stuffing.
    pub async fn content(&mut self, line: &str) -> (String, Vec<u8>) {
        let first = self.ok(line).await;
        let (mut unstuffer, mut content) = (Unstuffer::new(), Vec::new());
        loop {
            let read = unstuffer.push(&self.input, &mut content);
            let _ = self.input.split_to(read);
            if unstuffer.is_ended() {
                return (first, content);
            }
            assert!(
                self.conn.read(&mut self.input).await.unwrap() > 0,
                "{line}: cut"
            );
        }
    }

    /// The session's end, after what it still says.
    pub async fn end(mut self) -> String {
        while self.conn.read(&mut self.input).await.unwrap_or(0) > 0 {}
        self.session.await.unwrap();
        String::from_utf8_lossy(&self.input).into_owned()
    }
}
