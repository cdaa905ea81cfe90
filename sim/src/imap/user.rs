//! Somebody who reads mail with IMAP: what is done next, and what is to be true after it.

use super::parse::{append_uid, copy_uid};
use super::{Condition, FLAGS, Session, set};
use crate::client::{Lost, goes_on, pause, until_decided};
use crate::dice::Dice;
use crate::laws;
use crate::ledger::{Place, Standing};
use crate::letter::Letter;
use crate::run::Account;
use crate::world::{DOMAIN, World};
use net::time::Duration;
use std::sync::Arc;

pub struct User {
    pub world: Arc<World>,
    pub who: String,
    pub host: u8,
    pub account: Account,
    dice: Dice,
    /// Mailboxes that only this user makes, renames and deletes.
    own: Vec<String>,
    next_own: u32,
}

/// Mailboxes that all sessions of an account share.
const SHARED: &[&str] = &["INBOX", "Archive", "Trash"];
/// What a message that is new is told within, to one who waits.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

pub async fn run(world: Arc<World>, number: u8, account: Account) {
    let who = format!("imap{number}");
    let mut user = User {
        dice: world.dice(&who),
        world,
        who,
        host: 40 + number,
        account,
        own: Vec::new(),
        next_own: 0,
    };
    while goes_on(&user.world) {
        pause(&user.dice, 5_000).await;
        let opened = Session::open(&user.world, &user.who, user.host, &user.account).await;
        let Ok(Some(mut session)) = opened else {
            pause(&user.dice, 10_000).await;
            continue;
        };
        let address = session.wire.address;
        let ended = user.work(&mut session).await;
        drop(session);
        if ended.is_err() {
            user.world.ledger().count("IMAP sessions that were lost");
        }
        until_decided(&user.world, address).await;
    }
}

impl User {
    async fn work(&mut self, session: &mut Session) -> Result<(), Lost> {
        let steps = self.dice.between(4, 60);
        for _ in 0..steps {
            if !goes_on(&self.world) {
                break;
            }
            if session.place.is_none() || self.dice.one_in(12) {
                let mailbox = self.some_mailbox();
                if !session.select(&mailbox).await? {
                    session.select("INBOX").await?;
                }
                session.look().await?;
                continue;
            }
            match self.dice.below(20) {
                0..=4 => session.look().await?,
                5..=8 => self.store(session).await?,
                9 => self.read(session).await?,
                10..=11 => self.append(session).await?,
                12..=13 => self.copy(session).await?,
                14 => self.take_away(session, Away::Move).await?,
                15..=16 => self.take_away(session, Away::Expunge).await?,
                17 => self.idle(session).await?,
                _ => self.mailboxes(session).await?,
            }
            pause(&self.dice, 3_000).await;
        }
        session.look().await?;
        if self.dice.one_in(2) {
            let _ = session.wire.send(b"zz LOGOUT\r\n").await;
        }
        Ok(())
    }

    fn some_mailbox(&self) -> String {
        let count = SHARED.len() + self.own.len();
        let index = self.dice.below(count as u64 + 2) as usize;
        match SHARED.get(index).copied() {
            Some(name) => name.to_owned(),
            None => self
                .own
                .get(index - SHARED.len())
                .cloned()
                .unwrap_or_else(|| "INBOX".to_owned()),
        }
    }

    /// Some messages of the picture that are known and that nobody removes.
    fn some_messages(&self, session: &Session, most: u64) -> Vec<u32> {
        let Some(place) = &session.place else {
            return Vec::new();
        };
        let mut ledger = self.world.ledger();
        let book = ledger.book(place);
        let steady = |uid: &u32| {
            let message = book.messages.get(uid);
            message.is_some_and(|message| message.read && message.standing == Standing::There)
        };
        let all: Vec<u32> = session
            .picture
            .iter()
            .flatten()
            .copied()
            .filter(steady)
            .collect();
        drop(ledger);
        if all.is_empty() {
            return all;
        }
        let count = self.dice.between(1, most);
        let mut some: Vec<u32> = (0..count).map(|_| *self.dice.pick(&all)).collect();
        some.sort_unstable();
        some.dedup();
        some
    }

    /// By UID, or by the number that the picture has for it.
    fn addressed(&self, session: &Session, uids: &[u32]) -> (&'static str, String) {
        if self.dice.one_in(2) {
            return ("UID ", set(uids));
        }
        let number = |uid: &u32| {
            session
                .picture
                .iter()
                .position(|known| known == &Some(*uid))
        };
        let numbers: Vec<u32> = uids
            .iter()
            .filter_map(number)
            .map(|at| at as u32 + 1)
            .collect();
        ("", set(&numbers))
    }

