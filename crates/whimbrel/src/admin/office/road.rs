//! The queue as an operator sees it, and where messages are.
//!
//! What never happens here: a decision of the queue; words for people.

use super::{Answered, Office, done, fault};
use crate::admin::limits::{LISTED_ENTRIES, LISTED_MESSAGES};
use crate::admin::measure;
use crate::admin::request::{Answer, Kind, Refused};
use crate::admin::road::{
    self, Action, Arrival, ArrivalPlace, Attempt, Entry, IfLate, Leg, LegState, Message, Said,
    SaidOf, Selection, Story, Traveller, TravellerState, Waiting, Wishes,
};
use addr::{Address, Charset, ForwardPath, Host, ReversePath};
use mail::road::{MessageNumber, RoadLook};
use mail::{Fault, Presence, Sought};
use net::Time;
use net::time::Duration;
use post::queue::{
    AttemptRecord, EntryNumber, EntryRecord, MessageRecord, RecipientState, Standing, Whither, keys,
};
use post::trail::{self, How, Passage, Place};
use smtp::ByMode;
use std::cell::Cell;

impl Office {
    pub(super) fn queue_list(&self, selection: &Selection, limit: Option<usize>) -> Answered {
        let limit = limit.unwrap_or(LISTED_ENTRIES);
        let (mut entries, mut left_out) = (Vec::new(), 0);
        let now = self.mail.clock().now();
        let unread = self.each_selected(selection, |found| match entries.len() < limit {
            true => entries.push(self.waiting(&found, now)),
            false => left_out += 1,
        })?;
        Ok(Answer::Queue(road::Queue {
            entries,
            left_out,
            unread,
        }))
    }

    /// What a message in the queue has come through.
    pub(super) async fn queue_show(&self, id: &str) -> Answered {
        let look = self.mail.road();
        let number = trail::by_id(&look, id).map_err(fault)?;
        let passage = number.map(|number| trail::passage(&look, number));
        let passage = passage.transpose().map_err(fault)?.flatten();
        let waits = |passage: &Passage| !passage.waiting.is_empty() || passage.unread > 0;
        let passage = passage.filter(waits);
        let passage = passage.ok_or_else(|| not_waiting(id))?;
        let mut recipients = passage.trail.recipients.iter();
        let arrivals = match recipients.any(|one| one.place == Place::Here) {
            true => {
                let sought = Sought::Id(id.to_owned());
                self.arrivals(&sought, LISTED_MESSAGES).await?
            }
            false => mail::Arrivals::default(),
        };
        self.story(&[passage], &arrivals)
    }

    pub(super) async fn queue_change(&self, action: Action, selection: &Selection) -> Answered {
        let now = self.mail.clock().now();
        let (mut numbers, mut early, mut twice) = (Vec::new(), 0, 0);
        let unread = self.each_selected(selection, |found| {
            let is_early = found.message.holds(&found.entry, now);
            early += usize::from(is_early);
            twice += usize::from(is_early && found.entry.standing == Standing::Held);
            numbers.push(found.number);
        })?;
        let changed = match action {
            Action::Hold => self.queue.hold(&numbers).await,
            Action::Release => self.queue.release(&numbers).await,
            Action::Retry => self.queue.retry(&numbers).await,
            Action::Remove => self.queue.remove(&numbers).await,
            Action::Return => self.queue.give_back(&numbers).await,
        };
        let what = match (action, self.sessions.is_some()) {
            (Action::Retry, true) => "tried now",
            (Action::Retry, false) => "due at once; nothing is sent while no server runs",
            (Action::Hold, _) => "held; `whimbrel queue release` lets go on",
            (Action::Release, _) => "let go on",
            (Action::Remove, _) => "taken out; no sender is told",
            (Action::Return, _) => "taken out; the sender is told, unless he asked for silence",
        };
        let mut lines = vec![match changed.map_err(fault)? {
            0 => "there is nothing with which that could be done".to_owned(),
            1 => format!("1 entry is {what}"),
            many => format!("{many} entries are {what}"),
        }];
        if early > 0 && action == Action::Retry {
            lines.push(format!(
                "held as their senders asked: {early}; `whimbrel queue release` lets them go now"
            ));
        }
        if twice > 0 && action == Action::Release {
            lines.push(format!(
                "still held as their senders asked: {twice}; `whimbrel queue release` once more lets \
                 them go now"
            ));
        }
        lines.extend(road::words::unread(unread));
        done(lines)
    }

