//! What all parts of a run share: the seed, the simulated things, the trace, the ledger.

use crate::dice::Dice;
use crate::house::Inside;
use crate::ledger::Ledger;
use crate::run::Account;
use crate::trace::Trace;
use net::{Clock, SimDns, SimNet, Time};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::{Files, SimDisk, SimFailure, State};
use tokio::sync::watch;

/// The one server.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
pub const DOMAIN: &str = "example.test";
/// Where its mail for others goes: one server under two addresses.
pub const FAR: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)),
];
pub const FAR_DOMAIN: &str = "far.example";
/// Has no mail server.
pub const EMPTY_DOMAIN: &str = "empty.example";
/// Where strangers have their mailboxes: at the same server.
pub const STRANGERS: &str = "sender.example";
/// A mailbox here that sends all on to `ONWARD_TO`.
pub const ONWARD: &str = "away";
pub const ONWARD_TO: &str = "theo@far.example";
/// When a run begins.
const BEGINNING_S: i64 = 1_795_396_809;

/// Where the run stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Clients begin new things, and there are faults.
    Storm,
    /// No more faults; clients bring to an end what they have begun.
    Calm,
    /// Every client is to end.
    End,
}

pub struct World {
    pub seed: u64,
    pub net: SimNet,
    pub dns: SimDns,
    pub disk: SimDisk,
    pub clock: Clock,
    pub trace: Trace,
    pub phase: watch::Sender<Phase>,
    /// How often the server's process has died, and how it did last.
    pub deaths: watch::Sender<u64>,
    /// How often it has started.
    pub starts: watch::Sender<u64>,
    /// What lies behind the doors of the server that runs.
    inside: Mutex<Option<Inside>>,
    ledger: Mutex<Ledger>,
    next_port: AtomicU64,
}

fn dns(seed: u64) -> SimDns {
    let dns = SimDns::new(Dice::new(seed, "dns").number());
    for domain in [FAR_DOMAIN, STRANGERS] {
        dns.add_mx(domain, 10, "mx.far.example");
        dns.add_mx(domain, 20, "mx2.far.example");
    }
    dns.add_address("mx.far.example", FAR[0]);
    dns.add_address("mx2.far.example", FAR[1]);
    dns.add_mx(EMPTY_DOMAIN, 0, "");
    // who is not proven to have sent a message is told nothing of it
    dns.add_txt(STRANGERS, "v=spf1 ip4:10.0.0.0/16 -all");
    dns
}

impl World {
    pub fn new(seed: u64, trace: Trace) -> Arc<World> {
        let (_, disk) = Files::sim(seed);
        let world = Arc::new(World {
            seed,
            net: SimNet::new(seed ^ 0x6e65_7477_6f72_6b00),
            dns: dns(seed),
            disk,
            clock: Clock::following_tokio(Time::from_seconds(BEGINNING_S)),
            trace,
            phase: watch::Sender::new(Phase::Storm),
            deaths: watch::Sender::new(0),
            starts: watch::Sender::new(0),
            inside: Mutex::default(),
            ledger: Mutex::new(Ledger::default()),
            next_port: AtomicU64::new(20_000),
        });
        world.watch_the_disk();
        world
    }

    /// A process that dies takes its connections with it, at the same instant.
    fn watch_the_disk(self: &Arc<World>) {
        let world = Arc::downgrade(self);
        self.disk.on_death(move |how| {
            let Some(world) = world.upgrade() else {
                return;
            };
            match how {
                SimFailure::Crash => world.net.power_off(SERVER),
                _ => world.net.kill(SERVER),
            }
            world.trace.note(format!("server: dies ({how:?})"));
            world.ledger().died();
            world.deaths.send_modify(|deaths| *deaths += 1);
        });
    }

    pub fn dice(&self, who: &str) -> Dice {
        Dice::new(self.seed, who)
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_inside(&self, inside: Inside) {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner) = Some(inside);
        self.starts.send_modify(|starts| *starts += 1);
    }

    fn inside(&self) -> Option<Inside> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.clone()
    }

    /// Whether the store takes no writes: then it does not know yet how the last ones came out.
    pub fn is_read_only(&self) -> bool {
        let state = self.inside().map(|inside| inside.db.state());
        matches!(state, Some(State::ReadOnly { .. }))
    }

    /// UIDNEXT of a mailbox as every reader sees it now.
    pub fn uid_next(&self, account: &Account, mailbox: &str) -> Option<u32> {
        let inside = self.inside()?;
        let account = inside.mail.account_as_admin(&inside.admin(), account.id);
        let name = mail::MailboxName::try_from(mailbox).ok()?;
        Some(account.status(&name).ok()?.uid_next)
    }

    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// A client's address that nobody had before.
    pub fn new_address(&self, host: u8) -> SocketAddr {
        let port = self.next_port.fetch_add(1, Ordering::Relaxed);
        SocketAddr::from((
            [10, 0, 1 + (port / 40_000) as u8, host],
            (20_000 + port % 40_000) as u16,
        ))
    }
}
