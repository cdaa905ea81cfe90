//! The POP3 door: INBOX as a maildrop [rfc1939], with CAPA, STLS, AUTH, TOP, UIDL, UTF8 and LANG; and
//! beyond it, for who asks, POP4's folders, flags and parts and SDPS's envelopes.
//!
//! A session sees INBOX as it was at login. There is no lock on a maildrop: several sessions, and
//! IMAP beside them, may use one mailbox. Each keeps its own numbers; a message that another one
//! has removed answers `-ERR`, and to delete it once more is fine.
//!
//! Never here: parsing of lines (the `pop` library), passwords and stored mail (`mail`). Unless it is
//! set otherwise, RETR sets no flag and claims no `\Recent`: POP3 does not tell other programs what was
//! read.
#![forbid(unsafe_code)]

mod cmd;
mod delay;
mod folders;
mod limits;
mod maildrop;
mod reply;
mod session;
mod table;
mod text;

pub use text::Language;

use addr::Domain;
use delay::LastLogins;
use mail::Mail;
use net::{Conn, Network, Stop, TlsServer};
use post::Post;
use std::sync::Arc;
use std::time::Duration;

/// What `net::serve` says to a connection above its bounds.
pub const TURN_AWAY: &[u8] = b"-ERR [SYS/TEMP] too many connections, try again later\r\n";

/// Whether a password may be sent without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClearText {
    #[default]
    Refused,
    Allowed,
}

/// What may be set about this door.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Our name in the greeting.
    pub hostname: String,
    /// Whether a password may be sent without TLS.
    pub clear_text: ClearText,
    /// How long a client may be silent; at least 10 minutes [rfc1939 3].
    pub autologout: Duration,
    /// Wrong passwords in one session.
    pub failed_logins: u32,
    /// Lines in one session that are no command, or not now.
    pub bad_commands: u32,
    /// How long after a login the next one of the same account is refused [rfc2449 6.5]; zero:
    /// not at all.
    pub login_delay: Duration,
    /// How long messages are kept.
    pub expire: Expire,
    /// Octets of a message that a client sends.
    pub max_message_bytes: u64,
    /// Whether RETR tells other programs that the message was read.
    pub after_retr: AfterRetr,
    /// From where RPOP is taken; only what is loopback counts.
    pub rpop: Vec<Network>,
    /// The domain of accounts that RPOP names without one; if None, the one that is hosted.
    pub local_domain: Option<Domain>,
    /// The language of a client that says `LANG *`: whichever is usual here.
    pub language: Language,
}

/// What becomes of a message's flags when RETR has sent it whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AfterRetr {
    /// Nothing: POP3 tells nobody what was read.
    #[default]
    Unchanged,
    /// It is `\Seen`.
    Seen,
}

/// How long a message may lie in INBOX before POP3 removes it [rfc2449 6.7]. Removed is only what
/// the session could see, when it ends with QUIT; the kept history has it still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Expire {
    #[default]
    Never,
    /// So many days; 0: what was read with RETR goes at QUIT.
    Days(u32),
}

impl Settings {
    /// The usual settings of a server with this name.
    pub fn new(hostname: impl Into<String>) -> Settings {
        Settings {
            hostname: hostname.into(),
            clear_text: ClearText::Refused,
            autologout: limits::AUTOLOGOUT,
            failed_logins: limits::FAILED_LOGINS,
            bad_commands: limits::BAD_COMMANDS,
            login_delay: Duration::ZERO,
            expire: Expire::Never,
            max_message_bytes: limits::MESSAGE_BYTES,
            after_retr: AfterRetr::Unchanged,
            rpop: Vec::new(),
            local_domain: None,
            language: Language::English,
        }
    }
}

/// What all sessions of this door share.
pub struct Door {
    mail: Mail,
    /// Where messages of XTND XMIT go.
    post: Option<Post>,
    tls: Option<TlsServer>,
    settings: Settings,
    logins: Arc<LastLogins>,
}

impl Door {
    /// A door to this mail. Without `tls`, STLS is not offered.
    pub fn new(mail: Mail, tls: Option<TlsServer>, settings: Settings) -> Door {
        Door {
            mail,
            post: None,
            tls,
            logins: Arc::default(),
            settings,
        }
    }

    /// The same, where clients may send messages on (XTND XMIT).
    pub fn submitting(self, post: Post) -> Door {
        Door {
            post: Some(post),
            ..self
        }
    }

    /// A door with other settings. Sessions are numbered across both, and logins remembered.
    pub fn successor(&self, settings: Settings) -> Door {
        Door {
            mail: self.mail.clone(),
            post: self.post.clone(),
            tls: self.tls.clone(),
            settings,
            logins: Arc::clone(&self.logins),
        }
    }
}

/// Serves one client until it quits, is lost, or the server stops.
pub async fn session(conn: Conn, door: Arc<Door>, stop: Stop) {
    session::Session::new(conn, door, stop).run().await;
}
