//! One attempt at one entry: its hosts, one after another, until every recipient is settled or none is
//! left to try.
//!
//! Gathers what the DNS says, asks `route` for the places and `failure` after each of them, and gives
//! back what became of each recipient with the record of every host. What never happens here: a row of
//! the queue, the text of a report.

use crate::queue::{AttemptRecord, DeliverBy, Said};
use crate::road::content::{Content, NotConvertible};
use crate::road::failure::{
    Attempt, Before, Class, Decision, End, Failure, HostsLeft, Others, decide,
};
use crate::road::gather::Gatherer;
use crate::road::lanes::Came;
use crate::road::pool::Key;
use crate::road::route::{Destination, Hop, Next, NoRoute};
use crate::road::talk::Talk;
use crate::road::visit::{Settled, Visit, Visited};
use crate::road::{Road, said};
use addr::ReversePath;
use net::Time;
use smtp::client::{Extension, Recipient, Unfit};
use smtp::{MailParameters, Protection};
use std::collections::VecDeque;

/// What is to be carried.
#[derive(Clone)]
pub struct Load {
    pub sender: ReversePath,
    /// As the message was taken; its size is filled in, and what is left of its time.
    pub parameters: MailParameters,
    pub deliver_by: Option<DeliverBy>,
    /// At least one, and at most `smtp::limits::ENVELOPE_RECIPIENTS`.
    pub recipients: Vec<LoadRecipient>,
    pub content: Content,
}

impl Load {
    /// What is asked of the way. A report that gets there says more than one that is lost, so
    /// nothing is required of the way of one. [rfc8689 5]
    pub(crate) fn protection(&self) -> Protection {
        match (self.parameters.protection, self.sender.address()) {
            (Protection::Required, None) => Protection::AsPublished,
            (protection, _) => protection,
        }
    }
}

/// Somebody to be reached.
#[derive(Clone)]
pub struct LoadRecipient {
    /// Its place in the entry.
    pub place: usize,
    pub recipient: Recipient,
}

/// What the attempt is one of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Attempts before this one.
    pub earlier: u32,
    /// The end of the message's life.
    pub expires: Time,
}

/// What an attempt came to.
#[derive(Debug)]
pub struct Carried {
    /// One for each host that was tried, in order; one without a host if there was none.
    pub records: Vec<AttemptRecord>,
    /// One for each recipient, in the load's order, with its place in the entry.
    pub fates: Vec<(usize, Fate)>,
    /// For the lane of the destination.
    pub came: Came,
}

/// What became of a recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// A server has taken the message for it.
    Taken {
        said: Said,
        reports: Reports,
    },
    /// Another attempt, then.
    Retry {
        at: Time,
        said: Said,
    },
    Failed {
        end: End,
        said: Said,
    },
}

/// Whether the server that took the message was told what the sender wants to hear of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reports {
    /// It was; what is to be told is its matter. [rfc3461 5.2.2]
    TheirMatter,
    /// It does not know DSN: a success is told by us, as relayed.
    Ours,
    /// Whoever wants to hear anything hears that it was passed on: so the sender wants it, or the
    /// server knows nothing of the time that he has set. [rfc2852 4.1.4]
    Traced,
}

impl Fate {
    pub fn said(&self) -> &Said {
        match self {
            Fate::Taken { said, .. } | Fate::Retry { said, .. } | Fate::Failed { said, .. } => said,
        }
    }
}

/// The form in which a message goes to a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// As it says it is.
    AsTaken,
    /// Octets above ASCII were found in it, whatever it says.
    EightBit,
    /// Made 7-bit, for a host that does not take 8BITMIME. [rfc6152 3]
    SevenBit,
}

/// One host that is still to be tried.
struct Try {
    hop: Hop,
    form: Form,
}

/// A recipient that is not settled.
struct Pending {
    /// In the load.
    index: usize,
    before: Before,
    /// What the last host came to.
    last: Option<(Failure, Said)>,
}

struct Run<'a> {
    road: &'a Road,
    load: &'a Load,
    terms: Terms,
    destination: &'a Destination,
    pending: Vec<Pending>,
    fates: Vec<Option<Fate>>,
    records: Vec<AttemptRecord>,
    came: Came,
    /// The message made 7-bit, once that was asked for; or why it cannot be.
    seven_bit: Option<Result<Content, String>>,
}

impl Road {
    /// Carries a load to a destination: one attempt. Nothing of it is remembered here but connections;
    /// whoever drops it in the middle does not know what became of it.
    pub async fn carry(&self, load: &Load, terms: Terms, destination: &Destination) -> Carried {
        let mut run = Run::new(self, load, terms, destination);
        run.make().await;
        run.carried()
    }

