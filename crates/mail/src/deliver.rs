//! The house of mail and the one way in for mail from the road: one body, one durable group.

use crate::account::Account;
use crate::auth::Auth;
use crate::change::{AccountEdit, PIECE_BYTES};
use crate::codec::{Look, Moment};
use crate::directory::Directory;
use crate::error::DeliverError;
use crate::flags::SystemFlags;
use crate::ids::{AccountId, EmailId, ModSeq};
use crate::keys;
use crate::limits;
use crate::name::MailboxName;
use crate::parse::{self, Parsed};
use crate::pictures::Pictures;
use crate::proof::{Admin, Delivery, Login, Place};
use crate::ready::{DeliveredEnvelope, Dsn};
use crate::record::{self, Saved};
use crate::road::ROAD;
use crate::sessions::{Sessions, Wait};
use crate::settings::MailSettings;
use crate::state::{AccountState, FlagSet};
use crate::tree;
use crate::upkeep::UpkeepReport;
use crate::verify::{self, VerifyReport};
use bytes::Bytes;
use net::{Clock, Random, Stop, Time};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use store::{Body, BodyRefusal, BodyWriter, Db, Edit, Fault, VacuumReport};
use tally::{Metric, Tally};
use tokio::sync::Semaphore;

/// What a delivery writes beside the message's own record and its prefix, at most.
const RECORD_BYTES: usize = 2_048;

/// Mail at rest. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub settings: MailSettings,
    pub directory: Directory,
    pub auth: Auth,
    pub sessions: Arc<Sessions>,
    pub pictures: Pictures,
    /// KiB that all parsers together may hold, first come first served.
    pub parse_memory: Semaphore,
}

impl Inner {
    /// One account at the last durable commit.
    pub fn moment(&self, account: AccountId) -> Moment {
        Moment::new(self.db.snapshot(), keys::partition(account))
    }

    /// Reads a message once, for everything that is kept of it.
    pub async fn parse(&self, body: &Body) -> Result<Parsed, Fault> {
        let all_kib = self.settings.parse_memory_bytes / 1024;
        let need_kib = limits::PARSE_BYTES.div_ceil(1024).min(all_kib);
        let permits = u32::try_from(need_kib).unwrap_or(u32::MAX);
        let _permit = self
            .parse_memory
            .acquire_many(permits)
            .await
            .map_err(|error| Fault::new("waiting to parse a message", error))?;
        parse::parse_body(body).await
    }
}

/// A message from the road.
#[derive(Clone)]
pub struct Incoming {
    /// Its octets, without what is put before them for each delivery.
    pub body: Body,
    /// The reverse path without brackets; empty for a bounce.
    pub sender: String,
    /// The client, for people ("mx.example.org [192.0.2.1]").
    pub client: String,
    /// The login, if there was one.
    pub login: Option<String>,
    /// When it was accepted; also INTERNALDATE.
    pub at: Time,
}

/// Header fields put before one delivery's body: whole lines, each with CRLF. May be empty.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Prefix(pub Bytes);

/// One delivery of a message: to whom, with what before the body, and what the sender asked.
#[derive(Clone, Debug)]
pub struct Addressed {
    pub delivery: Delivery,
    pub prefix: Prefix,
    pub dsn: Dsn,
}

/// Writes, in the group of a delivery, or the last of its groups, what is to be on the road with it.
/// Called again when the deliveries have to begin anew.
pub type Leg<'a> = &'a (dyn Fn(&mut Edit) -> Result<(), Fault> + Send + Sync);

/// What one group delivers.
struct Deliveries<'a> {
    message: &'a Incoming,
    /// None where nobody is delivered to.
    parsed: Option<&'a Parsed>,
    places: &'a BTreeMap<Place, Addressed>,
    on_the_road: Option<Leg<'a>>,
}

/// Where a message went, in the order of the deliveries.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// One for each delivery.
    pub to: Vec<DeliveredTo>,
}

/// Where one delivery went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveredTo {
    /// The account.
    pub account: AccountId,
    /// The UID in INBOX.
    pub uid: u32,
    /// The message's id.
    pub email_id: EmailId,
    /// The account's change.
    pub modseq: ModSeq,
}

