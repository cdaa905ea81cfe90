//! The server at the other end of the road: takes mail, refuses it for now or for good, breaks off,
//! falls silent, talks nonsense, and remembers what it has taken.
//!
//! What never happens here: a judgement of what was taken (`laws`).

use crate::client::pause;
use crate::dice::Dice;
use crate::laws;
use crate::ledger::Onward;
use crate::world::{FAR, Phase, World};
use bytes::BytesMut;
use net::{Bounds, Conn, Listener, Stop};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PORT: u16 = 25;
const BOUNDS: Bounds = Bounds {
    total: 1_000,
    per_address: 1_000,
};
/// Nobody of this name has ever been there.
pub const NOBODY: &str = "nobody";
/// Refused for now, for as long as there are faults.
pub const SLOW: &str = "slow";

/// Serves until it is dropped with its runtime.
pub fn start(world: &Arc<World>) -> Result<(), String> {
    let sessions = Arc::new(AtomicU64::new(0));
    for address in FAR {
        let at = SocketAddr::new(address, PORT);
        let listener = Listener::simulated(&world.net, at).map_err(|error| error.to_string())?;
        let (world, sessions) = (world.clone(), sessions.clone());
        let session = move |conn: Conn| {
            let number = sessions.fetch_add(1, Ordering::Relaxed);
            let session = Session {
                dice: world.dice(&format!("far {number}")),
                world: world.clone(),
                who: format!("far{number}"),
                conn,
                heard: BytesMut::new(),
                unconfirmed: Vec::new(),
            };
            async move {
                // A lost connection is no news: what was taken stays taken.
                let _ = session.run().await;
            }
        };
        let stop = Stop::new();
        tokio::spawn(net::serve(listener, None, || BOUNDS, b"", stop, session));
    }
    Ok(())
}

struct Session {
    world: Arc<World>,
    who: String,
    dice: Dice,
    conn: Conn,
    heard: BytesMut,
    /// A message whose 250 was sent, and of which nobody knows yet whether that was read.
    unconfirmed: Vec<Onward>,
}

/// The connection is gone, or was ended here.
struct Over;

/// How it feels about the next answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    Later,
    Never,
    Nonsense,
    Silence,
    Leaving,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Yes,
    No,
}

/// From whom and to whom.
#[derive(Default)]
struct Transaction {
    /// Empty: nobody, and that is a sender too.
    sender: Option<String>,
    recipients: Vec<String>,
}

impl Session {
    async fn run(mut self) -> Result<(), Over> {
        pause(&self.dice, 200).await;
        if self.answer("220 far").await? == Answered::No {
            return Ok(());
        }
        let mut open = Transaction::default();
        loop {
            let line = self.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if self.dice.one_in(2) => {
                    self.answer("250-far\r\n250 PIPELINING").await?;
                }
                "EHLO" => {
                    self.answer("250 far").await?;
                }
                "MAIL" => {
                    open = Transaction::default();
                    let sender = path_in(&line);
                    match self.answer("250 2.1.0 ok").await? {
                        Answered::Yes => open.sender = Some(sender),
                        Answered::No => self.refused(&sender),
                    }
                }
                "RCPT" => self.recipient(&mut open, path_in(&line)).await?,
                // they came together, and nobody was taken
                "DATA" if open.recipients.is_empty() => self.say("554 5.5.1 nobody").await?,
                "DATA" => {
                    let open = std::mem::take(&mut open);
                    match self.answer("354 go on").await? {
                        Answered::Yes => self.content(open).await?,
                        Answered::No => self.refused(&open.sender.unwrap_or_default()),
                    }
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "RSET" => {
                    open = Transaction::default();
                    self.say("250 2.0.0 ok").await?;
                }
                _ => self.say("250 2.0.0 ok").await?,
            }
        }
    }

    /// On a report that is refused for good there is no report.
    fn refused(&self, sender: &str) {
        self.world.ledger().reports_may_be_lost |= sender.is_empty();
    }

    async fn recipient(&mut self, open: &mut Transaction, to: String) -> Result<(), Over> {
        let sender = open.sender.clone().unwrap_or_default();
        match to.split('@').next() {
            _ if open.sender.is_none() => self.say("503 5.5.1 by whom").await,
            Some(NOBODY) => self.say("550 5.1.1 nobody of that name").await,
            Some(SLOW) if self.world.phase() == Phase::Storm => {
                self.say("450 4.2.1 not while it storms").await
            }
            _ => {
                let answered = self.answer("250 2.1.5 ok").await?;
                if answered == Answered::Yes {
                    open.recipients.push(to);
                } else {
                    self.refused(&sender);
                }
                Ok(())
            }
        }
    }

