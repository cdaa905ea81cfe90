//! A mail server that does what a test says at each step: refuses, cuts, is silent, lies.
//!
//! It runs in the test's own process, at port 25 of a host. What never happens here: a decision that
//! the test did not make, except to go on as a good server would.

use crate::authority::Shown;
use crate::namespaces::{Host, enter};
use crate::wait::until;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Mail,
    Rcpt,
    /// The DATA command.
    Data,
    /// The first octets of the content.
    Content,
    /// All of the content.
    Dot,
    Other,
}

/// One step, and what led there.
#[derive(Debug)]
pub struct Step<'a> {
    pub stage: Stage,
    /// Connections are counted from 1.
    pub visit: usize,
    /// The command.
    pub line: &'a str,
    pub tls: bool,
}

#[derive(Debug, Clone)]
pub enum Answer {
    /// As a good server does.
    Go,
    /// This, with CRLF, and on.
    Say(String),
    /// This, with CRLF, and the end.
    Last(String),
    /// The end without a word.
    Cut,
    /// Nothing more, for as long as the client stays.
    Silence,
}

pub fn say(line: &str) -> Answer {
    Answer::Say(line.to_owned())
}

/// A message that came with its final dot, whatever was answered.
#[derive(Clone)]
pub struct Received {
    pub visit: usize,
    pub mail: String,
    pub rcpts: Vec<String>,
    pub content: Vec<u8>,
    pub tls: bool,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (visit, tls, mail, rcpts) = (self.visit, self.tls, &self.mail, &self.rcpts);
        let content = String::from_utf8_lossy(&self.content);
        write!(
            f,
            "[visit {visit}, TLS: {tls}, {mail}, {rcpts:?}]\n{content}"
        )
    }
}

