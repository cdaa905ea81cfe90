//! One client's session: reads, hands events to the table, writes, keeps the times and the bounds.
//!
//! What never happens here: what a command does (`cmd`), how a line is read (`smtp::Server`).

use crate::limits::{LAST_WORDS_TIMEOUT, OUTPUT_BYTES};
use crate::table::{self, States};
use crate::{BareNewline, ClearText, Door, Logins, cmd, reply};
use bytes::BytesMut;
use mail::{Conversation, Fault, LoginClient, LoginRefusal};
use net::time::{Instant, now, timeout, timeout_at};
use net::{Conn, GivenUp, SessionEntry, Stop};
use post::{Arriving, Client, Envelope, Greeting, LocalUser, Role};
use smtp::{BareNewlines, Command, DataRules, Event, Flush, Malformed, Reply, Server, Status};
use std::sync::Arc;
use std::time::Duration;
use tally::Metric;

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client said QUIT, or was told its last 421.
    Said,
    /// The connection is lost.
    Lost,
    /// The client was silent, or too slow.
    Slow,
    /// The server goes down.
    Stopped,
    /// The TLS handshake failed.
    Handshake,
    /// The roles were turned, and the connection is somebody else's.
    Turned,
}

impl From<GivenUp> for End {
    fn from(why: GivenUp) -> End {
        match why {
            GivenUp::Closed => End::Lost,
            GivenUp::Stopped => End::Stopped,
        }
    }
}

/// Where the session stands. [rfc5321 4.1.4]
pub(crate) enum State {
    /// Before EHLO or HELO.
    New,
    Greeted,
    /// After MAIL.
    Message(Box<Envelope>),
    /// After the 354 to DATA, or the first BDAT.
    Content(Box<Content>),
    /// After a BDAT that failed: the rest of the message is dropped. [rfc3030 2]
    Failed {
        /// As of the message.
        recipients: usize,
    },
}

impl State {
    /// How many RCPT commands of the message were accepted.
    pub fn recipients(&self) -> usize {
        match self {
            State::New | State::Greeted => 0,
            State::Message(envelope) => envelope.accepted(),
            State::Content(content) => content.envelope.accepted(),
            State::Failed { recipients } => *recipients,
        }
    }
}

/// A message while its content comes in.
pub(crate) struct Content {
    pub envelope: Envelope,
    pub arriving: Arriving,
}

/// How long content has been coming, and how much; whether it is taken or dropped.
struct Meter {
    began: Instant,
    bytes: u64,
}

pub(crate) struct Session {
    /// Taken while TLS is set up, and for good when that fails.
    pub(crate) conn: Option<Conn>,
    pub(crate) machine: Server,
    pub(crate) door: Arc<Door>,
    pub(crate) client: Client,
    pub(crate) state: State,
    /// A login that waits for the client's next line.
    pub(crate) conversation: Option<Box<Conversation>>,
    /// How the chunk that comes in will be answered, if it is not taken.
    pub(crate) refused_chunk: Option<Reply>,
    pub(crate) id: u64,
    /// Its place among the sessions that run.
    pub(crate) entry: Arc<SessionEntry>,
    pub(crate) stop: Stop,
    /// The server's, whatever becomes of this session.
    pub(crate) server_stop: Stop,
    meter: Option<Meter>,
    transactions: u32,
    deadline: Instant,
    bad_commands: u32,
    refused_recipients: u32,
    failed_logins: u32,
}

impl Session {
    pub fn new(conn: Conn, local: Option<LocalUser>, door: Arc<Door>, stop: Stop) -> Session {
        let rules = DataRules {
            max_bytes: door.post.max_message_bytes(),
            bare_newlines: BareNewlines::Reject,
        };
        let client = Client {
            peer: conn.peer(),
            helo: None,
            tls: tls_text(&conn),
            login: None,
            local,
            role: door.settings.role,
        };
        let entry = conn.session().clone();
        let mut session = Session {
            conn: Some(conn),
            machine: Server::new(rules),
            client,
            state: State::New,
            conversation: None,
            refused_chunk: None,
            meter: None,
            transactions: 0,
            id: entry.id(),
            stop: entry.stop(&stop),
            server_stop: stop,
            entry,
            deadline: now() + door.settings.timeouts.session,
            door,
            bad_commands: 0,
            refused_recipients: 0,
            failed_logins: 0,
        };
        session.set_bare_newlines();
        if session.client.role == Role::Local {
            session.machine.set_home(post::here());
        }
        session
    }

