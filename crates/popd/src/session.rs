//! One client's session: reads, hands events to the table, writes, keeps the times and the bounds.
//!
//! Never here: what a command does (`cmd`), or how a line is read (`pop::Server`).

use crate::folders::Folders;
use crate::limits::OUTPUT_BYTES;
use crate::maildrop::Maildrop;
use crate::reply::Refused;
use crate::table::{self, Doing, Run, States};
use crate::text::{Language, Text};
use crate::{ClearText, Door};
use bytes::BytesMut;
use mail::{Conversation, LoginClient};
use net::time::{sleep, timeout};
use net::{Conn, GivenUp, Network, SessionEntry, Stop, Turns};
use pop::{Arguments, Code, Command, Event, Reply, Server, Verb};
use std::net::SocketAddr;
use std::sync::Arc;
use tally::Metric;

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The client said QUIT.
    Quit,
    /// The connection is lost.
    Lost,
    /// The client was silent, or did not read, for too long.
    Autologout,
    /// The server goes down.
    Stopped,
    /// Too many failed logins or bad commands.
    Rude,
    /// Our trouble in the middle of an answer, which cannot be told any more.
    Cut,
    /// The TLS handshake failed.
    Handshake,
}

impl From<GivenUp> for End {
    fn from(why: GivenUp) -> End {
        match why {
            GivenUp::Closed => End::Lost,
            GivenUp::Stopped => End::Stopped,
        }
    }
}

/// Where the session stands [rfc1939 3].
pub(crate) enum State {
    Authorization { user: Option<String> },
    Transaction(Box<Folders>),
}

/// What a client can read [rfc6856 2.1].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Speech {
    #[default]
    Ascii,
    /// It has said UTF8.
    Utf8,
}

/// What RPOP means on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rpop {
    /// It is a word like any that is none.
    NotOffered,
    /// The client is a program of this machine: PASS by another name.
    Password,
    /// The client is the system of this machine, and says who its user is.
    User,
}

impl Rpop {
    fn of(peer: SocketAddr, trusted: &[Network]) -> Rpop {
        let ip = peer.ip().to_canonical();
        if !ip.is_loopback() || !trusted.iter().any(|network| network.contains(ip)) {
            return Rpop::NotOffered;
        }
        match mail::is_of_the_system(peer) {
            true => Rpop::User,
            false => Rpop::Password,
        }
    }
}

/// Our name as a greeting may have it: fetchmail takes any with `demon.` in it for a server of SDPS.
fn greeted(hostname: &str) -> &str {
    match hostname.to_ascii_lowercase().contains("demon.") {
        true => hostname.split('.').next().unwrap_or_default(),
        false => hostname,
    }
}

pub(crate) struct Session {
    /// Taken while TLS is set up, and for good when that fails.
    pub(crate) conn: Option<Conn>,
    pub(crate) machine: Server,
    pub(crate) door: Arc<Door>,
    pub(crate) stop: Stop,
    pub(crate) state: State,
    /// A login that waits for the client's next line.
    pub(crate) conversation: Option<Box<Conversation>>,
    pub(crate) speech: Speech,
    /// Of the texts for people.
    pub(crate) language: Language,
    /// The greeting's stamp, where APOP is announced; TLS, once it is begun, does not change it.
    pub(crate) stamp: Option<String>,
    pub(crate) rpop: Rpop,
    pub(crate) id: u64,
    /// Its place among the sessions that run.
    pub(crate) entry: Arc<SessionEntry>,
    turns: Turns,
    failed_logins: u32,
    bad_commands: u32,
}

