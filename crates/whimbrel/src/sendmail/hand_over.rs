//! Handing a message to the running server: a dialogue at its socket for local users.
//!
//! What never happens here: a word to the caller.

use super::exit::{Code, Ended};
use super::message::Message;
use bytes::BytesMut;
use net::time::{Duration, timeout};
use net::{Conn, dial_unix};
use smtp::client::{Client, Event, Outcome, Protocol, Recipient, Request, Stage};
use smtp::{Class, ClientName};
use std::path::Path;

/// Content that is handed to the machine at once.
const PIECE: usize = 64 * 1024;

/// How long the server has for its greeting and for its answer to EHLO: nothing is at stake before them,
/// and the drop folder takes the message at once.
const FIRST_WORDS: Duration = Duration::from_secs(20);

/// What came of it.
pub enum Handed {
    /// The server's last word on each recipient.
    Over(Vec<Outcome>),
    /// It is not there, or does not take part now.
    NotNow(String),
}

/// Hands over to these recipients of the message.
pub async fn hand_over(
    socket: &Path,
    name: &ClientName,
    message: &Message,
    recipients: &[Recipient],
) -> Result<Handed, Ended> {
    let conn = match dial_unix(socket).await {
        Ok(conn) => conn,
        Err(error) => return Ok(Handed::NotNow(error.to_string())),
    };
    let mut talk = Talk {
        conn,
        client: Client::new(Protocol::Smtp, name.clone()),
        sent: 0,
        outcomes: None,
        why: String::new(),
        trouble: None,
    };
    talk.run(message, recipients).await?;
    match (talk.outcomes, talk.trouble) {
        (Some(outcomes), _) => Ok(Handed::Over(outcomes)),
        (None, Some(ended)) => Err(ended),
        (None, None) => Ok(Handed::NotNow(talk.why)),
    }
}

struct Talk {
    conn: Conn,
    client: Client,
    /// Octets of the content.
    sent: usize,
    outcomes: Option<Vec<Outcome>>,
    /// Why it came to nothing.
    why: String,
    trouble: Option<Ended>,
}

impl Talk {
    async fn run(&mut self, message: &Message, recipients: &[Recipient]) -> Result<(), Ended> {
        let mut came = BytesMut::new();
        loop {
            while let Some(event) = self.client.next() {
                self.answer(event, message, recipients);
            }
            while self.client.wants_content() {
                let rest = &message.content[self.sent..];
                let piece = &rest[..rest.len().min(PIECE)];
                self.sent += piece.len();
                match piece.is_empty() {
                    true => self.client.content_end(),
                    false => self.client.content(piece).map_err(|error| {
                        Ended::new(Code::Software, format!("cannot hand over: {error}"))
                    })?,
                }
                if self.client.output_len() > PIECE {
                    break;
                }
            }
            let out = self.client.output();
            let patience = self.patience();
            if !out.is_empty() && !self.write(&out, patience).await {
                self.client.lost();
                continue;
            }
            if self.client.is_closed() {
                return Ok(());
            }
            if self.client.wants_content() {
                continue;
            }
            let read = timeout(self.patience(), self.conn.read(&mut came)).await;
            match read {
                Ok(Ok(1..)) => self.client.receive(&came.split()),
                _ => {
                    self.why = "the server is silent".to_owned();
                    self.client.lost();
                }
            }
        }
    }

    /// How long the server may take for what it has to do now.
    fn patience(&self) -> Duration {
        match self.client.stage() {
            Some(Stage::Greeting | Stage::Hello) => FIRST_WORDS,
            Some(stage) => Duration::from_secs(stage.timeout_s()),
            None => Duration::from_secs(1),
        }
    }

    /// Whether the server has read it, or will.
    async fn write(&mut self, out: &[u8], patience: Duration) -> bool {
        let written = timeout(patience, self.conn.write_all(out)).await;
        matches!(written, Ok(Ok(())))
    }

    fn answer(&mut self, event: Event, message: &Message, recipients: &[Recipient]) {
        match event {
            Event::Greeting(reply) if reply.class() == Class::Completion => {
                self.client.send(Request::Hello);
            }
            Event::Hello(reply) if reply.class() == Class::Completion => {
                if let Err(unfit) = self.client.begin(message.envelope(recipients)) {
                    let why = format!("the message cannot be sent: {unfit}");
                    self.trouble = Some(Ended::new(Code::Data, why));
                    self.client.send(Request::Quit);
                }
            }
            Event::Greeting(reply) | Event::Hello(reply) => {
                self.why = reply.lines().join(" ");
                self.client.send(Request::Quit);
            }
            Event::Done(outcomes) => {
                self.outcomes = Some(outcomes);
                if !self.client.is_closed() {
                    self.client.send(Request::Quit);
                }
            }
            Event::Closing(reply) => self.why = reply.lines().join(" "),
            Event::Broken(violation) => self.why = violation.to_string(),
            _ => {}
        }
    }
}

/// What the server says of each of these: whether it would take mail for them.
pub async fn verify(socket: &Path, message: &Message) -> Result<Vec<(String, String)>, Ended> {
    let not_now = |error: std::io::Error| {
        Ended::new(
            Code::Temporary,
            format!("the server cannot be asked: {error}"),
        )
    };
    let mut conn = dial_unix(socket).await.map_err(not_now)?;
    let mut came = BytesMut::new();
    let mut said = Vec::new();
    reply(&mut conn, &mut came).await?;
    for line in ["EHLO localhost", "MAIL FROM:<>"] {
        ask(&mut conn, &mut came, line).await?;
    }
    for recipient in &message.recipients {
        let line = format!("RCPT TO:{}", recipient.to);
        let answer = ask(&mut conn, &mut came, &line).await?;
        said.push((recipient.to.to_string(), answer));
    }
    ask(&mut conn, &mut came, "QUIT").await?;
    Ok(said)
}

async fn ask(conn: &mut Conn, came: &mut BytesMut, line: &str) -> Result<String, Ended> {
    let lost = |error: std::io::Error| Ended::new(Code::Temporary, error.to_string());
    let written = conn.write_all(format!("{line}\r\n").as_bytes()).await;
    written.map_err(lost)?;
    reply(conn, came).await
}

/// The last line of the next reply.
async fn reply(conn: &mut Conn, came: &mut BytesMut) -> Result<String, Ended> {
    loop {
        while let Some(end) = came.iter().position(|octet| *octet == b'\n') {
            let line = came.split_to(end + 1);
            if line.get(3) != Some(&b'-') {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
        match conn.read(came).await {
            Ok(1..) => {}
            _ => return Err(Ended::new(Code::Temporary, "the server is silent")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sendmail::post_in;
    use addr::ReversePath;
    use net::time::Instant;
    use smtp::MailParameters;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_is_as_good_as_away() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("submit.sock");
        // somebody listens, and nobody accepts
        let _listener = net::Listener::bind_unix(&path, 0o600).unwrap();
        let message = Message {
            from: ReversePath::Null,
            parameters: MailParameters::default(),
            recipients: Vec::new(),
            content: Vec::new(),
        };
        let began = Instant::now();
        let handed = hand_over(&path, &post_in::name(None), &message, &[]).await;
        let Ok(Handed::NotNow(why)) = handed else {
            panic!("it was handed over");
        };
        assert_eq!(why, "the server is silent");
        assert!(began.elapsed() < 2 * FIRST_WORDS);
    }
}