    /// Where messages are: by our id or number, by Message-ID, by an address.
    pub(super) async fn why(&self, about: &str, limit: Option<usize>) -> Answered {
        let limit = limit.unwrap_or(LISTED_MESSAGES);
        let look = self.mail.road();
        let mut ways = ways(about);
        if ways.is_empty() {
            let text = format!(
                "“{about}” is no id of a message, no Message-ID and no address; the id is what \
                 the server said after 250"
            );
            return Err(Refused::new(Kind::Invalid, text));
        }
        for way in ways.drain(..) {
            let numbers = numbers(&look, &way, limit)?;
            let passages = numbers
                .into_iter()
                .filter_map(|number| trail::passage(&look, number).transpose());
            let passages: Vec<Passage> = passages.collect::<Result<_, _>>().map_err(fault)?;
            let arrivals = self.arrivals(&way, limit).await?;
            if !passages.is_empty() || !arrivals.found.is_empty() {
                return self.story(&passages, &arrivals);
            }
        }
        let days = self.mail.history_s() / 86_400;
        let text = format!(
            "nothing is known of “{about}”: no message on the road or in a mailbox here has it. \
             What has left the queue and what was expunged is known for {days} days"
        );
        Err(Refused::new(Kind::NotFound, text))
    }

    async fn arrivals(&self, sought: &Sought, limit: usize) -> Result<mail::Arrivals, Refused> {
        let found = self.mail.arrivals(&self.admin, sought, limit).await;
        found.map_err(fault)
    }

    fn story(&self, passages: &[Passage], arrivals: &mail::Arrivals) -> Answered {
        let known = self.directory().accounts(&self.admin).map_err(fault)?;
        let name = |id| {
            let account = known.iter().find(|account| account.id == id);
            account.map_or_else(|| id.to_string(), |account| account.address.to_string())
        };
        let arrival = |one: &mail::Arrival| arrival(one, name(one.account));
        let now = self.mail.clock().now();
        Ok(Answer::Story(Story {
            messages: passages
                .iter()
                .map(|one| self.with_customers(message(one, now)))
                .collect(),
            arrivals: arrivals.found.iter().map(arrival).collect(),
            is_cut: arrivals.is_cut,
        }))
    }

    /// Shows the entries that are meant, the oldest first; gives how many may be and cannot be read.
    fn each_selected(
        &self,
        selection: &Selection,
        mut show: impl FnMut(Found),
    ) -> Result<usize, Refused> {
        let look = self.mail.road();
        let filter = self.filter(selection)?;
        let unread = Cell::new(0);
        let mut of_prefix = |prefix: &[u8]| {
            let mut count = 0;
            for row in look.below(prefix) {
                let (key, value) = row.map_err(fault)?;
                let Some(number) = keys::entry_of(&key) else {
                    continue;
                };
                // one that cannot be read keeps no other from the operator
                let found = mail::codec::decode(&key, &value)
                    .and_then(|entry| filter.fits(&look, number, entry));
                match found {
                    Ok(Some(found)) => {
                        count += 1;
                        show(found);
                    }
                    Ok(None) => {}
                    Err(why) => {
                        tracing::error!(target: "queue", entry = %number, fault = %why, "a row of the queue cannot be read");
                        unread.set(unread.get() + 1);
                    }
                }
            }
            Ok::<usize, Refused>(count)
        };
        if selection.ids.is_empty() {
            of_prefix(keys::ENTRIES)?;
        }
        for id in &selection.ids {
            let number = trail::by_id(&look, id).map_err(fault)?;
            let number = number.ok_or_else(|| not_waiting(id))?;
            if of_prefix(&keys::entries_of(number))? == 0 && unread.get() == 0 {
                return Err(not_waiting(id));
            }
        }
        Ok(unread.get())
    }

    fn filter(&self, selection: &Selection) -> Result<Filter, Refused> {
        let sender = match selection.sender.as_deref() {
            None => None,
            Some("" | "<>") => Some(None),
            Some(text) => Some(Some(self.read_address(text)?.key())),
        };
        let age = |seconds| Duration::from_secs(seconds);
        let now = self.mail.clock().now();
        Ok(Filter {
            domain: selection.domain.as_deref().map(read_host).transpose()?,
            sender,
            older: selection.older_s.map(|seconds| (age(seconds), now)),
        })
    }

