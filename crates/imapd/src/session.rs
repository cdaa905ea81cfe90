//! One session: the greeting, one command after the other, the end. What never happens here: what
//! a command does (`cmd`), and which are allowed when (`table`).

use crate::capability::{self, LoggedIn, Passwords, Standing, StartTls};
use crate::enabled::{self, Enabled, Extension};
use crate::keywords::KnownKeywords;
use crate::reply::{Answer, Next, Trouble};
use crate::sets;
use crate::settings::Door;
use crate::table::{self, Stage};
use crate::updates::{self, Open};
use crate::wire::{Ended, Patience, Wire};
use imap::{
    Command, Condition, Event, Ids, MessageSet, NameEncoding, Refusal, Response, ResponseCode, Tag,
};
use mail::{Account, Expunges, Fault, Login, LoginClient, MailboxName, ModSeq, View};
use net::time::Instant;
use net::{Conn, SessionEntry, Stop};
use roaring::RoaringBitmap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tally::Metric;

/// Serves one connection to its end.
pub async fn session(conn: Conn, door: Arc<Door>, stop: Stop) {
    Session::new(conn, door, stop).serve().await;
}

/// Who the client is and what it has open.
pub(crate) enum State {
    Stranger,
    LoggedIn(Account),
    Selected(Account, Box<View>),
}

pub(crate) struct Session {
    pub door: Arc<Door>,
    pub wire: Wire,
    pub state: State,
    pub peer: IpAddr,
    pub enabled: Enabled,
    /// What `$` stands for, as UIDs: those that are expunged drop out by themselves [rfc5182 2.1].
    pub saved: RoaringBitmap,
    keywords: KnownKeywords,
    /// Its place among the sessions that run.
    entry: Arc<SessionEntry>,
    failed_logins: u32,
    bad_commands: u32,
    faults: u32,
    pub extended_list: ExtendedList,
}

/// Whether LIST responses may hold more than RFC 3501 knows [rfc5258 3].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExtendedList {
    NotKnown,
    /// The client has shown that it understands them.
    Understood,
}

impl Session {
    fn new(conn: Conn, door: Arc<Door>, stop: Stop) -> Session {
        let settings = &door.settings;
        let login_until = Instant::now() + Duration::from_secs(settings.login_time_s);
        let peer = conn.peer().ip();
        let entry = conn.session().clone();
        let stop = entry.stop(&stop);
        let write_stall = Duration::from_secs(settings.write_stall_s);
        let wire = Wire::new(conn, stop, write_stall, Patience::LoginUntil(login_until));
        Session {
            door,
            wire,
            state: State::Stranger,
            peer,
            enabled: Enabled::default(),
            saved: RoaringBitmap::new(),
            keywords: KnownKeywords::default(),
            entry,
            failed_logins: 0,
            bad_commands: 0,
            faults: 0,
            extended_list: ExtendedList::NotKnown,
        }
    }

    async fn serve(mut self) {
        self.greet();
        let ended = loop {
            if let Err(ended) = self.step().await {
                break ended;
            }
        };
        tracing::debug!(?ended, "session over");
        let words = match ended {
            Ended::Stopping if self.entry.is_ended() => {
                Some(Response::bye("the session was ended by the operator"))
            }
            ended => last_words(&ended),
        };
        Box::pin(self.wire.close(words)).await;
    }

    fn greet(&mut self) {
        let text = format!("{} Whimbrel ready", self.door.settings.hostname);
        let greeting = Response::untagged_ok(self.capability_code(), text);
        self.wire.say(&greeting);
    }

    async fn step(&mut self) -> Result<(), Ended> {
        // One command after the other, in the order in which they came [rfc3501 5.5] [rfc9051 5.5]
        // [rfc9051 6.4.4.2].
        // However much one client sends at once, others get their turn between its commands.
        self.wire.turns.pass().await;
        match self.wire.event().await? {
            Event::Command { tag, command } => self.command(&tag, command).await,
            Event::Refused { tag, refusal } => self.refused(tag.as_ref(), &refusal),
            // What belongs to a command that was refused or is over.
            _ => Ok(()),
        }
    }

