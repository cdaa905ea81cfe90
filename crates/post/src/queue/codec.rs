//! How the words of SMTP are written in the queue's records. What never happens here: a record.

use crate::queue::entry::Said;
use crate::queue::message::{Asked, DeliverBy, Held};
use crate::report::{SenderProof, SpfResult};
use addr::{Charset, ForwardPath, ReversePath};
use mail::codec::{Damaged, Decoded, Reader, Writer};
use net::Time;
use smtp::{ByMode, Hold, Priority, Protection, Reply, Status};

/// Writing, beyond what every record needs.
pub(crate) trait Write {
    fn reverse_path(&mut self, path: &ReversePath) -> &mut Self;
    fn forward_path(&mut self, path: &ForwardPath) -> &mut Self;
    fn option_time(&mut self, time: Option<Time>) -> &mut Self;
    fn status(&mut self, status: Status) -> &mut Self;
    fn reply(&mut self, reply: &Reply) -> &mut Self;
    fn said(&mut self, said: &Said) -> &mut Self;
    fn asked(&mut self, asked: &Asked) -> &mut Self;
    fn sender_proof(&mut self, proof: SenderProof) -> &mut Self;
}

/// Reading the same.
pub(crate) trait Read {
    fn flag(&mut self) -> Decoded<bool>;
    fn option_read<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Decoded<Option<T>>;
    fn reverse_path(&mut self) -> Decoded<ReversePath>;
    fn forward_path(&mut self) -> Decoded<ForwardPath>;
    fn option_time(&mut self) -> Decoded<Option<Time>>;
    fn status(&mut self) -> Decoded<Status>;
    fn reply(&mut self) -> Decoded<Reply>;
    fn said(&mut self) -> Decoded<Said>;
    fn asked(&mut self) -> Decoded<Asked>;
    fn sender_proof(&mut self) -> Decoded<SenderProof>;
}

/// What shows that a message is from its sender, by its number in a record.
const PROOFS: [SenderProof; 10] = [
    SenderProof::Known,
    SenderProof::Spf,
    SenderProof::Dkim,
    SenderProof::Nothing(SpfResult::None),
    SenderProof::Nothing(SpfResult::Neutral),
    SenderProof::Nothing(SpfResult::Pass),
    SenderProof::Nothing(SpfResult::Fail),
    SenderProof::Nothing(SpfResult::SoftFail),
    SenderProof::Nothing(SpfResult::TempError),
    SenderProof::Nothing(SpfResult::PermError),
];

impl Write for Writer {
    fn reverse_path(&mut self, path: &ReversePath) -> &mut Self {
        self.str(&path.to_string())
    }
    fn forward_path(&mut self, path: &ForwardPath) -> &mut Self {
        self.str(&path.to_string())
    }
    fn option_time(&mut self, time: Option<Time>) -> &mut Self {
        match time {
            None => self.u8(0),
            Some(time) => self.u8(1).time(time),
        }
    }
    fn status(&mut self, Status(class, subject, detail): Status) -> &mut Self {
        self.u8(class).uint(subject).uint(detail)
    }
    fn reply(&mut self, reply: &Reply) -> &mut Self {
        self.uint(reply.code());
        match reply.status() {
            None => self.u8(0),
            Some(status) => self.u8(1).status(status),
        };
        self.len(reply.lines().len());
        for line in reply.lines() {
            self.str(line);
        }
        self
    }
    fn said(&mut self, said: &Said) -> &mut Self {
        self.time(said.at).option_str(said.host.as_deref());
        self.str(&said.stage);
        match &said.reply {
            None => self.u8(0),
            Some(reply) => self.u8(1).reply(reply),
        };
        self.option_str(said.why.as_deref()).status(said.status)
    }
    fn asked(&mut self, asked: &Asked) -> &mut Self {
        self.u8(match asked.protection {
            Protection::AsPublished => 0,
            Protection::Required => 1,
            Protection::NotNeeded => 2,
        });
        match asked.deliver_by {
            None => self.u8(0),
            Some(by) => {
                let returned = by.mode == ByMode::Return;
                self.u8(1).time(by.by);
                self.u8(u8::from(returned)).u8(u8::from(by.trace))
            }
        };
        self.u8(asked.priority.number().cast_unsigned());
        match asked.hold {
            None => self.u8(0),
            Some(held) => match held.asked {
                Hold::Until(_) => self.u8(1).time(held.until),
                Hold::For(seconds) => self.u8(2).time(held.until).uint(seconds),
            },
        }
    }
    fn sender_proof(&mut self, proof: SenderProof) -> &mut Self {
        let place = PROOFS.iter().position(|one| *one == proof);
        let place = place.expect("because the table has every proof");
        self.len(place)
    }
}

