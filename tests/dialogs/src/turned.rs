//! Dialogue files with the roles turned: what a server says, and what our client must say to it.
//!
//! Played against the bare SMTP client machine, once line by line and once octet by octet. What never
//! happens here: a connection, an answer that the file does not have.
//!
//! The format, one step a line:
//!
//! ```text
//! # The danger that this file guards against (the file begins with such lines).
//! @protocol lmtp                  otherwise it is smtp
//! S: text          the server says text and CRLF
//! S!: text         the server says text with the escapes of other dialogues, nothing appended
//! C: text          the client must say exactly this line; <*> and so on as in other dialogues
//! E: text          the machine must hand out this event
//! D: hello         what the client is told to do: hello, starttls, quit, lost
//! D: MAIL …        the sender and its parameters of the next transaction, as on the wire
//! D: RCPT …        one more recipient
//! D: begin         begins that transaction
//! D: content text  hands over content, with the escapes of S!:
//! D: end           the content has ended
//! D: auth MECHANISM NAME PASSWORD [NONCE]    logs in, and answers each challenge by itself
//! T:               TLS is there
//! ```
//!
//! Events: `greeting REPLY`, `hello REPLY`, `starttls REPLY`, `auth REPLY` (with ` unproven` behind it
//! if the server has not shown that it knows the password), `gave up REASON` of a login, `content`,
//! `unfit REASON`, `not ascii`, `quit REPLY`, `closing REPLY`, `broken REASON`, and for each recipient at
//! the end of a transaction `done STAGE REPLY`. At the end of the file nothing may be left unsaid.

use crate::pattern::{Kept, Pattern};
use crate::script::unescape;
use addr::Domain;
use sasl::{ClientExchange, Credentials, Mechanism};
use smtp::client::{Envelope, Event, Outcome, Protocol, Recipient, Request};
use smtp::{Class, Client, Command, MailParameters, Reply, parse_command};
use std::collections::VecDeque;

/// What the client calls itself.
const NAME: &str = "client.example.test";

/// How the server's octets come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pieces {
    Steps,
    Octets,
}

/// Plays one file; says at which line it goes another way.
pub fn play(text: &str, pieces: Pieces) -> Result<(), String> {
    if !text.starts_with("# ") {
        return Err("the first line does not say what the file guards against".to_owned());
    }
    let mut play = Play::new(text, pieces)?;
    for (index, line) in text.lines().enumerate() {
        let said = play.step(line);
        said.map_err(|reason| format!("line {}: {reason}", index + 1))?;
    }
    play.nothing_left()
}

struct Play {
    client: Client,
    pieces: Pieces,
    kept: Kept,
    written: Vec<u8>,
    events: VecDeque<String>,
    sender: Option<(addr::ReversePath, MailParameters)>,
    recipients: Vec<Recipient>,
    login: Option<ClientExchange>,
}

impl Play {
    fn new(text: &str, pieces: Pieces) -> Result<Play, String> {
        let set = |key: &str| {
            let lines = text.lines();
            let values = lines.filter_map(|line| line.strip_prefix('@')?.strip_prefix(key));
            values.map(str::trim).collect::<Vec<_>>()
        };
        let protocol = match set("protocol ")[..] {
            [] => Protocol::Smtp,
            ["lmtp"] => Protocol::Lmtp,
            _ => return Err("@protocol lmtp, or nothing".to_owned()),
        };
        let name: Domain = NAME.parse().map_err(|_| "a name")?;
        Ok(Play {
            client: Client::new(protocol, &name),
            pieces,
            kept: Kept::new(),
            written: Vec::new(),
            events: VecDeque::new(),
            sender: None,
            recipients: Vec::new(),
            login: None,
        })
    }

    fn step(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with(['#', '@']) {
            return Ok(());
        }
        let (who, text) = line.split_once(':').ok_or("this is no step")?;
        let text = text.strip_prefix(' ').unwrap_or(text);
        match who {
            "S" => self.server_says(format!("{text}\r\n").as_bytes())?,
            "S!" => self.server_says(&unescape(text)?)?,
            "C" => return self.client_said(text),
            "E" => return self.happened(text),
            "D" => self.tell(text)?,
            "T" => self.client.tls_started(),
            _ => return Err("this is no step".to_owned()),
        }
        self.run()
    }

    fn server_says(&mut self, bytes: &[u8]) -> Result<(), String> {
        let size = match self.pieces {
            Pieces::Steps => bytes.len(),
            Pieces::Octets => 1,
        };
        for piece in bytes.chunks(size) {
            self.client.receive(piece);
            self.run()?;
        }
        Ok(())
    }

    /// Takes what the machine has.
    fn run(&mut self) -> Result<(), String> {
        while let Some(event) = self.client.next() {
            self.take(event)?;
        }
        self.written.extend(self.client.output());
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        let said = |what: &str, reply: Reply| format!("{what} {reply}");
        let shown = match event {
            Event::Greeting(reply) => said("greeting", reply),
            Event::Hello(reply) => said("hello", reply),
            Event::StartTls(reply) => said("starttls", reply),
            Event::Quit(reply) => said("quit", reply),
            Event::Closing(reply) => said("closing", reply),
            Event::Broken(violation) => format!("broken {violation}"),
            Event::Content => "content".to_owned(),
            Event::Challenge(challenge) => return self.respond(&challenge),
            Event::Auth(reply) => {
                let accepted = reply.class() == Class::Completion;
                let login = self.login.take();
                let proven = login.is_some_and(|login| login.is_proven());
                let unproven = if accepted && !proven { " unproven" } else { "" };
                said("auth", reply) + unproven
            }
            Event::Done(outcomes) => {
                self.events.extend(outcomes.iter().map(|outcome| {
                    let stage = outcome.stage();
                    match outcome {
                        Outcome::Answered { reply, .. } => format!("done {stage:?} {reply}"),
                        Outcome::Unanswered { .. } => format!("done {stage:?} unanswered"),
                    }
                }));
                return Ok(());
            }
        };
        self.events.push_back(shown);
        Ok(())
    }