    fn count(&self, command: &'static str) {
        self.entry.commanded();
        let tally = self.door.mail.tally();
        tally.count(Metric::ImapCommands, &[command]);
    }

    fn refused(&mut self, tag: Option<&Tag>, refusal: &Refusal) -> Result<(), Ended> {
        self.count("other");
        self.wire.say(&Response::refused(tag, refusal));
        self.count_bad()
    }

    fn count_bad(&mut self) -> Result<(), Ended> {
        self.bad_commands += 1;
        match self.bad_commands < self.door.settings.bad_commands {
            true => Ok(()),
            false => Err(Ended::TooManyBad),
        }
    }

    async fn command(&mut self, tag: &Tag, command: Command) -> Result<(), Ended> {
        let row = table::row_of(command.verb());
        self.count(row.verb.word());
        let ids = table::ids_of(&command);
        tracing::trace!(verb = ?row.verb, rfc = row.rfc, "command");
        if !row.allowed.in_stage(self.stage()) {
            self.wire.say(&Response::bad(tag, row.allowed.refusal()));
            return self.count_bad();
        }
        if enabled::asks_for_modseqs(&command) {
            self.enable_modseqs();
        }
        let expunges = row.told.expunges(&command);
        let outcome = table::run(self, tag, command).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(Trouble::Refused(answer)) => *answer,
            Err(Trouble::Fault(fault)) => self.fault(&fault),
            Err(Trouble::MailboxGone) => return Err(Ended::MailboxGone),
            Err(Trouble::Ended(ended)) => return Err(ended),
        };
        let (answer, told) = match self.tell(expunges, ids).await {
            Ok(Some(modseq)) => (self.with_modseq(answer, modseq), Ok(())),
            Ok(None) => (answer, Ok(())),
            Err(ended) => (answer, Err(ended)),
        };
        self.answer(tag, answer).await?;
        told
    }

    /// From now on the client gets mod-sequences. If a mailbox is open it learns where they stand
    /// [rfc7162 3.1].
    pub fn enable_modseqs(&mut self) {
        let before = self.enabled;
        self.enabled.insert(Extension::CondStore);
        if let State::Selected(_, view) = &self.state
            && before != self.enabled
        {
            let told = updates::highest_modseq(view.told_modseq());
            self.wire.say(&told);
        }
    }

    /// What was expunged, by this command or by others, has a mod-sequence too; it goes into the
    /// tagged answer where there is room, as it must for EXPUNGE [rfc7162 3.2.7] [rfc7162 3.2.9].
    fn with_modseq(&mut self, answer: Answer, modseq: ModSeq) -> Answer {
        match answer {
            Answer {
                condition: Condition::Ok,
                code: None,
                ..
            } => Answer {
                code: Some(ResponseCode::HighestModSeq(modseq.0)),
                ..answer
            },
            other => {
                self.wire.say(&updates::highest_modseq(modseq));
                other
            }
        }
    }

    /// Says what others did, and what became of the mailbox's size [rfc3501 5.2] [rfc9051 5.2]. That this fails does not undo what the command did, so its answer
    /// stays as it is.
    async fn tell(
        &mut self,
        expunges: Option<Expunges>,
        ids: Ids,
    ) -> Result<Option<ModSeq>, Ended> {
        let (Some(expunges), Stage::Selected) = (expunges, self.stage()) else {
            return Ok(None);
        };
        match self.open().tell(expunges, ids).await {
            Ok(modseq) => Ok(modseq),
            Err(Trouble::MailboxGone) => Err(Ended::MailboxGone),
            Err(Trouble::Ended(ended)) => Err(ended),
            Err(Trouble::Fault(fault)) => {
                tracing::error!(%fault, "cannot look for news");
                Ok(self.open().modseq_after_fault())
            }
            Err(Trouble::Refused(_)) => Ok(None),
        }
    }

    async fn answer(&mut self, tag: &Tag, answer: Answer) -> Result<(), Ended> {
        let Answer {
            condition,
            code,
            text,
            next,
        } = answer;
        self.wire.say(&Response::tagged(tag, condition, code, text));
        if condition == Condition::Bad {
            self.count_bad()?;
        } else {
            self.bad_commands = 0;
        }
        match next {
            Next::Command => self.wire.ease().await,
            Next::Close => Err(Ended::LoggedOut),
            Next::TurnOut => Err(Ended::TooManyFailedLogins),
            Next::StartTls => {
                self.wire.flush().await?;
                let door = self.door.clone();
                let tls = door.settings.tls.as_ref().ok_or(Ended::Closed)?;
                Box::pin(self.wire.start_tls(tls)).await
            }
        }
    }

    /// Logs a fault once and gives the client an id to ask by.
    pub fn fault(&mut self, fault: &Fault) -> Answer {
        self.faults += 1;
        let id = format!("{}-{}", self.entry.id(), self.faults);
        tracing::error!(id, %fault, "a command failed");
        let text = format!("the server has a problem, try again later (id {id})");
        Answer::no(ResponseCode::Unavailable, text)
    }

    pub fn stage(&self) -> Stage {
        match self.state {
            State::Stranger => Stage::NotAuthenticated,
            State::LoggedIn(_) => Stage::Authenticated,
            State::Selected(..) => Stage::Selected,
        }
    }

    /// Passwords are looked at only where nobody else can read them.
    pub fn passwords(&self) -> Passwords {
        let private = self.wire.has_tls() || self.door.settings.allow_cleartext_login;
        match (private, self.door.mail.auth().takes_passwords()) {
            (true, true) => Passwords::Taken,
            (true, false) => Passwords::NotTaken,
            (false, _) => Passwords::NeedTls,
        }
    }

    /// The client as logins see it.
    pub fn login_client(&self) -> Result<LoginClient, Ended> {
        self.wire.login_client()
    }

    /// The mechanisms by which a login can work on this connection.
    fn mechanisms(&self) -> Vec<mail::Mechanism> {
        let offered = |client| self.door.mail.auth().offered(&client);
        self.login_client().map(offered).unwrap_or_default()
    }

    fn standing(&self) -> Standing {
        let logged_in = match self.stage() {
            Stage::NotAuthenticated => LoggedIn::No,
            Stage::Authenticated | Stage::Selected => LoggedIn::Yes,
        };
        let has_tls = self.wire.has_tls();
        let offers = self.door.settings.tls.is_some() && !has_tls && logged_in == LoggedIn::No;
        Standing {
            logged_in,
            starttls: if offers {
                StartTls::Offered
            } else {
                StartTls::NotNow
            },
            passwords: self.passwords(),
        }
    }

    pub fn capabilities(&self) -> Vec<std::borrow::Cow<'static, str>> {
        let max_append_bytes = self.door.settings.max_append_bytes;
        capability::list(self.standing(), &self.mechanisms(), max_append_bytes)
    }

    pub fn capability_code(&self) -> ResponseCode {
        let max_append_bytes = self.door.settings.max_append_bytes;
        capability::code(self.standing(), &self.mechanisms(), max_append_bytes)
    }

    /// Somebody has proved who he is.
    pub fn logged_in(&mut self, login: &Login) {
        self.entry.belongs_to(login.name());
        self.state = State::LoggedIn(self.door.mail.account(login));
        let silence = Duration::from_secs(self.door.settings.autologout_s);
        self.wire.patience = Patience::Silence(silence);
    }

    /// A wrong password; after some the session ends.
    pub fn login_failed(&mut self) -> Next {
        self.failed_logins += 1;
        match self.failed_logins < self.door.settings.failed_logins {
            true => Next::Command,
            false => Next::TurnOut,
        }
    }

    /// The account of a session that has logged in.
    pub fn account(&self) -> &Account {
        match &self.state {
            State::LoggedIn(account) | State::Selected(account, _) => account,
            State::Stranger => panic!("the command table lets only logged-in sessions get here"),
        }
    }

    /// The open mailbox and the way to the client.
    pub fn selected(&mut self) -> (&mut View, &mut Wire) {
        match &mut self.state {
            State::Selected(_, view) => (view, &mut self.wire),
            _ => panic!("the command table lets only sessions with a mailbox open get here"),
        }
    }

    /// The same with what is known of the client.
    pub fn open(&mut self) -> Open<'_> {
        let State::Selected(_, view) = &mut self.state else {
            panic!("the command table lets only sessions with a mailbox open get here");
        };
        Open {
            view,
            wire: &mut self.wire,
            keywords: &mut self.keywords,
            enabled: self.enabled,
        }
    }

    /// The messages of the open mailbox that a set means.
    pub fn uids(&mut self, ids: Ids, set: &MessageSet) -> Result<RoaringBitmap, Answer> {
        let saved = std::mem::take(&mut self.saved);
        let uids = sets::uids(self.selected().0, &saved, ids, set);
        self.saved = saved;
        uids
    }

    /// A mailbox is open now.
    pub fn opened(&mut self, account: Account, view: View, keywords: KnownKeywords) {
        self.state = State::Selected(account, Box::new(view));
        self.keywords = keywords;
    }

    /// Leaves the selected state; `$` is empty then [rfc5182 2.1].
    pub fn unselect(&mut self) {
        self.saved = RoaringBitmap::new();
        self.keywords = KnownKeywords::default();
        let state = std::mem::replace(&mut self.state, State::Stranger);
        self.state = match state {
            State::Selected(account, _) => State::LoggedIn(account),
            other => other,
        };
    }
}

