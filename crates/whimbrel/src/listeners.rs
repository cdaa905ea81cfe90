//! The kinds of listeners as one table, and the taking of their ports.
//!
//! What never happens here: a session.

use crate::Outcome;
use crate::settings::{At, Settings};
use net::Port;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Smtp,
    Submission,
    Submissions,
    Lmtp,
    /// Users of this machine hand in mail.
    Submit,
    Imap,
    Imaps,
    Pop3,
    Pop3s,
    Metrics,
    /// On-demand mail relay.
    Odmr,
}

impl Kind {
    /// Whether TLS begins with the first byte [rfc8314 3].
    pub fn is_tls_at_once(self) -> bool {
        matches!(self, Kind::Submissions | Kind::Imaps | Kind::Pop3s)
    }
}

/// What is known of a kind of listener.
pub struct Row {
    pub kind: Kind,
    /// As settings and ready file have it; with `-port` it is the option of `try`.
    pub name: &'static str,
    pub title: &'static str,
    /// The registered port; of LMTP, which has none and is served at a socket, the one for private
    /// mail systems; 0 of what is never served at a port.
    pub port: u16,
    /// The port of `try`: the registered one plus 2,000 or so, so that nobody needs to be root.
    pub try_port: u16,
}

pub const KINDS: &[Row] = &[
    Row {
        kind: Kind::Smtp,
        name: "smtp",
        title: "SMTP",
        port: 25,
        try_port: 2525,
    },
    Row {
        kind: Kind::Submission,
        name: "submission",
        title: "Submission (STARTTLS)",
        port: 587,
        try_port: 2587,
    },
    Row {
        kind: Kind::Submissions,
        name: "submissions",
        title: "Submission (TLS)",
        port: 465,
        try_port: 2465,
    },
    Row {
        kind: Kind::Lmtp,
        name: "lmtp",
        title: "LMTP",
        port: 24,
        try_port: 2424,
    },
    Row {
        kind: Kind::Submit,
        name: "submit",
        title: "The socket for local users",
        port: 0,
        try_port: 0,
    },
    Row {
        kind: Kind::Imap,
        name: "imap",
        title: "IMAP (STARTTLS)",
        port: 143,
        try_port: 2143,
    },
    Row {
        kind: Kind::Imaps,
        name: "imaps",
        title: "IMAP (TLS)",
        port: 993,
        try_port: 2993,
    },
    Row {
        kind: Kind::Pop3,
        name: "pop3",
        title: "POP3 (STLS)",
        port: 110,
        try_port: 2110,
    },
    Row {
        kind: Kind::Pop3s,
        name: "pop3s",
        title: "POP3 (TLS)",
        port: 995,
        try_port: 2995,
    },
    Row {
        kind: Kind::Metrics,
        name: "metrics",
        title: "Metrics (HTTP)",
        port: 9225,
        try_port: 2225,
    },
    Row {
        kind: Kind::Odmr,
        name: "odmr",
        title: "On-demand mail relay",
        port: 366,
        try_port: 2366,
    },
];

/// The row of a kind.
pub fn row(kind: Kind) -> &'static Row {
    let found = KINDS.iter().find(|row| row.kind == kind);
    found.expect("because every kind stands in the table")
}

/// A place to listen that is ours, or will be.
pub struct Bound {
    pub row: &'static Row,
    pub place: Place,
}

pub enum Place {
    Port(Port),
    /// Taken when there is a runtime: only ports may need root.
    Path(PathBuf),
}

