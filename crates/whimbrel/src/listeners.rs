//! The listeners of `try`: one table, and the taking of their ports.
//!
//! What never happens here: a session.

use crate::Outcome;
use crate::settings::TryArguments;
use net::Listener;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Smtp,
    Submission,
    Submissions,
    Imap,
    Imaps,
    Pop3,
    Pop3s,
}

impl Kind {
    /// Whether TLS begins with the first byte [rfc8314 3].
    pub fn is_tls_at_once(self) -> bool {
        matches!(self, Kind::Submissions | Kind::Imaps | Kind::Pop3s)
    }
}

/// What is known of a listener before it listens.
pub struct Row {
    pub kind: Kind,
    /// As the ready file has it; with `-port` it is the option's name.
    pub name: &'static str,
    pub title: &'static str,
    pub port: u16,
}

/// The usual ports plus 2,400 to 2,440 or so, so that nobody needs to be root.
pub const LISTENERS: &[Row] = &[
    Row {
        kind: Kind::Smtp,
        name: "smtp",
        title: "SMTP",
        port: 2525,
    },
    Row {
        kind: Kind::Submission,
        name: "submission",
        title: "Submission (STARTTLS)",
        port: 2587,
    },
    Row {
        kind: Kind::Submissions,
        name: "submissions",
        title: "Submission (TLS)",
        port: 2465,
    },
    Row {
        kind: Kind::Imap,
        name: "imap",
        title: "IMAP (STARTTLS)",
        port: 2143,
    },
    Row {
        kind: Kind::Imaps,
        name: "imaps",
        title: "IMAP (TLS)",
        port: 2993,
    },
    Row {
        kind: Kind::Pop3,
        name: "pop3",
        title: "POP3 (STLS)",
        port: 2110,
    },
    Row {
        kind: Kind::Pop3s,
        name: "pop3s",
        title: "POP3 (TLS)",
        port: 2995,
    },
];

/// A port that is ours.
pub struct Bound {
    pub row: &'static Row,
    pub listener: Listener,
}

/// Where each listener is, for people and for the ready file.
pub struct Addresses(Vec<(&'static Row, SocketAddr)>);

impl Addresses {
    pub fn of(bound: &[Bound]) -> Addresses {
        Addresses(
            bound
                .iter()
                .map(|one| (one.row, one.listener.local_addr()))
                .collect(),
        )
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static Row, SocketAddr)> {
        self.0.iter().copied()
    }

    pub fn get(&self, kind: Kind) -> SocketAddr {
        let found = self.0.iter().find(|(row, _)| row.kind == kind);
        found.expect("because every kind stands in the table").1
    }
}

/// Takes all ports on loopback, or says which one cannot be had.
pub async fn bind(arguments: &TryArguments) -> Outcome<Vec<Bound>> {
    let mut bound = Vec::new();
    for row in LISTENERS {
        let usual = if arguments.any_port { 0 } else { row.port };
        let port = arguments.ports.of(row.kind).unwrap_or(usual);
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = Listener::bind(at)
            .await
            .map_err(|error| explain(row, at, &error))?;
        bound.push(Bound { row, listener });
    }
    Ok(bound)
}

fn explain(row: &Row, at: SocketAddr, error: &std::io::Error) -> String {
    let Row { name, title, .. } = row;
    let port = at.port();
    let advice = format!(
        "choose another port with --{name}-port PORT, or let --any-port pick free ones for all"
    );
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} is taken, so {title} cannot listen at {at}: \
             stop the program that has it, {advice}"
        ),
        ErrorKind::PermissionDenied => format!(
            "port {port} is not allowed for this user, so {title} cannot listen at {at}: {advice}"
        ),
        _ => format!("{title} cannot listen at {at}: {error}; {advice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_setting_and_the_way_out() {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 2143));
        let imap = LISTENERS.iter().find(|row| row.kind == Kind::Imap).unwrap();
        let text = explain(imap, at, &ErrorKind::AddrInUse.into());
        for part in ["port 2143 is taken", "IMAP", "--imap-port", "--any-port"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn no_two_listeners_share_a_port_or_name() {
        for (index, row) in LISTENERS.iter().enumerate() {
            for other in &LISTENERS[..index] {
                assert!(row.port != other.port && row.name != other.name && row.kind != other.kind);
            }
        }
    }
}
