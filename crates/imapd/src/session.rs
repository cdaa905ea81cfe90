//! One session: the greeting, one command after the other, the end. What never happens here: what
//! a command does (`cmd`), and which are allowed when (`table`).

use crate::capability::{self, LoggedIn, Passwords, Standing, StartTls};
use crate::limits;
use crate::reply::{Answer, Next, Trouble};
use crate::settings::Door;
use crate::table::{self, Stage};
use crate::updates::{self, WithUid};
use crate::wire::{Ended, Patience, Wire};
use imap::{Command, Condition, Event, Ids, Refusal, Response, ResponseCode, Tag};
use mail::{Account, Expunges, Fault, Login, MailboxName, View};
use net::time::Instant;
use net::{Conn, Stop};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument;

/// Serves one connection to its end.
pub async fn session(conn: Conn, door: Arc<Door>, stop: Stop) {
    let number = door.next_session();
    let span = tracing::info_span!("imap", session = number, peer = %conn.peer());
    let session = Session::new(conn, door, stop, number);
    session.serve().instrument(span).await;
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
    number: u64,
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
    fn new(conn: Conn, door: Arc<Door>, stop: Stop, number: u64) -> Session {
        let settings = &door.settings;
        let login_until = Instant::now() + Duration::from_secs(settings.login_time_s);
        let peer = conn.peer().ip();
        let write_stall = Duration::from_secs(settings.write_stall_s);
        let wire = Wire::new(conn, stop, write_stall, Patience::LoginUntil(login_until));
        Session {
            door,
            wire,
            state: State::Stranger,
            peer,
            number,
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
        self.wire.close(last_words(&ended)).await;
    }

    fn greet(&mut self) {
        let text = format!("{} Whimbrel ready", self.door.settings.hostname);
        let greeting = Response::untagged_ok(self.capability_code(), text);
        self.wire.say(&greeting);
    }

    async fn step(&mut self) -> Result<(), Ended> {
        // However much one client sends at once, others get their turn between its commands.
        tokio::task::yield_now().await;
        match self.wire.event().await? {
            Event::Command { tag, command } => self.command(&tag, command).await,
            Event::Refused { tag, refusal } => self.refused(tag.as_ref(), &refusal),
            // What belongs to a command that was refused or is over.
            _ => Ok(()),
        }
    }

    fn refused(&mut self, tag: Option<&Tag>, refusal: &Refusal) -> Result<(), Ended> {
        self.wire.say(&Response::refused(tag, refusal));
        self.count_bad()
    }

    fn count_bad(&mut self) -> Result<(), Ended> {
        self.bad_commands += 1;
        match self.bad_commands < limits::BAD_COMMANDS {
            true => Ok(()),
            false => Err(Ended::TooManyBad),
        }
    }

    async fn command(&mut self, tag: &Tag, command: Command) -> Result<(), Ended> {
        let row = table::row_of(command.verb());
        let ids = table::ids_of(&command);
        tracing::trace!(verb = ?row.verb, rfc = row.rfc, "command");
        if !row.allowed.in_stage(self.stage()) {
            self.wire.say(&Response::bad(tag, row.allowed.refusal()));
            return self.count_bad();
        }
        let outcome = table::run(self, command).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(Trouble::Refused(answer)) => *answer,
            Err(Trouble::Fault(fault)) => self.fault(&fault),
            Err(Trouble::MailboxGone) => return Err(Ended::MailboxGone),
            Err(Trouble::Ended(ended)) => return Err(ended),
        };
        let told = self.tell(row.told.expunges(ids), ids).await;
        self.answer(tag, answer).await?;
        told
    }

    /// Says what others did. That this fails does not undo what the command did, so its answer
    /// stays as it is.
    async fn tell(&mut self, expunges: Option<Expunges>, ids: Ids) -> Result<(), Ended> {
        let (Some(expunges), State::Selected(_, view)) = (expunges, &mut self.state) else {
            return Ok(());
        };
        let with_uid = match ids {
            Ids::Uid => WithUid::Yes,
            Ids::Sequence => WithUid::No,
        };
        match updates::tell(view, &mut self.wire, expunges, with_uid).await {
            Ok(()) => Ok(()),
            Err(Trouble::MailboxGone) => Err(Ended::MailboxGone),
            Err(Trouble::Ended(ended)) => Err(ended),
            Err(Trouble::Fault(fault)) => {
                tracing::error!(%fault, "cannot look for news");
                Ok(())
            }
            Err(Trouble::Refused(_)) => Ok(()),
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
                self.wire.start_tls(tls).await
            }
        }
    }

    /// Logs a fault once and gives the client an id to ask by.
    pub fn fault(&mut self, fault: &Fault) -> Answer {
        self.faults += 1;
        let id = format!("{}-{}", self.number, self.faults);
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
        match self.wire.has_tls() || self.door.settings.allow_cleartext_login {
            true => Passwords::Taken,
            false => Passwords::NeedTls,
        }
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
        capability::list(self.standing(), self.door.settings.max_append_bytes)
    }

    pub fn capability_code(&self) -> ResponseCode {
        capability::code(self.standing(), self.door.settings.max_append_bytes)
    }

    /// Somebody has proved who he is.
    pub fn logged_in(&mut self, login: &Login) {
        self.state = State::LoggedIn(self.door.mail.account(login));
        let silence = Duration::from_secs(self.door.settings.autologout_s);
        self.wire.patience = Patience::Silence(silence);
    }

    /// A wrong password; after some the session ends.
    pub fn login_failed(&mut self) -> Next {
        self.failed_logins += 1;
        match self.failed_logins < limits::FAILED_LOGINS {
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

    /// Leaves the selected state.
    pub fn unselect(&mut self) {
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
