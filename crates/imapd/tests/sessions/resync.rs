//! A client that is cut off, comes back by QRESYNC and must then believe what is true. It does what
//! RFC 7162 section 6 tells clients to do, and nothing else.

use crate::client::{Client, Said};
use crate::model::Believer;
use crate::value::{Value, values};
use std::collections::BTreeMap;

/// What a session has asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    Plain,
    CondStore,
    QResync,
}

impl Manner {
    /// The command that asks for it.
    pub fn enable(self) -> Option<&'static str> {
        match self {
            Manner::Plain => None,
            Manner::CondStore => Some("ENABLE CONDSTORE"),
            Manner::QResync => Some("ENABLE QRESYNC"),
        }
    }
}

/// What the client says of its cache when it comes back.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// UIDVALIDITY and mod-sequence only.
    Moment,
    /// The UIDs too.
    Uids,
    /// And some sequence numbers with their UIDs.
    Samples,
}

/// UIDVALIDITY, and the mod-sequence up to which the cache is right.
#[derive(Clone, Copy, Debug, Default)]
pub struct Synced {
    pub uid_validity: u64,
    pub modseq: u64,
}

impl Synced {
    /// "Whenever the client receives a tagged response to a command, it … calculates the new
    /// HIGHESTMODSEQ value" [rfc7162 6].
    pub fn heard(&mut self, said: &Said) {
        let codes = said.untagged.iter().map(|text| &text[2..]);
        let texts: Vec<String> = codes
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .chain([said.answer.clone()])
            .collect();
        if let Some(validity) = texts.iter().find_map(|text| code(text, "UIDVALIDITY")) {
            self.uid_validity = validity;
        }
        let told = texts
            .iter()
            .rev()
            .find_map(|text| code(text, "HIGHESTMODSEQ"));
        match told {
            Some(modseq) => self.modseq = modseq,
            None => {
                let seen = said
                    .fetched()
                    .into_iter()
                    .filter_map(|(_, items)| modseq(&items));
                self.modseq = seen.max().unwrap_or(0).max(self.modseq);
            }
        }
    }
}

/// The number of a response code.
fn code(text: &str, word: &str) -> Option<u64> {
    let rest = text.strip_prefix("OK [")?.strip_prefix(word)?;
    rest.strip_prefix(' ')?.split(']').next()?.parse().ok()
}

fn modseq(items: &[Value]) -> Option<u64> {
    let pair = items.chunks(2).find(|pair| pair[0].atom() == "MODSEQ")?;
    Some(pair[1].list()[0].number())
}

/// The UIDs of "1:3,7".
pub fn uids(text: &str) -> Vec<u32> {
    let range = |range: &str| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap()
    };
    text.split(',').flat_map(range).collect()
}

impl Believer {
    /// Cut off, perhaps with a command under way whose answer it never sees.
    pub async fn leave(&mut self, under_way: Option<&str>) {
        let Some(mut client) = self.client.take() else {
            return;
        };
        if let Some(command) = under_way {
            client.start(command.as_bytes()).await;
        }
        let Client { conn, session, .. } = client;
        conn.close().await;
        session.await.unwrap();
    }

    /// Comes back, and believes only what resynchronising tells it.
    pub async fn come_back(&mut self, memory: Memory) {
        let server = self.server.clone();
        let mut client = server.log_in("alice").await;
        client.ok("ENABLE QRESYNC").await;
        let Synced {
            uid_validity,
            modseq,
        } = self.synced;
        let mut cache: BTreeMap<u32, _> = std::mem::take(&mut self.picture)
            .into_iter()
            .map(|entry| (entry.uid.unwrap(), entry))
            .collect();
        let memory = match cache.is_empty() {
            true => String::new(),
            false => remembered(memory, &cache.keys().copied().collect::<Vec<_>>()),
        };
        let select = format!("SELECT INBOX (QRESYNC ({uid_validity} {modseq}{memory}))");
        let said = client.ok(&select).await;
        self.synced.heard(&said);
        assert_eq!(self.synced.uid_validity, uid_validity);
        let mut exists = 0;
        let mut fetched = Vec::new();
        for response in &said.untagged {
            let words = values(&response[2..]);
            match (words[0].atom(), words.get(1)) {
                ("VANISHED", Some(Value::List(earlier))) => {
                    assert_eq!(earlier, &[Value::Atom("EARLIER".to_owned())]);
                    assert!(fetched.is_empty(), "VANISHED comes first");
                    for uid in uids(words[2].atom()) {
                        cache.remove(&uid);
                    }
                }
                (count, Some(Value::Atom(word))) if word == "EXISTS" => {
                    exists = count.parse().unwrap();
                }
                (_, Some(Value::Atom(word))) if word == "FETCH" => fetched.push(response.clone()),
                _ => {}
            }
        }
        // What changed of old messages; new ones are asked for.
        let last = cache.keys().last().copied().unwrap_or(0);
        for response in fetched {
            let entry = crate::model::entry(values(&response[2..])[2].list());
            cache.insert(entry.uid.unwrap(), entry);
        }
        self.client = Some(client);
        self.picture = cache.into_values().collect();
        let old = self
            .picture
            .iter()
            .filter(|entry| entry.uid.unwrap() <= last);
        let old = old.count();
        assert!(old <= exists, "{old} kept of {exists}");
        self.picture.truncate(old);
        self.picture.resize(exists, crate::model::Entry::default());
        self.fill_in().await;
    }
}

fn remembered(memory: Memory, uids: &[u32]) -> String {
    let list = |numbers: Vec<u32>| {
        let texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
        texts.join(",")
    };
    let known = list(uids.to_vec());
    match memory {
        Memory::Moment => String::new(),
        Memory::Uids => format!(" {known}"),
        Memory::Samples => {
            let numbers = 1..=u32::try_from(uids.len()).unwrap();
            let numbers = list(numbers.step_by(2).collect());
            let samples = list(uids.iter().copied().step_by(2).collect());
            format!(" {known} ({numbers} {samples})")
        }
    }
}