    async fn store(&mut self, session: &mut Session) -> Result<(), Lost> {
        let uids = self.some_messages(session, 6);
        let flag = *self
            .dice
            .pick(&["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$sim"]);
        if uids.is_empty() {
            return Ok(());
        }
        let (sign, value) = if self.dice.one_in(3) {
            ("-", false)
        } else {
            ("+", true)
        };
        let (by, which) = self.addressed(session, &uids);
        let command = format!("{by}STORE {which} {sign}FLAGS ({flag})");
        self.change_flag(session, &command, &uids, flag, value)
            .await?;
        Ok(())
    }

    /// A command that sets one flag of these messages; whether it was done.
    async fn change_flag(
        &mut self,
        session: &mut Session,
        command: &str,
        uids: &[u32],
        flag: &str,
        value: bool,
    ) -> Result<bool, Lost> {
        let Some(place) = session.place.clone() else {
            return Ok(false);
        };
        let begun: Vec<u64> = {
            let mut ledger = self.world.ledger();
            let begin = |uid: &u32| ledger.begin_flag(&place, *uid, flag);
            uids.iter().map(begin).collect()
        };
        let address = session.wire.address;
        let result = session.command(command).await;
        if result.is_err() {
            // Who else looks in the meantime may see it either way.
            until_decided(&self.world, address).await;
        }
        let outcome = match &result {
            Ok(done) if done.is_ok() => Some(value),
            _ => None,
        };
        {
            let mut ledger = self.world.ledger();
            for (uid, begun) in uids.iter().zip(begun) {
                ledger.end_flag(&place, *uid, flag, begun, outcome);
            }
        }
        let done = result?;
        if done.is_ok() {
            self.world.ledger().count("flag changes acknowledged");
            session.read_all(&place, &done);
        }
        Ok(done.is_ok())
    }

    /// Reads messages as a person does: they become \Seen.
    async fn read(&mut self, session: &mut Session) -> Result<(), Lost> {
        let uids = self.some_messages(session, 4);
        if uids.is_empty() {
            return Ok(());
        }
        let command = format!("UID FETCH {} (UID BODY[])", set(&uids));
        // While nothing can be written, mail can be read all the same, so no value is promised.
        let Some(place) = session.place.clone() else {
            return Ok(());
        };
        let begun: Vec<u64> = {
            let mut ledger = self.world.ledger();
            let begin = |uid: &u32| ledger.begin_flag(&place, *uid, "\\Seen");
            uids.iter().map(begin).collect()
        };
        let address = session.wire.address;
        let result = session.command(&command).await;
        if result.is_err() {
            until_decided(&self.world, address).await;
        }
        let seen: Vec<Option<bool>> = match &result {
            Ok(done) => uids.iter().map(|uid| told_seen(done, *uid)).collect(),
            Err(Lost) => vec![None; uids.len()],
        };
        {
            let mut ledger = self.world.ledger();
            for ((uid, begun), seen) in uids.iter().zip(begun).zip(seen) {
                ledger.end_flag(&place, *uid, "\\Seen", begun, seen);
            }
        }
        session.read_all(&place, &result?);
        Ok(())
    }

    async fn append(&mut self, session: &mut Session) -> Result<(), Lost> {
        let mut mailbox = self.some_mailbox();
        if mailbox == "INBOX" {
            mailbox = "Archive".to_owned();
        }
        let place: Place = (self.account.index, mailbox.clone());
        let address = format!("{}@{DOMAIN}", self.account.name);
        let number = self.world.ledger().next_letter();
        let accounts = vec![self.account.index];
        let letter = Letter::write(number, &address, &address, accounts, &self.dice);
        let letter = self.world.ledger().keep(letter);
        let world = self.world.clone();
        let mut begun = false;
        let about_to_end = || {
            world.ledger().begin_arrival(&place, number);
            begun = true;
        };
        let command = format!("APPEND \"{mailbox}\" (\\Flagged)");
        let done = session
            .with_literal(&command, &letter.text, about_to_end)
            .await?;
        match append_uid(&done.text).filter(|_| done.is_ok()) {
            Some(uid) => {
                laws::promised(&self.world, &self.who, &place, uid, number);
                self.world.ledger().count("messages appended");
            }
            None if begun => laws::refused(&self.world, &self.who, &place, number),
            None => {}
        }
        Ok(())
    }

    async fn copy(&mut self, session: &mut Session) -> Result<(), Lost> {
        self.copy_or_move(session, "COPY").await.map(drop)
    }