impl Mail {
    /// Opens the house over a store.
    pub async fn open(
        db: Db,
        clock: Clock,
        random: Random,
        settings: MailSettings,
    ) -> Result<Mail, Fault> {
        let sessions = Arc::new(Sessions::default());
        let directory = Directory::open(db.clone(), clock.clone(), &settings);
        let auth = Auth::new(directory.clone(), clock.clone(), random, &settings)?;
        let parse_kib = (settings.parse_memory_bytes / 1024).min(Semaphore::MAX_PERMITS);
        let parse_memory = Semaphore::new(parse_kib);
        let inner = Inner {
            db,
            clock,
            settings,
            directory,
            auth,
            sessions,
            pictures: Pictures::default(),
            parse_memory,
        };
        crate::gap::pass_over(&inner).await?;
        Ok(Mail {
            inner: Arc::new(inner),
        })
    }
    /// Where the server counts.
    pub fn tally(&self) -> &Tally {
        self.inner.db.tally()
    }
    /// Domains, accounts, aliases.
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }
    /// Logins.
    pub fn auth(&self) -> &Auth {
        &self.inner.auth
    }
    /// How long history is kept.
    pub fn history_s(&self) -> u64 {
        self.inner.settings.history_s
    }
    /// The clock it was opened with.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }
    /// The account of a login.
    pub fn account(&self, login: &Login) -> Account {
        Account {
            inner: self.inner.clone(),
            id: login.account_id(),
        }
    }
    /// Any account, for the server's owner.
    pub fn account_as_admin(&self, _: &Admin, id: AccountId) -> Account {
        Account {
            inner: self.inner.clone(),
            id,
        }
    }
    /// A place to stream a body to.
    pub async fn new_body(&self) -> Result<BodyWriter, BodyRefusal> {
        self.inner.db.new_body().await
    }
    /// Has the account room for a message of this size? Asked before the message is taken; asked
    /// again when it is delivered.
    pub fn room_for(&self, delivery: &Delivery, bytes: u64) -> Result<Room, Fault> {
        let Some(limit) = delivery.quota_bytes else {
            return Ok(Room::Enough);
        };
        let look = self.inner.moment(delivery.account);
        let state = look.record::<AccountState>(keys::ACCOUNT)?;
        let used = state.map_or(0, |state| state.used_bytes);
        Ok(match used.saturating_add(bytes) <= limit {
            true => Room::Enough,
            false => Room::OverQuota,
        })
    }
    /// One body for all recipients, one durable group. `Ok` = every delivery is durable. A place
    /// that stands there twice gets it once, with the first of its deliveries.
    pub async fn deliver(
        &self,
        message: Incoming,
        to: Vec<Addressed>,
    ) -> Result<Delivered, DeliverError> {
        self.deliver_and(message, to, None).await
    }
    /// The same, and in the same group what this message, or the one it is about, needs on the road.
    pub async fn deliver_and(
        &self,
        message: Incoming,
        to: Vec<Addressed>,
        on_the_road: Option<Leg<'_>>,
    ) -> Result<Delivered, DeliverError> {
        let parsed = match to.is_empty() {
            true => None,
            false => Some(self.inner.parse(&message.body).await?),
        };
        let mut deliveries: BTreeMap<Place, Addressed> = BTreeMap::new();
        let mut order = Vec::new();
        for addressed in to {
            let place = addressed.delivery.place();
            if addressed.prefix.0.len() > limits::PREFIX_BYTES {
                let why = Fault::new("delivering a message", "its prefix is too long");
                return Err(DeliverError::Unavailable(why));
            }
            if let Entry::Vacant(free) = deliveries.entry(place) {
                order.push(free.key().clone());
                free.insert(addressed);
            }
        }
        let groups = groups(deliveries, parsed.as_ref());
        if groups.len() > 1 {
            self.all_have_room(&message, &groups)?;
        }
        let mut places = BTreeMap::new();
        let mut groups = groups.into_iter().peekable();
        while let Some(places_now) = groups.next() {
            // it says that the message is where it belongs, so it comes when that is so
            let is_last = groups.peek().is_none();
            let deliveries = Deliveries {
                message: &message,
                parsed: parsed.as_ref(),
                places: &places_now,
                on_the_road: on_the_road.filter(|_| is_last),
            };
            places.extend(self.deliver_once(deliveries).await?);
        }
        let place = |place| places.remove(place).expect("because each was delivered to");
        Ok(Delivered {
            to: order.iter().map(place).collect(),
        })
    }

    /// What one group refuses after another is durable would come twice when it is sent again to the
    /// rest, so it is looked for before the first.
    fn all_have_room(
        &self,
        message: &Incoming,
        groups: &[BTreeMap<Place, Addressed>],
    ) -> Result<(), DeliverError> {
        let mut used: BTreeMap<AccountId, Option<u64>> = BTreeMap::new();
        let (mut gone, mut over_quota) = (Vec::new(), Vec::new());
        for ((account, _), addressed) in groups.iter().flatten() {
            let delivery = &addressed.delivery;
            let used = match used.entry(*account) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let look = self.inner.moment(*account);
                    let state = look.record::<AccountState>(keys::ACCOUNT)?;
                    free.insert(state.map(|state| state.used_bytes))
                }
            };
            let Some(used) = used else {
                gone.push(delivery.clone());
                continue;
            };
            let size = message.body.len() + addressed.prefix.0.len() as u64;
            let then = used.saturating_add(size);
            match delivery.quota_bytes.is_some_and(|limit| then > limit) {
                true => over_quota.push(delivery.clone()),
                false => *used = then,
            }
        }
        match (gone.is_empty(), over_quota.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(DeliverError::OverQuota(over_quota)),
            (false, _) => Err(DeliverError::Gone(gone)),
        }
    }

    async fn deliver_once(
        &self,
        deliveries: Deliveries<'_>,
    ) -> Result<BTreeMap<Place, DeliveredTo>, DeliverError> {
        let Deliveries {
            message,
            parsed,
            places,
            on_the_road,
        } = deliveries;
        let inner = &self.inner;
        let mut partitions: Vec<_> = places.keys().map(|(id, _)| keys::partition(*id)).collect();
        partitions.extend(on_the_road.map(|_| ROAD));
        loop {
            let mut work = Work::default();
            let mut road = None;
            for edit in inner.db.edit_many(&partitions).await {
                if edit.partition() == ROAD {
                    road = Some(edit);
                    continue;
                }
                let account = AccountId(edit.partition().0);
                let here = places.range((account, None)..);
                let mut here = here.take_while(|((at, _), _)| *at == account);
                let Some(state) = edit.record_often::<AccountState>(keys::ACCOUNT)? else {
                    work.gone.extend(here.map(|(_, to)| to.delivery.clone()));
                    continue;
                };
                let parsed = parsed.expect("because somebody is delivered to");
                let mut change = AccountEdit::with_state(edit, account, state, message.at);
                here.try_for_each(|(_, addressed)| {
                    deliver_to(inner, &mut change, message, parsed, addressed, &mut work)
                })?;
                work.ready.push(change);
            }
            if !work.gone.is_empty() {
                return Err(DeliverError::Gone(work.gone));
            }
            if !work.over_quota.is_empty() {
                return Err(DeliverError::OverQuota(work.over_quota));
            }
            if let Some(wait) = work.wait.take() {
                drop(work);
                wait.over().await;
                continue;
            }
            let mut edits: Vec<Edit> = work
                .ready
                .into_iter()
                .map(|change| change.finish(inner))
                .collect();
            if let (Some(mut edit), Some(write)) = (road, on_the_road) {
                write(&mut edit)?;
                edits.push(edit);
            }
            inner.db.submit_group(edits).await?;
            let copies = work.places.len() as u64;
            inner.db.tally().add(Metric::Deliveries, &[], copies);
            return Ok(work.places);
        }
    }

    /// Checks everything and says what it found; changes nothing.
    pub async fn verify(
        &self,
        _: &Admin,
        progress: impl FnMut(&str),
    ) -> Result<VerifyReport, Fault> {
        verify::verify(&self.inner, progress).await
    }
    /// One round of upkeep now: forgets what is too old or too much, sweeps what a crash left.
    pub async fn upkeep_now(&self, _: &Admin) -> Result<UpkeepReport, Fault> {
        let mut report = crate::upkeep::round(&self.inner, &Stop::new()).await?;
        crate::upkeep::leftovers(&self.inner, &Stop::new(), &mut report).await?;
        Ok(report)
    }
    /// Frees bodies that no message, seen or kept as history, points to.
    pub async fn vacuum_now(&self, _: &Admin) -> Result<VacuumReport, Fault> {
        crate::upkeep::vacuum(&self.inner).await
    }
    /// History expiry and vacuum; runs until stopped.
    pub async fn upkeep(&self, stop: Stop) {
        crate::upkeep::run(&self.inner, stop).await;
    }
}