impl Session {
    pub fn new(conn: Conn, door: Arc<Door>, stop: Stop) -> Session {
        let entry = conn.session().clone();
        let rpop = Rpop::of(conn.peer(), &door.settings.rpop);
        let machine = match rpop {
            Rpop::NotOffered => Server::new().without(Verb::Rpop),
            Rpop::Password | Rpop::User => Server::new(),
        };
        Session {
            conn: Some(conn),
            machine,
            door,
            stop: entry.stop(&stop),
            state: State::Authorization { user: None },
            conversation: None,
            speech: Speech::Ascii,
            language: Language::English,
            stamp: None,
            rpop,
            id: entry.id(),
            entry,
            turns: Turns::default(),
            failed_logins: 0,
            bad_commands: 0,
        }
    }

    pub async fn run(mut self) {
        self.greet();
        let end = loop {
            if let Err(end) = self.step().await {
                break end;
            }
        };
        self.say_last(end).await;
        tracing::debug!(door = "pop3", session = self.id, ?end, "session ended");
        if let Some(conn) = self.conn.take() {
            conn.close().await;
        }
    }

    /// `<…>` announces APOP [rfc1939 7], so it is there only if an account asked for that; and never is
    /// there `demon.`, which clients take for SDPS.
    fn greet(&mut self) {
        let hostname = greeted(&self.door.settings.hostname).to_owned();
        self.stamp = match self.door.mail.auth().stamp(&hostname) {
            Ok(stamp) => stamp,
            Err(fault) => {
                tracing::error!(door = "pop3", session = self.id, %fault, "APOP is not announced");
                None
            }
        };
        let text = Text::Greeting(hostname);
        match &self.stamp {
            None => self.ok(&text),
            Some(stamp) => {
                let text = format!("{} {stamp}", text.in_language(self.language));
                self.ok_data(&text);
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        // However much one client sends at once, others get their turn between its commands.
        self.turns.pass().await;
        let event = self.next_event().await?;
        self.take(event).await?;
        self.flush_if_full().await
    }

    /// The last words, where a line may still be said.
    async fn say_last(&mut self, end: End) {
        let mut send = |code, text: Text| {
            let text = text.in_language(self.language);
            self.machine.send_last(Reply::Err(code, &text));
        };
        match end {
            End::Stopped if self.entry.is_ended() => {
                send(Some(Code::SysTemp), Text::EndedByOperator);
            }
            End::Stopped => send(Some(Code::SysTemp), Text::GoingDown),
            End::Autologout => send(None, Text::SilentTooLong),
            End::Quit | End::Rude => {}
            End::Lost | End::Cut | End::Handshake => return,
        }
        let out = self.machine.output();
        if let Some(conn) = &mut self.conn {
            // a client that does not read must not hold up the server's end
            let _ = timeout(crate::limits::LAST_WORDS, conn.write_all(&out)).await;
        }
    }

    /// The next event; waits for the client no longer than the autologout time.
    pub async fn next_event(&mut self) -> Result<Event, End> {
        if self.stop.is_stopped() {
            return Err(End::Stopped);
        }
        if let Some(event) = self.machine.next() {
            return Ok(event);
        }
        // the time runs until a whole command is here, however many pieces it comes in
        let mut autologout = std::pin::pin!(sleep(self.door.settings.autologout));
        let mut input = BytesMut::new();
        loop {
            self.flush().await?;
            let conn = self.conn.as_mut().ok_or(End::Lost)?;
            let (stop, came) = (&self.stop, &mut input);
            let read = async {
                tokio::select! {
                    biased;
                    () = stop.stopped() => Err(End::Stopped),
                    // before the read, which a flood without line ends keeps ready
                    () = &mut autologout => Err(End::Autologout),
                    read = conn.read(came) => Ok(read),
                }
            };
            match self.turns.wait(read).await? {
                Err(_) | Ok(0) => return Err(End::Lost),
                Ok(_) => self.machine.receive(&input.split()),
            }
            if let Some(event) = self.machine.next() {
                return Ok(event);
            }
        }
    }

    async fn take(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Command(command) => self.command(command).await,
            // in boxes that go, because few ask for that much room
            Event::AuthAnswer(line) => Box::pin(crate::cmd::login::answer(self, &line.0)).await,
            Event::AuthCancelled => Box::pin(crate::cmd::login::answer(self, b"*")).await,
            // a message comes only while a command asks for it
            Event::Data(_) => Ok(()),
            Event::DataEnd => self.bad(Text::NoMessage),
            Event::Bad(bad) => {
                self.count("other");
                self.conversation = None;
                self.bad(bad.into())
            }
        }
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        self.count(pop::word_of(command.verb));
        let Some(row) = table::find(command.verb) else {
            return self.bad(Text::UnknownCommand);
        };
        match (&self.state, row.states) {
            (State::Authorization { .. }, States::Transaction) => self.bad(Text::LogInFirst),
            (State::Transaction(_), States::Authorization) => self.bad(Text::LoggedInAlready),
            _ => self.start(row.run, command.arguments).await,
        }
    }

    fn count(&self, command: &'static str) {
        self.entry.commanded();
        let tally = self.door.mail.tally();
        tally.count(Metric::PopCommands, &[command]);
    }

    fn start(&mut self, run: Run, arguments: Arguments) -> Doing<'_> {
        match (run, arguments) {
            (Run::Nothing(run), Arguments::Nothing) => run(self),
            (Run::Name(run), Arguments::Name(name)) => run(self, name),
            (Run::Secret(run), Arguments::Secret(secret)) => run(self, secret),
            (Run::NameAndDigest(run), Arguments::NameAndDigest { name, digest }) => {
                run(self, name, digest)
            }
            (Run::Number(run), Arguments::Number(number)) => run(self, number),
            (Run::MaybeNumber(run), Arguments::MaybeNumber(number)) => run(self, number),
            (Run::NumberAndLines(run), Arguments::NumberAndLines { number, lines }) => {
                run(self, number, lines)
            }
            (Run::MaybeLanguage(run), Arguments::MaybeLanguage(range)) => run(self, range),
            (Run::Mechanism(run), Arguments::Mechanism(mechanism)) => run(self, mechanism),
            (Run::Extension(run), Arguments::Extension(name)) => run(self, name),
            (run, arguments) => self.start_pop4(run, arguments),
        }
    }

