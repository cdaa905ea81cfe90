//! The control socket of a running server: requests come in and replies go out, a line of JSON each.
//!
//! Only the owner of the data folder and root are heard; the system says who connects. Lines, times
//! and connections are bounded, so that nobody on this machine can hold up the server. What never
//! happens here: doing a request (`office`), making a log line (`log`).

use super::Office;
use super::request::{Kind, Refused, Reply, Request};
use super::{limits, place};
use crate::Outcome;
use crate::log::{Follower, Hub};
use bytes::BytesMut;
use net::time::timeout;
use net::{Bounds, Conn, Listener, Sessions, Stop};
use std::path::Path;
use std::sync::Arc;
use tally::{Metric, Tally};
use tokio::task::JoinHandle;

/// Only the owner of the file may connect.
const MODE: u32 = 0o600;
const ROOT: u32 = 0;

struct Control {
    office: Office,
    hub: Hub,
    owner: u32,
    tally: Tally,
    stop: Stop,
    _place: place::Place,
}

/// Serves the control socket of this data folder until `stop`.
pub fn open(
    data: &Path,
    office: Office,
    hub: Hub,
    sessions: &Sessions,
    stop: &Stop,
) -> Outcome<JoinHandle<()>> {
    let place = place::control(data)?;
    let listener = Listener::bind_unix(&place.path, MODE);
    let cannot = |error| {
        let at = data.join("control.sock");
        format!(
            "cannot listen at the control socket {}: {error}",
            at.display()
        )
    };
    let listener = listener.map_err(cannot)?.named("control", sessions);
    let control = Arc::new(Control {
        tally: office.mail.tally().clone(),
        office,
        hub,
        owner: place::owner(data)?,
        stop: stop.clone(),
        _place: place,
    });
    let bounds = || Bounds {
        total: limits::CLIENTS,
        per_address: limits::CLIENTS,
    };
    let session = move |conn: Conn| {
        let control = control.clone();
        async move { control.session(conn).await }
    };
    let serve = net::serve(listener, None, bounds, b"", stop.clone(), session);
    Ok(tokio::spawn(serve))
}

/// What became of a wait for a line.
enum Heard {
    Line(BytesMut),
    TooLong,
    Gone,
}

impl Control {
    async fn session(&self, mut conn: Conn) {
        let user = conn.credentials().map(|who| who.uid);
        if !is_heard(user, self.owner) {
            tracing::warn!(target: "control", ?user, "a stranger was sent away");
            self.tally.count(Metric::ControlRequests, &["stranger"]);
            return conn.close().await;
        }
        let stop = conn.session().stop(&self.stop);
        let mut came = BytesMut::new();
        loop {
            let heard = tokio::select! {
                biased;
                () = stop.stopped() => Heard::Gone,
                heard = hear(&mut conn, &mut came) => heard,
            };
            let is_over = match heard {
                Heard::Gone => true,
                Heard::TooLong => {
                    let text = format!("a request is at most {} octets", limits::REQUEST_BYTES);
                    let refused = Refused::new(Kind::NotUnderstood, text);
                    let _ = send(&mut conn, &Reply::Refused(refused)).await;
                    true
                }
                Heard::Line(line) => self.request(&mut conn, &line, &stop).await.is_err(),
            };
            if is_over {
                break;
            }
        }
        conn.close().await;
    }

    async fn request(&self, conn: &mut Conn, line: &[u8], stop: &Stop) -> Result<(), Over> {
        conn.session().commanded();
        let request: Request = match serde_json::from_slice(line) {
            Ok(request) => request,
            Err(error) => {
                // serde's words name fields and places, never values that were right.
                let text = format!("this server does not understand the request: {error}");
                let refused = Refused::new(Kind::NotUnderstood, text);
                self.tally.count(Metric::ControlRequests, &["refused"]);
                return send(conn, &Reply::Refused(refused)).await;
            }
        };
        if let Request::LogFollow(filter) = request {
            self.tally.count(Metric::ControlRequests, &["ok"]);
            let follower = self.hub.follow(filter);
            return self.follow(conn, follower, stop).await;
        }
        let asked = format!("{request:?}");
        let reply = match self.office.answer(request).await {
            Ok(answer) => {
                tracing::info!(target: "control", request = asked, "done");
                self.tally.count(Metric::ControlRequests, &["ok"]);
                Reply::Answer(answer)
            }
            Err(refused) => {
                tracing::info!(target: "control", request = asked, why = refused.text, "refused");
                self.tally.count(Metric::ControlRequests, &["refused"]);
                Reply::Refused(refused)
            }
        };
        send(conn, &reply).await
    }

    /// Tells lines until the client or the server ends.
    async fn follow(
        &self,
        conn: &mut Conn,
        mut follower: Follower,
        stop: &Stop,
    ) -> Result<(), Over> {
        let _held = self.tally.number(Metric::LogFollowers, &[]).held();
        let mut said = BytesMut::new();
        loop {
            let reply = tokio::select! {
                biased;
                () = stop.stopped() => return Err(Over),
                // whoever follows says nothing more; what comes is its end
                _ = conn.read(&mut said) => return Err(Over),
                reply = follower.next() => reply,
            };
            if let Reply::Lost(lines) = &reply {
                self.tally.add(Metric::LogLinesLost, &[], *lines);
            }
            send(conn, &reply).await?;
        }
    }
}

/// Whether this user may command a server whose data folder is `owner`'s. None: the system does not
/// say who it is.
fn is_heard(user: Option<u32>, owner: u32) -> bool {
    user.is_some_and(|user| user == owner || user == ROOT)
}

/// The connection is of no more use.
struct Over;

async fn hear(conn: &mut Conn, came: &mut BytesMut) -> Heard {
    loop {
        if let Some(end) = came.iter().position(|byte| *byte == b'\n') {
            return Heard::Line(came.split_to(end + 1));
        }
        if came.len() > limits::REQUEST_BYTES {
            return Heard::TooLong;
        }
        match timeout(limits::SILENCE, conn.read(came)).await {
            Ok(Ok(read)) if read > 0 => {}
            _ => return Heard::Gone,
        }
    }
}

async fn send(conn: &mut Conn, reply: &Reply) -> Result<(), Over> {
    let mut text = serde_json::to_vec(reply).map_err(|_| Over)?;
    text.push(b'\n');
    match timeout(limits::SLOWNESS, conn.write_all(&text)).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_and_root_are_heard_and_nobody_else() {
        assert!(is_heard(Some(1_000), 1_000) && is_heard(Some(ROOT), 1_000));
        for (user, owner) in [
            (Some(1_001), 1_000),
            (Some(1_000), ROOT),
            (None, 1_000),
            (None, ROOT),
        ] {
            assert!(!is_heard(user, owner), "{user:?} {owner}");
        }
    }
}
