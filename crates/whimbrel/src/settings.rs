//! What a server is told: every setting as a value, each with what it is when nothing is said.
//!
//! Domains and accounts are no settings; they live in the store. What never happens here: reading a
//! file, an effect.

use crate::listeners::{KINDS, Kind};
use net::Bounds;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether a password may be sent without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cleartext {
    #[default]
    Never,
    Always,
}

impl Cleartext {
    pub fn at(self, _listener: SocketAddr) -> bool {
        match self {
            Cleartext::Never => false,
            Cleartext::Always => true,
        }
    }
}

/// The listeners of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    pub kind: Kind,
    /// None: this kind is not served.
    pub addresses: Vec<SocketAddr>,
    /// Of each listener.
    pub bounds: Bounds,
}

/// Everything that a server is told.
#[derive(Clone)]
pub struct Settings {
    /// Our name in greetings and header fields.
    pub hostname: String,
    /// One for each kind, in the order of [`KINDS`].
    pub listen: Vec<Listen>,
    pub cleartext: Cleartext,
    /// The largest message that anybody may send or append.
    pub message_bytes: u64,
    pub store: store::Settings,
    pub mail: mail::MailSettings,
    /// Hostname and message size stand above.
    pub post: post::PostSettings,
    /// Hostname, role and cleartext stand above or come from the listener; so for the other doors.
    pub smtp: smtpd::Settings,
    pub imap: imapd::Settings,
    pub pop3: popd::Settings,
}

/// Of a listener that the internet reaches.
const BOUNDS: Bounds = Bounds {
    total: 4_000,
    per_address: 100,
};

impl Settings {
    /// The usual settings of a server with this name, at the standard ports of all addresses.
    pub fn new(hostname: &str) -> Settings {
        let listen = KINDS.iter().map(|row| Listen {
            kind: row.kind,
            addresses: vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, row.port)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, row.port)),
            ],
            bounds: BOUNDS,
        });
        Settings {
            hostname: hostname.to_owned(),
            listen: listen.collect(),
            cleartext: Cleartext::default(),
            message_bytes: post::limits::MESSAGE_BYTES,
            store: store::Settings::default(),
            mail: mail::MailSettings::default(),
            post: post::PostSettings::new(hostname),
            smtp: smtpd::Settings::new(hostname, smtpd::Role::Exchange),
            imap: imapd::Settings::default(),
            pop3: popd::Settings::new(hostname),
        }
    }

    pub fn listen(&self, kind: Kind) -> &Listen {
        let found = self.listen.iter().find(|listen| listen.kind == kind);
        found.expect("because every kind stands in the table")
    }
}
