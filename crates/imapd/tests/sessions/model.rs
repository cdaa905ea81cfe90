//! Several sessions do random things in one mailbox, some knowing mod-sequences, some cut off now
//! and then. Each client keeps a picture of the mailbox made only of what it was told; in the end
//! every picture is what a new session sees. (A failure prints its deeds; proptest writes the seed
//! to `proptest-regressions`, which is played first the next time.)

use crate::client::{Client, Said, Server, item};
use crate::resync::{Manner, Memory, Synced, uids};
use crate::value::{Value, values};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const SESSIONS: usize = 3;
const FLAGS: [&str; 4] = ["\\Seen", "\\Flagged", "\\Deleted", "$Word"];

#[derive(Clone, Debug)]
enum Deed {
    Append,
    Store {
        at: u8,
        sign: u8,
        flag: usize,
        silent: bool,
        by_uid: bool,
    },
    Read {
        at: u8,
        by_uid: bool,
    },
    Search {
        by_uid: bool,
    },
    Copy {
        at: u8,
    },
    Move {
        at: u8,
    },
    Expunge,
    UidExpunge {
        at: u8,
    },
    /// Only if nothing changed since the last synchronisation, or since long before.
    StoreIf {
        at: u8,
        sign: u8,
        flag: usize,
        silent: bool,
        stale: bool,
    },
    Noop,
    Idle,
    Reselect,
    /// Cut off, with a command under way or none; comes back with the next deed.
    Leave {
        under_way: usize,
        memory: Memory,
    },
    /// The server forgets the history that no session needs.
    Forget,
}

/// What may be under way when the connection breaks.
const UNDER_WAY: [Option<&str>; 5] = [
    None,
    Some("NOOP"),
    Some("STORE 1 +FLAGS.SILENT (\\Flagged $Word)"),
    Some("EXPUNGE"),
    Some("UID MOVE 1:* Archive"),
];

fn memory() -> impl Strategy<Value = Memory> {
    prop_oneof![
        Just(Memory::Moment),
        Just(Memory::Uids),
        Just(Memory::Samples)
    ]
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        1 => Just(Manner::Plain),
        1 => Just(Manner::CondStore),
        2 => Just(Manner::QResync),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    // Few messages, so that sessions meet.
    let at = || 0..4u8;
    prop_oneof![
        3 => Just(Deed::Append),
        6 => (at(), 0..3u8, 0..FLAGS.len(), any::<bool>(), any::<bool>()).prop_map(
            |(at, sign, flag, silent, by_uid)| Deed::Store { at, sign, flag, silent, by_uid }),
        3 => (at(), any::<bool>()).prop_map(|(at, by_uid)| Deed::Read { at, by_uid }),
        1 => any::<bool>().prop_map(|by_uid| Deed::Search { by_uid }),
        1 => at().prop_map(|at| Deed::Copy { at }),
        1 => at().prop_map(|at| Deed::Move { at }),
        3 => Just(Deed::Expunge),
        1 => at().prop_map(|at| Deed::UidExpunge { at }),
        3 => (at(), 0..3u8, 0..FLAGS.len(), any::<bool>(), any::<bool>()).prop_map(
            |(at, sign, flag, silent, stale)| Deed::StoreIf { at, sign, flag, silent, stale }),
        3 => (0..UNDER_WAY.len(), memory()).prop_map(
            |(under_way, memory)| Deed::Leave { under_way, memory }),
        1 => Just(Deed::Forget),
        2 => Just(Deed::Noop),
        1 => Just(Deed::Idle),
        1 => Just(Deed::Reselect),
    ]
}

type FlagSet = BTreeSet<String>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub uid: Option<u32>,
    pub flags: Option<FlagSet>,
}

/// What the items of a FETCH response say.
pub fn entry(items: &[Value]) -> Entry {
    let mut entry = Entry::default();
    for pair in items.chunks(2) {
        match pair[0].atom() {
            "UID" => entry.uid = u32::try_from(pair[1].number()).ok(),
            "FLAGS" => entry.flags = Some(flag_set(&pair[1])),
            _ => {}
        }
    }
    entry
}

