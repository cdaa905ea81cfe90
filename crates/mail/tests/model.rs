//! Random operations by several views on one mailbox, against a plain list: what `advance` and the
//! calls' own results tell always leads to the list's picture.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Op {
    Deliver,
    Append {
        count: usize,
        flags: u8,
    },
    Store {
        view: usize,
        pick: u64,
        flags: u8,
        how: u8,
    },
    Expunge {
        view: usize,
    },
    ExpungeUids {
        view: usize,
        pick: u64,
    },
    CopyToSelf {
        view: usize,
        pick: u64,
    },
    MoveAway {
        view: usize,
        pick: u64,
    },
    MoveBack {
        pick: u64,
    },
    Advance {
        view: usize,
        tell: bool,
    },
    Reopen {
        view: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let view = 0..3_usize;
    prop_oneof![
        2 => Just(Op::Deliver),
        2 => (1..4_usize, any::<u8>()).prop_map(|(count, flags)| Op::Append { count, flags }),
        4 => (view.clone(), any::<u64>(), any::<u8>(), 0..3_u8)
            .prop_map(|(view, pick, flags, how)| Op::Store { view, pick, flags, how }),
        2 => view.clone().prop_map(|view| Op::Expunge { view }),
        1 => (view.clone(), any::<u64>()).prop_map(|(view, pick)| Op::ExpungeUids { view, pick }),
        1 => (view.clone(), any::<u64>()).prop_map(|(view, pick)| Op::CopyToSelf { view, pick }),
        1 => (view.clone(), any::<u64>()).prop_map(|(view, pick)| Op::MoveAway { view, pick }),
        1 => any::<u64>().prop_map(|pick| Op::MoveBack { pick }),
        5 => (view.clone(), any::<bool>()).prop_map(|(view, tell)| Op::Advance { view, tell }),
        1 => view.prop_map(|view| Op::Reopen { view }),
    ]
}

/// System flags and one keyword out of one number.
fn flags(bits: u8) -> Flags {
    let mut system = SystemFlags::NONE;
    for (n, (flag, _)) in SystemFlags::ALL.into_iter().enumerate() {
        if bits & (1 << n) != 0 {
            system.insert(flag);
        }
    }
    let keywords = if bits & 32 != 0 {
        vec![Keyword::new("$Later").unwrap()]
    } else {
        vec![]
    };
    Flags { system, keywords }
}

fn change(bits: u8, how: u8) -> FlagChange {
    match how {
        0 => FlagChange::Add(flags(bits)),
        1 => FlagChange::Remove(flags(bits)),
        _ => FlagChange::Replace(flags(bits)),
    }
}

fn applied(before: &Flags, change: &FlagChange) -> Flags {
    let mut after = before.clone();
    match change {
        FlagChange::Add(flags) => {
            after.system.insert(flags.system);
            for keyword in &flags.keywords {
                if !after.keywords.contains(keyword) {
                    after.keywords.push(keyword.clone());
                }
            }
        }
        FlagChange::Remove(flags) => {
            after.system.remove(flags.system);
            after
                .keywords
                .retain(|keyword| !flags.keywords.contains(keyword));
        }
        FlagChange::Replace(flags) => after = flags.clone(),
    }
    after
}

fn picked(view: &View, pick: u64) -> roaring::RoaringBitmap {
    view.uids()
        .iter()
        .filter(|uid| pick >> (uid % 64) & 1 == 1)
        .collect()
}

/// What a client knows: it counts, and learns flags as it is told.
struct Client {
    view: View,
    known: Vec<(u32, Flags)>,
}

impl Client {
    async fn open(account: &Account) -> Client {
        let view = account
            .select(&MailboxName::inbox(), Access::ReadWrite)
            .await
            .unwrap();
        let known = everything(&view)
            .into_iter()
            .map(|m| (m.uid, m.flags))
            .collect();
        Client { view, known }
    }

    fn advance(&mut self, expunges: Expunges) {
        for update in self.view.advance(expunges).unwrap() {
            match update {
                Update::Exists(count) => {
                    assert!(count as usize >= self.known.len(), "EXISTS never shrinks");
                    self.learn(count);
                }
                Update::Recent(count) => assert!(count <= self.view.len()),
                Update::Expunged { seq, uid } => {
                    assert!(expunges == Expunges::Tell);
                    let (gone, _) = self.known.remove(seq as usize - 1);
                    assert_eq!(gone, uid, "the sequence number is right when it is said");
                }
                Update::Flags {
                    seq, uid, flags, ..
                } => {
                    let known = &mut self.known[seq as usize - 1];
                    assert_eq!(known.0, uid);
                    known.1 = flags;
                }
            }
        }
        assert_eq!(self.known.len(), self.view.len() as usize);
    }

    /// As a client does after EXISTS: it fetches what it does not know.
    fn learn(&mut self, count: u32) {
        for seq in self.known.len() as u32 + 1..=count {
            let uid = self.view.uid_at(seq).unwrap();
            assert!(
                self.known.last().is_none_or(|(last, _)| *last < uid),
                "UIDs rise"
            );
            let mut cursor = Cursor::start();
            let one = self
                .view
                .fetch(&set(&[uid]), Want::Both, &mut cursor, 1)
                .unwrap();
            self.known.push((uid, one[0].flags.clone()));
        }
    }

