//! The record of a message on the road: as it was accepted, never changed.

use crate::queue::codec::{Read, Write};
use crate::queue::entry::EntryRecord;
use crate::report::{SenderProof, SpfResult};
use addr::{Charset, ReversePath};
use bytes::Bytes;
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use net::Time;
use smtp::dsn::{EnvelopeId, Ret};
use smtp::{BodyType, ByMode, Hold, Priority, Protection, Status};
use store::BodyId;

const VERSION: u8 = 2;
/// Without what shows that a message is from its sender, and with less that could be asked.
const FIRST: u8 = 1;

/// A message, as it was accepted for the road.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageRecord {
    /// Under which the message stands in the log, in its Received field, and in our 250.
    pub id: String,
    pub sender: ReversePath,
    /// What shows that it is from its sender, who is told of it only then.
    pub proof: SenderProof,
    pub envid: Option<EnvelopeId>,
    pub ret: Option<Ret>,
    /// What MAIL said of the content; what is kept of BINARYMIME is lines all the same.
    pub body_type: Option<BodyType>,
    /// `Utf8`: it was handed over with SMTPUTF8.
    pub charset: Charset,
    pub asked: Asked,
    pub body: BodyId,
    /// Octets of the body.
    pub body_bytes: u64,
    /// Whole header lines that go before the body: Received and what was signed or added.
    pub prefix: Bytes,
    /// Who handed it in, for people: name and address of the client.
    pub client: String,
    pub login: Option<String>,
    pub arrived: Time,
    /// When whoever sent it is told that it did not get there.
    pub expires: Time,
}

/// What a submission asked beyond the envelope.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// What is asked of every connection (RFC 8689).
    pub protection: Protection,
    /// By when (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// MT-PRIORITY (RFC 6710), as it was granted.
    pub priority: Priority,
    /// FUTURERELEASE (RFC 4865).
    pub hold: Option<Held>,
}

/// Before when a message does not go, as its sender wants it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    pub until: Time,
    /// In the sender's words, for reports.
    pub asked: Hold,
}

/// By when a message has to be there, and what if it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeliverBy {
    pub by: Time,
    pub mode: ByMode,
    /// The sender wants to hear of each relay.
    pub trace: bool,
}

impl Asked {
    /// What a report on a message asks of its own way. [rfc8689 5] [rfc6710 4.6]
    pub fn of_report(&self) -> Asked {
        Asked {
            protection: self.protection,
            priority: self.priority,
            ..Asked::default()
        }
    }

    /// When a message may go that was handed in then.
    pub fn release(&self, arrived: Time) -> Time {
        self.hold.map_or(arrived, |held| held.until.max(arrived))
    }
}

/// When a message is given up, and what is told then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GivenUp {
    pub at: Time,
    pub status: Status,
}

/// Delivery time expired: for now, and for good. [rfc3463 3.5]
pub(crate) const EXPIRED: Status = Status(4, 4, 7);
pub(crate) const TOO_LATE: Status = Status(5, 4, 7);

impl MessageRecord {
    /// One of which nothing is asked yet. Which body it has is known when that is written, and its
    /// end when it is known where it goes.
    pub fn new(
        id: String,
        sender: ReversePath,
        proof: SenderProof,
        arrived: Time,
    ) -> MessageRecord {
        MessageRecord {
            id,
            sender,
            proof,
            envid: None,
            ret: None,
            body_type: None,
            charset: Charset::Ascii,
            asked: Asked::default(),
            body: BodyId(0),
            body_bytes: 0,
            prefix: Bytes::new(),
            client: String::new(),
            login: None,
            arrived,
            expires: arrived,
        }
    }

    /// At the end of its life, or when its sender does not want it delivered any more.
    /// [rfc2852 4.1.3]
    pub fn given_up(&self) -> GivenUp {
        let returned = self.asked.deliver_by;
        let returned = returned.filter(|by| by.mode == ByMode::Return && by.by < self.expires);
        match returned {
            Some(by) => GivenUp {
                at: by.by,
                status: TOO_LATE,
            },
            None => GivenUp {
                at: self.expires,
                status: EXPIRED,
            },
        }
    }

    /// Whether its sender wants this entry not to go yet, and nobody has let it go. [rfc4865 4.2]
    pub fn holds(&self, entry: &EntryRecord, now: Time) -> bool {
        let is_untouched = |held: &Held| entry.attempts == 0 && entry.due >= held.until;
        let held = self.asked.hold.filter(is_untouched);
        held.is_some_and(|held| held.until > now)
    }