/// A client that believes what it is told and nothing else.
pub struct Believer {
    pub server: Arc<Server>,
    /// None: cut off.
    pub client: Option<Client>,
    pub manner: Manner,
    pub picture: Vec<Entry>,
    pub synced: Synced,
    memory: Memory,
}

/// May the command's answers tell of expunges?
#[derive(Clone, Copy, PartialEq)]
pub enum Shrink {
    May,
    MustNot,
}

impl Believer {
    async fn new(server: &Arc<Server>, manner: Manner) -> Believer {
        let mut client = server.log_in("alice").await;
        if let Some(enable) = manner.enable() {
            client.ok(enable).await;
        }
        let mut believer = Believer {
            server: server.clone(),
            client: Some(client),
            manner,
            picture: Vec::new(),
            synced: Synced::default(),
            memory: Memory::Moment,
        };
        believer.select().await;
        believer
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().unwrap()
    }

    async fn select(&mut self) {
        self.picture.clear();
        let said = self.client().ok("SELECT INBOX").await;
        self.believe(&said, Shrink::MustNot);
        self.fill_in().await;
    }

    fn believe(&mut self, said: &Said, shrink: Shrink) {
        for response in &said.untagged {
            self.believe_one(response, shrink);
        }
        self.synced.heard(said);
    }

    fn believe_one(&mut self, response: &[u8], shrink: Shrink) {
        if response.starts_with(b"* OK") || response.starts_with(b"* FLAGS") {
            return;
        }
        let words = values(&response[2..]);
        let Some(Value::Atom(kind)) = words.get(1) else {
            return;
        };
        if words[0].atom() == "VANISHED" {
            assert!(shrink == Shrink::May, "VANISHED while numbers are in use");
            assert!(self.manner == Manner::QResync, "VANISHED without QRESYNC");
            uids(kind).into_iter().for_each(|uid| self.vanish(uid));
            return;
        }
        let Ok(number) = words[0].atom().parse::<usize>() else {
            return;
        };
        match kind.as_str() {
            "EXISTS" => {
                assert!(
                    number >= self.picture.len(),
                    "EXISTS shrinks without EXPUNGE"
                );
                self.picture.resize(number, Entry::default());
            }
            "EXPUNGE" => {
                assert!(shrink == Shrink::May, "EXPUNGE while numbers are in use");
                assert!(self.manner != Manner::QResync, "EXPUNGE with QRESYNC");
                assert!(
                    (1..=self.picture.len()).contains(&number),
                    "EXPUNGE of nothing"
                );
                self.picture.remove(number - 1);
            }
            "FETCH" => {
                let known = &mut self.picture[number - 1];
                let told = entry(words[2].list());
                let moved = known.uid.is_some() && told.uid.is_some() && known.uid != told.uid;
                assert!(!moved, "a UID moved");
                known.uid = told.uid.or(known.uid);
                known.flags = told.flags.or(known.flags.take());
            }
            _ => {}
        }
    }

    /// Each UID of VANISHED is a message that was shown; of a new one the client may not know the
    /// UID yet.
    fn vanish(&mut self, uid: u32) {
        let known = self.picture.iter().position(|entry| entry.uid == Some(uid));
        let new = || self.picture.iter().position(|entry| entry.uid.is_none());
        let at = known.or_else(new).expect("a UID that was never shown");
        self.picture.remove(at);
    }

    pub async fn ask(&mut self, command: &str, shrink: Shrink) -> Said {
        let said = self.client().ask(command).await;
        self.believe(&said, shrink);
        self.fill_in().await;
        said
    }

    /// Asks for what is not known of new messages.
    pub async fn fill_in(&mut self) {
        while let Some(at) = self
            .picture
            .iter()
            .position(|e| e.uid.is_none() || e.flags.is_none())
        {
            let said = self
                .client()
                .ok(&format!("FETCH {}:* (UID FLAGS)", at + 1))
                .await;
            let before = self.picture.len();
            self.believe(&said, Shrink::MustNot);
            assert!(
                self.picture[at].uid.is_some(),
                "asked and not told, of {before}"
            );
        }
    }