    fn respond(&mut self, challenge: &[u8]) -> Result<(), String> {
        let login = self.login.as_mut().ok_or("a challenge without a login")?;
        match login.respond_line(challenge) {
            Ok(line) => self.client.send(Request::Response(line)),
            Err(failure) => {
                self.events.push_back(format!("gave up {failure}"));
                self.client.send(Request::CancelAuth);
            }
        }
        Ok(())
    }

    fn client_said(&mut self, text: &str) -> Result<(), String> {
        let end = self.written.windows(2).position(|pair| pair == b"\r\n");
        let end = end.ok_or(format!("the client does not say: {text}"))?;
        let line: Vec<u8> = self.written.drain(..end + 2).collect();
        let line = line[..end].escape_ascii().to_string().replace("\\\"", "\"");
        self.compare(text, &line)
    }

    fn happened(&mut self, text: &str) -> Result<(), String> {
        let event = self.events.pop_front();
        let event = event.ok_or(format!("this does not happen: {text}"))?;
        self.compare(text, &event)
    }

    fn compare(&mut self, text: &str, got: &str) -> Result<(), String> {
        let pattern = Pattern::parse(text)?;
        match pattern.matches(got, &mut self.kept) {
            true => Ok(()),
            false => Err(format!("\n  expected: {text}\n  received: {got}")),
        }
    }

    fn tell(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "hello" => self.client.send(Request::Hello),
            "starttls" => self.client.send(Request::StartTls),
            "quit" => self.client.send(Request::Quit),
            "lost" => self.client.lost(),
            "auth" => self.log_in(rest)?,
            "MAIL" | "RCPT" => self.envelope(text)?,
            "begin" => self.begin()?,
            "content" => {
                if self.client.content(&unescape(rest)?).is_err() {
                    self.events.push_back("not ascii".to_owned());
                }
            }
            "end" => self.client.content_end(),
            _ => return Err("the client cannot be told this".to_owned()),
        }
        Ok(())
    }

    fn log_in(&mut self, words: &str) -> Result<(), String> {
        let words: Vec<&str> = words.split(' ').collect();
        let [mechanism, name, password, ref nonce @ ..] = words[..] else {
            return Err("auth MECHANISM NAME PASSWORD [NONCE]".to_owned());
        };
        let known = Mechanism::from_name(mechanism.as_bytes()).ok_or("no such mechanism")?;
        let credentials = Credentials {
            name: name.to_owned(),
            password: password.as_bytes().to_vec(),
        };
        let nonce = nonce.first().copied().unwrap_or("nonce");
        let started = ClientExchange::start_line(known, &credentials, nonce);
        let (login, initial_response) = started.map_err(|failure| failure.to_string())?;
        self.login = Some(login);
        self.client.send(Request::Auth {
            mechanism: mechanism.to_owned(),
            initial_response,
        });
        Ok(())
    }

    fn envelope(&mut self, line: &str) -> Result<(), String> {
        match parse_command(line.as_bytes()) {
            Ok(Command::Mail {
                from, parameters, ..
            }) => self.sender = Some((from, parameters)),
            Ok(Command::Rcpt { to, parameters, .. }) => {
                self.recipients.push(Recipient { to, parameters });
            }
            other => return Err(format!("{other:?}")),
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), String> {
        let (from, parameters) = self.sender.take().ok_or("D: MAIL is missing")?;
        let envelope = Envelope {
            from,
            parameters,
            recipients: std::mem::take(&mut self.recipients),
        };
        if let Err(unfit) = self.client.begin(envelope) {
            self.events.push_back(format!("unfit {unfit}"));
        }
        Ok(())
    }

    fn nothing_left(&self) -> Result<(), String> {
        match (self.events.front(), self.written.is_empty()) {
            (None, true) => Ok(()),
            (Some(event), _) => Err(format!("at the end this is left: {event}")),
            (None, false) => Err(format!(
                "the client said more: {}",
                self.written.escape_ascii()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = play(text, Pieces::Steps).unwrap_err();
        assert!(got.contains(expect), "{got}");
    }

    #[test]
    fn notices_what_differs_is_missing_or_left() {
        check("S: 220 hi\n", "does not say what the file guards");
        check(
            "# x\nS: 220 hi\nE: greeting 221 <*>\n",
            "line 3: \n  expected",
        );
        check("# x\nS: 220 hi\n", "left: greeting 220 hi");
        check("# x\nS: 220 hi\nE: <*>\nD: hello\n", "said more: EHLO");
        check(
            "# x\nS: 220 hi\nE: <*>\nC: EHLO <*>\n",
            "does not say: EHLO",
        );
        check("# x\nD: dance\n", "cannot be told");
    }
}
