//! Somebody who reads INBOX with POP3: lists, retrieves, deletes, quits.

use crate::client::{Lost, Wire, goes_on, pause, until_decided};
use crate::dice::Dice;
use crate::house;
use crate::laws::{self, Look};
use crate::ledger::{Place, Standing};
use crate::run::Account;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Reader {
    world: Arc<World>,
    who: String,
    account: Account,
    dice: Dice,
    place: Place,
}

pub async fn run(world: Arc<World>, number: u8, account: Account) {
    let who = format!("pop{number}");
    let reader = Reader {
        dice: world.dice(&who),
        who,
        place: (account.index, "INBOX".to_owned()),
        account,
        world,
    };
    while goes_on(&reader.world) {
        pause(&reader.dice, 25_000).await;
        let wire = Wire::connect(&reader.world, &reader.who, 80 + number, house::POP3).await;
        let Ok(mut wire) = wire else { continue };
        let address = wire.address;
        if reader.session(&mut wire).await.is_err() {
            reader.world.ledger().count("POP3 sessions that were lost");
        }
        drop(wire);
        until_decided(&reader.world, address).await;
    }
}

impl Reader {
    /// One line; whether it is +OK.
    async fn ask(&self, wire: &mut Wire, line: &str) -> Result<bool, Lost> {
        wire.send(format!("{line}\r\n").as_bytes()).await?;
        Ok(wire.line().await?.starts_with(b"+OK"))
    }

    /// The lines up to the one with a dot.
    async fn lines(&self, wire: &mut Wire) -> Result<Vec<Vec<u8>>, Lost> {
        let mut lines = Vec::new();
        loop {
            let line = wire.line().await?;
            if line == b"." {
                return Ok(lines);
            }
            let line = line.strip_prefix(b".").unwrap_or(&line).to_vec();
            lines.push(line);
        }
    }

    async fn session(&self, wire: &mut Wire) -> Result<(), Lost> {
        if !wire.line().await?.starts_with(b"+OK") {
            return Ok(());
        }
        let before = self.world.ledger().before(&self.place);
        let user = format!("USER {}", self.account.name);
        let pass = format!("PASS {}", self.account.password);
        if !self.ask(wire, &user).await? || !self.ask(wire, &pass).await? {
            return Ok(());
        }
        if !self.ask(wire, "UIDL").await? {
            return Ok(());
        }
        let mut numbers = BTreeMap::new();
        for line in self.lines(wire).await? {
            let line = String::from_utf8_lossy(&line).into_owned();
            let parts = line
                .split_once(' ')
                .and_then(|(number, id)| Some((number, id.split_once('.')?)));
            let Some((number, (validity, uid))) = parts else {
                continue;
            };
            let validity = validity.parse().unwrap_or(0);
            laws::uid_validity_stays(&self.world, &self.who, &self.place, validity);
            if let (Ok(number), Ok(uid)) = (number.parse::<u32>(), uid.parse::<u32>()) {
                numbers.insert(uid, number);
            }
        }
        let look = Look {
            who: &self.who,
            place: &self.place,
            uids: numbers.keys().copied().collect(),
            uid_next: None,
        };
        laws::nothing_is_lost(&self.world, &look, &before);
        laws::removed_stays_removed(&self.world, &look, &before);
        laws::uids_only_rise(&self.world, &look, &before);
        if self.retrieve(wire, &numbers).await? {
            laws::acknowledged_is_delivered(&self.world, &look, &before);
            laws::raise_watermark(&self.world, &look);
            self.world.ledger().count("looks at a maildrop");
        }
        self.delete(wire, &numbers).await
    }

    /// Reads what nobody has read yet; false: something could not be read.
    async fn retrieve(&self, wire: &mut Wire, numbers: &BTreeMap<u32, u32>) -> Result<bool, Lost> {
        let mut all = true;
        for (uid, number) in numbers {
            let (read, gone) = {
                let mut ledger = self.world.ledger();
                let message = ledger.book(&self.place).messages.get(uid);
                let read = message.is_some_and(|message| message.read);
                let gone = message.is_some_and(|message| message.standing != Standing::There);
                (read, gone)
            };
            if gone || (read && !self.dice.one_in(6)) {
                continue;
            }
            if !self.ask(wire, &format!("RETR {number}")).await? {
                let mut ledger = self.world.ledger();
                // Somebody may have removed it meanwhile.
                let message = ledger.book(&self.place).messages.get(uid);
                all &= message.is_some_and(|message| message.standing != Standing::There);
                continue;
            }
            let mut content = self.lines(wire).await?.join(&b"\r\n"[..]);
            content.extend_from_slice(b"\r\n");
            laws::read(&self.world, &self.who, &self.place, *uid, &content);
        }
        Ok(all)
    }

    async fn delete(&self, wire: &mut Wire, numbers: &BTreeMap<u32, u32>) -> Result<(), Lost> {
        let known: Vec<u32> = {
            let mut ledger = self.world.ledger();
            let book = ledger.book(&self.place);
            let steady = |uid: &&u32| {
                let message = book.messages.get(uid);
                message.is_some_and(|m| m.read && m.standing == Standing::There)
            };
            numbers.keys().filter(steady).copied().collect()
        };
        let mut marked = BTreeSet::new();
        for uid in known {
            if self.dice.one_in(4) && self.ask(wire, &format!("DELE {}", numbers[&uid])).await? {
                marked.insert(uid);
            }
        }
        let marked: Vec<u32> = marked.into_iter().collect();
        if self.dice.one_in(5) {
            // Leaves without QUIT: nothing may be removed.
            return Ok(());
        }
        self.world.ledger().may_go(&self.place, &marked);
        if self.ask(wire, "QUIT").await? {
            for uid in &marked {
                laws::told_gone(&self.world, &self.who, &self.place, *uid);
            }
            self.world.ledger().count("POP3 removals acknowledged");
        }
        Ok(())
    }
}