impl Read for Reader<'_> {
    fn flag(&mut self) -> Decoded<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Damaged),
        }
    }
    fn option_read<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Decoded<Option<T>> {
        let text = self.option_str()?;
        text.map(|text| read(text).ok_or(Damaged)).transpose()
    }
    fn reverse_path(&mut self) -> Decoded<ReversePath> {
        ReversePath::parse(self.bytes()?, Charset::Utf8).map_err(|_| Damaged)
    }
    fn forward_path(&mut self) -> Decoded<ForwardPath> {
        ForwardPath::parse(self.bytes()?, Charset::Utf8).map_err(|_| Damaged)
    }
    fn option_time(&mut self) -> Decoded<Option<Time>> {
        let is_there = self.flag()?;
        is_there.then(|| self.time()).transpose()
    }
    fn status(&mut self) -> Decoded<Status> {
        let class = self.u8()?;
        let status = Status(class, self.u16()?, self.u16()?);
        matches!(class, 2 | 4 | 5).then_some(status).ok_or(Damaged)
    }
    fn reply(&mut self) -> Decoded<Reply> {
        let code = self.u16()?;
        let has_status = self.flag()?;
        let status = has_status.then(|| self.status()).transpose()?;
        let count = self.count()?;
        let fits = (200..600).contains(&code)
            && status.is_none_or(|status| u16::from(status.0) == code / 100);
        if !fits || count == 0 {
            return Err(Damaged);
        }
        let first = self.str()?;
        let mut reply = match status {
            Some(status) => Reply::new(code, status, first),
            None => Reply::plain(code, first),
        };
        for _ in 1..count {
            reply = reply.and(self.str()?);
        }
        Ok(reply)
    }
    fn said(&mut self) -> Decoded<Said> {
        Ok(Said {
            at: self.time()?,
            host: self.option_str()?.map(str::to_owned),
            stage: self.str()?.to_owned(),
            reply: {
                let answered = self.flag()?;
                answered.then(|| self.reply()).transpose()?
            },
            why: self.option_str()?.map(str::to_owned),
            status: self.status()?,
        })
    }
    fn asked(&mut self) -> Decoded<Asked> {
        Ok(Asked {
            protection: match self.u8()? {
                0 => Protection::AsPublished,
                1 => Protection::Required,
                2 => Protection::NotNeeded,
                _ => return Err(Damaged),
            },
            deliver_by: {
                let by_then = self.flag()?;
                by_then.then(|| deliver_by(self)).transpose()?
            },
            priority: Priority::new(self.u8()?.cast_signed()).ok_or(Damaged)?,
            hold: held(self)?,
        })
    }
    fn sender_proof(&mut self) -> Decoded<SenderProof> {
        let place = usize::from(self.u16()?);
        PROOFS.get(place).copied().ok_or(Damaged)
    }
}

fn deliver_by(r: &mut Reader<'_>) -> Decoded<DeliverBy> {
    Ok(DeliverBy {
        by: r.time()?,
        mode: match r.flag()? {
            true => ByMode::Return,
            false => ByMode::Notify,
        },
        trace: r.flag()?,
    })
}

fn held(r: &mut Reader<'_>) -> Decoded<Option<Held>> {
    let kind = r.u8()?;
    if kind == 0 {
        return Ok(None);
    }
    let until = r.time()?;
    let asked = match kind {
        1 => Hold::Until(until.seconds()),
        2 => Hold::For(r.counter32()?),
        _ => return Err(Damaged),
    };
    Ok(Some(Held { until, asked }))
}