    pub async fn run(mut self) {
        let protocol = match self.client.role {
            Role::Lmtp => "LMTP",
            Role::Exchange | Role::Submission | Role::Local => "ESMTP",
            Role::OnDemand => "ODMR",
        };
        let greeting = format!("{} {protocol} Whimbrel", self.door.settings.hostname);
        self.send(Reply::plain(220, greeting));
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        // a message that was begun ends with the session, and is nowhere [rfc5321 4.1.1.10]
        self.say_last(end).await;
        tracing::debug!(target: "smtp", session = self.id, peer = %self.client.peer, ?end, "session ended");
        if let Some(conn) = self.conn.take() {
            conn.close().await;
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        // However much one client sends at once, others get their turn between its commands.
        tokio::task::coop::consume_budget().await;
        let event = self.next_event().await?;
        self.take(event).await?;
        if self.machine.flush() == Flush::Now || self.machine.output_len() >= OUTPUT_BYTES {
            self.flush().await?;
        }
        if self.machine.is_closed() {
            Err(End::Said)
        } else {
            Ok(())
        }
    }

    async fn take(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Command(command) => self.command(command).await,
            Event::Malformed(malformed) => {
                self.malformed(&malformed);
                Ok(())
            }
            // in a box that goes, because few ask for that much room
            Event::AuthLine(line) => Box::pin(cmd::login::answer(self, &line)).await,
            Event::Data(piece) => {
                cmd::content::piece(self, &piece).await;
                Ok(())
            }
            Event::ChunkEnd(end) => {
                cmd::chunk::end(self, end);
                Ok(())
            }
            Event::DataEnd(end) => {
                cmd::content::end(self, end).await;
                Ok(())
            }
        }
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        let row = table::find(command.verb());
        self.count(row.verb.word());
        if !row.is_spoken(self.client.role) {
            self.bad(reply::not_spoken(row.verb, self.client.role));
            return Ok(());
        }
        let wrong = match (row.states, &self.state) {
            (States::Any, _) => None,
            (_, State::New) => Some("EHLO first"),
            (States::NoMessage | States::Message, State::Failed { .. }) => Some("RSET first"),
            (States::NoMessage, State::Message(_) | State::Content(_)) => {
                Some("A message has been begun")
            }
            (States::Message, State::Greeted) => Some("MAIL first"),
            // no DATA after BDAT, and no recipient behind content [rfc3030 2]
            (States::Message, State::Content(_)) => Some("BDAT or RSET first"),
            _ => None,
        };
        match wrong {
            Some(text) => {
                self.bad(reply::out_of_order(text));
                Ok(())
            }
            None => (row.run)(self, command).await,
        }
    }

    fn count(&self, command: &'static str) {
        self.entry.commanded();
        let tally = self.door.mail.tally();
        tally.count(Metric::SmtpCommands, &[command]);
    }

    fn malformed(&mut self, malformed: &Malformed) {
        self.count("other");
        if self.conversation.take().is_some() && *malformed == Malformed::LineTooLong {
            // [rfc4954 4]
            return self.bad(reply::exchange_failure(sasl::Failure::TooLong));
        }
        match malformed {
            Malformed::Argument { verb, .. } if !table::find(*verb).is_spoken(self.client.role) => {
                self.bad(reply::not_spoken(*verb, self.client.role));
            }
            _ => self.bad(reply::malformed(malformed)),
        }
    }

    pub fn send(&mut self, reply: Reply) {
        self.machine.send(reply);
    }

    /// Answers what is no command, or not now; too many end the session.
    pub fn bad(&mut self, reply: Reply) {
        self.bad_commands += 1;
        if self.bad_commands > self.door.settings.bad_commands {
            return self.end_with("Too many bad commands");
        }
        self.send(reply);
    }

    /// The message that was begun, if any, is over; gives what it was.
    pub fn clear_to(&mut self, state: State) -> State {
        self.meter = None;
        std::mem::replace(&mut self.state, state)
    }

    /// The content of the message comes next.
    pub fn begin_content(&mut self, arriving: Arriving) {
        let State::Message(envelope) = std::mem::replace(&mut self.state, State::Greeted) else {
            unreachable!("content belongs to a message")
        };
        self.state = State::Content(Box::new(Content {
            envelope: *envelope,
            arriving,
        }));
    }

    /// From now on the time for content runs; over all chunks of a message.
    pub fn start_meter(&mut self) {
        self.meter.get_or_insert_with(|| Meter {
            began: now(),
            bytes: 0,
        });
    }

    pub fn stop_meter(&mut self) {
        self.meter = None;
    }