type Decide = dyn Fn(&Step<'_>) -> Answer + Send + Sync;

/// What a scripted server does.
pub struct Script {
    decide: Box<Decide>,
    offers: Vec<&'static str>,
    tls: Option<Arc<ServerConfig>>,
}

pub struct Scripted {
    host: Host,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    name: String,
    ended: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    visits: usize,
    lines: Vec<String>,
    received: Vec<Received>,
}

impl Script {
    pub fn new(decide: impl Fn(&Step<'_>) -> Answer + Send + Sync + 'static) -> Script {
        Script {
            decide: Box::new(decide),
            offers: vec![
                "PIPELINING",
                "SIZE 10485760",
                "8BITMIME",
                "ENHANCEDSTATUSCODES",
                "SMTPUTF8",
            ],
            tls: None,
        }
    }

    /// Each of these once, in this order: the next one waits until its stage comes.
    pub fn failing(failures: Vec<(Stage, Answer)>) -> Script {
        let failures = Mutex::new(VecDeque::from(failures));
        Script::new(move |step| {
            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            match failures.front() {
                Some((stage, _)) if *stage == step.stage => failures
                    .pop_front()
                    .map_or(Answer::Go, |(_, answer)| answer),
                _ => Answer::Go,
            }
        })
    }

    /// With STARTTLS and this certificate.
    pub fn showing(mut self, shown: &Shown) -> Script {
        self.tls = Some(shown.server());
        self
    }

    /// These words of EHLO and no others.
    pub fn offering(mut self, offers: &[&'static str]) -> Script {
        self.offers = offers.to_vec();
        self
    }
}

impl Scripted {
    pub fn start(host: &Host, script: Script) -> Scripted {
        let shared = Arc::new(Shared {
            script,
            name: format!("mx.{}.example", host.name),
            ended: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let (ready, is_ready) = channel();
        let (space, of_thread) = (host.space.clone(), shared.clone());
        std::thread::spawn(move || {
            let bound = enter(&space)
                .and_then(|()| TcpListener::bind("[::]:25").map_err(|error| error.to_string()));
            match bound {
                Ok(listener) => {
                    // The test waits for it.
                    let _ = ready.send(Ok(()));
                    serve(&listener, &of_thread);
                }
                Err(reason) => drop(ready.send(Err(reason))),
            }
        });
        let began = is_ready.recv().expect("because the thread says so first");
        began.unwrap_or_else(|reason| panic!("{}: {reason}", host.name));
        Scripted {
            host: host.clone(),
            shared,
        }
    }

    /// How many connections came.
    pub fn visits(&self) -> usize {
        self.shared.seen().visits
    }

    /// All commands of all connections.
    pub fn lines(&self) -> Vec<String> {
        self.shared.seen().lines.clone()
    }

    pub fn received(&self) -> Vec<Received> {
        self.shared.seen().received.clone()
    }

    /// Waits until so many connections came.
    pub fn wait_for_visits(&self, count: usize) {
        until(
            &format!("{count} connections to {}", self.host.name),
            || (self.visits() >= count).then_some(()),
        );
    }

    /// The messages, once there are so many.
    pub fn wait_for_messages(&self, count: usize) -> Vec<Received> {
        until(&format!("{count} messages at {}", self.host.name), || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes it; if it has ended there is nothing to wake.
        let at = (self.host.v4, 25).into();
        let _ = TcpStream::connect_timeout(&at, Duration::from_secs(1));
        if std::thread::panicking() {
            println!("---- {} heard\n{}", self.host.name, self.lines().join("\n"));
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let visit = {
            let mut seen = shared.seen();
            seen.visits += 1;
            seen.visits
        };
        let shared = shared.clone();
        std::thread::spawn(move || {
            let mut session = Session {
                shared: &shared,
                stream: Some(Stream::Plain(stream)),
                pending: Vec::new(),
                visit,
                tls: false,
                mail: String::new(),
                rcpts: Vec::new(),
                content: Vec::new(),
            };
            // A client may go at any time.
            let _ = session.run();
            session.hang_up();
        });
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

struct Session<'a> {
    shared: &'a Shared,
    /// `None` only while TLS begins.
    stream: Option<Stream>,
    pending: Vec<u8>,
    visit: usize,
    tls: bool,
    mail: String,
    rcpts: Vec<String>,
    content: Vec<u8>,
}

/// Whether the session goes on, and if so whether the server did as usual.
#[derive(PartialEq, Eq)]
enum Went {
    On,
    Otherwise,
}

impl Session<'_> {
    fn run(&mut self) -> Result<()> {
        let greeting = format!("220 {} ESMTP", self.shared.name);
        self.answer(Stage::Greeting, "", &greeting)?;
        loop {
            let line = self.line()?;
            self.shared
                .seen()
                .lines
                .push(format!("{}: {line}", self.visit));
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    self.mail.clear();
                    self.ehlo(&line)?;
                }
                "HELO" => {
                    self.answer(Stage::Ehlo, &line, "250 hello")?;
                }
                "STARTTLS" => self.start_tls(&line)?,
                "MAIL" => {
                    self.rcpts.clear();
                    self.mail.clear();
                    if self.answer(Stage::Mail, &line, "250 2.1.0 ok")? == Went::On {
                        self.mail = line;
                    }
                }
                "RCPT" if self.mail.is_empty() => self.write("503 5.5.1 MAIL first\r\n")?,
                "RCPT" => {
                    if self.answer(Stage::Rcpt, &line, "250 2.1.5 ok")? == Went::On {
                        self.rcpts.push(line);
                    }
                }
                "DATA" => self.data(&line)?,
                "BDAT" => self.chunk(&line)?,
                "QUIT" => {
                    self.answer(Stage::Other, &line, "221 2.0.0 bye")?;
                    return Ok(());
                }
                _ => {
                    self.answer(Stage::Other, &line, "250 2.0.0 ok")?;
                }
            }
        }
    }

    fn ehlo(&mut self, line: &str) -> Result<()> {
        let mut words = vec![self.shared.name.clone()];
        words.extend(
            self.shared
                .script
                .offers
                .iter()
                .map(|&word| word.to_owned()),
        );
        if self.shared.script.tls.is_some() && !self.tls {
            words.push("STARTTLS".to_owned());
        }
        let last = words.pop().unwrap_or_default();
        let mut reply: String = words.iter().map(|word| format!("250-{word}\r\n")).collect();
        reply.push_str(&format!("250 {last}"));
        self.answer(Stage::Ehlo, line, &reply).map(drop)
    }

    fn start_tls(&mut self, line: &str) -> Result<()> {
        let Some(config) = self.shared.script.tls.clone() else {
            return self
                .answer(Stage::StartTls, line, "502 5.5.1 no TLS here")
                .map(drop);
        };
        if self.answer(Stage::StartTls, line, "220 2.0.0 go")? == Went::Otherwise {
            return Ok(());
        }
        let Some(Stream::Plain(stream)) = self.stream.take() else {
            return Err(ErrorKind::InvalidData.into());
        };
        self.pending.clear();
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        self.stream = Some(Stream::Tls(Box::new(StreamOwned::new(connection, stream))));
        self.tls = true;
        Ok(())
    }

    fn data(&mut self, line: &str) -> Result<()> {
        if self.rcpts.is_empty() {
            return self.write("554 5.5.1 no recipients\r\n");
        }
        if self.answer(Stage::Data, line, "354 go")? == Went::Otherwise {
            return Ok(());
        }
        self.content.clear();
        if self.pending.is_empty() {
            self.read()?;
        }
        self.decide_on_content(line)?;
        loop {
            let line = self.raw_line()?;
            match line.as_slice() {
                b".\r\n" => break,
                [b'.', rest @ ..] => self.content.extend_from_slice(rest),
                _ => self.content.extend_from_slice(&line),
            }
        }
        self.received(line)
    }

    /// `BDAT size [LAST]`
    fn chunk(&mut self, line: &str) -> Result<()> {
        let mut words = line.split(' ').skip(1);
        let size: usize = words
            .next()
            .and_then(|size| size.parse().ok())
            .ok_or(ErrorKind::InvalidData)?;
        while self.pending.len() < size {
            self.read()?;
        }
        self.decide_on_content(line)?;
        let chunk: Vec<u8> = self.pending.drain(..size).collect();
        self.content.extend(chunk);
        match words.next() {
            Some(_) => self.received(line),
            None => self.write("250 2.0.0 more\r\n"),
        }
    }

    /// While the content comes nothing can be said, only ended.
    fn decide_on_content(&mut self, line: &str) -> Result<()> {
        match self.decide(Stage::Content, line) {
            Answer::Go => Ok(()),
            other => self.act(&other, "").map(drop),
        }
    }

    fn received(&mut self, line: &str) -> Result<()> {
        let received = Received {
            visit: self.visit,
            mail: std::mem::take(&mut self.mail),
            rcpts: std::mem::take(&mut self.rcpts),
            content: std::mem::take(&mut self.content),
            tls: self.tls,
        };
        self.shared.seen().received.push(received);
        self.answer(Stage::Dot, line, "250 2.0.0 taken").map(drop)
    }

    fn decide(&self, stage: Stage, line: &str) -> Answer {
        (self.shared.script.decide)(&Step {
            stage,
            visit: self.visit,
            line,
            tls: self.tls,
        })
    }

    fn answer(&mut self, stage: Stage, line: &str, usual: &str) -> Result<Went> {
        let answer = self.decide(stage, line);
        self.act(&answer, usual)
    }

    fn act(&mut self, answer: &Answer, usual: &str) -> Result<Went> {
        match answer {
            Answer::Go => {
                self.write(&format!("{usual}\r\n"))?;
                Ok(Went::On)
            }
            Answer::Say(words) => {
                self.write(&format!("{words}\r\n"))?;
                Ok(Went::Otherwise)
            }
            Answer::Last(words) => {
                self.write(&format!("{words}\r\n"))?;
                Err(ErrorKind::ConnectionAborted.into())
            }
            Answer::Cut => Err(ErrorKind::ConnectionAborted.into()),
            Answer::Silence => loop {
                self.read()?;
            },
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        match &mut self.stream {
            Some(Stream::Plain(stream)) => stream.write_all(text.as_bytes()),
            Some(Stream::Tls(stream)) => stream.write_all(text.as_bytes()),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn read(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        let count = match &mut self.stream {
            Some(Stream::Plain(stream)) => stream.read(&mut buffer)?,
            Some(Stream::Tls(stream)) => stream.read(&mut buffer)?,
            None => 0,
        };
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.pending.extend_from_slice(&buffer[..count]);
        Ok(())
    }

    fn raw_line(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = self.pending.iter().position(|&octet| octet == b'\n') {
                return Ok(self.pending.drain(..=at).collect());
            }
            self.read()?;
        }
    }

    fn line(&mut self) -> Result<String> {
        let line = self.raw_line()?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// What the client still sends must not turn the end into a reset that swallows what was said.
    fn hang_up(&mut self) {
        let stream = match &mut self.stream {
            Some(Stream::Plain(stream)) => stream,
            Some(Stream::Tls(stream)) => {
                stream.conn.send_close_notify();
                // It may be gone already.
                let _ = stream.flush();
                &mut stream.sock
            }
            None => return,
        };
        // It may be gone already.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let mut rest = [0; 4096];
        while stream.read(&mut rest).is_ok_and(|count| count > 0) {}
    }
}
