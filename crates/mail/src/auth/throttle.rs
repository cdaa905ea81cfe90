//! What failed logins cost those who make them.
//!
//! Every failure adds one to two scores, the source's (an IPv4 address or IPv6 /64) and the
//! account's; scores halve every few minutes. A failure's answer is delayed the longer the higher
//! the score. A source over its limit is refused until its score has fallen; an account over its
//! limit still lets one guess through every few seconds, because its owner may be among those who
//! ask. A source that proved an account's password in the last days is judged for this account by
//! its own failures there and by nothing else: attackers cannot lock it out, be they next door.
//!
//! Names without an account are counted like accounts, so that nothing shows which is which. What
//! never happens here: a password, waiting (the caller waits).

use crate::ids::AccountId;
use crate::limits::THROTTLE_ENTRIES;
use crate::settings::ThrottleSettings;
use net::time::{self, Duration, Instant};
use net::{Random, Source};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A score halves in this time.
const HALF_LIFE: Duration = Duration::from_secs(300);
/// Failures that cost nothing: people mistype.
const FREE: f64 = 3.0;
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// An account over its limit lets one guess through in this time.
const TRICKLE: Duration = Duration::from_secs(5);
/// How long a source that proved a password counts as the owner's.
const TRUST: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Who tries to be whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Attempt {
    pub from: Source,
    pub target: Target,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Target {
    Account(AccountId),
    /// A name that leads to no account, as a hash.
    Unknown([u8; 16]),
}

/// Not now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Throttled {
    pub retry_after_s: u64,
}

/// The settings, as scores are counted.
#[derive(Clone, Copy)]
struct Limits {
    /// Scores from which on no more is tried.
    source: f64,
    account: f64,
    longest_delay: Duration,
}

pub(super) struct Throttle {
    key: [u8; 32],
    limits: Limits,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    sources: HashMap<Source, Score>,
    targets: HashMap<Target, Score>,
    /// The owners' sources, with their own failures there.
    owners: HashMap<Attempt, Owner>,
}

/// Failures, fading.
#[derive(Clone, Copy)]
struct Score {
    value: f64,
    at: Instant,
    /// When a guess was last let through over the limit.
    trickled: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Owner {
    proved: Instant,
    score: Score,
}

impl Score {
    fn new(now: Instant) -> Score {
        Score {
            value: 0.0,
            at: now,
            trickled: None,
        }
    }

    fn now(&self, now: Instant) -> f64 {
        let half_lives = now.duration_since(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.value * (-half_lives).exp2()
    }

    fn add(&mut self, now: Instant) -> f64 {
        self.value = self.now(now) + 1.0;
        self.at = now;
        self.value
    }

    /// Refused until the score has fallen below the limit.
    fn below(&self, limit: f64, now: Instant) -> Result<(), Throttled> {
        let value = self.now(now);
        if value < limit {
            return Ok(());
        }
        let wait = (value / limit).log2() * HALF_LIFE.as_secs_f64();
        Err(Throttled {
            retry_after_s: (wait.ceil() as u64).max(1),
        })
    }
}

impl Throttle {
    pub fn new(random: &Random, settings: &ThrottleSettings) -> Throttle {
        let mut key = [0; 32];
        random.fill(&mut key);
        Throttle {
            key,
            limits: Limits {
                source: f64::from(settings.source_failures),
                account: f64::from(settings.account_failures),
                longest_delay: Duration::from_secs(settings.longest_delay_s),
            },
            tables: Mutex::default(),
        }
    }

    /// The target that stands for a name without an account.
    pub fn unknown(&self, name: &str) -> Target {
        let hash = blake3::keyed_hash(&self.key, name.to_lowercase().as_bytes());
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_bytes()[..16]);
        Target::Unknown(short)
    }