    /// COPY or MOVE; whether it was done.
    async fn copy_or_move(&mut self, session: &mut Session, verb: &str) -> Result<bool, Lost> {
        let uids = self.some_messages(session, 5);
        let mut target = self.some_mailbox();
        if target == "INBOX" {
            target = "Trash".to_owned();
        }
        let Some(here) = session.place.clone().filter(|here| here.1 != target) else {
            return Ok(false);
        };
        if uids.is_empty() {
            return Ok(false);
        }
        let there: Place = (self.account.index, target.clone());
        let letters: Vec<u64> = {
            let mut ledger = self.world.ledger();
            let book = ledger.book(&here);
            let letters: Vec<u64> = uids.iter().map(|uid| book.messages[uid].letter).collect();
            for letter in &letters {
                ledger.begin_arrival(&there, *letter);
            }
            if verb == "MOVE" {
                ledger.may_go(&here, &uids);
            }
            letters
        };
        let (by, which) = self.addressed(session, &uids);
        let done = session
            .command(&format!("{by}{verb} {which} \"{target}\""))
            .await?;
        let untagged = done.untagged.iter().find_map(|reply| copy_uid(&reply.text));
        let pairs = copy_uid(&done.text).or(untagged);
        let Some((from, to)) = pairs.filter(|_| done.is_ok()) else {
            for letter in letters {
                // Of one that is OK without a word nothing was there any more to be taken.
                laws::refused(&self.world, &self.who, &there, letter);
            }
            return Ok(false);
        };
        for (uid, letter) in uids.iter().zip(letters) {
            match from
                .iter()
                .position(|moved| moved == uid)
                .map(|at| to.get(at))
            {
                Some(Some(new)) => laws::promised(&self.world, &self.who, &there, *new, letter),
                _ => laws::refused(&self.world, &self.who, &there, letter),
            }
        }
        if verb == "MOVE" {
            let left = from
                .iter()
                .find(|uid| session.picture.contains(&Some(**uid)));
            if let Some(uid) = left {
                let text = format!("MOVE of UID {uid} was acknowledged, but no EXPUNGE was told");
                laws::picture_is_told(&self.world, &self.who, &here, text);
            }
        }
        self.world.ledger().count("copies and moves acknowledged");
        Ok(true)
    }

    async fn take_away(&mut self, session: &mut Session, how: Away) -> Result<(), Lost> {
        if how == Away::Move {
            return self.copy_or_move(session, "MOVE").await.map(drop);
        }
        let uids = self.some_messages(session, 3);
        let Some(place) = session.place.clone() else {
            return Ok(());
        };
        if uids.is_empty() {
            return Ok(());
        }
        self.world.ledger().may_go(&place, &uids);
        let command = format!("UID STORE {} +FLAGS (\\Deleted)", set(&uids));
        if !self
            .change_flag(session, &command, &uids, "\\Deleted", true)
            .await?
        {
            return Ok(());
        }
        let command = match self.dice.below(3) {
            0 => format!("UID EXPUNGE {}", set(&uids)),
            1 => "EXPUNGE".to_owned(),
            // Somebody else, or nobody, does it.
            _ => return Ok(()),
        };
        let done = session.command(&command).await?;
        let left = uids
            .iter()
            .find(|uid| session.picture.contains(&Some(**uid)));
        if let Some(uid) = left.filter(|_| done.is_ok()) {
            let text = format!("{command} was acknowledged, but UID {uid} was not told as gone");
            laws::picture_is_told(&self.world, &self.who, &place, text);
        }
        if done.is_ok() {
            self.world.ledger().count("expunges acknowledged");
        }
        Ok(())
    }

    /// Waits for news; what came early enough must be told before the end.
    async fn idle(&mut self, session: &mut Session) -> Result<(), Lost> {
        let Some(place) = session.place.clone() else {
            return Ok(());
        };
        let tag = session.begin("IDLE", "\r\n").await?;
        if !session.reply().await?.text.starts_with('+') {
            return Err(Lost);
        }
        let long = Duration::from_millis(self.dice.between(100, 150_000));
        self.listen(session, long).await?;
        let then = self.world.uid_next(&self.account, &place.1);
        self.listen(session, TOLD_WITHIN).await?;
        session.fresh = 0;
        session.wire.send(b"DONE\r\n").await?;
        session.finish(&tag, "IDLE").await?;
        if !session.command("NOOP").await?.is_ok() || session.fresh == 0 {
            return Ok(());
        }
        let last = session.picture.len();
        let first = last + 1 - session.fresh.min(last);
        session
            .command(&format!("FETCH {first}:{last} (UID)"))
            .await?;
        let late = session.picture.get(first - 1).copied().flatten();
        if late.is_some_and(|uid| then.is_some_and(|then| uid < then)) {
            let text = format!(
                "UID {late:?} was told only when IDLE was over, but it was there {} seconds before",
                TOLD_WITHIN.as_secs()
            );
            laws::picture_is_told(&self.world, &self.who, &place, text);
        }
        self.world.ledger().count("waits with IDLE");
        Ok(())
    }

