//! The server at the other end of the road: takes mail, says no for now, breaks off, and remembers
//! what it has taken.
//!
//! What never happens here: a judgement of what was taken (`laws`).

use crate::client::pause;
use crate::dice::Dice;
use crate::laws;
use crate::letter;
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

/// Serves until it is dropped with its runtime.
pub fn start(world: &Arc<World>) -> Result<(), String> {
    let at = SocketAddr::new(FAR, PORT);
    let listener = Listener::simulated(&world.net, at).map_err(|error| error.to_string())?;
    let (world, sessions) = (world.clone(), AtomicU64::new(0));
    let session = move |conn: Conn| {
        let number = sessions.fetch_add(1, Ordering::Relaxed);
        let dice = world.dice(&format!("far {number}"));
        let session = Session {
            world: world.clone(),
            who: format!("far{number}"),
            dice,
            conn,
            heard: BytesMut::new(),
            unconfirmed: None,
        };
        async move {
            // A lost connection is no news: what was taken stays taken.
            let _ = session.run().await;
        }
    };
    tokio::spawn(net::serve(
        listener,
        None,
        || BOUNDS,
        b"",
        Stop::new(),
        session,
    ));
    Ok(())
}

struct Session {
    world: Arc<World>,
    who: String,
    dice: Dice,
    conn: Conn,
    heard: BytesMut,
    /// A message whose 250 was sent, and of which nobody knows yet whether that was read.
    unconfirmed: Option<String>,
}

/// The connection is gone, or was ended here.
struct Over;

impl Session {
    async fn run(mut self) -> Result<(), Over> {
        pause(&self.dice, 200).await;
        if self.is_moody() {
            return self.say("421 4.3.2 later").await;
        }
        self.say("220 far").await?;
        let (mut has_sender, mut recipients) = (false, 0);
        loop {
            let line = self.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if self.dice.one_in(2) => self.say("250-far\r\n250 PIPELINING").await?,
                "EHLO" => self.say("250 far").await?,
                // they came together, and nobody was taken
                "DATA" if recipients == 0 => self.say("554 5.5.1 nobody").await?,
                "DATA" if self.is_moody() => self.say("451 4.3.0 not now").await?,
                "DATA" => {
                    (has_sender, recipients) = (false, 0);
                    self.content().await?;
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "MAIL" | "RCPT" if self.is_moody() => self.say("451 4.3.0 not now").await?,
                "RCPT" if !has_sender => self.say("503 5.5.1 by whom").await?,
                "RCPT" => {
                    recipients += 1;
                    self.say("250 2.1.5 ok").await?;
                }
                "MAIL" | "RSET" => {
                    (has_sender, recipients) = (verb.eq_ignore_ascii_case("MAIL"), 0);
                    self.say("250 2.1.0 ok").await?;
                }
                _ => self.say("250 2.0.0 ok").await?,
            }
        }
    }

    /// Only while there are faults.
    fn is_moody(&self) -> bool {
        self.world.phase() == Phase::Storm && self.dice.one_in(12)
    }

    async fn content(&mut self) -> Result<(), Over> {
        self.say("354 go on").await?;
        let mut content = Vec::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            let line = line.strip_prefix('.').unwrap_or(&line);
            content.extend_from_slice(line.as_bytes());
            content.extend_from_slice(b"\r\n");
        }
        if self.is_moody() {
            return self.say("451 4.3.0 not now").await;
        }
        // it begins with the Received field of our server
        let id = letter::received_id(&[b"\r\n", &content[..]].concat()).unwrap_or_default();
        laws::taken_abroad(&self.world, &self.who, &id, &content);
        self.unconfirmed = Some(id);
        if self.is_moody() {
            self.world.ledger().count("250s that were never said");
            return Err(Over);
        }
        self.say("250 2.0.0 taken").await
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
                if let Some(id) = self.unconfirmed.take() {
                    laws::reply_was_read(&self.world, &id);
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