    /// The same on a connection that somebody else began; there is no other host.
    pub(crate) async fn carry_on(
        &self,
        talk: &mut Talk,
        way: Turned<'_>,
        load: &Load,
        terms: Terms,
    ) -> Carried {
        let mut run = Run::new(self, load, terms, way.destination);
        run.make_on(talk, way).await;
        run.carried()
    }
}

/// A connection that somebody else began.
pub(crate) struct Turned<'a> {
    pub destination: &'a Destination,
    pub hop: &'a Hop,
    pub key: Key,
}

impl<'a> Run<'a> {
    fn new(road: &'a Road, load: &'a Load, terms: Terms, destination: &'a Destination) -> Run<'a> {
        Run {
            road,
            load,
            terms,
            destination,
            pending: (0..load.recipients.len())
                .map(|index| Pending {
                    index,
                    before: Before::NoHope,
                    last: None,
                })
                .collect(),
            fates: vec![None; load.recipients.len()],
            records: Vec::new(),
            came: Came::Unreachable,
            seven_bit: None,
        }
    }

    /// In a form in which nothing can turn out to be other than it was said to be.
    async fn make_on(&mut self, talk: &mut Talk, way: Turned<'_>) {
        let takes_all = talk.client().capabilities().offers(Extension::EightBitMime);
        let form = match takes_all {
            true => Form::EightBit,
            false => Form::SevenBit,
        };
        if form == Form::EightBit || self.make_seven_bit(way.hop) {
            let visit = self.visit(way.key, Some(way.hop), form);
            let visited = visit.stay(talk, &self.indices()).await;
            self.settle(visited, HostsLeft::None);
        }
        self.leave_the_rest();
    }
}

impl Run<'_> {
    async fn make(&mut self) {
        if let Next::Program(program) = &self.destination.next {
            let indices = self.indices();
            let visited = self.road.to_program(program, self.load, &indices).await;
            return self.settle(visited, HostsLeft::None);
        }
        let mut form = Form::AsTaken;
        let mut tried = None;
        if let Some((key, talk)) = self
            .road
            .pool()
            .take_any(self.destination, self.load.protection())
        {
            let place = key.place.clone();
            let visit = self.visit(key, None, form);
            // an old connection that was dead says nothing of its host
            if let Some(visited) = visit.reuse(talk, &self.indices()).await {
                match (visited.is_not_ascii, visited.is_too_plain) {
                    (true, _) => form = Form::EightBit,
                    (false, true) => {}
                    (false, false) => tried = Some(place),
                }
                let left = match visited.is_last {
                    true => HostsLeft::None,
                    false => HostsLeft::Some,
                };
                self.settle(visited, left);
            }
        }
        if self.pending.is_empty() {
            return;
        }
        match self.hops().await {
            Ok(mut hops) => {
                hops.retain(|hop| Some(&hop.place) != tried.as_ref());
                self.try_all(hops, form).await;
            }
            Err(why) => self.no_route(&why),
        }
        self.leave_the_rest();
    }

    async fn hops(&self) -> Result<Vec<Hop>, NoRoute> {
        let settings = self.road.settings();
        let gatherer = Gatherer {
            resolver: self.road.resolver(),
            own: &settings.own,
            families: settings.families,
        };
        gatherer
            .hops(self.destination, self.road.random().u64())
            .await
    }

    async fn try_all(&mut self, hops: Vec<Hop>, form: Form) {
        let tries = hops.into_iter().map(|hop| Try { hop, form });
        let mut tries: VecDeque<Try> = tries.collect();
        while let Some(Try { hop, form }) = tries.pop_front() {
            if self.pending.is_empty() {
                return;
            }
            let key = Key {
                destination: self.destination.clone(),
                place: hop.place.clone(),
                protection: self.load.protection(),
            };
            if form == Form::SevenBit && !self.make_seven_bit(&hop) {
                continue;
            }
            let visit = self.visit(key, Some(&hop), form);
            let visited = visit.make(&self.indices()).await;
            if visited.is_too_plain && form != Form::SevenBit {
                // when all others were asked
                let (hop, form) = (hop.clone(), Form::SevenBit);
                tries.push_back(Try { hop, form });
            }
            if visited.is_not_ascii && form == Form::AsTaken {
                tries.push_front(Try { hop, form });
                for other in tries.iter_mut().filter(|o| o.form == Form::AsTaken) {
                    other.form = Form::EightBit;
                }
            }
            let left = match tries.is_empty() || visited.is_last {
                true => HostsLeft::None,
                false => HostsLeft::Some,
            };
            self.settle(visited, left);
        }
    }

