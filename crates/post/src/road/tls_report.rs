//! Reports about TLS: what was seen of each domain's policies is counted by day, kept, and sent to
//! the domains that ask for it, once a day, as RFC 8460 has it.
//!
//! `TlsTally` counts, `TlsReports` keeps and sends. What never happens here: a decision about mail.

mod document;
mod results;
mod rua;
mod sums;

use crate::accept::Post;
use crate::header::Begins;
use crate::limits::{TLS_DAYS, TLS_DOMAINS, TLS_FLUSH, TLS_SPREAD, TLS_WAIT_MOST};
use crate::queue::{Asked, MessageRecord, NewMessage, Onward};
use crate::report::SenderProof;
use crate::road::policy::policies::Gathered;
use crate::sign::{self, gather::Gather};
use addr::{Address, Domain, ForwardPath, ReversePath};
use bytes::Bytes;
use document::{About, MEDIA_TYPE};
use mail::codec::{Record, decode};
use net::time::{Duration, sleep};
use net::{Answer, HttpClient, Resolver, Stop, Time};
use rua::Rua;
use smtp::{BodyType, Protection};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Fault;
use sums::Sums;

pub use results::Outcome;
pub use sums::Ends;

/// The prefix of the rows; day and domain follow.
const ROWS: &[u8] = b"t";
const DAY_S: i64 = 86_400;
const ID_LETTERS: usize = 14;

/// Counts what sessions show, until somebody keeps it. Clones count together.
#[derive(Clone, Default)]
pub struct TlsTally(Arc<Mutex<Days>>);

type Days = BTreeMap<(u32, Domain), Sums>;

impl std::fmt::Debug for TlsTally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTally")
    }
}

impl TlsTally {
    fn lock(&self) -> MutexGuard<'_, Days> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One session, or one that was not begun.
    pub fn count(&self, at: Time, gathered: &Gathered, outcome: &Outcome<'_>, ends: &Ends) {
        let mut days = self.lock();
        let key = (day(at), gathered.domain.clone());
        if days.len() >= TLS_DOMAINS && !days.contains_key(&key) {
            return;
        }
        let sums = days.entry(key).or_default();
        for (shown, result) in results::results(gathered, outcome) {
            sums.count(shown, result, ends);
        }
    }

    fn take(&self) -> Days {
        std::mem::take(&mut *self.lock())
    }
}

/// Days since 1970, in UTC. [rfc8460 4.1]
fn day(at: Time) -> u32 {
    u32::try_from(at.seconds().div_euclid(DAY_S)).unwrap_or(0)
}

fn row(day: u32, domain: &Domain) -> Vec<u8> {
    [ROWS, &day.to_be_bytes(), domain.as_str().as_bytes()].concat()
}

fn of_row(key: &[u8]) -> Option<(u32, Domain)> {
    let (day, domain) = key.strip_prefix(ROWS)?.split_first_chunk()?;
    let domain = std::str::from_utf8(domain).ok()?.parse().ok()?;
    Some((u32::from_be_bytes(*day), domain))
}

/// Keeps and sends.
pub struct TlsReports {
    pub tally: TlsTally,
    /// By which reports go out.
    pub post: Post,
    pub resolver: Resolver,
    pub http: HttpClient,
}

impl TlsReports {
    /// Until `stop`.
    pub async fn run(&self, stop: &Stop) {
        let mut retries = Retries::default();
        while !stop.is_stopped() {
            tokio::select! {
                biased;
                () = stop.stopped() => {}
                () = sleep(TLS_FLUSH) => {}
            }
            let kept = self.keep().await;
            let done = match (kept, stop.is_stopped()) {
                (Ok(()), false) => self.send_due(&mut retries).await,
                (kept, _) => kept,
            };
            if let Err(fault) = done {
                tracing::error!(target: "upkeep", %fault, "reports about TLS have to wait");
            }
        }
    }

    /// Adds what was counted to the rows.
    async fn keep(&self) -> Result<(), Fault> {
        let mail = &self.post.inner.mail;
        for ((day, domain), sums) in self.tally.take() {
            let key = row(day, &domain);
            let mut all = mail.road().record::<Sums>(&key)?.unwrap_or_default();
            all.add(sums);
            let mut edit = mail.road_edit().await;
            edit.put(key, all.encode());
            mail.road_commit(edit).await?;
        }
        Ok(())
    }

    /// Sends what is about days that are over. Not all servers of the world at midnight: each domain
    /// has a time of its own. [rfc8460 4.1]
    async fn send_due(&self, retries: &mut Retries) -> Result<(), Fault> {
        let mail = &self.post.inner.mail;
        let now = self.post.inner.clock.now();
        let (today, seconds) = (day(now), now.seconds().rem_euclid(DAY_S));
        let mut due = Vec::new();
        for entry in mail.road().below(ROWS) {
            let (key, value) = entry?;
            let Some((day, domain)) = of_row(&key) else {
                due.push((key, None));
                continue;
            };
            // rows are in order of days
            if day >= today {
                break;
            }
            let is_time = seconds >= spread(&domain) || day + 1 < today;
            if is_time && retries.may(&key, now) {
                let sums = decode::<Sums>(&key, &value)?;
                due.push((key, Some((day, domain, sums))));
            }
        }
        for (key, about) in due {
            let is_done = match about {
                None => true,
                Some((day, domain, sums)) => {
                    self.send(day, &domain, &sums).await? || today - day > TLS_DAYS
                }
            };
            if !is_done {
                retries.failed(&key, now);
            } else {
                retries.forget(&key);
                let mut edit = mail.road_edit().await;
                edit.delete(key.to_vec());
                mail.road_commit(edit).await?;
            }
        }
        Ok(())
    }

