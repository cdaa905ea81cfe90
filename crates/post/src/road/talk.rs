//! One connection with another server: the client machine over a `Conn`.
//!
//! Reads and writes at the same time, waits as long as the stage says and no longer, and feeds the
//! content in pieces. What never happens here: a choice of host, the meaning of a failure.

use crate::road::content::Feed;
use crate::road::patience::Patience;
use bytes::{Buf, BytesMut};
use net::time::{Duration, Instant, now, timeout_at};
use net::{Authorities, Conn, TlsFailure, Trust};
use smtp::Client;
use smtp::client::{Envelope, Event, Outcome, Request, Stage, Unfit};
use smtp::limits::CONTENT_BYTES;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once; replies are short.
const READ_BYTES: usize = 4 * 1024;

/// Why a conversation ended without a word for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// The server, or the network, ended it.
    Closed,
    Network(String),
    TimedOut(Stage),
    /// The server broke the protocol: how.
    Broken(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Closed => f.write_str("the server closed the connection"),
            Lost::Network(why) => write!(f, "the connection was lost: {why}"),
            Lost::TimedOut(stage) => write!(f, "no answer in time to {}", stage.name()),
            Lost::Broken(how) => f.write_str(how),
        }
    }
}

/// Why a message could not be handed over as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum NotSent {
    Unfit(Unfit),
    /// It was said to be ASCII and is not. The connection is gone.
    NotAscii,
    /// Our own trouble reading it. The connection is gone.
    Unreadable(String),
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) struct Transacted {
    pub outcomes: Vec<Outcome>,
    /// Why somebody is unanswered.
    pub lost: Option<Lost>,
    /// A line of the content was longer than servers have to take.
    pub has_long_line: bool,
}

/// One connection, from the greeting to QUIT.
pub(crate) struct Talk {
    client: Client,
    conn: Conn,
    /// What the host is called.
    name: Option<String>,
    /// What the server said when it was asked for the TLS that it offers, and would not.
    tls_refused: Option<String>,
    patience: Patience,
    unsent: BytesMut,
    unflushed: bool,
    /// Writing has failed: only what the server has said can still come.
    is_deaf: bool,
    begun: Instant,
    transactions: u32,
}