    pub fn count_content(&mut self, bytes: usize) {
        if let Some(meter) = &mut self.meter {
            meter.bytes += bytes as u64;
        }
    }

    /// Whether MAIL and RCPT may have parameters.
    pub fn has_parameters(&self) -> bool {
        !matches!(self.client.helo, Some((Greeting::Helo, _)))
    }

    /// Counts a MAIL command, whatever becomes of it; one too many ends the session. [rfc9422 4.1]
    pub fn counts_transaction(&mut self) -> bool {
        self.transactions += 1;
        let fits = self.transactions <= self.door.settings.transactions;
        if !fits {
            self.end_with("Too many messages in one session, connect again");
        }
        fits
    }

    /// Refuses a recipient; too many that may be guesses end the session. One that is refused for
    /// now is none: a client that sends more recipients than we take goes on with those that we
    /// took. [rfc5321 4.5.3.1.10]
    pub fn refuse_recipient(&mut self, reply: Reply) {
        self.refused_recipients += u32::from(reply.code() >= 500);
        if self.refused_recipients > self.door.settings.refused_recipients {
            return self.end_with("Too many refused recipients");
        }
        self.send(reply);
    }

    /// Refuses a login; too many end the session. That we are busy, or in trouble, is not the
    /// client's failure.
    pub fn refuse_login(&mut self, reply: Reply, refusal: &LoginRefusal) {
        self.failed_logins += u32::from(refusal.is_the_clients());
        if self.failed_logins >= self.door.settings.failed_logins {
            return self.end_with("Too many failed logins");
        }
        self.send(reply);
    }

    fn end_with(&mut self, text: &str) {
        tracing::info!(target: "smtp", session = self.id, peer = %self.client.peer, why = text, "session ended by us");
        self.send(Reply::new(421, Status(4, 7, 0), text));
    }

    /// The client as logins see it.
    pub fn login_client(&self) -> Result<LoginClient, End> {
        let conn = self.conn.as_ref().ok_or(End::Lost)?;
        let client = match self.client.role {
            Role::OnDemand => {
                let client = LoginClient::of(conn, "odmr");
                client.with_shared_keys(&self.door.settings.hostname)
            }
            _ => LoginClient::of(conn, "smtp"),
        };
        Ok(match self.door.settings.announce_plus {
            true => client,
            false => client.without_plus(),
        })
    }