    /// May this be tried at all? Uses up what an account over its limit lets through.
    pub fn admit(&self, attempt: Attempt) -> Result<(), Throttled> {
        let now = time::now();
        let mut tables = self.tables();
        if let Some(owner) = tables.owner(attempt, now) {
            return owner.score.below(self.limits.source, now);
        }
        tables.source_admits(attempt, self.limits.source, now)?;
        let Some(score) = tables.targets.get_mut(&attempt.target) else {
            return Ok(());
        };
        if score.now(now) < self.limits.account {
            return Ok(());
        }
        let free_at = score
            .trickled
            .map(|last| last + TRICKLE)
            .filter(|&free| now < free);
        match free_at {
            Some(free) => {
                let wait = free.duration_since(now).as_secs_f64().ceil();
                Err(Throttled {
                    retry_after_s: (wait as u64).max(1),
                })
            }
            None => {
                score.trickled = Some(now);
                Ok(())
            }
        }
    }

    /// Asked again after waiting for the hash pool: others of the same source may have failed
    /// meanwhile, and many that asked at once must not all get through.
    pub fn still_admits(&self, attempt: Attempt) -> Result<(), Throttled> {
        let now = time::now();
        let mut tables = self.tables();
        match tables.owner(attempt, now) {
            Some(owner) => owner.score.below(self.limits.source, now),
            None => tables.source_admits(attempt, self.limits.source, now),
        }
    }

    pub fn succeeded(&self, attempt: Attempt) {
        let now = time::now();
        let mut tables = self.tables();
        if tables.owners.len() >= THROTTLE_ENTRIES && !tables.owners.contains_key(&attempt) {
            let oldest = oldest_kept(tables.owners.values().map(|owner| owner.proved));
            tables
                .owners
                .retain(|_, owner| oldest.is_some_and(|oldest| oldest < owner.proved));
        }
        tables.owners.insert(
            attempt,
            Owner {
                proved: now,
                score: Score::new(now),
            },
        );
    }