/// The name of a mailbox as mail knows it.
pub(crate) fn mailbox_name(name: &imap::Mailbox) -> Result<MailboxName, Trouble> {
    Ok(MailboxName::try_from(name.as_str())?)
}

/// The name of a mailbox that is to be made. In modified UTF-7 it stays as it was sent
/// [rfc3501 5.1.3] [rfc9051 A]; in UTF-8 it is normalized [rfc9051 5.1].
pub(crate) fn new_name(
    session: &mut Session,
    name: &imap::Mailbox,
) -> Result<MailboxName, Trouble> {
    let new = mailbox_name(name)?;
    Ok(match session.wire.machine().names() {
        NameEncoding::ModifiedUtf7 => new,
        NameEncoding::Utf8 => new.normalized(),
    })
}

/// No connection is closed without a word that says why, while there is somebody to say it to
/// [rfc3501 3.4] [rfc9051 3.4].
fn last_words(ended: &Ended) -> Option<Response> {
    let code = |code, text: &'static str| {
        Some(Response::Untagged {
            condition: Condition::Bye,
            code: Some(code),
            text: text.into(),
        })
    };
    match ended {
        Ended::LoggedOut | Ended::Closed | Ended::Stalled | Ended::Broken => None,
        Ended::Silent => Some(Response::bye("you were silent for too long")),
        Ended::NoLogin => Some(Response::bye("you did not log in in time")),
        Ended::Stopping => code(
            ResponseCode::Unavailable,
            "the server stops, come back soon",
        ),
        Ended::Confused(refusal) => Some(Response::bye(refusal.to_string())),
        Ended::TooManyBad => Some(Response::bye("too many commands that are none")),
        Ended::TooManyFailedLogins => Some(Response::bye("too many failed logins")),
        Ended::MailboxGone => Some(Response::bye("the selected mailbox was deleted")),
    }
}
