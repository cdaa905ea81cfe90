//! Takes requests to where they are done: to the running server, or to the store that this process
//! opens.
//!
//! The store has one owner at a time. If a server holds it, it listens at the control socket; if
//! nobody listens, this process takes the store's lock and is the owner while it runs. What never
//! happens here: doing a request.

use super::Office;
use super::place;
use super::request::{Reply, Request};
use crate::own_files::store_in;
use crate::server::House;
use crate::settings::Settings;
use crate::{Outcome, sending};
use bytes::BytesMut;
use net::time::{Duration, now, sleep};
use net::{Conn, dial_unix};
use std::path::Path;

/// A reply may list a hundred thousand accounts.
const REPLY_BYTES: usize = 256 * 1024 * 1024;

/// How long a store that somebody else has is waited for, and between two looks.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

/// Where requests are done.
pub enum Way {
    Server(Line),
    Store(Box<House>, Option<String>),
}

impl Way {
    /// Finds the running server of this data folder, or opens its store.
    pub async fn find(data: &Path, settings: &Settings, hostname: Option<String>) -> Outcome<Way> {
        if !data.is_dir() {
            return Err(format!(
                "there is no data folder {}; --data says where it is, and `whimbrel serve` makes one",
                data.display()
            ));
        }
        let until = now() + PATIENCE;
        loop {
            if let Some(line) = Line::to_server(data).await? {
                return Ok(Way::Server(line));
            }
            check_owner(data)?;
            match House::open(&store_in(data), settings).await {
                Ok(house) => return Ok(Way::Store(Box::new(house), hostname)),
                Err(why) if now() >= until => return Err(why),
                // A server starts or ends, or another command has the store for a moment.
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    pub async fn ask(&mut self, request: &Request) -> Outcome<Reply> {
        match self {
            Way::Server(line) => {
                line.say(request).await?;
                let reply = line.hear().await?;
                reply.ok_or_else(|| "the server has ended; look at its log".to_owned())
            }
            Way::Store(house, hostname) => {
                let office = Office {
                    mail: house.mail.clone(),
                    admin: house.admin.clone(),
                    sessions: None,
                    resolver: house.resolver.clone(),
                    hostname: hostname.clone(),
                    queue: sending::queue_at_rest(house).await?,
                };
                Ok(match office.answer(request.clone()).await {
                    Ok(answer) => Reply::Answer(answer),
                    Err(refused) => Reply::Refused(refused),
                })
            }
        }
    }

    /// Lets the store go in good order.
    pub async fn close(self) {
        if let Way::Store(house, _) = self {
            house.db.close().await;
        }
    }
}

/// What another user writes the server could not read any more.
fn check_owner(data: &Path) -> Outcome<()> {
    let (owner, own) = (place::owner(data)?, rustix::process::getuid().as_raw());
    if owner == own {
        return Ok(());
    }
    Err(format!(
        "no server runs on {}, and the folder belongs to user {owner}, not to user {own}: run this \
         as its owner, such as `sudo -u '#{owner}' whimbrel …`, or start the server",
        data.display()
    ))
}

/// A connection to a server's control socket.
pub struct Line {
    conn: Conn,
    came: BytesMut,
}

impl Line {
    /// None: nobody listens.
    async fn to_server(data: &Path) -> Outcome<Option<Line>> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound};
        let place = place::control(data)?;
        match dial_unix(&place.path).await {
            Ok(conn) => Ok(Some(Line {
                conn,
                came: BytesMut::new(),
            })),
            Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => Ok(None),
            Err(error) => Err(format!(
                "cannot reach the server at {}: {error}",
                data.join("control.sock").display()
            )),
        }
    }

    pub async fn say(&mut self, request: &Request) -> Outcome<()> {
        let mut text = serde_json::to_vec(request).map_err(|error| error.to_string())?;
        text.push(b'\n');
        let said = self.conn.write_all(&text).await;
        said.map_err(|error| format!("cannot speak to the server: {error}"))
    }

    /// The next line; none when the server has ended.
    pub async fn hear(&mut self) -> Outcome<Option<Reply>> {
        loop {
            if let Some(end) = self.came.iter().position(|byte| *byte == b'\n') {
                let line = self.came.split_to(end + 1);
                let reply = serde_json::from_slice(&line);
                return reply.map(Some).map_err(|error| {
                    format!(
                        "cannot understand the server, which may be of another version: {error}"
                    )
                });
            }
            if self.came.len() > REPLY_BYTES {
                return Err("the server's answer has no end".to_owned());
            }
            let read = self.conn.read(&mut self.came).await;
            if read.map_err(|error| format!("cannot hear the server: {error}"))? == 0 {
                return Ok(None);
            }
        }
    }
}
