//! The record of one attempt: to which host, how, and what it said of each recipient.

use crate::queue::codec::{Read, Write};
use crate::queue::entry::Said;
use mail::codec::{Damaged, Decoded, Reader, Record, Writer};
use net::Time;

const VERSION: u8 = 1;

/// One attempt at one host, or to find one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptRecord {
    pub begun: Time,
    pub ended: Time,
    /// None if none was found.
    pub host: Option<String>,
    /// Where it was connected to: address and port, a socket's path, a program.
    pub address: Option<String>,
    /// What TLS agreed on; none without TLS.
    pub tls: Option<String>,
    /// How the host was proved, or why it was not.
    pub proof: Option<String>,
    /// What was done to the message on the way (made 7-bit), and what else is worth knowing.
    pub notes: Vec<String>,
    /// What was said of the recipients that were asked for, by their place in the entry.
    pub said: Vec<(usize, Said)>,
}

impl Record for AttemptRecord {
    const WHAT: &'static str = "the record of an attempt";

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(VERSION, 128 * (1 + self.said.len()));
        w.time(self.begun).time(self.ended);
        for text in [&self.host, &self.address, &self.tls, &self.proof] {
            w.option_str(text.as_deref());
        }
        w.len(self.notes.len());
        for note in &self.notes {
            w.str(note);
        }
        w.len(self.said.len());
        for (place, said) in &self.said {
            w.len(*place).said(said);
        }
        w.into_vec()
    }

    fn decode(bytes: &[u8]) -> Decoded<Self> {
        let mut r = Reader::new(bytes, VERSION)?;
        let (begun, ended) = (r.time()?, r.time()?);
        let mut text = || r.option_str().map(|text| text.map(str::to_owned));
        let (host, address, tls, proof) = (text()?, text()?, text()?, text()?);
        let count = r.count()?;
        let notes = (0..count).map(|_| r.str().map(str::to_owned));
        let notes: Vec<String> = notes.collect::<Decoded<_>>()?;
        let count = r.count()?;
        let said = (0..count).map(|_| {
            let place = usize::from(r.u16()?);
            Ok((place, r.said()?))
        });
        let said = said.collect::<Decoded<_>>()?;
        let record = AttemptRecord {
            begun,
            ended,
            host,
            address,
            tls,
            proof,
            notes,
            said,
        };
        r.is_empty().then_some(record).ok_or(Damaged)
    }
}
