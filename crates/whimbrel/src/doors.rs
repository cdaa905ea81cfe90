//! Joins each listener to the session of its door.
//!
//! Sessions ask for their door when they begin, so that a reload is seen by those that come after
//! it. What never happens here: a word of a protocol; the doors have those.

use crate::Outcome;
use crate::listeners::{Bound, Kind, Place, Row};
use crate::own_files;
use crate::sendmail::taking::Taking;
use crate::server::House;
use crate::settings::customers::CustomerRow;
use crate::settings::{Newlines, Settings};
use crate::{expiry, health};
use net::{Clock, Conn, Listener, Stop, TlsServer};
use post::queue::Queue;
use post::{Post, PostSettings};
use smtpd::Role;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the IMAP door says to a connection above its bounds.
const IMAP_TURN_AWAY: &[u8] = b"* BYE too many connections, try again later\r\n";

/// Of a Unix socket: the server's user and group may connect.
const SOCKET_MODE: u32 = 0o660;
/// Of the socket for local users: everybody may connect, and the system says who it is.
const LOCAL_MODE: u32 = 0o666;

/// All listeners, being served.
pub struct Doors {
    serving: JoinSet<()>,
    http: Arc<httpd::Door>,
    current: watch::Sender<Arc<Current>>,
}

/// The doors as new sessions find them; made anew when settings change.
struct Current {
    settings: Settings,
    /// Where mail for other servers goes, if it is taken.
    queue: Option<Queue>,
    /// For listeners where a password needs TLS.
    guarded: Set,
    /// For listeners where it does not.
    open: Set,
}

/// TLS by who comes: other servers may show a certificate of any authority when they are asked for
/// one, so they are not.
pub struct Tls {
    pub exchange: TlsServer,
    /// Where people log in.
    pub logins: TlsServer,
}

/// One door of each kind, shared by all its listeners.
struct Set {
    /// Of the IMAP door.
    tls: TlsServer,
    exchange: Arc<smtpd::Door>,
    submission: Arc<smtpd::Door>,
    lmtp: Arc<smtpd::Door>,
    local: Arc<smtpd::Door>,
    on_demand: Arc<smtpd::Door>,
    imap: Arc<imapd::Door>,
    pop: Arc<popd::Door>,
}

impl Doors {
    /// Serves all ports until `stop`.
    pub async fn open(
        bound: Vec<Bound>,
        house: &House,
        queue: &Queue,
        tls: &Tls,
        settings: &Settings,
        stop: &Stop,
    ) -> Outcome<Doors> {
        let sends = settings.sending.is_on.then(|| queue.clone());
        let current = Arc::new(Current::new(house, sends, tls, settings));
        let mut doors = Doors {
            serving: JoinSet::new(),
            http: Arc::new(http(house, queue, &tls.exchange, stop)),
            current: watch::Sender::new(current),
        };
        for Bound { row, place } in bound {
            let listener = listen(row, place).await?;
            let listener = listener.named(row.name, &house.sessions);
            let at_once = row.kind.is_tls_at_once().then(|| tls.logins.clone());
            doors.serve(row, listener, at_once, stop);
        }
        Ok(doors)
    }

    /// Takes in what lies in the drop folder of this data folder, by the door for users of this machine, until `stop`.
    pub fn take_in(&mut self, data: &Path, clock: Clock, stop: &Stop) {
        let now = self.current.subscribe();
        let taking = Taking {
            folder: own_files::drop_in(data),
            now: move || {
                let current = now.borrow();
                let lifetime = current.settings.sending.queue.lifetime;
                (Arc::clone(&current.guarded.local), lifetime)
            },
            clock,
        };
        let until = stop.clone();
        self.serving.spawn(async move { taking.run(&until).await });
    }

    /// Gives sessions that begin from now on these settings.
    pub fn renew(&self, house: &House, settings: &Settings) {
        self.current.send_modify(|current| {
            *current = Arc::new(current.successor(house, settings));
        });
    }

