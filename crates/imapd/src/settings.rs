//! What an operator may set of the IMAP door, and the door that all sessions share.

use crate::limits;
use mail::Mail;
use net::TlsServer;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The settings of the IMAP door.
#[derive(Clone)]
pub struct Settings {
    /// The name in the greeting.
    pub hostname: String,
    /// Take passwords on a connection without TLS.
    pub allow_cleartext_login: bool,
    /// What STARTTLS uses; without it STARTTLS is not offered.
    pub tls: Option<TlsServer>,
    /// The largest message that APPEND takes.
    pub max_append_bytes: u64,
    /// How long a connection may take to log in.
    pub login_time_s: u64,
    /// Silence after which a session that has logged in ends; at least 30 minutes [rfc3501 5.4]
    /// [rfc9051 5.4].
    pub autologout_s: u64,
    /// How often IDLE says that it is still there, so that middle boxes keep the connection.
    pub idle_sign_s: u64,
    /// Silence in the middle of a message that is being appended.
    pub append_stall_s: u64,
    /// How long one write may make no progress.
    pub write_stall_s: u64,
    /// Wrong passwords in one session.
    pub failed_logins: u32,
    /// Commands in a row that are answered BAD.
    pub bad_commands: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            allow_cleartext_login: false,
            tls: None,
            max_append_bytes: 100 * 1024 * 1024,
            login_time_s: 60,
            autologout_s: 30 * 60,
            idle_sign_s: 2 * 60,
            append_stall_s: 5 * 60,
            write_stall_s: 3 * 60,
            failed_logins: limits::FAILED_LOGINS,
            bad_commands: limits::BAD_COMMANDS,
        }
    }
}

/// What all sessions share.
pub struct Door {
    pub(crate) mail: Mail,
    pub(crate) settings: Settings,
    /// Searches that read texts hold memory and disk: only some at a time.
    pub(crate) text_searches: Arc<Semaphore>,
}

impl Door {
    /// A door to this mail.
    pub fn new(mail: Mail, settings: Settings) -> Door {
        Door {
            mail,
            settings,
            text_searches: Arc::new(Semaphore::new(limits::TEXT_SEARCHES)),
        }
    }

    /// A door with other settings. What all sessions share, they share across both.
    pub fn successor(&self, settings: Settings) -> Door {
        Door {
            mail: self.mail.clone(),
            settings,
            text_searches: Arc::clone(&self.text_searches),
        }
    }
}