    /// A message by a random number, if there is one: its sequence number and UID.
    fn pick(&self, at: u8) -> Option<(usize, u32)> {
        let index = usize::from(at) % self.picture.len().max(1);
        let entry = self.picture.get(index)?;
        Some((index + 1, entry.uid.unwrap()))
    }

    async fn act(&mut self, deed: &Deed) {
        let by = |by_uid: bool| {
            if by_uid {
                ("UID ", Shrink::May)
            } else {
                ("", Shrink::MustNot)
            }
        };
        if self.client.is_none() {
            self.come_back(self.memory).await;
        }
        match *deed {
            Deed::Append => {
                let message = b"Subject: x\r\n\r\nbody\r\n";
                let said = self.client().append("INBOX", message).await;
                self.believe(&said, Shrink::May);
                self.fill_in().await;
            }
            Deed::Store {
                at,
                sign,
                flag,
                silent,
                by_uid,
            } => {
                let Some((seq, uid)) = self.pick(at) else {
                    return;
                };
                let number = if by_uid { uid as usize } else { seq };
                let (prefix, shrink) = by(by_uid);
                let command = (format!("{prefix}STORE {number}"), shrink);
                self.store(command, seq, sign, FLAGS[flag], silent).await;
            }
            Deed::StoreIf {
                at,
                sign,
                flag,
                silent,
                stale,
            } => {
                let (Some((seq, uid)), true) = (self.pick(at), self.manner != Manner::Plain) else {
                    return;
                };
                let since = if stale { 2 } else { self.synced.modseq };
                let command = format!("UID STORE {uid} (UNCHANGEDSINCE {since})");
                self.store((command, Shrink::May), seq, sign, FLAGS[flag], silent)
                    .await;
            }
            Deed::Leave { under_way, memory } => {
                if self.manner == Manner::QResync {
                    self.memory = memory;
                    self.leave(UNDER_WAY[under_way]).await;
                }
            }
            Deed::Forget => self.server.forget().await,
            Deed::Read { at, by_uid } => self.read(at, by(by_uid)).await,
            Deed::Search { by_uid } => self.search(by(by_uid)).await,
            Deed::Copy { at } => {
                let Some((seq, _)) = self.pick(at) else {
                    return;
                };
                self.ask(&format!("COPY {seq} INBOX"), Shrink::May).await;
            }
            Deed::Move { at } => {
                let Some((seq, _)) = self.pick(at) else {
                    return;
                };
                self.ask(&format!("MOVE {seq} Archive"), Shrink::May).await;
            }
            Deed::Expunge => drop(self.ask("EXPUNGE", Shrink::May).await),
            Deed::UidExpunge { at } => {
                let Some((_, uid)) = self.pick(at) else {
                    return;
                };
                self.ask(&format!("UID EXPUNGE {uid}"), Shrink::May).await;
            }
            Deed::Noop => drop(self.ask("NOOP", Shrink::May).await),
            Deed::Idle => self.idle().await,
            Deed::Reselect => self.select().await,
        }
    }

    async fn read(&mut self, at: u8, (prefix, shrink): (&str, Shrink)) {
        let Some((seq, uid)) = self.pick(at) else {
            return;
        };
        let number = if prefix.is_empty() { seq } else { uid as usize };
        let command = format!("{prefix}FETCH {number} BODY[]");
        let said = self.ask(&command, shrink).await;
        // A message that is gone but not yet told of can still be read.
        let (_, items) = said.fetched().remove(0);
        assert!(item(&items, "BODY[]").text().is_some());
    }

    async fn search(&mut self, (prefix, shrink): (&str, Shrink)) {
        let known: Vec<_> = self.picture.iter().map(|e| e.uid.unwrap()).collect();
        let said = self.client().ok(&format!("{prefix}SEARCH ALL")).await;
        let found = said.lines().remove(0);
        let expect: Vec<_> = match prefix {
            "" => (1..=known.len()).map(|n| n.to_string()).collect(),
            _ => known.iter().map(u32::to_string).collect(),
        };
        assert_eq!(found, format!("SEARCH {}", expect.join(" ")).trim_end());
        self.believe(&said, shrink);
        self.fill_in().await;
    }

