//! Plays a script: sends what the client says, compares what comes back.
//!
//! Every wait is for bytes, with a bound; nothing here sleeps. What never happens here: the
//! making of a server; the test hands in how to connect.

use crate::answer::compute;
use crate::pattern::{Kept, fill_in};
use crate::script::{Action, Listener, Script, Step};
use bytes::BytesMut;
use net::{Conn, TlsClient};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a door may take for one answer before the script counts as failed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How many lines `S~:` skips at most.
const MAX_SKIPPED_LINES: usize = 10_000;

/// Where a script went another way than its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Plays the steps. `connect` gives a connection to a listener, before any TLS; the setup lines are
/// the caller's, who does them first.
pub async fn play(
    script: &Script,
    clients: &Clients,
    mut connect: impl AsyncFnMut(Listener) -> std::io::Result<Conn>,
) -> Result<(), Failure> {
    let mut sessions: BTreeMap<u32, Session> = BTreeMap::new();
    let mut kept = clients.kept.clone();
    for step in &script.steps {
        let at = |reason: String| Failure(format!("{}:{}: {reason}", script.name, step.line));
        let tls = clients.own.get(&step.session).unwrap_or(&clients.tls);
        let mut session = match sessions.remove(&step.session) {
            Some(session) => session,
            None => {
                let listener = script.listener_of(step.session);
                let conn = connect(listener)
                    .await
                    .map_err(|error| at(format!("cannot connect: {error}")))?;
                let mut session = Session {
                    conn: Some(conn),
                    input: BytesMut::new(),
                };
                if listener.is_tls_at_once() {
                    session.start_tls(tls).await.map_err(at)?;
                }
                session
            }
        };
        session.step(step, tls, &mut kept).await.map_err(at)?;
        sessions.insert(step.session, session);
    }
    Ok(())
}

/// What the clients of a script have before they begin.
pub struct Clients {
    pub tls: TlsClient,
    /// Of single sessions, by number.
    pub own: BTreeMap<u32, TlsClient>,
    pub kept: Kept,
}

struct Session {
    /// Taken only while TLS is being made.
    conn: Option<Conn>,
    input: BytesMut,
}

impl Session {
    async fn step(&mut self, step: &Step, tls: &TlsClient, kept: &mut Kept) -> Result<(), String> {
        match &step.action {
            Action::Say(text) => {
                let line = fill_in(text, kept)?;
                let bindings = self.conn()?.channel_bindings();
                let binding = |kind: &str| match kind {
                    "tls-exporter" => bindings.exporter.map(|data| data.to_vec()),
                    "tls-server-end-point" => bindings.server_end_point.clone(),
                    _ => None,
                };
                let line = compute(&line, kept, &binding)? + "\r\n";
                self.send(line.as_bytes()).await
            }
            Action::SendRaw(bytes) => self.send(bytes).await,
            Action::Expect(pattern) => {
                let line = self
                    .line()
                    .await
                    .map_err(|e| format!("{e}, expected: {pattern}"))?;
                if pattern.matches(&line, kept) {
                    return Ok(());
                }
                Err(format!("\n  expected: {pattern}\n  received: {line}"))
            }
            Action::SkipTo(pattern) => {
                let mut skipped = Vec::new();
                while skipped.len() < MAX_SKIPPED_LINES {
                    let line = self.line().await.map_err(|error| {
                        format!(
                            "{error}, waiting for: {pattern}\n  skipped:\n{}",
                            skipped.join("\n")
                        )
                    })?;
                    if pattern.matches(&line, kept) {
                        return Ok(());
                    }
                    skipped.push(line);
                }
                Err(format!("{MAX_SKIPPED_LINES} lines and none is: {pattern}"))
            }
            Action::ExpectClose => self.expect_close().await,
            Action::StartTls => self.start_tls(tls).await,
        }
    }

    fn conn(&mut self) -> Result<&mut Conn, String> {
        self.conn
            .as_mut()
            .ok_or_else(|| "the connection was lost in a TLS handshake".to_owned())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = tokio::time::timeout(ANSWER_TIMEOUT, self.conn()?.write_all(bytes)).await;
        sent.map_err(|_| "the door does not read".to_owned())?
            .map_err(|error| format!("cannot send: {error}"))
    }

    /// One line without its CRLF; a bare LF stays visible as `\n` at its end.
    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(end) = self.input.iter().position(|&byte| byte == b'\n') {
                let line = self.input.split_to(end + 1);
                let line = match line.strip_suffix(b"\r\n") {
                    Some(text) => String::from_utf8_lossy(text).into_owned(),
                    None => String::from_utf8_lossy(&line[..end]).into_owned() + "\\n",
                };
                return Ok(line);
            }
            if self.read().await? == 0 {
                let rest = String::from_utf8_lossy(&self.input).into_owned();
                return Err(format!("the connection ended (left: {rest:?})"));
            }
        }
    }

    async fn read(&mut self) -> Result<usize, String> {
        let conn = self
            .conn
            .as_mut()
            .ok_or("the connection was lost in a TLS handshake")?;
        let read = tokio::time::timeout(ANSWER_TIMEOUT, conn.read(&mut self.input)).await;
        let pending = || String::from_utf8_lossy(&self.input).into_owned();
        read.map_err(|_| format!("no answer in time (so far: {:?})", pending()))?
            .map_err(|error| format!("cannot read: {error}"))
    }

    async fn expect_close(&mut self) -> Result<(), String> {
        loop {
            if !self.input.is_empty() {
                let more = String::from_utf8_lossy(&self.input).into_owned();
                return Err(format!(
                    "expected the end of the connection, received: {more:?}"
                ));
            }
            // A reset is an end as well.
            let conn = self
                .conn
                .as_mut()
                .ok_or("the connection was lost in a TLS handshake")?;
            match tokio::time::timeout(ANSWER_TIMEOUT, conn.read(&mut self.input)).await {
                Err(_) => return Err("the connection stays open".to_owned()),
                Ok(Ok(0) | Err(_)) => return Ok(()),
                Ok(Ok(_)) => {}
            }
        }
    }

    async fn start_tls(&mut self, tls: &TlsClient) -> Result<(), String> {
        if !self.input.is_empty() {
            let early = String::from_utf8_lossy(&self.input).into_owned();
            return Err(format!(
                "bytes in the clear before TLS that no step expects: {early:?}"
            ));
        }
        let conn = self
            .conn
            .take()
            .ok_or("the connection was lost in a TLS handshake")?;
        let done =
            tokio::time::timeout(ANSWER_TIMEOUT, conn.connect_tls(tls, "example.test")).await;
        let conn = done
            .map_err(|_| "the TLS handshake does not end".to_owned())?
            .map_err(|error| format!("TLS: {error}"))?;
        self.conn = Some(conn);
        Ok(())
    }
}
