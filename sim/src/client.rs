//! What every client has: a connection that may be lost at any moment, and patience.
//!
//! What never happens here: a protocol's words.

use crate::house;
use crate::world::{Phase, World};
use bytes::BytesMut;
use net::Conn;
use net::time::{sleep, timeout};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A server that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(180);
/// After a session has ended, what it handed to the store is decided within this time.
const DECIDED: Duration = Duration::from_secs(25);
const SHOWN_CHARS: usize = 160;

/// The connection is lost. What was asked last may have happened or not.
#[derive(Debug)]
pub struct Lost;

pub struct Wire {
    /// None: lost.
    conn: Option<Conn>,
    heard: BytesMut,
    pub address: SocketAddr,
    who: String,
    world: Arc<World>,
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end().escape_debug().to_string();
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}… ({} octets)", &line[..at], bytes.len()),
        None => line,
    }
}

impl Wire {
    pub async fn connect(world: &Arc<World>, who: &str, host: u8, port: u16) -> Result<Wire, Lost> {
        let address = world.new_address(host);
        let dialled = world.net.dial(address, house::at(port)).await;
        let conn = dialled.map_err(|_| Lost)?;
        world.trace.note(format!("{who}: connected from {address}"));
        Ok(Wire {
            conn: Some(conn),
            heard: BytesMut::new(),
            address,
            who: who.to_owned(),
            world: world.clone(),
        })
    }

    /// A lost connection is closed at once, so that the other side learns of it too.
    fn lost(&mut self, why: &str) -> Lost {
        self.conn = None;
        self.world.trace.note(format!("{}: lost: {why}", self.who));
        Lost
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.world
            .trace
            .note(format!("{} > {}", self.who, shown(bytes)));
        let conn = self.conn.as_mut().ok_or(Lost)?;
        match timeout(PATIENCE, conn.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.kind().to_string())),
            Err(_) => Err(self.lost("nothing is taken")),
        }
    }

    async fn hear(&mut self, patience: Duration) -> Result<(), Lost> {
        let conn = self.conn.as_mut().ok_or(Lost)?;
        match timeout(patience, conn.read(&mut self.heard)).await {
            Ok(Ok(0)) => Err(self.lost("closed")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.kind().to_string())),
            Err(_) => Err(self.lost("silence")),
        }
    }

    /// One line without its end.
    pub async fn line(&mut self) -> Result<Vec<u8>, Lost> {
        loop {
            if let Some(line) = self.heard_line() {
                return Ok(line);
            }
            self.hear(PATIENCE).await?;
        }
    }

    fn heard_line(&mut self) -> Option<Vec<u8>> {
        let end = self.heard.windows(2).position(|two| two == b"\r\n")?;
        let line = self.heard.split_to(end + 2)[..end].to_vec();
        self.world
            .trace
            .note(format!("{} < {}", self.who, shown(&line)));
        Some(line)
    }

    /// A line if one comes within this time.
    pub async fn line_within(&mut self, within: Duration) -> Result<Option<Vec<u8>>, Lost> {
        let until = net::time::now() + within;
        loop {
            if let Some(line) = self.heard_line() {
                return Ok(Some(line));
            }
            let left = until.saturating_duration_since(net::time::now());
            let conn = self.conn.as_mut().ok_or(Lost)?;
            match timeout(left, conn.read(&mut self.heard)).await {
                Err(_) => return Ok(None),
                Ok(Ok(0)) => return Err(self.lost("closed")),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(self.lost(&error.kind().to_string())),
            }
        }
    }

    pub async fn exactly(&mut self, octets: usize) -> Result<Vec<u8>, Lost> {
        while self.heard.len() < octets {
            self.hear(PATIENCE).await?;
        }
        Ok(self.heard.split_to(octets).to_vec())
    }
}

/// Waits until nothing that was asked on a lost connection can happen any more.
pub async fn until_decided(world: &World, address: SocketAddr) {
    while world.net.server_holds(address) {
        sleep(Duration::from_secs(1)).await;
    }
    sleep(DECIDED).await;
}

/// A pause of up to so many milliseconds.
pub async fn pause(dice: &crate::dice::Dice, most_ms: u64) {
    sleep(Duration::from_millis(dice.between(1, most_ms))).await;
}

/// Shall a client begin something new?
pub fn goes_on(world: &World) -> bool {
    world.phase() == Phase::Storm && !world.trace.is_over()
}