/// Where each listener is, for people and for the ready file.
pub struct Addresses(Vec<(&'static Row, At)>);

impl Addresses {
    pub fn of(bound: &[Bound]) -> Addresses {
        let each = bound.iter().map(|one| {
            let at = match &one.place {
                Place::Port(port) => At::Tcp(port.local_addr()),
                Place::Path(path) => At::Unix(path.clone()),
            };
            (one.row, at)
        });
        Addresses(each.collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static Row, &At)> {
        self.0.iter().map(|(row, at)| (*row, at))
    }

    /// The first listener of this kind.
    pub fn first(&self, kind: Kind) -> Option<&At> {
        let found = self.0.iter().find(|(row, _)| row.kind == kind);
        found.map(|(_, at)| at)
    }

    /// The first port of this kind.
    pub fn port(&self, kind: Kind) -> Option<u16> {
        self.0.iter().find_map(|(row, at)| match at {
            At::Tcp(at) if row.kind == kind => Some(at.port()),
            _ => None,
        })
    }
}

/// Takes all ports, or says which one cannot be had. A kind of which sockets are given gets no
/// others. `advice` says how to choose another port for a listener.
pub fn bind(
    settings: &Settings,
    given: Vec<(&'static Row, Port)>,
    advice: fn(&Row) -> String,
) -> Outcome<Vec<Bound>> {
    let mut bound = Vec::new();
    for listen in &settings.listen {
        let row = row(listen.kind);
        let is_given = given.iter().any(|(kind, _)| kind.kind == row.kind);
        let is_idle = row.kind == Kind::Odmr && !settings.road.is_picked_up();
        if is_given || is_idle {
            continue;
        }
        for at in &listen.addresses {
            let place = match at {
                At::Unix(path) => match socket(row, settings, path, &advice(row))? {
                    Some(path) => Place::Path(path),
                    None => continue,
                },
                At::Tcp(at) if row.kind == Kind::Submit => {
                    return Err(format!(
                        "local users cannot come by {at}, where nobody would know who they are: \
                         `listen.submit.addresses` takes paths only"
                    ));
                }
                At::Tcp(at) => match Port::bind(*at) {
                    Ok(port) => Place::Port(port),
                    Err(error) if is_ipv6_missing(*at, &error) => {
                        tracing::info!("this machine has no IPv6, so nothing listens at {at}");
                        continue;
                    }
                    Err(error) => return Err(explain(row, *at, &error, &advice(row))),
                },
            };
            bound.push(Bound { row, place });
        }
    }
    let given = given.into_iter().map(|(row, port)| Bound {
        row,
        place: Place::Port(port),
    });
    bound.extend(given);
    Ok(bound)
}

/// How long the path of a Unix socket may be on Linux.
const PATH_BYTES: usize = 107;

/// Where a socket is to be. One in the data folder is among the defaults, and a server whose folder
/// has a long path does without.
fn socket(row: &Row, settings: &Settings, path: &Path, advice: &str) -> Outcome<Option<PathBuf>> {
    let whole = settings.socket(path);
    match fits(row, &whole, advice) {
        Ok(()) => Ok(Some(whole)),
        Err(why) if path.is_relative() => {
            tracing::warn!("going on without {}: {why}", row.title);
            Ok(None)
        }
        Err(why) => Err(why),
    }
}

fn fits(row: &Row, path: &Path, advice: &str) -> Outcome<()> {
    let length = path.as_os_str().len();
    if length <= PATH_BYTES {
        return Ok(());
    }
    let (title, path) = (row.title, path.display());
    Err(format!(
        "{title} cannot listen at {path}: the path has {length} bytes, and the system takes \
         {PATH_BYTES} for a socket; {advice}"
    ))
}

/// `[::]` is among the defaults, and fine to do without where there is no IPv6 at all.
fn is_ipv6_missing(at: SocketAddr, error: &std::io::Error) -> bool {
    let no_family = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    let is_missing =
        error.raw_os_error() == Some(no_family) || error.kind() == ErrorKind::AddrNotAvailable;
    at.is_ipv6() && at.ip().is_unspecified() && is_missing
}

fn explain(row: &Row, at: SocketAddr, error: &std::io::Error, advice: &str) -> String {
    let (title, port) = (row.title, at.port());
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "port {port} is taken, so {title} cannot listen at {at}: \
             stop the program that has it, or {advice}"
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
    use std::net::Ipv4Addr;

    #[test]
    fn a_taken_port_is_named_with_its_setting_and_the_way_out() {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 2143));
        let advice = crate::try_command::advice(row(Kind::Imap));
        let text = explain(row(Kind::Imap), at, &ErrorKind::AddrInUse.into(), &advice);
        for part in ["port 2143 is taken", "IMAP", "--imap-port", "--any-port"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_socket_with_a_path_too_long_is_told_with_the_way_out() {
        let advice = crate::try_command::advice(row(Kind::Lmtp));
        let path = |length| PathBuf::from("x".repeat(length));
        assert!(fits(row(Kind::Lmtp), &path(107), &advice).is_ok());
        let text = fits(row(Kind::Lmtp), &path(108), &advice).unwrap_err();
        for part in [
            "LMTP",
            "108",
            "107",
            "--lmtp-socket",
            "--lmtp-port",
            "XDG_RUNTIME_DIR",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_long_path_to_the_data_folder_costs_lmtp_and_nothing_else() {
        let mut settings = Settings::new("mail.example.org");
        let lmtp = row(Kind::Lmtp);
        let place = |settings: &Settings| {
            let [At::Unix(path)] = &settings.listen(Kind::Lmtp).addresses[..] else {
                panic!("it is a socket");
            };
            socket(lmtp, settings, path, "").unwrap()
        };
        assert_eq!(
            place(&settings),
            Some(PathBuf::from("/var/lib/whimbrel/lmtp"))
        );
        settings.process.data = PathBuf::from(format!("/{}", "x".repeat(102)));
        assert_eq!(place(&settings), None);
        // What the operator has named is what he wants.
        let named = PathBuf::from(format!("/{}", "x".repeat(107)));
        assert!(socket(lmtp, &settings, &named, "").is_err());
    }

    #[test]
    fn no_two_kinds_share_a_port_or_name() {
        for (index, row) in KINDS.iter().enumerate() {
            for other in &KINDS[..index] {
                assert!(row.port != other.port && row.name != other.name && row.kind != other.kind);
                assert_ne!(row.try_port, other.try_port);
            }
        }
    }
}