    /// Whether nothing is left to be done.
    async fn send(&self, day: u32, domain: &Domain, sums: &Sums) -> Result<bool, Fault> {
        let name = format!("_smtp._tls.{}", domain.as_str());
        let places = match self.resolver.txt(&name).await {
            Answer::Found { value, .. } => rua::places(&value),
            Answer::NoData { .. } | Answer::NoName { .. } => return Ok(true),
            Answer::Failed(_) => return Ok(false),
        };
        let about = About {
            hostname: &self.post.inner.hostname,
            domain: domain.as_str(),
            day,
        };
        let packed = document::packed(&document::report(&about, sums));
        let mut is_sent = places.is_empty();
        for place in &places {
            is_sent |= match place {
                Rua::Mail(address) => self.mail(&about, address, &packed).await?,
                Rua::Https(url) => {
                    let posted = self.http.post(url, MEDIA_TYPE, &packed).await;
                    posted.is_ok_and(|reply| (200..300).contains(&reply.status))
                }
            };
        }
        tracing::info!(target: "upkeep", domain = domain.as_str(), sent = is_sent, "report about TLS");
        Ok(is_sent)
    }

    /// By the keys of our host name, if that is a domain here with keys. [rfc8460 3]
    fn signatures(&self, about: &About<'_>, message: &[u8], at: Time) -> Result<String, Fault> {
        let mut gather = Gather::new();
        gather.piece(message, Begins::WithHeader);
        let gathered = gather.finish(Begins::WithHeader);
        let (Some(gathered), Ok(domain)) = (gathered, about.hostname.parse()) else {
            return Ok(String::new());
        };
        sign::of_ours(self.post.inner.mail.directory(), &domain, &gathered, at)
    }

    /// Puts the message into the queue; false if there is no room.
    async fn mail(&self, about: &About<'_>, to: &Address, packed: &[u8]) -> Result<bool, Fault> {
        let inner = &self.post.inner;
        let Some(queue) = &inner.queue else {
            return Ok(true);
        };
        let at = inner.clock.now();
        let message = document::message(about, to, packed, at);
        let signatures = self.signatures(about, message.as_bytes(), at)?;
        let id = inner.random.token(ID_LETTERS);
        let body = async {
            let mut writer = inner.mail.new_body().await?;
            writer.write(message.as_bytes()).await?;
            let tag = format!("id={id}\nfrom=<>\nto={to}\n");
            writer.finish(tag.as_bytes()).await
        };
        let body = body
            .await
            .map_err(|refused: store::BodyRefusal| Fault::new("writing a report", refused))?;
        // nobody wants to hear that a report did not get there
        let null = ReversePath::Null;
        let message = NewMessage {
            message: MessageRecord {
                body_type: Some(BodyType::SevenBit),
                // [rfc8460 3]
                asked: Asked {
                    protection: Protection::NotNeeded,
                    ..Asked::default()
                },
                prefix: Bytes::from(signatures),
                ..MessageRecord::new(id, null, SenderProof::Known, at)
            },
            message_id: Some(format!("<{}>", about.id())),
            recipients: Vec::new(),
        };
        let onward = vec![Onward::new(ForwardPath::Address(to.clone()), None, None)];
        let Ok(leaving) = queue.leaving(message, onward, &body) else {
            return Ok(false);
        };
        let mut edit = inner.mail.road_edit().await;
        leaving.leg()(&mut edit)?;
        let committed = inner.mail.road_commit(edit).await;
        let committed = committed.map_err(mail::DeliverError::Unavailable);
        leaving.committed(committed.as_ref().err());
        match committed {
            Ok(()) => Ok(true),
            Err(mail::DeliverError::Unavailable(fault)) => Err(fault),
            Err(_) => Ok(false),
        }
    }
}

/// When a report that did not go out is tried again, by the keys of the rows: each time after twice as
/// long. A start forgets it, and tries all at once.
#[derive(Default)]
struct Retries(BTreeMap<Vec<u8>, (Time, Duration)>);

impl Retries {
    fn may(&self, key: &[u8], now: Time) -> bool {
        self.0.get(key).is_none_or(|(at, _)| *at <= now)
    }

    fn failed(&mut self, key: &[u8], now: Time) {
        let (at, wait) = self.0.entry(key.to_vec()).or_insert((now, TLS_FLUSH));
        *at = now.after(*wait);
        *wait = (*wait * 2).min(TLS_WAIT_MOST);
    }

    fn forget(&mut self, key: &[u8]) {
        self.0.remove(key);
    }
}

/// Seconds after midnight.
fn spread(domain: &Domain) -> i64 {
    let mixed = domain.as_str().bytes().fold(0_u64, |mixed, octet| {
        (mixed ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    i64::try_from(mixed % TLS_SPREAD.as_secs().max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