    /// Returns when every listener and session has ended.
    pub async fn closed(mut self) {
        while let Some(ended) = self.serving.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener ended in a panic");
            }
        }
    }

    fn serve(&mut self, row: &Row, listener: Listener, at_once: Option<TlsServer>, stop: &Stop) {
        let (now, at, kind) = (self.current.subscribe(), listener.local_addr(), row.kind);
        let bounds = {
            let now = now.clone();
            move || now.borrow().settings.listen(kind).bounds
        };
        let (until, each) = (stop.clone(), stop.clone());
        match kind {
            Kind::Smtp
            | Kind::Submission
            | Kind::Submissions
            | Kind::Lmtp
            | Kind::Submit
            | Kind::Odmr => {
                let session = move |conn: Conn| {
                    let current = now.borrow();
                    let set = current.set(at);
                    let door = match kind {
                        Kind::Smtp => &set.exchange,
                        Kind::Lmtp => &set.lmtp,
                        Kind::Submit => &set.local,
                        Kind::Odmr => &set.on_demand,
                        _ => &set.submission,
                    };
                    smtpd::session(conn, Arc::clone(door), each.clone())
                };
                let word = smtpd::TURN_AWAY;
                let serve = net::serve(listener, at_once, bounds, word, until, session);
                self.serving.spawn(serve);
            }
            Kind::Imap | Kind::Imaps => {
                let session = move |conn: Conn| {
                    let door = Arc::clone(&now.borrow().set(at).imap);
                    imapd::session(conn, door, each.clone())
                };
                let word = IMAP_TURN_AWAY;
                let serve = net::serve(listener, at_once, bounds, word, until, session);
                self.serving.spawn(serve);
            }
            Kind::Metrics => {
                let door = Arc::clone(&self.http);
                let session =
                    move |conn: Conn| httpd::session(conn, Arc::clone(&door), each.clone());
                let serve = net::serve(listener, at_once, bounds, b"", until, session);
                self.serving.spawn(serve);
            }
            Kind::Pop3 | Kind::Pop3s => {
                let session = move |conn: Conn| {
                    let door = Arc::clone(&now.borrow().set(at).pop);
                    popd::session(conn, door, each.clone())
                };
                let word = popd::TURN_AWAY;
                let serve = net::serve(listener, at_once, bounds, word, until, session);
                self.serving.spawn(serve);
            }
        }
    }
}

impl Current {
    fn new(house: &House, queue: Option<Queue>, tls: &Tls, settings: &Settings) -> Current {
        let post = post(house, queue.as_ref(), settings);
        let guarded = Set::new(house, &post, tls, settings);
        Current {
            open: guarded.successor(&post, settings, Clear::Allowed),
            guarded,
            queue,
            settings: settings.clone(),
        }
    }

    /// With other settings; counts on where this one is.
    fn successor(&self, house: &House, settings: &Settings) -> Current {
        let post = post(house, self.queue.as_ref(), settings);
        Current {
            open: self.open.successor(&post, settings, Clear::Allowed),
            guarded: self.guarded.successor(&post, settings, Clear::Refused),
            queue: self.queue.clone(),
            settings: settings.clone(),
        }
    }

    fn set(&self, listener: SocketAddr) -> &Set {
        match self.settings.cleartext.at(listener) {
            true => &self.open,
            false => &self.guarded,
        }
    }
}

async fn listen(row: &Row, place: Place) -> Outcome<Listener> {
    let (listener, at) = match place {
        Place::Port(port) => {
            let at = port.local_addr().to_string();
            (Listener::on(port).await, at)
        }
        Place::Path(path) => {
            let at = path.display().to_string();
            let mode = match row.kind {
                Kind::Submit => LOCAL_MODE,
                _ => SOCKET_MODE,
            };
            (Listener::bind_unix(&path, mode), at)
        }
    };
    listener.map_err(|error| format!("{} cannot listen at {at}: {error}", row.title))
}

/// Whether a password may be sent without TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clear {
    Refused,
    Allowed,
}

impl Set {
    fn new(house: &House, post: &Post, tls: &Tls, settings: &Settings) -> Set {
        let mail = || house.mail.clone();
        let smtp = |role| {
            let settings = smtp(settings, role, Clear::Refused);
            let tls = match role {
                Role::Submission | Role::OnDemand => Some(tls.logins.clone()),
                Role::Exchange => Some(tls.exchange.clone()),
                // a program on this machine has nothing to hide from the network
                Role::Lmtp | Role::Local => None,
            };
            smtpd::Door::new(post.clone(), mail(), tls, settings)
        };
        let imap = imap(settings, &tls.logins, Clear::Refused);
        let pop = pop(settings, Clear::Refused);
        Set {
            tls: tls.logins.clone(),
            exchange: Arc::new(smtp(Role::Exchange)),
            submission: Arc::new(smtp(Role::Submission)),
            lmtp: Arc::new(smtp(Role::Lmtp)),
            local: Arc::new(smtp(Role::Local)),
            on_demand: Arc::new(smtp(Role::OnDemand)),
            imap: Arc::new(imapd::Door::new(mail(), imap)),
            pop: Arc::new(
                popd::Door::new(mail(), Some(tls.logins.clone()), pop).submitting(post.clone()),
            ),
        }
    }

