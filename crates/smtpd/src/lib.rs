//! The SMTP door: port 25 for other servers, 587 and 465 for our own users, 366 for customers' servers
//! (on-demand mail relay), LMTP for programs on this machine, and a socket for its users.
//!
//! A session drives the machine of `smtp`, looks each command up in one table, asks `post` about
//! senders, recipients and messages, and `mail` about passwords; `reply` turns answers into words.
//! What never happens here: parsing, a decision about mail (that is `post`), a mailbox.
#![forbid(unsafe_code)]

pub mod batch;
mod cmd;
mod customer;
pub mod limits;
mod reply;
mod session;
mod table;
mod users;

pub use customer::Customer;
pub use post::Role;
pub use users::Users;

use mail::Mail;
use net::{Conn, Network, Stop, TlsServer};
use post::Post;
use std::sync::Arc;
use std::time::Duration;

/// What `net::serve` says to a connection above its bounds. [rfc5321 3.8]
pub const TURN_AWAY: &[u8] = b"421 4.7.0 Too many connections, try again later\r\n";

/// Whether a password may be sent without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClearText {
    #[default]
    Refused,
    Allowed,
}

/// Whether AUTH is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logins {
    Offered,
    NotOffered,
}

/// What VRFY tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Vrfy {
    /// Nobody anything: 252. [rfc5321 7.3]
    #[default]
    Untold,
    /// Those who have logged in, whether mail for a name is taken.
    ToLogins,
}

/// What happens to a CR or LF that stands alone in a message.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum BareNewline {
    /// The message is refused.
    #[default]
    Reject,
    /// It becomes CRLF, but only from logins and from these networks.
    Normalize { networks: Vec<Network> },
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For the next whole command.
    pub command: Duration,
    /// For the next piece of content.
    pub data_block: Duration,
    /// For the whole content, before the time that its size is worth.
    pub data_start: Duration,
    /// So many octets of content are worth a second more.
    pub data_octets_a_second: u64,
    /// For the whole session; a message that is under way is taken to its end.
    pub session: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            command: limits::COMMAND_TIMEOUT,
            data_block: limits::DATA_BLOCK_TIMEOUT,
            data_start: limits::DATA_START_TIMEOUT,
            data_octets_a_second: limits::DATA_OCTETS_A_SECOND,
            session: limits::SESSION_TIMEOUT,
        }
    }
}

/// What may be set about this door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name in greeting and EHLO.
    pub hostname: String,
    pub role: Role,
    pub logins: Logins,
    /// Whether a password may be sent without TLS.
    pub clear_text: ClearText,
    /// Announce SCRAM that is bound to TLS. mutt and neomutt with libgsasl (Debian 12) would choose
    /// it, find that they cannot do it, and send nothing. Who names it gets it anyhow.
    pub announce_plus: bool,
    pub bare_newline: BareNewline,
    pub vrfy: Vrfy,
    /// Whose mail is kept or hastened, and who may ask for it. [rfc1985 5.1] [rfc2645 5.2.1]
    pub customers: Vec<Customer>,
    /// The users of this machine.
    pub users: Users,
    pub timeouts: Timeouts,
    /// MAIL commands in one session.
    pub transactions: u32,
    /// Lines in one session that are no command, or not now.
    pub bad_commands: u32,
    /// Recipients in one session that are refused.
    pub refused_recipients: u32,
    /// Wrong passwords in one session.
    pub failed_logins: u32,
}

impl Settings {
    /// The usual settings of a server with this name: logins are for submission.
    pub fn new(hostname: impl Into<String>, role: Role) -> Settings {
        Settings {
            hostname: hostname.into(),
            role,
            logins: match role {
                Role::Submission | Role::OnDemand => Logins::Offered,
                Role::Exchange | Role::Lmtp | Role::Local => Logins::NotOffered,
            },
            clear_text: ClearText::Refused,
            announce_plus: false,
            bare_newline: BareNewline::Reject,
            vrfy: Vrfy::Untold,
            customers: Vec::new(),
            users: Users::default(),
            transactions: limits::TRANSACTIONS,
            timeouts: Timeouts::default(),
            bad_commands: limits::BAD_COMMANDS,
            refused_recipients: limits::REFUSED_RECIPIENTS,
            failed_logins: limits::FAILED_LOGINS,
        }
    }
}

/// What all sessions of this door share.
pub struct Door {
    post: Post,
    mail: Mail,
    tls: Option<TlsServer>,
    settings: Settings,
}

impl Door {
    /// A door to this mail. Without `tls`, STARTTLS is not offered.
    pub fn new(post: Post, mail: Mail, tls: Option<TlsServer>, settings: Settings) -> Door {
        Door {
            post,
            mail,
            tls,
            settings,
        }
    }

    /// How large a message may be that comes in here.
    pub fn max_message_bytes(&self) -> u64 {
        self.post.max_message_bytes()
    }

    /// A door with another way in and other settings. Sessions are numbered across both.
    pub fn successor(&self, post: Post, settings: Settings) -> Door {
        Door {
            post,
            mail: self.mail.clone(),
            tls: self.tls.clone(),
            settings,
        }
    }
}

/// Serves one client until it quits, is lost, or the server stops.
pub async fn session(conn: Conn, door: Arc<Door>, stop: Stop) {
    match session::local(&conn, &door) {
        Ok(local) => session::Session::new(conn, local, door, stop).run().await,
        Err(fault) => session::turn_away(conn, &fault).await,
    }
}
