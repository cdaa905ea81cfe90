//! Joins each listener to the session of its door.
//!
//! What never happens here: a word of a protocol; the doors have those.

use crate::accounts::DOMAIN;
use crate::listeners::{Bound, Kind};
use mail::Mail;
use net::{Bounds, Clock, Conn, Listener, Random, Stop, TlsServer};
use post::{Post, PostSettings};
use smtpd::Role;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Of each listener. On loopback all connections come from one address, so only their number
/// counts. What they may cost in memory is added up in docs/safety.md.
const CONNECTIONS: Bounds = Bounds {
    total: 4_000,
    per_address: 4_000,
};
/// What the IMAP door says to a connection above that.
const IMAP_TURN_AWAY: &[u8] = b"* BYE too many connections, try again later\r\n";

/// All listeners, being served.
pub struct Doors(JoinSet<()>);

/// The doors' sessions are served from here; one of each kind is shared by its listeners.
struct Shared {
    exchange: Arc<smtpd::Door>,
    submission: Arc<smtpd::Door>,
    imap: Arc<imapd::Door>,
    pop: Arc<popd::Door>,
}

impl Doors {
    pub fn open(
        bound: Vec<Bound>,
        mail: &Mail,
        clock: &Clock,
        random: &Random,
        tls: &TlsServer,
        stop: &Stop,
    ) -> Doors {
        let post = Post::new(
            mail.clone(),
            clock.clone(),
            random.clone(),
            PostSettings::new(DOMAIN),
        );
        let shared = Shared {
            exchange: Arc::new(smtp_door(&post, mail, tls, Role::Exchange)),
            submission: Arc::new(smtp_door(&post, mail, tls, Role::Submission)),
            imap: Arc::new(imap_door(mail, tls)),
            pop: Arc::new(pop_door(mail, tls)),
        };
        let mut serving = JoinSet::new();
        for Bound { row, listener } in bound {
            let at_once = row.kind.is_tls_at_once().then(|| tls.clone());
            serve(&mut serving, row.kind, listener, at_once, &shared, stop);
        }
        Doors(serving)
    }

    /// Returns when every listener and session has ended.
    pub async fn closed(mut self) {
        while let Some(ended) = self.0.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a listener ended in a panic");
            }
        }
    }
}

fn serve(
    serving: &mut JoinSet<()>,
    kind: Kind,
    listener: Listener,
    at_once: Option<TlsServer>,
    shared: &Shared,
    stop: &Stop,
) {
    let (bounds, until, each) = (CONNECTIONS, stop.clone(), stop.clone());
    match kind {
        Kind::Smtp | Kind::Submission | Kind::Submissions => {
            let door = match kind {
                Kind::Smtp => Arc::clone(&shared.exchange),
                _ => Arc::clone(&shared.submission),
            };
            let session = move |conn: Conn| smtpd::session(conn, Arc::clone(&door), each.clone());
            serving.spawn(net::serve(
                listener,
                at_once,
                bounds,
                smtpd::TURN_AWAY,
                until,
                session,
            ));
        }
        Kind::Imap | Kind::Imaps => {
            let door = Arc::clone(&shared.imap);
            let session = move |conn: Conn| imapd::session(conn, Arc::clone(&door), each.clone());
            serving.spawn(net::serve(
                listener,
                at_once,
                bounds,
                IMAP_TURN_AWAY,
                until,
                session,
            ));
        }
        Kind::Pop3 | Kind::Pop3s => {
            let door = Arc::clone(&shared.pop);
            let session = move |conn: Conn| popd::session(conn, Arc::clone(&door), each.clone());
            serving.spawn(net::serve(
                listener,
                at_once,
                bounds,
                popd::TURN_AWAY,
                until,
                session,
            ));
        }
    }
}

fn smtp_door(post: &Post, mail: &Mail, tls: &TlsServer, role: Role) -> smtpd::Door {
    let clear_text = smtpd::ClearText::Allowed;
    let settings = smtpd::Settings {
        clear_text,
        ..smtpd::Settings::new(DOMAIN, role)
    };
    smtpd::Door::new(post.clone(), mail.clone(), Some(tls.clone()), settings)
}

fn imap_door(mail: &Mail, tls: &TlsServer) -> imapd::Door {
    let settings = imapd::Settings {
        hostname: DOMAIN.to_owned(),
        allow_cleartext_login: true,
        tls: Some(tls.clone()),
        ..imapd::Settings::default()
    };
    imapd::Door::new(mail.clone(), settings)
}

fn pop_door(mail: &Mail, tls: &TlsServer) -> popd::Door {
    let clear_text = popd::ClearText::Allowed;
    let settings = popd::Settings {
        clear_text,
        ..popd::Settings::new(DOMAIN)
    };
    popd::Door::new(mail.clone(), Some(tls.clone()), settings)
}