    fn start_pop4(&mut self, run: Run, arguments: Arguments) -> Doing<'_> {
        match (run, arguments) {
            (Run::MaybeFolder(run), Arguments::MaybeFolder(folder)) => run(self, folder),
            (Run::Folder(run), Arguments::Folder(folder)) => run(self, folder),
            (Run::Folders(run), Arguments::Folders(one, other)) => run(self, one, other),
            (Run::FolderAndPlace(run), Arguments::FolderAndPlace(folder, place)) => {
                run(self, folder, place)
            }
            (Run::SetAndFolder(run), Arguments::SetAndFolder(set, folder)) => {
                run(self, set, folder)
            }
            (Run::MaybeFolderAndFlags(run), Arguments::MaybeFolderAndFlags(folder, flags)) => {
                run(self, folder, flags)
            }
            (Run::MaybeSet(run), Arguments::MaybeSet(set)) => run(self, set),
            (Run::SetAndFlags(run), Arguments::SetAndFlags(set, setting, flags)) => {
                run(self, set, setting, flags)
            }
            (Run::NumberAndSection(run), Arguments::NumberAndSection(number, section)) => {
                run(self, number, section)
            }
            (_, arguments) => {
                unreachable!("the tables of words and commands differ: {arguments:?}")
            }
        }
    }

    /// What USER said last; it is forgotten by that.
    pub fn take_user(&mut self) -> Option<String> {
        match &mut self.state {
            State::Authorization { user } => user.take(),
            State::Transaction(_) => None,
        }
    }

    /// Whether a password may be sent on this connection now.
    pub fn may_log_in(&self) -> bool {
        self.is_private() || self.door.settings.clear_text == ClearText::Allowed
    }

    /// Whether a password may be sent at all, by whatever command.
    pub fn takes_passwords(&self) -> bool {
        self.may_log_in() && self.door.mail.auth().takes_passwords()
    }

    /// The client as logins see it.
    pub fn login_client(&self) -> Result<LoginClient, End> {
        let conn = self.conn.as_ref().ok_or(End::Lost)?;
        Ok(LoginClient::of(conn, "pop3"))
    }

    /// The names of the mechanisms by which a login can work on this connection.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        match self.login_client() {
            Ok(client) if self.may_log_in() => {
                let offered = self.door.mail.auth().offered(&client);
                offered.into_iter().map(sasl::Mechanism::name).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the connection is under TLS.
    pub fn is_private(&self) -> bool {
        self.conn.as_ref().is_some_and(|conn| conn.tls().is_some())
    }

    /// Whether STLS would work now [rfc2595 4].
    pub fn may_start_tls(&self) -> bool {
        self.door.tls.is_some() && !self.is_private()
    }

    /// The maildrop that is selected.
    ///
    /// # Panics
    /// Outside of the TRANSACTION state.
    pub fn maildrop(&mut self) -> &mut Maildrop {
        self.folders().selected()
    }

    /// The folders of this login.
    ///
    /// # Panics
    /// Outside of the TRANSACTION state.
    pub fn folders(&mut self) -> &mut Folders {
        match &mut self.state {
            State::Transaction(folders) => folders,
            State::Authorization { .. } => panic!("the table lets this command run before a login"),
        }
    }

    pub fn ok(&mut self, text: &Text) {
        let text = text.in_language(self.language);
        self.machine.send(Reply::Ok(&text));
    }

    /// `+OK` with what a program reads.
    pub fn ok_data(&mut self, data: &str) {
        self.machine.send(Reply::Ok(data));
    }

    /// The first line of a multi-line answer.
    pub fn begin(&mut self, text: &Text) {
        let text = text.in_language(self.language);
        self.machine.send(Reply::Begin(&text));
    }

    pub fn refuse(&mut self, refused: &Refused) {
        let text = refused.text.in_language(self.language);
        self.machine.send(Reply::Err(refused.code, &text));
    }

    /// `+OK` with what a program reads, or the refusal.
    pub fn settle(&mut self, result: Result<String, Refused>) {
        match result {
            Ok(data) => self.ok_data(&data),
            Err(refused) => self.refuse(&refused),
        }
    }

    /// Refuses a line that is no command, or not now; too many end the session.
    pub fn bad(&mut self, text: Text) -> Result<(), End> {
        self.bad_commands += 1;
        if self.bad_commands > self.door.settings.bad_commands {
            self.refuse(&Refused::new(Text::TooManyBadCommands));
            return Err(End::Rude);
        }
        self.refuse(&Refused::new(text));
        Ok(())
    }

    /// Counts a failed login, which is answered already; too many end the session.
    pub fn failed_login(&mut self) -> Result<(), End> {
        self.failed_logins += 1;
        match self.failed_logins >= self.door.settings.failed_logins {
            true => Err(End::Rude),
            false => Ok(()),
        }
    }

    /// Writes what waits, once it is much: what a session holds in memory is bounded.
    pub async fn flush_if_full(&mut self) -> Result<(), End> {
        match self.machine.output_len() >= OUTPUT_BYTES {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// Writes what waits. A client that does not read is let go after the autologout time.
    pub async fn flush(&mut self) -> Result<(), End> {
        let out = self.machine.output();
        if out.is_empty() {
            return Ok(());
        }
        let patience = self.door.settings.autologout;
        let conn = self.conn.as_mut().ok_or(End::Lost)?;
        tokio::select! {
            biased;
            written = timeout(patience, conn.write_all(&out)) => match written {
                Ok(Ok(())) => Ok(()),
                // a part of a line may be out: nothing can be said behind it
                Ok(Err(_)) | Err(_) => Err(End::Lost),
            },
            () = self.stop.stopped() => Err(End::Cut),
        }
    }
}