    fn waiting(&self, found: &Found, now: Time) -> Waiting {
        let message = &found.message;
        let age = now.seconds().saturating_sub(message.arrived.seconds());
        let leg = self.of_customer(leg(
            &found.entry,
            None,
            held_until(message, &found.entry, now),
        ));
        Waiting {
            id: message.id.clone(),
            sender: sender(&message.sender),
            arrived: measure::date(message.arrived),
            age_s: u64::try_from(age).unwrap_or(0),
            bytes: message.size(),
            expires: measure::date(message.expires),
            wishes: wishes(message),
            leg: Leg {
                state: match self.queue.is_under_way(found.number) {
                    true => LegState::UnderWay,
                    false => leg.state,
                },
                ..leg
            },
        }
    }
}

impl Office {
    /// With the customer who has to ask for it.
    fn of_customer(&self, leg: Leg) -> Leg {
        let host = Host::parse(leg.domain.as_bytes(), Charset::Utf8).ok();
        let host = host.filter(|_| leg.state == LegState::Waiting && !leg.here);
        let customer = host.and_then(|host| self.queue.customers().keeping(&host).cloned());
        match customer {
            Some(customer) => Leg {
                due: None,
                kept_for: Some(customer.to_string()),
                ..leg
            },
            None => leg,
        }
    }

    fn with_customers(&self, mut message: Message) -> Message {
        let entries = message.entries.into_iter();
        let entries = entries.map(|entry| Entry {
            leg: self.of_customer(entry.leg),
            ..entry
        });
        message.entries = entries.collect();
        message
    }
}

/// An entry of the queue with its message.
struct Found {
    number: EntryNumber,
    entry: EntryRecord,
    message: MessageRecord,
}

struct Filter {
    domain: Option<Host>,
    /// Some(None): the null path.
    sender: Option<Option<String>>,
    /// So old by now.
    older: Option<(Duration, Time)>,
}

impl Filter {
    fn fits(
        &self,
        look: &RoadLook,
        number: EntryNumber,
        entry: EntryRecord,
    ) -> Result<Option<Found>, Fault> {
        if self
            .domain
            .as_ref()
            .is_some_and(|domain| *domain != entry.domain)
        {
            return Ok(None);
        }
        let message = look.record::<MessageRecord>(&keys::message(number.message))?;
        let message =
            message.ok_or_else(|| Fault::new("reading an entry", "its message is not there"))?;
        let sender = message.sender.address().map(Address::key);
        let is_theirs = self.sender.as_ref().is_none_or(|wanted| *wanted == sender);
        let is_old = self
            .older
            .is_none_or(|(age, now)| message.arrived.after(age) <= now);
        Ok((is_theirs && is_old).then_some(Found {
            number,
            entry,
            message,
        }))
    }
}

/// What a text may mean, in the order in which it is looked for.
fn ways(about: &str) -> Vec<Sought> {
    let bare = about.trim().trim_start_matches('<').trim_end_matches('>');
    if bare.is_empty() || bare.contains(char::is_whitespace) {
        return Vec::new();
    }
    let message_id = Sought::MessageId(bare.to_owned());
    match (bare.contains('@'), bare.parse::<Address>()) {
        (true, Ok(address)) => vec![Sought::Address(address), message_id],
        (true, Err(_)) => vec![message_id],
        (false, _) => vec![Sought::Id(bare.to_owned()), message_id],
    }
}

fn numbers(look: &RoadLook, way: &Sought, limit: usize) -> Result<Vec<MessageNumber>, Refused> {
    match way {
        Sought::Id(id) => Ok(trail::by_id(look, id).map_err(fault)?.into_iter().collect()),
        Sought::MessageId(text) => trail::by_message_id(look, text, limit).map_err(fault),
        Sought::Address(address) => trail::by_address(look, address, limit).map_err(fault),
    }
}

/// A domain, or an address in brackets.
fn read_host(text: &str) -> Result<Host, Refused> {
    Host::parse(text.as_bytes(), Charset::Utf8).map_err(|why| {
        let text = format!("“{text}” is no domain: {why}");
        Refused::new(Kind::Invalid, text)
    })
}

fn not_waiting(which: &str) -> Refused {
    let text = format!(
        "“{which}” is not in the queue; `whimbrel queue list` shows what is, and `whimbrel why \
         {which}` what became of it"
    );
    Refused::new(Kind::NotFound, text)
}

