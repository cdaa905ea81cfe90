//! Several sessions do random things in one mailbox. Each client keeps a picture of the mailbox
//! made only of what it was told; in the end every picture is what a new session sees.

use crate::client::{Client, Said, Server, item};
use crate::value::{Value, values};
use proptest::prelude::*;
use std::collections::BTreeSet;

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
    Noop,
    Idle,
    Reselect,
}

fn deed() -> impl Strategy<Value = Deed> {
    // Few messages, so that sessions meet.
    let at = || 0..4u8;
    prop_oneof![
        4 => Just(Deed::Append),
        6 => (at(), 0..3u8, 0..FLAGS.len(), any::<bool>(), any::<bool>()).prop_map(
            |(at, sign, flag, silent, by_uid)| Deed::Store { at, sign, flag, silent, by_uid }),
        3 => (at(), any::<bool>()).prop_map(|(at, by_uid)| Deed::Read { at, by_uid }),
        1 => any::<bool>().prop_map(|by_uid| Deed::Search { by_uid }),
        1 => at().prop_map(|at| Deed::Copy { at }),
        1 => at().prop_map(|at| Deed::Move { at }),
        2 => Just(Deed::Expunge),
        1 => at().prop_map(|at| Deed::UidExpunge { at }),
        2 => Just(Deed::Noop),
        1 => Just(Deed::Idle),
        1 => Just(Deed::Reselect),
    ]
}

type FlagSet = BTreeSet<String>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Entry {
    uid: Option<u32>,
    flags: Option<FlagSet>,
}

/// A client that believes what it is told and nothing else.
struct Believer {
    client: Client,
    picture: Vec<Entry>,
}

/// May the command's answers tell of expunges?
#[derive(Clone, Copy, PartialEq)]
enum Shrink {
    May,
    MustNot,
}

impl Believer {
    async fn new(server: &Server) -> Believer {
        let client = server.log_in("alice").await;
        let mut believer = Believer {
            client,
            picture: Vec::new(),
        };
        believer.select().await;
        believer
    }

    async fn select(&mut self) {
        self.picture.clear();
        let said = self.client.ok("SELECT INBOX").await;
        self.believe(&said, Shrink::MustNot);
        self.fill_in().await;
    }

    fn believe(&mut self, said: &Said, shrink: Shrink) {
        for response in &said.untagged {
            self.believe_one(response, shrink);
        }
    }