    async fn listen(&self, session: &mut Session, long: Duration) -> Result<(), Lost> {
        let until = net::time::now() + long;
        loop {
            let left = until.saturating_duration_since(net::time::now());
            let Some(line) = session.wire.line_within(left).await? else {
                return Ok(());
            };
            let mut reply = super::Reply::default();
            reply.add(&line);
            if reply.text.starts_with("* BYE") {
                return Err(Lost);
            }
            session.told(&reply, "IDLE");
        }
    }

    /// Makes, renames or deletes a mailbox of its own, or checks that they are as they were left.
    async fn mailboxes(&mut self, session: &mut Session) -> Result<(), Lost> {
        let new = format!("{}-box{}", self.who, self.next_own);
        match self.dice.below(4) {
            0 => {
                self.next_own += 1;
                let done = session.command(&format!("CREATE \"{new}\"")).await?;
                if done.is_ok() {
                    self.own.push(new);
                }
            }
            1 if !self.own.is_empty() => {
                self.next_own += 1;
                let index = self.dice.below(self.own.len() as u64) as usize;
                let old = self.own[index].clone();
                if session.place.as_ref().is_some_and(|place| place.1 == old) {
                    session.select("INBOX").await?;
                }
                // From here on it is neither until it is known which: so it is nobody's.
                self.own.remove(index);
                let done = session
                    .command(&format!("RENAME \"{old}\" \"{new}\""))
                    .await?;
                let account = self.account.index;
                match done.condition {
                    Condition::Ok => {
                        let (old, there) = ((account, old), (account, new.clone()));
                        self.world.ledger().rename_book(&old, &there);
                        self.own.push(new);
                    }
                    _ => self.world.ledger().forget_book(&(account, old)),
                }
            }
            2 if !self.own.is_empty() => {
                let index = self.dice.below(self.own.len() as u64) as usize;
                let old = self.own.remove(index);
                let place = (self.account.index, old.clone());
                if session.place.as_ref() == Some(&place) {
                    session.select("INBOX").await?;
                }
                let done = session.command(&format!("DELETE \"{old}\"")).await?;
                self.world.ledger().forget_book(&place);
                if done.is_ok() {
                    self.world.ledger().gone_mailboxes.insert(place);
                }
            }
            _ => self.list(session).await?,
        }
        Ok(())
    }

    async fn list(&mut self, session: &mut Session) -> Result<(), Lost> {
        let done = session
            .command(&format!("LIST \"\" \"{}-*\"", self.who))
            .await?;
        if !done.is_ok() {
            return Ok(());
        }
        let listed: Vec<&str> = done
            .untagged
            .iter()
            .filter(|reply| reply.text.starts_with("* LIST"))
            .filter_map(|reply| reply.text.rsplit(' ').next())
            .map(|name| name.trim_matches('"'))
            .collect();
        if let Some(own) = self.own.iter().find(|own| !listed.contains(&own.as_str())) {
            let text = format!(
                "{}: mailbox {own} was made and acknowledged, but LIST shows {listed:?}",
                self.who
            );
            self.world
                .trace
                .broken("mailboxes stay as they were acknowledged", text);
        }
        let ledger = self.world.ledger();
        let back = listed.iter().find(|name| {
            let place = (self.account.index, (**name).to_owned());
            ledger.gone_mailboxes.contains(&place)
        });
        let text =
            back.map(|name| format!("{}: mailbox {name} was deleted, but is listed", self.who));
        drop(ledger);
        if let Some(text) = text {
            self.world
                .trace
                .broken("mailboxes stay as they were acknowledged", text);
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Away {
    Move,
    Expunge,
}

/// Whether a FETCH response said that the message is \Seen now; what it does not say is not known.
fn told_seen(done: &super::Done, uid: u32) -> Option<bool> {
    let mine = done
        .untagged
        .iter()
        .filter(|reply| reply.uid() == Some(uid));
    mine.filter_map(super::Reply::flags)
        .next_back()
        .map(|flags| flags.contains(FLAGS[0]))
}