    /// Doors with other settings, which count on where these are.
    fn successor(&self, post: &Post, settings: &Settings, clear: Clear) -> Set {
        let smtp =
            |door: &smtpd::Door, role| door.successor(post.clone(), smtp(settings, role, clear));
        let imap = imap(settings, &self.tls, clear);
        Set {
            tls: self.tls.clone(),
            exchange: Arc::new(smtp(&self.exchange, Role::Exchange)),
            submission: Arc::new(smtp(&self.submission, Role::Submission)),
            lmtp: Arc::new(smtp(&self.lmtp, Role::Lmtp)),
            local: Arc::new(smtp(&self.local, Role::Local)),
            on_demand: Arc::new(smtp(&self.on_demand, Role::OnDemand)),
            imap: Arc::new(self.imap.successor(imap)),
            pop: Arc::new(self.pop.successor(pop(settings, clear))),
        }
    }
}

const FULL: &str = "the queue for other servers is full, so no mail for them is taken";

fn http(house: &House, queue: &Queue, tls: &TlsServer, stop: &Stop) -> httpd::Door {
    let (db, sessions, clock) = (
        house.db.clone(),
        house.sessions.clone(),
        house.clock.clone(),
    );
    let (looked_at, stop) = (house.db.clone(), stop.clone());
    let (shown, counted) = (tls.clone(), tls.clone());
    let (waiting, filled) = (queue.clone(), queue.clone());
    let metrics = move || {
        looked_at.refresh_tally();
        waiting.refresh_tally();
        expiry::count(&counted.expiries(), looked_at.tally());
        looked_at.tally().text()
    };
    let health = move || {
        let ended = expiry::ended(&shown.expiries(), clock.now());
        let full = filled.is_full().then(|| FULL.to_owned());
        health::of(&db, &sessions, &stop, ended.or(full))
    };
    httpd::Door::new(metrics, health)
}

pub(crate) fn post(house: &House, queue: Option<&Queue>, settings: &Settings) -> Post {
    let (mail, clock, random) = (
        house.mail.clone(),
        house.clock.clone(),
        house.random.clone(),
    );
    let settings = PostSettings {
        hostname: settings.hostname.clone(),
        max_message_bytes: settings.message_bytes,
        origin: settings.local.domain.clone(),
        // where nothing is sent, nothing is sent on
        resolver: house.resolver.clone().filter(|_| queue.is_some()),
        ..settings.post.clone()
    };
    match queue {
        Some(queue) => Post::sending(mail, clock, random, settings, queue.clone()),
        None => Post::new(mail, clock, random, settings),
    }
}

fn smtp(settings: &Settings, role: Role, clear: Clear) -> smtpd::Settings {
    let usual = smtpd::Settings::new(&settings.hostname, role);
    smtpd::Settings {
        hostname: usual.hostname,
        role,
        logins: usual.logins,
        users: smtpd::Users {
            name: crate::privileges::name_of,
            trusted: settings.local.trusted.clone(),
            systems: Arc::new(uucp::Systems {
                own: settings.uucp_name(),
                neighbours: settings.uucp.neighbours.clone(),
            }),
            ways_out: settings.uucp.relay.clone(),
        },
        clear_text: match clear {
            Clear::Refused => smtpd::ClearText::Refused,
            Clear::Allowed => smtpd::ClearText::Allowed,
        },
        bare_newline: match settings.bare_newline {
            Newlines::Reject => smtpd::BareNewline::Reject,
            Newlines::Normalize => smtpd::BareNewline::Normalize {
                networks: settings.bare_newline_networks.clone(),
            },
        },
        customers: settings.road.customers.iter().map(customer).collect(),
        ..settings.smtp.clone()
    }
}

fn customer(row: &CustomerRow) -> smtpd::Customer {
    smtpd::Customer {
        who: Arc::new(row.who.clone()),
        networks: row.networks.clone(),
        login: row.login.clone(),
    }
}

fn imap(settings: &Settings, tls: &TlsServer, clear: Clear) -> imapd::Settings {
    imapd::Settings {
        tls: Some(tls.clone()),
        hostname: settings.hostname.clone(),
        allow_cleartext_login: clear == Clear::Allowed,
        max_append_bytes: settings.message_bytes,
        ..settings.imap.clone()
    }
}

fn pop(settings: &Settings, clear: Clear) -> popd::Settings {
    popd::Settings {
        hostname: settings.hostname.clone(),
        max_message_bytes: settings.message_bytes,
        local_domain: settings.local.domain.clone(),
        clear_text: match clear {
            Clear::Refused => popd::ClearText::Refused,
            Clear::Allowed => popd::ClearText::Allowed,
        },
        ..settings.pop3.clone()
    }
}