    /// The names of the mechanisms by which a login would work now.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        match self.login_client() {
            Ok(client) => {
                let offered = self.door.mail.auth().offered(&client).into_iter();
                let offered = offered.filter(|mechanism| self.may_log_in_by(*mechanism));
                offered.map(sasl::Mechanism::name).collect()
            }
            Err(_) => Vec::new(),
        }
    }

    /// Whether AUTH would work now. What shows nothing of use to others is good without TLS as well:
    /// servers that have mail relayed on demand often know none. [rfc4954 4] [rfc2645 5.1.2]
    pub fn may_log_in_by(&self, mechanism: sasl::Mechanism) -> bool {
        let private = self.client.tls.is_some();
        let clear_text = self.door.settings.clear_text == ClearText::Allowed;
        let shows_little = mechanism.needs() == sasl::Needs::SharedKey;
        let may = private || clear_text || shows_little;
        self.offers_logins() && self.client.login.is_none() && may
    }

    pub fn offers_logins(&self) -> bool {
        self.door.settings.logins == Logins::Offered
    }

    /// Whether STARTTLS would work now. [rfc3207 4.2]
    pub fn may_start_tls(&self) -> bool {
        self.door.tls.is_some() && self.client.tls.is_none()
    }

    /// Lone CR and LF are repaired only for those whom the setting names.
    pub fn set_bare_newlines(&mut self) {
        let normalize = match &self.door.settings.bare_newline {
            // a machine's own programs have no other lines
            _ if self.client.role == Role::Local => true,
            BareNewline::Reject => false,
            BareNewline::Normalize { networks } => {
                let peer = self.client.peer.ip();
                self.client.login.is_some() || networks.iter().any(|n| n.contains(peer))
            }
        };
        let how = if normalize {
            BareNewlines::Normalize
        } else {
            BareNewlines::Reject
        };
        self.machine.set_bare_newlines(how);
    }

    /// The next event. The time for a command runs from its awaiting to its last octet, whatever
    /// drips in meanwhile.
    async fn next_event(&mut self) -> Result<Event, End> {
        let timeouts = self.door.settings.timeouts;
        let command_deadline = now() + timeouts.command;
        let mut input = BytesMut::new();
        loop {
            if self.stop.is_stopped() {
                return Err(End::Stopped);
            }
            if let Some(event) = self.machine.next() {
                return Ok(event);
            }
            self.flush().await?;
            let deadline = self.next_deadline(command_deadline);
            let conn = self.conn.as_mut().ok_or(End::Lost)?;
            tokio::select! {
                biased;
                () = self.stop.stopped() => return Err(End::Stopped),
                read = timeout_at(deadline, conn.read(&mut input)) => match read {
                    Err(_) => return Err(End::Slow),
                    Ok(Err(_) | Ok(0)) => return Err(End::Lost),
                    Ok(Ok(_)) => self.machine.receive(&input.split()),
                },
            }
        }
    }

    /// While content comes in, each piece has its time, as has each command between two chunks, and
    /// all of it a time that grows with what has come, so that nobody holds a place by dripping.
    fn next_deadline(&self, command_deadline: Instant) -> Instant {
        let Some(meter) = &self.meter else {
            return command_deadline.min(self.deadline);
        };
        let timeouts = self.door.settings.timeouts;
        let earned = Duration::from_secs(meter.bytes / timeouts.data_octets_a_second.max(1));
        let whole = meter.began + timeouts.data_start + earned;
        if self.machine.in_data() {
            whole.min(now() + timeouts.data_block)
        } else {
            whole.min(command_deadline)
        }
    }

    /// After ATRN: what the customer's server has said already. The machine reads nothing more.
    pub fn turned_over(&mut self) -> Vec<u8> {
        let rules = DataRules {
            max_bytes: 0,
            bare_newlines: BareNewlines::Reject,
        };
        std::mem::replace(&mut self.machine, Server::new(rules)).turned_over()
    }

    /// Writes what waits. A client that does not read its replies holds no place for ever.
    pub async fn flush(&mut self) -> Result<(), End> {
        let out = self.machine.output();
        if out.is_empty() {
            return Ok(());
        }
        let patience = self.door.settings.timeouts.command;
        let conn = self.conn.as_mut().ok_or(End::Lost)?;
        tokio::select! {
            biased;
            written = timeout(patience, conn.write_all(&out)) => match written {
                Ok(Ok(())) => Ok(()),
                // a part of a reply may be out: nothing can be said behind it
                Ok(Err(_)) | Err(_) => Err(End::Lost),
            },
            () = self.stop.stopped() => Err(End::Lost),
        }
    }

    /// The last words, where a line may still be said. [rfc5321 3.8]
    async fn say_last(&mut self, end: End) {
        match end {
            End::Stopped if self.entry.is_ended() => {
                let text = "The session was ended by the operator";
                self.send(Reply::new(421, Status(4, 3, 2), text));
            }
            End::Stopped => {
                let text = format!("{} is shutting down", self.door.settings.hostname);
                self.send(Reply::new(421, Status(4, 3, 2), text));
            }
            End::Slow => self.send(Reply::new(421, Status(4, 4, 2), "Timeout")),
            End::Said => {}
            End::Lost | End::Handshake | End::Turned => return,
        }
        let out = self.machine.output();
        if let Some(conn) = &mut self.conn {
            // a client that does not read must not hold up the server's end
            let _ = timeout(LAST_WORDS_TIMEOUT, conn.write_all(&out)).await;
        }
    }
}

/// Who hands in mail, as the system says.
pub(crate) fn local(conn: &Conn, door: &Door) -> Result<Option<LocalUser>, Fault> {
    let who = conn.credentials();
    match who.filter(|_| door.settings.role == Role::Local) {
        Some(who) => door.settings.users.find(&door.post, who.uid),
        None => Ok(None),
    }
}

/// What a user hears of whom nobody can say now who he is: under another name he would be refused for
/// good what is his right.
const UNKNOWN_NOW: &[u8] = b"421 4.3.0 It cannot be found out now who you are, try again later\r\n";

/// Ends a session that cannot begin.
pub(crate) async fn turn_away(mut conn: Conn, fault: &Fault) {
    let uid = conn.credentials().map(|who| who.uid);
    tracing::error!(target: "smtp", uid, %fault, "fault");
    let _ = timeout(LAST_WORDS_TIMEOUT, conn.write_all(UNKNOWN_NOW)).await;
    conn.close().await;
}

/// What TLS agreed on, as it stands in a Received field.
pub(crate) fn tls_text(conn: &Conn) -> Option<String> {
    conn.tls()
        .map(|tls| format!("{} {}", tls.version, tls.cipher))
}
