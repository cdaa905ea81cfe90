//! The road to other servers: where a message goes next, how it is carried there, and what a failure
//! means.
//!
//! `route` and `failure` are pure: answers in, decision out. `Road::carry` makes one attempt by them;
//! `Road::begin` says whether one may begin. What never happens here: a row of the queue, the text of
//! a report.

pub mod attempt;
mod content;
pub mod failure;
mod gather;
mod lanes;
mod opening;
mod patience;
pub mod policy;
mod pool;
mod program;
pub mod route;
mod said;
mod talk;
pub mod tls_report;
pub(crate) mod turned;
mod visit;

pub use attempt::{Carried, Fate, Load, LoadRecipient, Reports, Terms};
pub use content::Content;
pub use lanes::{Came, LaneSettings, NotNow};
pub use patience::Patience;
pub use pool::PoolSettings;

use crate::limits;
use addr::Domain;
use failure::Backoff;
use lanes::{Lanes, Turn};
use net::{Authorities, Clock, Dialer, Random, Resolver, Stop};
use policy::Policies;
use pool::Pool;
use route::{Destination, Families, Next, Own};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use talk::Talk;
use tls_report::TlsTally;

/// What the operator says of the road.
#[derive(Clone, Debug)]
pub struct RoadSettings {
    /// What we call ourselves in EHLO.
    pub hostname: Domain,
    pub own: Own,
    pub families: Families,
    pub backoff: Backoff,
    pub patience: Patience,
    pub lanes: LaneSettings,
    pub pool: PoolSettings,
    /// Who may vouch for a server that has to be proven.
    pub authorities: Authorities,
    /// What domains demand of TLS; nobody is asked if none.
    pub policies: Option<Policies>,
    /// Where is counted what came of TLS, for reports.
    pub tls_tally: Option<TlsTally>,
}

impl RoadSettings {
    /// The usual: everything by the DNS.
    pub fn new(hostname: Domain) -> RoadSettings {
        RoadSettings {
            own: Own {
                names: vec![hostname.clone()],
                addresses: Vec::new(),
            },
            hostname,
            families: Families::default(),
            backoff: Backoff::default(),
            patience: Patience::default(),
            lanes: LaneSettings::default(),
            pool: PoolSettings::default(),
            authorities: Authorities::of_the_web(),
            policies: None,
            tls_tally: None,
        }
    }
}

/// The world outside, as the road needs it.
#[derive(Clone, Debug)]
pub struct Outside {
    pub dialer: Dialer,
    pub resolver: Resolver,
    pub clock: Clock,
    pub random: Random,
}

/// The way to other servers. Clones share connections and lanes.
#[derive(Clone)]
pub struct Road(Arc<Inner>);

struct Inner {
    settings: Mutex<Arc<RoadSettings>>,
    outside: Outside,
    lanes: Mutex<Lanes>,
    pool: Pool,
}

/// An attempt that may be made. Dropped without an end, it says that the destination was not reached.
pub struct Permit {
    road: Road,
    destination: Destination,
    key: String,
    turn: Turn,
    came: Came,
}

impl Road {
    pub fn new(settings: RoadSettings, outside: Outside) -> Road {
        Road(Arc::new(Inner {
            lanes: Mutex::new(Lanes::new(settings.lanes)),
            pool: Pool::new(),
            settings: Mutex::new(Arc::new(settings)),
            outside,
        }))
    }

    /// Takes other settings. They hold for attempts that begin from now on; a connection that waits
    /// keeps the name that was said on it.
    pub fn renew(&self, change: impl FnOnce(&mut RoadSettings)) {
        let mut settings = RoadSettings::clone(&self.settings());
        change(&mut settings);
        let now = self.clock().now();
        self.lanes().renew(settings.lanes, now);
        *self.0.settings_lock() = Arc::new(settings);
    }

    /// Asks whether an attempt may begin now. What is picked up never begins from here.
    pub fn begin(&self, destination: Destination) -> Result<Permit, NotNow> {
        let now = self.clock().now();
        if let Next::PickUp(_) = destination.next {
            return Err(NotNow::Until(now.after(limits::AFTER_TROUBLE)));
        }
        let key = destination.to_string();
        let turn = self.lanes().begin(&key, now)?;
        if destination.next == route::Next::Here {
            // nobody asks us to be slow with our own mailboxes
            self.lanes().open(&key, now);
        }
        Ok(Permit {
            road: self.clone(),
            destination,
            key,
            turn,
            came: Came::Unreachable,
        })
    }

    /// Forgets that a destination could not be reached.
    pub fn reopen(&self, destination: &Destination) {
        let now = self.clock().now();
        self.lanes().open(&destination.to_string(), now);
    }

    /// Ends connections that nobody needs any more, until `stop`.
    pub async fn tend(&self, stop: &Stop) {
        self.0.pool.tend(stop).await;
    }

    /// Says goodbye; whoever waits for the attempt does not wait for that.
    fn leave(&self, talk: Talk) {
        tokio::spawn(talk.quit());
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn settings(&self) -> Arc<RoadSettings> {
        self.0.settings_lock().clone()
    }
    fn pool(&self) -> &Pool {
        &self.0.pool
    }
    fn clock(&self) -> &Clock {
        &self.0.outside.clock
    }
    fn random(&self) -> &Random {
        &self.0.outside.random
    }
    fn resolver(&self) -> &Resolver {
        &self.0.outside.resolver
    }
    fn dialer(&self) -> &Dialer {
        &self.0.outside.dialer
    }
}

impl Inner {
    fn settings_lock(&self) -> MutexGuard<'_, Arc<RoadSettings>> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// There is nothing to send after all; of the destination nothing is known.
    pub fn give_back(mut self) {
        self.came = Came::Unused;
    }

    /// It was made by others: mail for mailboxes here.
    pub(crate) fn ended(mut self) {
        self.came = Came::Answered;
    }

    /// Makes the attempt.
    pub async fn carry(mut self, load: &Load, terms: Terms) -> Carried {
        let carried = self.road.carry(load, terms, &self.destination).await;
        self.came = carried.came;
        carried
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = self.road.clock().now();
        let mut lanes = self.road.lanes();
        lanes.end(&self.key, self.turn, self.came, now);
    }
}