    fn learn_stored(&mut self, stored: &StoreResult) {
        for (uid, flags, _) in &stored.changed {
            let known = self
                .known
                .iter_mut()
                .find(|(known, _)| known == uid)
                .unwrap();
            known.1 = flags.clone();
        }
    }
}

/// The counts are those of the model, and modseqs only rise.
fn agree(status: &Status, model: &BTreeMap<u32, Flags>, last_modseq: ModSeq) -> ModSeq {
    assert!(status.highest_modseq >= last_modseq, "modseqs only rise");
    let unseen = model
        .values()
        .filter(|f| !f.system.contains(SystemFlags::SEEN))
        .count();
    assert_eq!(
        (status.messages as usize, status.unseen as usize),
        (model.len(), unseen)
    );
    status.highest_modseq
}

/// What each client was told leads to what is there.
fn told_all(clients: &mut [Client], model: &BTreeMap<u32, Flags>) {
    for client in clients {
        client.advance(Expunges::Tell);
        let known: BTreeMap<_, _> = client.known.iter().cloned().collect();
        assert_eq!(&known, model, "what was told leads to what is there");
    }
}

async fn play(ops: Vec<Op>) {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let mut model: BTreeMap<u32, Flags> = BTreeMap::new();
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::open(&alice).await);
    }
    let (inbox, away) = (MailboxName::inbox(), name("Archive"));
    let mut last_modseq = ModSeq(0);
    for op in ops {
        match op {
            Op::Deliver => {
                let done = house
                    .deliver("alice", b"Subject: x\r\n\r\nx\r\n")
                    .await
                    .unwrap();
                assert!(model.keys().all(|uid| *uid < done.to[0].uid));
                model.insert(done.to[0].uid, Flags::default());
            }
            Op::Append { count, flags: bits } => {
                let mut messages = Vec::new();
                for _ in 0..count {
                    let body = house.body(b"Subject: y\r\n\r\ny\r\n").await;
                    messages.push(NewMessage {
                        body,
                        flags: flags(bits),
                        internal_date: None,
                    });
                }
                for uid in alice.append(&inbox, messages).await.unwrap().uids {
                    model.insert(uid, flags(bits));
                }
            }
            Op::Store {
                view,
                pick,
                flags,
                how,
            } => {
                let client = &mut clients[view];
                let change = change(flags, how);
                let uids = picked(&client.view, pick);
                let stored = client.view.store(&uids, &change, None).await.unwrap();
                for (uid, flags, _) in &stored.changed {
                    let known = model.get_mut(uid).unwrap();
                    *known = applied(known, &change);
                    assert_eq!(known, flags);
                }
                assert!(stored.gone.iter().all(|uid| !model.contains_key(uid)));
                client.learn_stored(&stored);
            }
            Op::Expunge { view } => {
                for uid in clients[view].view.expunge(None).await.unwrap() {
                    let gone = model.remove(&uid).unwrap();
                    assert!(gone.system.contains(SystemFlags::DELETED));
                }
            }
            Op::ExpungeUids { view, pick } => {
                let uids = picked(&clients[view].view, pick);
                for uid in clients[view].view.expunge_uids(&uids).await.unwrap() {
                    model.remove(&uid).unwrap();
                }
            }
            Op::CopyToSelf { view, pick } => {
                let uids = picked(&clients[view].view, pick);
                let done = clients[view].view.copy(&uids, &inbox).await.unwrap();
                for (from, to) in done.from.iter().zip(&done.to) {
                    let flags = model[from].clone();
                    model.insert(*to, flags);
                }
            }
            Op::MoveAway { view, pick } => {
                let uids = picked(&clients[view].view, pick);
                let done = clients[view].view.move_to(&uids, &away).await.unwrap();
                assert!(done.from.iter().all(|uid| model.remove(uid).is_some()));
            }
            Op::MoveBack { pick } => {
                let mut view = alice.select(&away, Access::ReadWrite).await.unwrap();
                let flags: BTreeMap<_, _> = everything(&view)
                    .into_iter()
                    .map(|m| (m.uid, m.flags))
                    .collect();
                let done = view.move_to(&picked(&view, pick), &inbox).await.unwrap();
                for (from, to) in done.from.iter().zip(&done.to) {
                    model.insert(*to, flags[from].clone());
                }
            }
            Op::Advance { view, tell } => {
                clients[view].advance(if tell { Expunges::Tell } else { Expunges::Hold });
            }
            Op::Reopen { view } => clients[view] = Client::open(&alice).await,
        }
        last_modseq = agree(&alice.status(&inbox).unwrap(), &model, last_modseq);
    }
    told_all(&mut clients, &model);
    assert_eq!(house.problems().await, []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]
    #[test]
    fn every_view_ends_with_the_picture_that_is_there(
        ops in proptest::collection::vec(op(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(ops));
    }
}