    /// When its sender wants to hear that it is not there yet. Of what was late when it came, others
    /// have told. [rfc2852 4.1.3]
    pub fn told_late(&self) -> Option<Time> {
        let told = self.asked.deliver_by;
        let told = told.filter(|by| by.mode == ByMode::Notify && by.by > self.arrived);
        told.map(|by| by.by)
    }

    /// Octets as they are sent.
    pub fn size(&self) -> u64 {
        self.prefix.len() as u64 + self.body_bytes
    }
}

impl Record for MessageRecord {
    const WHAT: &'static str = "a message on the road";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(VERSION, 256 + self.prefix.len());
        w.str(&self.id).reverse_path(&self.sender);
        w.sender_proof(self.proof);
        w.option_str(self.envid.as_ref().map(EnvelopeId::as_str));
        w.option_str(self.ret.map(Ret::word));
        w.u8(body_type_number(self.body_type));
        w.u8(u8::from(self.charset == Charset::Utf8));
        w.asked(&self.asked);
        w.fixed64(self.body.0).uint(self.body_bytes);
        w.bytes(&self.prefix).str(&self.client);
        w.option_str(self.login.as_deref());
        w.time(self.arrived).time(self.expires);
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let is_first = bytes.first() == Some(&FIRST);
        let mut r = Reader::new(bytes, if is_first { FIRST } else { VERSION })?;
        let mut record = MessageRecord {
            id: r.str()?.to_owned(),
            sender: r.reverse_path()?,
            proof: match is_first {
                true => SenderProof::Nothing(SpfResult::None),
                false => r.sender_proof()?,
            },
            envid: r.option_read(EnvelopeId::read)?,
            ret: r.option_read(Ret::read)?,
            body_type: body_type(r.u8()?)?,
            charset: match r.flag()? {
                true => Charset::Utf8,
                false => Charset::Ascii,
            },
            asked: r.asked()?,
            body: BodyId(r.fixed64()?),
            body_bytes: r.counter()?,
            prefix: Bytes::copy_from_slice(r.bytes()?),
            client: r.str()?.to_owned(),
            login: r.option_str()?.map(str::to_owned),
            arrived: r.time()?,
            expires: r.time()?,
        };
        if is_first && record.login.is_some() {
            record.proof = SenderProof::Known;
        }
        r.is_empty().then_some(record).ok_or(Damaged)
    }
}

fn body_type_number(body_type: Option<BodyType>) -> u8 {
    match body_type {
        None => 0,
        Some(BodyType::SevenBit) => 1,
        Some(BodyType::EightBitMime) => 2,
        Some(BodyType::BinaryMime) => 3,
    }
}

fn body_type(number: u8) -> Decoded<Option<BodyType>> {
    Ok(match number {
        0 => None,
        1 => Some(BodyType::SevenBit),
        2 => Some(BodyType::EightBitMime),
        3 => Some(BodyType::BinaryMime),
        _ => return Err(Damaged),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Asked {
        Asked {
            protection: Protection::Required,
            deliver_by: Some(DeliverBy {
                by: Time(7),
                mode: ByMode::Return,
                trace: true,
            }),
            priority: Priority::HIGHEST,
            hold: Some(Held {
                until: Time(5),
                asked: Hold::Until(0),
            }),
        }
    }

    #[test]
    fn a_report_is_as_urgent_as_what_it_tells_of() {
        // [rfc6710 4.6] [rfc8689 5]
        let expect = Asked {
            deliver_by: None,
            hold: None,
            ..asked()
        };
        assert_eq!(asked().of_report(), expect);
    }

    #[test]
    fn what_the_first_builds_wrote_is_still_read() {
        for (login, proof) in [
            (Some("ann"), SenderProof::Known),
            (None, SenderProof::Nothing(SpfResult::None)),
        ] {
            let record = MessageRecord {
                ret: Some(Ret::Full),
                body: BodyId(7),
                body_bytes: 8,
                prefix: Bytes::from_static(b"Received: x\r\n"),
                client: "pc".to_owned(),
                login: login.map(str::to_owned),
                expires: Time(6),
                ..MessageRecord::new("abc".to_owned(), ReversePath::Null, proof, Time(5))
            };
            let mut bytes = record.encode();
            bytes[0] = FIRST;
            // behind the id and `<>`
            bytes.remove(1 + 4 + 3);
            assert_eq!(MessageRecord::decode(&bytes), Ok(record));
        }
    }

    #[test]
    fn nothing_goes_before_it_was_handed_in() {
        assert_eq!(asked().release(Time(3)), Time(5));
        assert_eq!(asked().release(Time(6)), Time(6));
        assert_eq!(Asked::default().release(Time(6)), Time(6));
    }
}