    async fn store(
        &mut self,
        (start, shrink): (String, Shrink),
        seq: usize,
        sign: u8,
        flag: &str,
        silent: bool,
    ) {
        let sign = ["+", "-", ""][usize::from(sign)];
        let silence = if silent { ".SILENT" } else { "" };
        let command = format!("{start} {sign}FLAGS{silence} ({flag})");
        let said = self.client().ask(&command).await;
        // The client of a silent STORE knows by itself what it did [rfc3501 6.4.6]; what it is
        // told comes on top.
        if silent && said.answer.starts_with("OK") && !said.answer.contains("[MODIFIED ") {
            let flags = self.picture[seq - 1].flags.as_mut().unwrap();
            match sign {
                "+" => drop(flags.insert(flag.to_owned())),
                "-" => drop(flags.remove(flag)),
                _ => *flags = BTreeSet::from([flag.to_owned()]),
            }
        }
        self.believe(&said, shrink);
        self.fill_in().await;
    }

    async fn idle(&mut self) {
        let tag = self.client().start(b"IDLE").await;
        loop {
            let response = self.client().response().await;
            if response.starts_with(b"+ ") {
                break;
            }
            self.believe_one(&response, Shrink::May);
        }
        self.client().send(b"DONE\r\n").await;
        let said = self.client().answer(&tag).await;
        self.believe(&said, Shrink::May);
        self.fill_in().await;
    }
}

/// Without `\Recent`, which is each session's own.
fn flag_set(value: &Value) -> FlagSet {
    let names = value.list().iter().map(|flag| flag.atom().to_owned());
    names.filter(|name| name != "\\Recent").collect()
}

async fn all_believe_the_same(server: &Arc<Server>, believers: &mut [Believer]) {
    let truth = Believer::new(server, Manner::Plain).await.picture;
    for (number, believer) in believers.iter_mut().enumerate() {
        // Whoever can is cut off once more, with what is held back from it still untold.
        if believer.manner == Manner::QResync {
            believer.leave(None).await;
            believer.come_back(believer.memory).await;
        }
        believer.ask("NOOP", Shrink::May).await;
        let manner = believer.manner;
        assert_eq!(believer.picture, truth, "session {number}, {manner:?}");
    }
}

/// A server with some mail, so that the first deeds already do something.
async fn some_mail() -> Arc<Server> {
    let server = Arc::new(Server::forgetful().await);
    let mut client = server.log_in("alice").await;
    for _ in 0..6 {
        client.append("INBOX", b"Subject: x\r\n\r\nbody\r\n").await;
    }
    server
}

async fn one_after_the_other(manners: [Manner; SESSIONS], deeds: Vec<(usize, Deed)>) {
    let server = some_mail().await;
    let mut believers = Vec::new();
    for manner in manners {
        believers.push(Believer::new(&server, manner).await);
    }
    for (who, deed) in &deeds {
        believers[*who].act(deed).await;
    }
    all_believe_the_same(&server, &mut believers).await;
}

async fn all_at_once(sessions: Vec<(Manner, Vec<Deed>)>) {
    let server = some_mail().await;
    let mut tasks = Vec::new();
    for (manner, deeds) in sessions {
        let mut believer = Believer::new(&server, manner).await;
        tasks.push(tokio::spawn(async move {
            for deed in &deeds {
                believer.act(deed).await;
            }
            believer
        }));
    }
    let mut believers = Vec::new();
    for task in tasks {
        believers.push(task.await.unwrap());
    }
    all_believe_the_same(&server, &mut believers).await;
}

fn run(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// [rfc3501 7.3.1] [rfc3501 7.4.1] [rfc3501 7.4.2] [rfc7162 3.2.5.1] [rfc7162 6]
    #[test]
    fn what_sessions_are_told_one_after_the_other_is_the_truth(
        manners in [manner(), manner(), manner()],
        deeds in proptest::collection::vec((0..SESSIONS, deed()), 1..40)) {
        // [rfc7162 3.2 #3]
        run(one_after_the_other(manners, deeds));
    }

    #[test]
    fn what_sessions_are_told_all_at_once_is_the_truth(
        sessions in proptest::collection::vec(
            (manner(), proptest::collection::vec(deed(), 1..20)), SESSIONS..=SESSIONS)) {
        run(all_at_once(sessions));
    }
}
