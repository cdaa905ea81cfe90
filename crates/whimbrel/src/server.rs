//! A whole server from the open store to the clean end; `try` and `serve` both run it.
//!
//! What never happens here: reading arguments or settings, a word for people.

use crate::admin::{Office, control};
use crate::doors::{Doors, Tls};
use crate::listeners::Bound;
use crate::log::Hub;
use crate::sending::Sending;
use crate::settings::Settings;
use crate::signals::Signals;
use crate::{Outcome, expiry, own_files, sending, signing};
use mail::{Admin, Mail};
use net::{Clock, DnsSettings, Random, Resolver, Sessions, Stop};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::path::Path;
use std::time::Duration;
use store::{Db, Files};
use tokio::task::JoinHandle;

/// All in all a stop takes less than two seconds.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(400);

/// The store and the mail in it; no listener yet.
pub struct House {
    pub db: Db,
    pub mail: Mail,
    pub admin: Admin,
    pub clock: Clock,
    pub random: Random,
    /// None: there is nobody to ask, and the log says why.
    pub resolver: Option<Resolver>,
    /// Those that run, at every listener.
    pub sessions: Sessions,
}

impl House {
    /// Opens the store in this folder, or makes one.
    pub async fn open(store: &Path, settings: &Settings) -> Outcome<House> {
        let (clock, random) = (Clock::system(), Random::system());
        let db = open_store(store, settings)?;
        let admin = Admin::owner_of(&db);
        let mail = settings.mail.clone();
        let mail = Mail::open(db.clone(), clock.clone(), random.clone(), mail).await;
        Ok(House {
            sessions: Sessions::new(db.tally().clone()),
            db,
            mail: mail.map_err(|fault| fault.to_string())?,
            admin,
            clock,
            random,
            resolver: resolver(settings)?,
        })
    }
}

/// Who asks the DNS.
fn resolver(settings: &Settings) -> Outcome<Option<Resolver>> {
    let dns = &settings.dns;
    let anchors = dns.anchors.as_deref().map(own_files::read).transpose()?;
    let asked = DnsSettings {
        servers: dns.servers.clone(),
        dnssec: dns.dnssec,
        anchors,
    };
    match Resolver::new(&asked) {
        Ok(resolver) => Ok(Some(resolver)),
        Err(error) if dns.servers.is_empty() && dns.anchors.is_none() => {
            tracing::warn!(%error, "the DNS cannot be asked; set `dns.servers`");
            Ok(None)
        }
        Err(error) => Err(error.to_string()),
    }
}

fn open_store(folder: &Path, settings: &Settings) -> Outcome<Db> {
    let files = Files::real(folder).map_err(|error| error.to_string())?;
    let db = Db::open(files, settings.store.clone()).map_err(|error| error.to_string())?;
    let report = db.open_report();
    for damage in &report.damage {
        tracing::error!(%damage, "the data folder is damaged; run `whimbrel verify`");
    }
    if report.torn_tail_bytes > 0 {
        let bytes = report.torn_tail_bytes;
        tracing::info!(bytes, "left out a last commit that was never acknowledged");
    }
    Ok(db)
}

/// What only people on this machine see of a server.
pub struct Inside<'a> {
    /// The data folder, where the control socket lies.
    pub data: &'a Path,
    /// Who gives log lines to those who follow.
    pub hub: Hub,
}

/// A server that accepts connections.
pub struct Server {
    pub house: House,
    pub doors: Doors,
    stop: Stop,
    /// Who works on the queue.
    pub sending: Sending,
    upkeep: JoinHandle<()>,
    control: JoinHandle<()>,
    /// Looks when certificates end.
    expiry: JoinHandle<()>,
    /// Looks whether the DNS shows new keys.
    signing: JoinHandle<()>,
}

impl Server {
    /// Opens all doors. When this returns, every listener accepts.
    pub async fn start(
        house: House,
        bound: Vec<Bound>,
        tls: &Tls,
        settings: &Settings,
        inside: Inside<'_>,
    ) -> Outcome<Server> {
        let stop = Stop::new();
        let queue = sending::queue(&house, settings).await?;
        let office = Office {
            mail: house.mail.clone(),
            admin: house.admin.clone(),
            sessions: Some(house.sessions.clone()),
            resolver: house.resolver.clone(),
            hostname: Some(settings.hostname.clone()),
            queue: queue.clone(),
        };
        let signing = tokio::spawn(signing::watch(office.clone(), stop.clone()));
        let control = control::open(inside.data, office, inside.hub, &house.sessions, &stop)?;
        let mut doors = Doors::open(bound, &house, &queue, tls, settings, &stop).await?;
        doors.take_in(inside.data, house.clock.clone(), &stop);
        let sending = sending::start(&house, &queue, settings, &stop)?;
        let warn = |warning: &str| tracing::warn!("{warning}");
        let expiry = expiry::watch(tls.exchange.clone(), house.clock.clone(), warn);
        let upkeep = {
            let (mail, stop) = (house.mail.clone(), stop.clone());
            tokio::spawn(async move { mail.upkeep(stop).await })
        };
        Ok(Server {
            house,
            doors,
            stop,
            sending,
            upkeep,
            control,
            expiry: tokio::spawn(expiry),
            signing,
        })
    }

    /// Ends every session in good order; a second wish of `signals` makes it end at once.
    pub async fn end(mut self, signals: &mut Signals) {
        self.stop.stop();
        let all = async {
            self.doors.closed().await;
            while self.sending.tasks.join_next().await.is_some() {}
        };
        tokio::select! {
            biased;
            () = all => {}
            _ = signals.wish() => tracing::warn!("stopping at once"),
        }
        self.upkeep.abort();
        self.expiry.abort();
        self.signing.abort();
        // Its clients are of this machine and wait for nothing.
        self.control.abort();
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, self.house.db.close()).await;
        if closed.is_err() {
            // Nothing is lost: what was acknowledged is in the log.
            tracing::warn!("the store did not close in time");
        }
    }
}

/// Every connection needs a file descriptor, and the usual soft limit of 1,024 is soon reached.
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the number of open files");
    }
}