/// Whether a message has room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// It has.
    Enough,
    /// The account would be over its quota.
    OverQuota,
}

/// A group of deliveries under construction. Dropped: nothing happens.
#[derive(Default)]
struct Work {
    ready: Vec<AccountEdit>,
    places: BTreeMap<Place, DeliveredTo>,
    gone: Vec<Delivery>,
    over_quota: Vec<Delivery>,
    wait: Option<Wait>,
}

fn deliver_to(
    inner: &Inner,
    change: &mut AccountEdit,
    message: &Incoming,
    parsed: &Parsed,
    addressed: &Addressed,
    work: &mut Work,
) -> Result<(), DeliverError> {
    let account = change.account;
    let Addressed {
        delivery,
        prefix,
        dsn,
    } = addressed;
    let Some(inbox) = tree::find(&change.edit, &MailboxName::inbox())? else {
        work.gone.push(delivery.clone());
        return Ok(());
    };
    if let Some(wait) = inner.sessions.filled_by_other(account, inbox.id) {
        work.wait = Some(wait);
        return Ok(());
    }
    let size = message.body.len() + prefix.0.len() as u64;
    let limit = delivery.quota_bytes;
    if limit.is_some_and(|limit| change.state.used_bytes.saturating_add(size) > limit) {
        work.over_quota.push(delivery.clone());
        return Ok(());
    }
    let email = change.next_email();
    let thread = change.thread(&parsed.hashes(), email)?;
    let envelope = DeliveredEnvelope {
        sender: message.sender.clone(),
        recipient: delivery.recipient.to_string(),
        client: message.client.clone(),
        login: message.login.clone(),
        at: message.at,
        dsn: dsn.clone(),
    };
    let saved = Saved {
        email,
        thread,
        internal_date: message.at,
        saved: message.at,
        body: change.add_body(&message.body),
        prefix: &prefix.0,
        delivered: Some(&envelope),
    };
    let ready = record::encode(parsed, &saved);
    let flags = FlagSet {
        system: SystemFlags::NONE,
        keywords: Vec::new(),
    };
    let Some(uid) = change.add(inbox.id, ready, flags, size)? else {
        work.over_quota.push(delivery.clone());
        return Ok(());
    };
    let place = DeliveredTo {
        account,
        uid,
        email_id: email,
        modseq: change.modseq(),
    };
    work.places.insert(delivery.place(), place);
    Ok(())
}

/// What one group delivers: everything, unless one account, which is a host's, gets the message so
/// often that it is more than a transaction may have. Then several groups do it one behind the
/// other; should one of them fail, the sender repeats all.
fn groups(
    deliveries: BTreeMap<Place, Addressed>,
    parsed: Option<&Parsed>,
) -> Vec<BTreeMap<Place, Addressed>> {
    if deliveries.keys().all(|(_, at_host)| at_host.is_none()) {
        return vec![deliveries];
    }
    let prefix = deliveries.values().map(|to| to.prefix.0.len()).max();
    let record = parsed.map_or(0, Parsed::record_bytes);
    let each = record + prefix.unwrap_or_default() + RECORD_BYTES;
    let most = (PIECE_BYTES / each).max(1);
    let mut groups: Vec<BTreeMap<Place, Addressed>> = Vec::new();
    let (mut last, mut count) = (None, 0);
    for (place, addressed) in deliveries {
        count = match last == Some(place.0) {
            true => count + 1,
            false => 0,
        };
        last = Some(place.0);
        let at = count / most;
        if groups.len() <= at {
            groups.resize_with(at + 1, BTreeMap::new);
        }
        groups[at].insert(place, addressed);
    }
    groups
}