    /// Counts a failure; says how long its answer must wait.
    pub fn failed(&self, attempt: Attempt) -> Duration {
        let now = time::now();
        let mut tables = self.tables();
        if let Some(owner) = tables.owner(attempt, now) {
            return delay(owner.score.add(now), self.limits.longest_delay);
        }
        let of_source = count(&mut tables.sources, attempt.from, now);
        let of_target = count(&mut tables.targets, attempt.target, now);
        delay(of_source.max(of_target), self.limits.longest_delay)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn owner(&mut self, attempt: Attempt, now: Instant) -> Option<&mut Owner> {
        let owner = self.owners.get_mut(&attempt)?;
        (now.duration_since(owner.proved) < TRUST).then_some(owner)
    }

    fn source_admits(&self, attempt: Attempt, limit: f64, now: Instant) -> Result<(), Throttled> {
        self.sources
            .get(&attempt.from)
            .map_or(Ok(()), |score| score.below(limit, now))
    }
}

/// Doubles with every failure past the free ones.
fn delay(score: f64, longest: Duration) -> Duration {
    if score <= FREE {
        return Duration::ZERO;
    }
    let factor = (score - FREE).ceil() - 1.0;
    FIRST_DELAY.mul_f64(factor.min(8.0).exp2()).min(longest)
}

/// Adds a failure; a full table loses its lowest scores first.
fn count<K: Eq + Hash>(table: &mut HashMap<K, Score>, key: K, now: Instant) -> f64 {
    if table.len() >= THROTTLE_ENTRIES && !table.contains_key(&key) {
        let mut lowest = 0.25;
        while table.len() > THROTTLE_ENTRIES * 3 / 4 {
            table.retain(|_, score| score.now(now) > lowest);
            lowest *= 2.0;
        }
    }
    table.entry(key).or_insert_with(|| Score::new(now)).add(now)
}

/// The moment before which the older half lies.
fn oldest_kept(times: impl Iterator<Item = Instant>) -> Option<Instant> {
    let mut times: Vec<Instant> = times.collect();
    let half = times.len() / 2;
    (!times.is_empty()).then(|| *times.select_nth_unstable(half).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn throttle() -> Throttle {
        Throttle::new(&Random::seeded(1), &ThrottleSettings::default())
    }

    fn attempt(host: u32, account: u64) -> Attempt {
        let from = Source::of(std::net::Ipv4Addr::from_bits(host).into());
        Attempt {
            from,
            target: Target::Account(AccountId(account)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn delays_grow_with_failures_and_fade_with_time() {
        let throttle = throttle();
        let delays: Vec<u64> = (0..9)
            .map(|_| throttle.failed(attempt(1, 1)).as_secs())
            .collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 10, 10]);
        advance(HALF_LIFE * 3).await;
        assert_eq!(throttle.failed(attempt(1, 1)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn limits_are_those_that_are_set() {
        let settings = ThrottleSettings {
            source_failures: 5,
            longest_delay_s: 2,
            ..ThrottleSettings::default()
        };
        let throttle = Throttle::new(&Random::seeded(1), &settings);
        let delays: Vec<u64> = (0..6)
            .map(|_| throttle.failed(attempt(1, 1)).as_secs())
            .collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 2]);
        assert!(throttle.admit(attempt(1, 1)).is_err());
        assert!(throttle.admit(attempt(2, 1)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_is_refused_over_its_limit_for_every_account_until_it_fades() {
        let throttle = throttle();
        for account in 0..20 {
            assert!(throttle.admit(attempt(1, account)).is_ok());
            throttle.failed(attempt(1, account));
        }
        assert!(throttle.still_admits(attempt(1, 99)).is_err());
        let Err(throttled) = throttle.admit(attempt(1, 99)) else {
            panic!("admitted")
        };
        assert!(
            throttle.admit(attempt(2, 99)).is_ok(),
            "another source is not concerned"
        );
        advance(Duration::from_secs(throttled.retry_after_s)).await;
        assert!(throttle.admit(attempt(1, 99)).is_ok(), "it kept its word");
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_over_its_limit_lets_one_guess_through_now_and_then() {
        let throttle = throttle();
        for host in 0..51 {
            throttle.failed(attempt(host, 1));
        }
        assert!(throttle.admit(attempt(100, 1)).is_ok());
        let Err(throttled) = throttle.admit(attempt(101, 1)) else {
            panic!("admitted")
        };
        assert_eq!(throttled.retry_after_s, TRICKLE.as_secs());
        assert!(
            throttle.admit(attempt(101, 2)).is_ok(),
            "another account is not concerned"
        );
        advance(TRICKLE).await;
        assert!(throttle.admit(attempt(101, 1)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn owners_are_not_slowed_by_the_failures_of_others() {
        let throttle = throttle();
        throttle.succeeded(attempt(1, 1));
        for host in 0..60 {
            throttle.failed(attempt(host, 1));
        }
        for account in 2..40 {
            throttle.failed(attempt(1, account));
        }
        assert!(throttle.admit(attempt(1, 2)).is_err());
        assert!(throttle.admit(attempt(1, 1)).is_ok());
        assert!(throttle.still_admits(attempt(1, 1)).is_ok());
        assert_eq!(throttle.failed(attempt(1, 1)), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_owners_source_is_held_to_its_own_failures_and_for_some_days_only() {
        let throttle = throttle();
        throttle.succeeded(attempt(1, 1));
        for _ in 0..20 {
            throttle.failed(attempt(1, 1));
        }
        assert!(throttle.admit(attempt(1, 1)).is_err());
        assert!(throttle.admit(attempt(1, 2)).is_ok());
        advance(TRUST).await;
        for _ in 0..20 {
            throttle.failed(attempt(1, 3));
        }
        assert!(
            throttle.admit(attempt(1, 1)).is_err(),
            "it is judged like all others now"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn names_without_account_are_counted_by_name_in_any_case() {
        let throttle = throttle();
        assert_eq!(throttle.unknown("Mallory"), throttle.unknown("mallory"));
        assert_ne!(throttle.unknown("mallory"), throttle.unknown("eve"));
    }

    #[tokio::test(start_paused = true)]
    async fn tables_are_bounded_and_keep_the_worst() {
        let throttle = throttle();
        for _ in 0..20 {
            throttle.failed(attempt(u32::MAX, u64::MAX));
        }
        for n in 0..THROTTLE_ENTRIES as u32 + 100 {
            throttle.failed(attempt(n, n.into()));
            throttle.succeeded(attempt(n, n.into()));
        }
        let tables = throttle.tables();
        assert!(tables.sources.len() <= THROTTLE_ENTRIES);
        assert!(tables.targets.len() <= THROTTLE_ENTRIES);
        assert!(tables.owners.len() <= THROTTLE_ENTRIES);
        drop(tables);
        assert!(throttle.admit(attempt(u32::MAX, 1)).is_err());
    }
}