pub(super) fn path(path: &ForwardPath) -> String {
    let address = path.address().map(Address::to_string);
    address.unwrap_or_else(|| "postmaster".to_owned())
}

pub(super) fn sender(path: &ReversePath) -> String {
    path.address().map(Address::to_string).unwrap_or_default()
}

/// `how`: why it is over, if it is.
fn leg(entry: &EntryRecord, how: Option<How>, held_until: Option<Time>) -> Leg {
    let state = match (how, entry.standing) {
        (Some(How::Over), _) => LegState::Over,
        (Some(How::Removed), _) => LegState::Removed,
        (None, Standing::Free) => LegState::Waiting,
        (None, Standing::Held) => LegState::Held,
    };
    let recipients = entry.recipients.iter().map(|onward| Traveller {
        address: path(&onward.to),
        state: match onward.state {
            RecipientState::Waiting => TravellerState::Waiting,
            RecipientState::Done | RecipientState::Arrived => TravellerState::Done,
            RecipientState::Failed => TravellerState::Failed,
        },
        said: onward.said.as_ref().map(said),
    });
    Leg {
        domain: entry.domain.to_string(),
        state,
        recipients: recipients.collect(),
        attempts: entry.attempts,
        due: (state == LegState::Waiting).then(|| measure::date(entry.due)),
        held_until: held_until.map(measure::date),
        here: entry.whither == Whither::Here,
        kept_for: None,
        delay_told: entry.delay_told.map(measure::date),
    }
}

/// Until when its sender wants it held, if it is.
fn held_until(message: &MessageRecord, entry: &EntryRecord, now: Time) -> Option<Time> {
    let held = message.asked.hold.filter(|_| message.holds(entry, now));
    held.map(|held| held.until)
}

fn said(said: &post::queue::Said) -> Said {
    Said {
        at: measure::date(said.at),
        host: said.host.clone(),
        stage: said.stage.clone(),
        reply: said.reply.as_ref().map(ToString::to_string),
        why: said.why.clone(),
        status: said.status.to_string(),
    }
}

fn message(passage: &Passage, now: Time) -> Message {
    let trail = &passage.trail;
    let here = trail.recipients.iter();
    let here = here.filter(|one| one.place == Place::Here);
    let mut entries: Vec<(EntryNumber, Entry)> = Vec::new();
    for (number, record) in &passage.waiting {
        let message = passage.message.as_ref();
        let held_until = message.and_then(|message| held_until(message, record, now));
        let entry = entry(passage, *number, record, (None, held_until));
        entries.push((*number, entry));
    }
    for (number, end) in &passage.ends {
        let entry = Entry {
            ended: Some(measure::date(end.at)),
            told: end.told.clone(),
            ..entry(passage, *number, &end.entry, (Some(end.how), None))
        };
        entries.push((*number, entry));
    }
    entries.sort_by_key(|(number, _)| *number);
    Message {
        id: trail.id.clone(),
        message_id: trail.message_id.clone(),
        sender: sender(&trail.sender),
        here: here.map(|one| path(&one.path)).collect(),
        client: trail.client.clone(),
        login: trail.login.clone(),
        arrived: measure::date(trail.arrived),
        bytes: trail.bytes,
        wishes: passage.message.as_ref().map(wishes),
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        unread: passage.unread,
    }
}

fn wishes(message: &MessageRecord) -> Wishes {
    let asked = &message.asked;
    Wishes {
        priority: asked.priority.number(),
        deliver_by: asked.deliver_by.map(|by| measure::date(by.by)),
        if_late: asked.deliver_by.map(|by| match by.mode {
            ByMode::Return => IfLate::Returned,
            ByMode::Notify => IfLate::Told,
        }),
    }
}

fn entry(
    passage: &Passage,
    number: EntryNumber,
    record: &EntryRecord,
    (how, held_until): (Option<How>, Option<Time>),
) -> Entry {
    let tried = passage.attempts.iter();
    let tried = tried.filter(|(of, _)| *of == number);
    Entry {
        leg: leg(record, how, held_until),
        tried: tried.map(|(_, one)| attempt(one, record)).collect(),
        ended: None,
        told: None,
    }
}