    /// Bad only while there are faults.
    fn mood(&self) -> Mood {
        if self.world.phase() != Phase::Storm || !self.dice.one_in(12) {
            return Mood::Good;
        }
        match self.dice.below(12) {
            0..=5 => Mood::Later,
            6..=7 => Mood::Never,
            8 => Mood::Nonsense,
            9 => Mood::Silence,
            _ => Mood::Leaving,
        }
    }

    /// Says yes, or does what its mood is.
    async fn answer(&mut self, yes: &str) -> Result<Answered, Over> {
        let mood = self.mood();
        self.answer_in(mood, yes).await
    }

    async fn answer_in(&mut self, mood: Mood, yes: &str) -> Result<Answered, Over> {
        let no = match mood {
            Mood::Good => {
                self.say(yes).await?;
                return Ok(Answered::Yes);
            }
            Mood::Later => "451 4.3.0 not now",
            Mood::Never => "554 5.7.1 never",
            Mood::Nonsense => "what a lovely day",
            Mood::Silence => return Err(self.silence().await),
            Mood::Leaving => return Err(Over),
        };
        self.say(no).await?;
        Ok(Answered::No)
    }

    /// Until the other side has had enough.
    async fn silence(&mut self) -> Over {
        self.world.trace.note(format!("{} falls silent", self.who));
        while let Ok(1..) = self.conn.read(&mut self.heard).await {
            self.heard.clear();
        }
        Over
    }

    async fn content(&mut self, open: Transaction) -> Result<(), Over> {
        let leaves_after = match self.mood() {
            Mood::Leaving => Some(self.dice.below(8)),
            _ => None,
        };
        let mut content = Vec::new();
        for lines in 0.. {
            if leaves_after == Some(lines) {
                return Err(Over);
            }
            let line = self.line().await?;
            if line == "." {
                break;
            }
            let line = line.strip_prefix('.').unwrap_or(&line);
            content.extend_from_slice(line.as_bytes());
            content.extend_from_slice(b"\r\n");
        }
        self.take(open, &content).await
    }

    async fn take(&mut self, open: Transaction, content: &[u8]) -> Result<(), Over> {
        let mood = self.mood();
        let sender = open.sender.unwrap_or_default();
        if matches!(mood, Mood::Later | Mood::Never) || (mood != Mood::Good && self.dice.one_in(2))
        {
            self.refused(&sender);
            return self.answer_in(mood, "").await.map(drop);
        }
        let taken = open.recipients.iter().map(|recipient| {
            laws::road::taken_abroad(&self.world, &self.who, &sender, recipient, content)
        });
        let taken: Vec<Onward> = taken.collect();
        match mood {
            Mood::Good => self.unconfirmed = taken,
            _ => self.world.ledger().count("250s that were never said"),
        }
        self.answer_in(mood, "250 2.0.0 taken").await.map(drop)
    }

    async fn say(&mut self, reply: &str) -> Result<(), Over> {
        self.world.trace.note(format!("{} > {reply}", self.who));
        let text = format!("{reply}\r\n");
        self.conn.write_all(text.as_bytes()).await.map_err(|_| Over)
    }

    /// Whoever speaks on has read what was said before.
    async fn line(&mut self) -> Result<String, Over> {
        loop {
            if let Some(end) = self.heard.windows(2).position(|two| two == b"\r\n") {
                let line = self.heard.split_to(end + 2)[..end].to_vec();
                let line = String::from_utf8_lossy(&line).into_owned();
                for onward in std::mem::take(&mut self.unconfirmed) {
                    laws::road::reply_was_read(&self.world, &onward);
                }
                return Ok(line);
            }
            match self.conn.read(&mut self.heard).await {
                Ok(0) | Err(_) => return Err(Over),
                Ok(_) => {}
            }
        }
    }
}

/// The address of MAIL or RCPT.
fn path_in(line: &str) -> String {
    let path = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    path.map(|(path, _)| path.to_owned()).unwrap_or_default()
}