impl Talk {
    pub fn new(client: Client, conn: Conn, patience: Patience) -> Talk {
        Talk {
            client,
            conn,
            name: None,
            tls_refused: None,
            patience,
            unsent: BytesMut::new(),
            unflushed: false,
            is_deaf: false,
            begun: now(),
            transactions: 0,
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn conn(&self) -> &Conn {
        &self.conn
    }

    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub fn named(mut self, name: Option<String>) -> Talk {
        self.name = name;
        self
    }

    pub fn tls_refused(&self) -> Option<&str> {
        self.tls_refused.as_deref()
    }

    pub fn refuses_tls(mut self, said: String) -> Talk {
        self.tls_refused = Some(said);
        self
    }

    /// When it was connected.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// Transactions that were begun on it.
    pub fn transactions(&self) -> u32 {
        self.transactions
    }

    /// Whether another transaction may begin.
    pub fn is_open(&self) -> bool {
        !self.client.is_closed() && !self.is_deaf && self.client.stage().is_none()
    }

    /// Says something outside of transactions.
    pub fn send(&mut self, request: Request) {
        self.client.send(request);
    }

    /// TLS, after the server has agreed to it.
    pub async fn start_tls(
        mut self,
        trust: Trust,
        authorities: &Authorities,
        host: &str,
    ) -> Result<Talk, TlsFailure> {
        self.conn = self.conn.connect_trusting(trust, authorities, host).await?;
        self.client.tls_started();
        Ok(self)
    }

    /// The next event outside of transactions. After an error the conversation is over.
    pub async fn event(&mut self) -> Result<Event, Lost> {
        self.next(&mut None).await
    }

    /// One transaction. Every recipient has an outcome, whatever happens.
    pub async fn transact(
        &mut self,
        envelope: Envelope,
        feed: Feed<'_>,
    ) -> Result<Transacted, NotSent> {
        self.client.begin(envelope).map_err(NotSent::Unfit)?;
        self.transactions += 1;
        let mut feeding = Some(Feeding { feed, ended: None });
        let mut lost = None;
        loop {
            match self.next(&mut feeding).await {
                Ok(Event::Done(outcomes)) => {
                    let has_long_line = feeding
                        .as_ref()
                        .is_some_and(|feeding| feeding.feed.has_long_line());
                    return match feeding.and_then(|feeding| feeding.ended) {
                        Some(not_sent) => Err(not_sent),
                        None => Ok(Transacted {
                            outcomes,
                            lost,
                            has_long_line,
                        }),
                    };
                }
                Ok(Event::Broken(how)) => lost = Some(Lost::Broken(how.to_string())),
                Ok(_) => {}
                // Done follows
                Err(why) => {
                    lost = lost.or(Some(why));
                    self.client.lost();
                }
            }
        }
    }

    /// Says goodbye, and does not insist on an answer. [rfc5321 4.1.1.10]
    pub async fn quit(mut self) {
        if self.is_open() {
            self.client.send(Request::Quit);
            while let Ok(event) = self.next(&mut None).await {
                if matches!(event, Event::Quit(_) | Event::Closing(_) | Event::Broken(_)) {
                    break;
                }
            }
        }
        self.conn.close().await;
    }

    /// Whether the server has said or done something while nothing was asked of it: then it wants to
    /// end the connection.
    pub fn has_stirred(&mut self) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut octet = [0; 1];
        let mut into = ReadBuf::new(&mut octet);
        let read = Pin::new(&mut self.conn).poll_read(&mut cx, &mut into);
        read.is_ready()
    }

    /// The next event; content goes out while it is wanted. An error is the end: with `lost` the
    /// machine says what it means.
    async fn next(&mut self, feeding: &mut Option<Feeding<'_>>) -> Result<Event, Lost> {
        let mut deadline = Deadline::new(&self.client, self.patience);
        loop {
            if let Some(event) = self.client.next() {
                self.take_output();
                return Ok(event);
            }
            self.feed(feeding);
            self.take_output();
            if self.client.is_closed() {
                self.flush_last().await;
                return match self.client.next() {
                    Some(event) => Ok(event),
                    None => Err(Lost::Closed),
                };
            }
            deadline.look(&self.client);
            let stage = deadline.stage;
            match timeout_at(deadline.at, self.exchange()).await {
                Err(_) => return Err(Lost::TimedOut(stage)),
                Ok(Err(error)) => return Err(Lost::Network(error.to_string())),
                Ok(Ok(Did::Ended)) => return Err(Lost::Closed),
                Ok(Ok(Did::Wrote)) => deadline.renew(&self.client),
                Ok(Ok(Did::Read)) if self.client.buffered() == 0 => deadline.renew(&self.client),
                Ok(Ok(Did::Read)) => {}
            }
        }
    }

    fn take_output(&mut self) {
        if self.client.output_len() > 0 {
            let output = self.client.output();
            if !self.is_deaf {
                self.unsent.extend_from_slice(&output);
            }
        }
    }

    /// Hands content to the machine as far as it has room.
    fn feed(&mut self, feeding: &mut Option<Feeding<'_>>) {
        let Some(feeding) = feeding else { return };
        // what waits to be written is content as well: short pieces go together
        let mut has_room = self.unsent.is_empty();
        while has_room && feeding.ended.is_none() && self.client.wants_content() {
            match feeding.feed.next() {
                Ok(None) => {
                    self.client.content_end();
                    return self.take_output();
                }
                Ok(Some(piece)) => {
                    if self.client.content(&piece).is_err() {
                        feeding.ended = Some(NotSent::NotAscii);
                    }
                }
                Err(fault) => feeding.ended = Some(NotSent::Unreadable(fault.to_string())),
            }
            self.take_output();
            has_room = self.unsent.len() < CONTENT_BYTES;
        }
        if feeding.ended.is_some() {
            // without the end of the content nobody takes it for whole
            self.unsent.clear();
            self.client.lost();
        }
    }

    /// A last word, if the connection takes it at once.
    async fn flush_last(&mut self) {
        if !self.unsent.is_empty() && !self.is_deaf {
            let soon = now() + Duration::from_secs(1);
            let unsent = self.unsent.split();
            // the server has ended the conversation, and need not listen any more
            let _ = timeout_at(soon, self.conn.write_all(&unsent)).await;
        }
    }

    /// Writes and reads until something was read, or all was written that there was.
    async fn exchange(&mut self) -> io::Result<Did> {
        let had_output = !self.unsent.is_empty();
        let mut octets = [0; READ_BYTES];
        let mut into = ReadBuf::new(&mut octets);
        let did = poll_fn(|cx| {
            let written = match self.poll_write(cx) {
                Poll::Ready(()) => had_output,
                Poll::Pending => false,
            };
            match Pin::new(&mut self.conn).poll_read(cx, &mut into) {
                Poll::Ready(Ok(())) if into.filled().is_empty() => Poll::Ready(Ok(Did::Ended)),
                Poll::Ready(Ok(())) => Poll::Ready(Ok(Did::Read)),
                // a TLS peer that leaves without a goodbye has ended as well
                Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(Did::Ended))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending if written => Poll::Ready(Ok(Did::Wrote)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await?;
        self.client.receive(into.filled());
        Ok(did)
    }

    /// Ready when nothing is left to write. A server that refuses a message may close before it has
    /// read all of it: then what it said still counts.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.conn).poll_write(cx, &self.unsent)) {
                Ok(1..) if self.is_deaf => self.unsent.clear(),
                Ok(written @ 1..) => {
                    self.unsent.advance(written);
                    self.unflushed = true;
                }
                Ok(0) | Err(_) => {
                    self.unsent.clear();
                    self.is_deaf = true;
                }
            }
        }
        if self.unflushed && !self.is_deaf {
            let flushed = ready!(Pin::new(&mut self.conn).poll_flush(cx));
            self.unflushed = false;
            self.is_deaf = flushed.is_err();
        }
        Poll::Ready(())
    }
}

/// What an exchange came to.
enum Did {
    Read,
    /// All that there was, and nothing was read.
    Wrote,
    /// The server says no more.
    Ended,
}

/// The content that is being fed, and why that ended early.
struct Feeding<'a> {
    feed: Feed<'a>,
    ended: Option<NotSent>,
}

/// How long to wait: as the stage says, from its beginning or the last whole reply in it. A server that
/// sends octet by octet gains nothing. [rfc5321 4.5.3.2]
struct Deadline {
    stage: Stage,
    at: Instant,
    patience: Patience,
}

impl Deadline {
    fn new(client: &Client, patience: Patience) -> Deadline {
        let stage = client.stage().unwrap_or(Stage::Quit);
        let at = now() + patience.at(stage);
        Deadline {
            stage,
            at,
            patience,
        }
    }

    fn look(&mut self, client: &Client) {
        if client.stage().is_some_and(|stage| stage != self.stage) {
            self.renew(client);
        }
    }

    fn renew(&mut self, client: &Client) {
        *self = Deadline::new(client, self.patience);
    }
}