    /// Whether the message can go in ASCII; if not, those who wait are told why at the end.
    fn make_seven_bit(&mut self, hop: &Hop) -> bool {
        let content = &self.load.content;
        let made = self
            .seven_bit
            .get_or_insert_with(|| match content.seven_bit() {
                Ok(Ok(made)) => Ok(made),
                Ok(Err(NotConvertible)) => {
                    Err("the host takes only 7-bit mail, and this one cannot be \
                                            made so: it is signed, or not what it says it is"
                        .to_owned())
                }
                Err(fault) => Err(fault.to_string()),
            });
        let Err(why) = made else { return true };
        let (why, at) = (why.clone(), self.road.clock().now());
        let host = hop.name.as_ref().map(ToString::to_string);
        let failure = Failure::unfit();
        for pending in &mut self.pending {
            let mut said = said::of_failure(failure, None, Some(why.clone()), host.clone(), at);
            said.status = said::status_of_unfit(Unfit::EightBitMime);
            pending.last = Some((failure, said));
        }
        false
    }

    fn visit<'b>(&'b self, key: Key, hop: Option<&'b Hop>, form: Form) -> Visit<'b> {
        let content = match (&self.seven_bit, form) {
            (Some(Ok(made)), Form::SevenBit) => made,
            _ => &self.load.content,
        };
        Visit {
            road: self.road,
            load: self.load,
            content,
            terms: self.terms,
            destination: self.destination,
            key,
            hop,
            form,
        }
    }

    fn indices(&self) -> Vec<usize> {
        self.pending.iter().map(|pending| pending.index).collect()
    }

    /// What a host, or the way to it, said of those who were pending.
    fn settle(&mut self, visited: Visited, hosts_left: HostsLeft) {
        let mut record = visited.record;
        if visited.came != Came::Unreachable && self.came != Came::Deferred {
            self.came = visited.came;
        }
        for (index, settled) in visited.settled {
            let place = self.load.recipients[index].place;
            record.said.push((place, settled.said().clone()));
            match settled {
                Settled::Taken { said, reports } => {
                    self.end(index, Fate::Taken { said, reports });
                }
                Settled::Not { failure, said } => self.failed(index, failure, said, hosts_left),
            }
        }
        self.records.push(record);
    }

    fn failed(&mut self, index: usize, failure: Failure, said: Said, hosts_left: HostsLeft) {
        let Some(pending) = self.pending.iter_mut().find(|p| p.index == index) else {
            return;
        };
        let attempt = self.road.attempt(self.terms, hosts_left, pending.before);
        let Failure {
            stage,
            scope,
            class,
        } = failure;
        match decide(stage, scope, class, &attempt) {
            Decision::NextHost | Decision::Again => {
                if class == Class::Transient {
                    pending.before = Before::Hope;
                }
                pending.last = Some((failure, said));
            }
            Decision::Retry(at) => self.end(index, Fate::Retry { at, said }),
            Decision::Bounce(end) => self.end(index, Fate::Failed { end, said }),
        }
    }

    fn no_route(&mut self, why: &NoRoute) {
        let now = self.road.clock().now();
        let said = said::of_route(why, now);
        let record = AttemptRecord {
            begun: now,
            ended: now,
            host: None,
            address: None,
            tls: None,
            proof: None,
            notes: Vec::new(),
            said: Vec::new(),
        };
        let settled = self.indices().into_iter().map(|index| {
            let failure = Failure::of_route(why.class());
            let said = said.clone();
            (index, Settled::Not { failure, said })
        });
        let visited = Visited {
            settled: settled.collect(),
            record,
            came: match why.class() {
                Class::Permanent => Came::Answered,
                Class::Transient => Came::Unreachable,
            },
            is_not_ascii: false,
            is_too_plain: false,
            is_last: false,
        };
        self.settle(visited, HostsLeft::None);
    }

    /// Who hoped for another host that is not there.
    fn leave_the_rest(&mut self) {
        let rest: Vec<_> = self
            .pending
            .iter_mut()
            .map(|p| (p.index, p.last.take()))
            .collect();
        for (index, last) in rest {
            let (failure, said) = last.expect("because without a route nobody is pending");
            self.failed(index, failure, said, HostsLeft::None);
        }
    }

    fn end(&mut self, index: usize, fate: Fate) {
        self.pending.retain(|pending| pending.index != index);
        self.fates[index] = Some(fate);
    }

    fn carried(self) -> Carried {
        let places = self.load.recipients.iter().map(|r| r.place);
        let fates = self
            .fates
            .into_iter()
            .map(|fate| fate.expect("because with no host left every failure ends in a fate"));
        Carried {
            records: self.records,
            fates: places.zip(fates).collect(),
            came: self.came,
        }
    }
}

impl Road {
    pub(crate) fn attempt(&self, terms: Terms, hosts_left: HostsLeft, before: Before) -> Attempt {
        Attempt {
            now: self.clock().now(),
            earlier: terms.earlier,
            expires: terms.expires,
            hosts_left,
            before,
            others: Others::NoneTaken,
            backoff: self.settings().backoff,
            random: self.random().u64(),
        }
    }
}

#[cfg(test)]
mod tests;
