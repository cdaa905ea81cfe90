//! A server that does what a test says, in the simulated network.
//!
//! What never happens here: a judgement on what the client says.

use bytes::BytesMut;
use net::{Conn, Listener, SimNet, TlsServer};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// What is done when a line comes.
#[derive(Clone, Debug)]
pub enum Act {
    Say(&'static str),
    /// The last word.
    Last(&'static str),
    Cut,
    /// Nothing, for ever.
    Silence,
}

/// How a server behaves; lines that no row begins like get the usual answer.
#[derive(Clone, Default)]
pub struct Script {
    pub greeting: Option<Act>,
    pub ehlo: &'static str,
    /// What a line begins with, and what is done. `<dot>` is the end of the content, `<content>` its
    /// first line.
    pub rows: Vec<(&'static str, Act)>,
    pub tls: Option<TlsServer>,
    /// A TLS handshake that ends in nothing.
    pub breaks_tls: bool,
    /// Recipients of one transaction.
    pub most_recipients: Option<usize>,
    /// The connection is cut after so many transactions, while nobody speaks.
    pub leaves_after: Option<usize>,
}

/// What a server has seen.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
    pub fn count(&self, begin: &str) -> usize {
        self.lines().iter().filter(|l| l.starts_with(begin)).count()
    }
    /// The messages that were taken.
    pub fn messages(&self) -> Vec<String> {
        let lines = self.lines();
        let taken = lines.iter().filter_map(|line| line.strip_prefix("taken: "));
        taken.map(str::to_owned).collect()
    }
}

pub fn start(net: &SimNet, at: &str, script: Script) -> Seen {
    let at: SocketAddr = at.parse().unwrap();
    let listener = Listener::simulated(net, at).unwrap();
    let seen = Seen::default();
    let noted = seen.clone();
    tokio::spawn(async move {
        while let Ok(conn) = listener.accept().await {
            noted.note("connected");
            tokio::spawn(session(conn, script.clone(), noted.clone()));
        }
    });
    seen
}

struct Session {
    conn: Conn,
    input: BytesMut,
    script: Script,
    seen: Seen,
}

/// The connection ends.
struct End;

async fn session(conn: Conn, script: Script, seen: Seen) {
    let mut session = Session {
        conn,
        input: BytesMut::new(),
        script,
        seen,
    };
    let _ = session.run().await;
}

impl Session {
    async fn run(&mut self) -> Result<(), End> {
        let greeting = self.script.greeting.clone();
        self.act(greeting.unwrap_or(Act::Say("220 there"))).await?;
        let (mut recipients, mut transactions) = (0, 0);
        loop {
            let line = self.line().await?;
            self.seen.note(line.clone());
            let row = self
                .script
                .rows
                .iter()
                .find(|(begin, _)| line.starts_with(begin));
            let row = row.map(|(_, act)| act.clone());
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            if word == "RCPT" {
                recipients += 1;
                if self
                    .script
                    .most_recipients
                    .is_some_and(|most| recipients > most)
                {
                    self.say("452 4.5.3 too many").await?;
                    continue;
                }
            }
            if ["MAIL", "RSET"].contains(&word.as_str()) {
                recipients = 0;
            }
            if let Some(act) = row {
                self.act(act).await?;
                continue;
            }
            match word.as_str() {
                "EHLO" | "LHLO" => {
                    let ehlo = self.script.ehlo;
                    self.say(if ehlo.is_empty() { "250 there" } else { ehlo })
                        .await?;
                }
                "STARTTLS" => self.start_tls().await?,
                "DATA" => {
                    self.say("354 go on").await?;
                    self.content(recipients).await?;
                    transactions += 1;
                    if self.script.leaves_after == Some(transactions) {
                        return Err(End);
                    }
                }
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Ok(());
                }
                _ => self.say("250 2.0.0 ok").await?,
            }
        }
    }

    async fn content(&mut self, recipients: usize) -> Result<(), End> {
        let row = |begin| {
            let row = self.script.rows.iter().find(|(own, _)| *own == begin);
            row.map(|(_, act)| act.clone())
        };
        let (early, dot) = (row("<content>"), row("<dot>"));
        let mut message = String::new();
        loop {
            let line = self.line().await?;
            if let Some(act) = &early {
                self.act(act.clone()).await?;
                return Ok(());
            }
            if line == "." {
                break;
            }
            message.push_str(&line);
            message.push('\n');
        }
        self.seen.note(".");
        match dot {
            Some(act) => self.act(act).await,
            None => {
                self.seen.note(format!("taken: {message}"));
                let each = match self.seen.count("LHLO") {
                    0 => 1,
                    _ => recipients,
                };
                for _ in 0..each {
                    self.say("250 2.6.0 taken").await?;
                }
                Ok(())
            }
        }
    }

    async fn start_tls(&mut self) -> Result<(), End> {
        self.say("220 go on").await?;
        if self.script.breaks_tls {
            self.say("this is no TLS").await?;
            return Err(End);
        }
        let tls = self.script.tls.clone().ok_or(End)?;
        let (conn, _) = Conn::pipe(16);
        let clear = std::mem::replace(&mut self.conn, conn);
        self.conn = clear.start_tls(&tls).await.map_err(|_| End)?;
        self.input.clear();
        Ok(())
    }

    async fn act(&mut self, act: Act) -> Result<(), End> {
        match act {
            Act::Say(line) => self.say(line).await,
            Act::Last(line) => self.say(line).await.and(Err(End)),
            Act::Cut => Err(End),
            Act::Silence => std::future::pending().await,
        }
    }

    async fn say(&mut self, line: &str) -> Result<(), End> {
        let line = format!("{line}\r\n");
        self.conn.write_all(line.as_bytes()).await.map_err(|_| End)
    }

    async fn line(&mut self) -> Result<String, End> {
        loop {
            if let Some(at) = self.input.windows(2).position(|two| two == b"\r\n") {
                let line = self.input.split_to(at + 2);
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            match self.conn.read(&mut self.input).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(End),
            }
        }
    }
}
