//! Connections that wait for another message to the same place.
//!
//! Bounded in number, in how long they wait, in age, and in messages. What never happens here: a
//! connection made, a word said but QUIT.

use crate::road::route::{Destination, Place};
use crate::road::talk::Talk;
use net::Stop;
use net::time::{Duration, Instant, now, sleep_until};
use smtp::Protection;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bounds of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolSettings {
    /// Connections that wait, in all.
    pub connections: usize,
    /// At one place, for one destination.
    pub at_one_place: usize,
    /// How long one waits: as long as a server does not mind.
    pub idle: Duration,
    /// From its greeting on.
    pub age: Duration,
    /// Transactions on one.
    pub transactions: u32,
}

impl Default for PoolSettings {
    fn default() -> PoolSettings {
        PoolSettings {
            connections: 200,
            at_one_place: 20,
            idle: Duration::from_secs(10),
            age: Duration::from_secs(5 * 60),
            transactions: 100,
        }
    }
}

/// What a connection is good for: the destination (its login, its source, what it demands), where it
/// leads, and what had to be proven when it was made. So nothing that goes by a route as it is now
/// takes one of a route as it was.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Key {
    pub destination: Destination,
    pub place: Place,
    pub protection: Protection,
}

struct Idle {
    talk: Talk,
    until: Instant,
}

/// The connections that wait.
pub(crate) struct Pool {
    idle: Mutex<BTreeMap<Key, Vec<Idle>>>,
    /// Rung when one is put in.
    bell: tokio::sync::Notify,
}

impl Pool {
    pub fn new() -> Pool {
        Pool {
            idle: Mutex::default(),
            bell: tokio::sync::Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that waits there and is still good; the last that was put in, so that what is not needed
    /// ends. Those that are not good are dropped.
    pub fn take(&self, key: &Key) -> Option<Talk> {
        let mut idle = self.lock();
        let waiting = idle.get_mut(key)?;
        let mut found = None;
        while let Some(mut last) = waiting.pop() {
            if last.until > now() && !last.talk.has_stirred() {
                found = Some(last.talk);
                break;
            }
        }
        if waiting.is_empty() {
            idle.remove(key);
        }
        found
    }

    /// One for that destination, wherever it leads: no host needs to be looked up for it.
    pub fn take_any(
        &self,
        destination: &Destination,
        protection: Protection,
    ) -> Option<(Key, Talk)> {
        let keys: Vec<Key> = {
            let idle = self.lock();
            let of = |key: &&Key| key.destination == *destination && key.protection == protection;
            idle.keys().filter(of).cloned().collect()
        };
        let mut taken = keys.into_iter().map(|key| (self.take(&key), key));
        taken.find_map(|(talk, key)| Some((key, talk?)))
    }

    /// Keeps a connection for the next message; gives it back if it has ended, has done enough, or there
    /// is no room.
    pub fn put(&self, settings: &PoolSettings, key: Key, talk: Talk) -> Option<Talk> {
        let done = !talk.is_open() || talk.transactions() >= settings.transactions;
        if done || now() >= talk.begun() + settings.age {
            return Some(talk);
        }
        let until = (now() + settings.idle).min(talk.begun() + settings.age);
        let mut idle = self.lock();
        let all: usize = idle.values().map(Vec::len).sum();
        let here = idle.get(&key).map_or(0, Vec::len);
        if all >= settings.connections || here >= settings.at_one_place {
            return Some(talk);
        }
        idle.entry(key).or_default().push(Idle { talk, until });
        drop(idle);
        self.bell.notify_one();
        None
    }

    /// Ends connections whose time is over, until `stop`; then all.
    pub async fn tend(&self, stop: &Stop) {
        loop {
            let next = self.lock().values().flatten().map(|idle| idle.until).min();
            let wait = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => self.bell.notified().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.stopped() => break,
                () = wait => {}
            }
            self.quit(|idle| idle.until <= now()).await;
        }
        self.quit(|_| true).await;
    }

    /// Says goodbye to some.
    async fn quit(&self, which: impl Fn(&Idle) -> bool) {
        let mut over = tokio::task::JoinSet::new();
        let mut taken = Vec::new();
        self.lock().retain(|_, waiting| {
            taken.extend(waiting.extract_if(.., |idle| which(idle)));
            !waiting.is_empty()
        });
        for idle in taken {
            over.spawn(idle.talk.quit());
        }
        while over.join_next().await.is_some() {}
    }
}