fn attempt(one: &AttemptRecord, entry: &EntryRecord) -> Attempt {
    let said = one.said.iter().filter_map(|(place, words)| {
        let onward = entry.recipients.get(*place)?;
        Some(SaidOf {
            recipient: path(&onward.to),
            said: said(words),
        })
    });
    Attempt {
        begun: measure::date(one.begun),
        ended: measure::date(one.ended),
        host: one.host.clone(),
        address: one.address.clone(),
        tls: one.tls.clone(),
        proof: one.proof.clone(),
        notes: one.notes.clone(),
        said: said.collect(),
    }
}

fn arrival(one: &mail::Arrival, account: String) -> Arrival {
    let place = |place: &mail::ArrivalPlace| ArrivalPlace {
        mailbox: place.mailbox.as_ref().map(ToString::to_string),
        uid: place.uid,
        there: place.presence == Presence::There,
    };
    let message_id = one.message_id.as_ref();
    Arrival {
        account,
        id: one.id.clone(),
        message_id: message_id.map(|text| format!("<{text}>")),
        sender: one.envelope.sender.clone(),
        recipient: one.envelope.recipient.clone(),
        client: one.envelope.client.clone(),
        login: one.envelope.login.clone(),
        arrived: measure::date(one.envelope.at),
        bytes: one.bytes,
        places: one.places.iter().map(place).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::office::tests::office;

    const ONE: EntryNumber = EntryNumber {
        message: MessageNumber(1),
        part: 0,
    };

    #[tokio::test]
    async fn a_row_that_cannot_be_read_keeps_no_other_from_the_operator() {
        let office = office(None).await;
        let mut edit = office.mail.road_edit().await;
        edit.put(keys::entry(ONE), b"damaged".to_vec());
        office.mail.road_commit(edit).await.unwrap();
        let all = Selection::default();
        let Answer::Queue(listed) = office.queue_list(&all, None).unwrap() else {
            panic!("a list");
        };
        assert_eq!((listed.entries.len(), listed.unread), (0, 1));
        let text = road::words::queue(&listed);
        assert!(text.contains("1 row cannot be read"), "{text}");
        office.queue_change(Action::Hold, &all).await.unwrap();
    }

    #[tokio::test]
    async fn damaged_rows_are_told_with_what_is_known_and_go_when_that_is_wanted() {
        let office = office(None).await;
        let path = |text: &str| ForwardPath::parse(text.as_bytes(), Charset::Utf8).unwrap();
        let trail = trail::Trail {
            id: "abc".to_owned(),
            message_id: None,
            sender: ReversePath::parse(b"<ann@a.test>", Charset::Ascii).unwrap(),
            recipients: vec![trail::Destination {
                path: path("<bob@b.test>"),
                place: Place::Elsewhere,
            }],
            client: String::new(),
            login: None,
            arrived: Time::from_seconds(7),
            bytes: 9,
        };
        let mut edit = office.mail.road_edit().await;
        edit.put(keys::entry(ONE), b"damaged".to_vec());
        edit.put(keys::message(ONE.message), b"damaged".to_vec());
        edit.put(b"m?".to_vec(), b"?".to_vec());
        trail::begun(&mut edit, ONE.message, &trail);
        office.mail.road_commit(edit).await.unwrap();
        let Answer::Story(story) = office.why("abc", None).await.unwrap() else {
            panic!("a story");
        };
        assert_eq!(story.messages[0].unread, 2);
        let all = || match office.queue_damaged(&[]).unwrap() {
            Answer::Damaged(damaged) => damaged,
            other => panic!("{other:?}"),
        };
        let text = road::words::damaged(&all());
        assert!(text.contains("of message abc from ann@a.test"), "{text}");
        assert!(text.contains("to bob@b.test"), "{text}");
        assert!(text.contains("nothing more is known"), "{text}");
        let of_it = ["abc".to_owned()];
        office.queue_clear(&of_it).await.unwrap();
        assert_eq!(all().rows.len(), 1, "the other stays");
        office.queue_clear(&[]).await.unwrap();
        assert_eq!(all().rows, []);
        let mut problems = Vec::new();
        post::queue::check(&office.mail.road(), |found| problems.push(found)).unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let Answer::Story(story) = office.why("abc", None).await.unwrap() else {
            panic!("a story");
        };
        let entry = &story.messages[0].entries[0];
        assert_eq!(entry.leg.state, LegState::Removed);
        assert_eq!(entry.leg.recipients[0].address, "bob@b.test");
    }
}