    fn believe_one(&mut self, response: &[u8], shrink: Shrink) {
        if response.starts_with(b"* OK") || response.starts_with(b"* FLAGS") {
            return;
        }
        let words = values(&response[2..]);
        let Some(Value::Atom(kind)) = words.get(1) else {
            return;
        };
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
                assert!(
                    (1..=self.picture.len()).contains(&number),
                    "EXPUNGE of nothing"
                );
                self.picture.remove(number - 1);
            }
            "FETCH" => {
                let entry = &mut self.picture[number - 1];
                for pair in words[2].list().chunks(2) {
                    match pair[0].atom() {
                        "UID" => {
                            let uid = u32::try_from(pair[1].number()).unwrap();
                            assert!(entry.uid.is_none_or(|known| known == uid), "a UID moved");
                            entry.uid = Some(uid);
                        }
                        "FLAGS" => entry.flags = Some(flag_set(&pair[1])),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    async fn ask(&mut self, command: &str, shrink: Shrink) -> Said {
        let said = self.client.ask(command).await;
        self.believe(&said, shrink);
        self.fill_in().await;
        said
    }

    /// Asks for what is not known of new messages.
    async fn fill_in(&mut self) {
        while let Some(at) = self
            .picture
            .iter()
            .position(|e| e.uid.is_none() || e.flags.is_none())
        {
            let said = self
                .client
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
        match *deed {
            Deed::Append => {
                let message = b"Subject: x\r\n\r\nbody\r\n";
                let said = self.client.append("INBOX", message).await;
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
                self.store(seq, uid, sign, FLAGS[flag], silent, by_uid)
                    .await;
            }
            Deed::Read { at, by_uid } => {
                let Some((seq, uid)) = self.pick(at) else {
                    return;
                };
                let (prefix, shrink) = by(by_uid);
                let number = if by_uid { uid as usize } else { seq };
                let said = self
                    .ask(&format!("{prefix}FETCH {number} BODY[]"), shrink)
                    .await;
                // A message that is gone but not yet told of can still be read.
                let (_, items) = said.fetched().remove(0);
                assert!(item(&items, "BODY[]").text().is_some());
            }
            Deed::Search { by_uid } => {
                let (prefix, shrink) = by(by_uid);
                let known: Vec<_> = self.picture.iter().map(|e| e.uid.unwrap()).collect();
                let said = self.client.ok(&format!("{prefix}SEARCH ALL")).await;
                let found = said.lines().remove(0);
                let expect: Vec<_> = match by_uid {
                    true => known.iter().map(u32::to_string).collect(),
                    false => (1..=known.len()).map(|n| n.to_string()).collect(),
                };
                assert_eq!(found, format!("SEARCH {}", expect.join(" ")).trim_end());
                self.believe(&said, shrink);
                self.fill_in().await;
            }
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

    async fn store(
        &mut self,
        seq: usize,
        uid: u32,
        sign: u8,
        flag: &str,
        silent: bool,
        by_uid: bool,
    ) {
        let sign = ["+", "-", ""][usize::from(sign)];
        let silence = if silent { ".SILENT" } else { "" };
        let (command, shrink) = match by_uid {
            true => (
                format!("UID STORE {uid} {sign}FLAGS{silence} ({flag})"),
                Shrink::May,
            ),
            false => (
                format!("STORE {seq} {sign}FLAGS{silence} ({flag})"),
                Shrink::MustNot,
            ),
        };
        let said = self.client.ask(&command).await;
        // The client of a silent STORE knows by itself what it did [rfc3501 6.4.6]; what it is
        // told comes on top.
        if silent && said.answer.starts_with("OK") {
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
        let tag = self.client.start(b"IDLE").await;
        loop {
            let response = self.client.response().await;
            if response.starts_with(b"+ ") {
                break;
            }
            self.believe_one(&response, Shrink::May);
        }
        self.client.send(b"DONE\r\n").await;
        let said = self.client.answer(&tag).await;
        self.believe(&said, Shrink::May);
        self.fill_in().await;
    }
}

/// Without `\Recent`, which is each session's own.
fn flag_set(value: &Value) -> FlagSet {
    let names = value.list().iter().map(|flag| flag.atom().to_owned());
    names.filter(|name| name != "\\Recent").collect()
}

async fn all_believe_the_same(server: &Server, believers: &mut [Believer]) {
    let truth = Believer::new(server).await.picture;
    for (number, believer) in believers.iter_mut().enumerate() {
        believer.ask("NOOP", Shrink::May).await;
        assert_eq!(believer.picture, truth, "session {number}");
    }
}

async fn one_after_the_other(deeds: Vec<(usize, Deed)>) {
    let server = Server::new().await;
    let mut believers = Vec::new();
    for _ in 0..SESSIONS {
        believers.push(Believer::new(&server).await);
    }
    for (who, deed) in &deeds {
        believers[*who].act(deed).await;
    }
    all_believe_the_same(&server, &mut believers).await;
}

async fn all_at_once(deeds: Vec<Vec<Deed>>) {
    let server = Server::new().await;
    let mut tasks = Vec::new();
    for deeds in deeds {
        let mut believer = Believer::new(&server).await;
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

    /// [rfc3501 7.3.1] [rfc3501 7.4.1] [rfc3501 7.4.2]
    #[test]
    fn what_sessions_are_told_one_after_the_other_is_the_truth(
        deeds in proptest::collection::vec((0..SESSIONS, deed()), 1..40)) {
        run(one_after_the_other(deeds));
    }

    #[test]
    fn what_sessions_are_told_all_at_once_is_the_truth(
        deeds in proptest::collection::vec(
            proptest::collection::vec(deed(), 1..20), SESSIONS..=SESSIONS)) {
        run(all_at_once(deeds));
    }
}
