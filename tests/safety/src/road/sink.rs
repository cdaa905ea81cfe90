//! The server that everything is sent to: takes mail, refuses one name, remembers each copy and
//! whether its 250 was read.
//!
//! What never happens here: a judgement of what came (`road`).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Nobody of this name is there.
pub const NOBODY: &str = "nobody@far.example";

/// One copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copy {
    /// In which the connection began.
    pub round: u64,
    /// When its last line had come.
    pub at: Instant,
    /// The client spoke on after the 250.
    pub reply_was_read: bool,
}

/// Copies by the server's id of the message and recipient, in the order in which they came.
pub type Taken = BTreeMap<(String, String), Vec<Copy>>;

#[derive(Default)]
struct Inside {
    taken: Taken,
    round: u64,
    gate: Gate,
    /// Rung for each message that was taken.
    bell: Option<Sender<()>>,
}

/// Whether the sink speaks to who comes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Gate {
    #[default]
    Open,
    /// It is silent, and mail waits.
    Closed,
}

#[derive(Default)]
struct Shared {
    inside: Mutex<Inside>,
    opened: Condvar,
}

/// It ends with the program.
pub struct Sink {
    pub address: String,
    shared: Arc<Shared>,
}

impl Sink {
    pub fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").expect("because there are free ports");
        let address = listener.local_addr().expect("because it is bound");
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = of_thread.clone();
                std::thread::spawn(move || {
                    // A lost connection is no news: what was taken stays taken.
                    let _ = Session::new(stream, shared).and_then(Session::run);
                });
            }
        });
        Sink {
            address: address.to_string(),
            shared,
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.inside()
    }

    /// From here on connections belong to this round; each message that is taken rings.
    pub fn begin(&self, round: u64, gate: Gate, bell: Sender<()>) {
        let mut inside = self.inside();
        (inside.round, inside.bell) = (round, Some(bell));
        drop(inside);
        self.set(gate);
    }

    pub fn set(&self, gate: Gate) {
        self.inside().gate = gate;
        self.shared.opened.notify_all();
    }

    pub fn taken(&self) -> Taken {
        self.inside().taken.clone()
    }
}

impl Shared {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Session {
    reader: BufReader<TcpStream>,
    stream: TcpStream,
    shared: Arc<Shared>,
    round: u64,
    recipients: Vec<String>,
    /// What the last 250 was about, until the client speaks on.
    unconfirmed: Vec<(String, String)>,
}

impl Session {
    fn new(stream: TcpStream, shared: Arc<Shared>) -> Result<Session> {
        let mut inside = shared.inside();
        let round = inside.round;
        while inside.gate == Gate::Closed {
            let waited = shared.opened.wait(inside);
            inside = waited.unwrap_or_else(PoisonError::into_inner);
        }
        drop(inside);
        Ok(Session {
            reader: BufReader::new(stream.try_clone()?),
            stream,
            shared,
            round,
            recipients: Vec::new(),
            unconfirmed: Vec::new(),
        })
    }

    fn run(mut self) -> Result<()> {
        self.say("220 sink")?;
        loop {
            let line = String::from_utf8_lossy(&self.line()?).into_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME")?,
                "RCPT" if line.contains(NOBODY) => self.say("550 5.1.1 nobody of that name")?,
                "RCPT" => {
                    let path = line
                        .split_once('<')
                        .and_then(|(_, rest)| rest.split_once('>'));
                    self.recipients
                        .extend(path.map(|(path, _)| path.to_owned()));
                    self.say("250 2.1.5 ok")?;
                }
                "DATA" if self.recipients.is_empty() => self.say("554 5.5.1 nobody")?,
                "DATA" => self.content()?,
                "QUIT" => return self.say("221 2.0.0 bye"),
                _ => {
                    self.recipients.clear();
                    self.say("250 2.0.0 ok")?;
                }
            }
        }
    }

    fn content(&mut self) -> Result<()> {
        self.say("354 go on")?;
        let mut content = Vec::new();
        loop {
            let line = self.line()?;
            if line == b"." {
                break;
            }
            content.extend_from_slice(&line);
            content.extend_from_slice(b"\r\n");
        }
        let id = received_id(&content).unwrap_or_default();
        let copy = Copy {
            round: self.round,
            at: Instant::now(),
            reply_was_read: false,
        };
        let recipients = std::mem::take(&mut self.recipients);
        let mut inside = self.shared.inside();
        for recipient in recipients {
            let key = (id.clone(), recipient);
            inside.taken.entry(key.clone()).or_default().push(copy);
            self.unconfirmed.push(key);
        }
        if let Some(bell) = &inside.bell {
            // The round may be over already.
            let _ = bell.send(());
        }
        drop(inside);
        self.say("250 2.0.0 taken")
    }

    fn say(&mut self, reply: &str) -> Result<()> {
        self.stream.write_all(format!("{reply}\r\n").as_bytes())
    }

    /// Without its end. Whoever speaks on has read what was said before.
    fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        let Some(rest) = line.strip_suffix(b"\r\n") else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        let mut inside = self.shared.inside();
        for key in self.unconfirmed.drain(..) {
            let copy = inside
                .taken
                .get_mut(&key)
                .and_then(|copies| copies.last_mut());
            if let Some(copy) = copy {
                copy.reply_was_read = true;
            }
        }
        Ok(rest.to_vec())
    }
}

/// The id in the Received field that the server put on top.
fn received_id(content: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(content);
    let field = text.strip_prefix("Received:")?.split(';').next()?;
    let mut words = field.split_ascii_whitespace();
    words.find(|word| *word == "id")?;
    words.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_id_that_the_server_gave() {
        let content = b"Received: from a (b)\r\n\tby c with ESMTPA id Xy1\r\n\tfor <d>; date\r\n";
        assert_eq!(received_id(content).as_deref(), Some("Xy1"));
        assert_eq!(received_id(b"Subject: id 1\r\n"), None);
    }
}
