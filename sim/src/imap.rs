//! One IMAP session as a client has it: commands, what it was told, and the picture that follows.
//!
//! What never happens here: the choice of what is done (`imap::user`).

mod parse;
pub mod user;

use crate::client::{Lost, Wire};
use crate::house;
use crate::laws::{self, Look};
use crate::ledger::{Before, Place};
use crate::run::Account;
use crate::world::World;
use parse::Reply;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The flags that are followed.
pub const FLAGS: &[&str] = &[
    "\\Seen",
    "\\Flagged",
    "\\Answered",
    "\\Draft",
    "\\Deleted",
    "$sim",
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    Ok,
    No,
    Bad,
}

/// A command's end, with what was said before it.
pub struct Done {
    pub condition: Condition,
    pub text: String,
    pub untagged: Vec<Reply>,
}

impl Done {
    pub fn is_ok(&self) -> bool {
        self.condition == Condition::Ok
    }
}

pub struct Session {
    pub world: Arc<World>,
    pub who: String,
    pub account: Account,
    pub wire: Wire,
    next_tag: u32,
    pub place: Option<Place>,
    /// What the session knows: one entry a message, its UID where it was told.
    pub picture: Vec<Option<u32>>,
    flags: BTreeMap<u32, BTreeSet<String>>,
    uid_next: Option<u32>,
    /// Messages at the end of the picture that came since the last question for all.
    fresh: usize,
}

impl Session {
    /// Connects and logs in. None: refused.
    pub async fn open(
        world: &Arc<World>,
        who: &str,
        host: u8,
        account: &Account,
    ) -> Result<Option<Session>, Lost> {
        let wire = Wire::connect(world, who, host, house::IMAP).await?;
        let mut session = Session {
            world: world.clone(),
            who: who.to_owned(),
            account: account.clone(),
            wire,
            next_tag: 1,
            place: None,
            picture: Vec::new(),
            flags: BTreeMap::new(),
            uid_next: None,
            fresh: 0,
        };
        let greeting = session.reply().await?;
        if !greeting.text.starts_with("* OK") {
            return Ok(None);
        }
        let login = format!("LOGIN {} {}", account.name, account.password);
        let done = session.command(&login).await?;
        Ok(done.is_ok().then_some(session))
    }

    /// One response, literals and all.
    async fn reply(&mut self) -> Result<Reply, Lost> {
        let mut reply = Reply::default();
        loop {
            let line = self.wire.line().await?;
            match reply.add(&line) {
                Some(octets) => {
                    let literal = self.wire.exactly(octets).await?;
                    reply.literals.push(literal);
                }
                None => return Ok(reply),
            }
        }
    }

    pub async fn command(&mut self, text: &str) -> Result<Done, Lost> {
        let tag = self.begin(text, "\r\n").await?;
        self.finish(&tag, text).await
    }

    async fn begin(&mut self, text: &str, end: &str) -> Result<String, Lost> {
        let tag = format!("t{}", self.next_tag);
        self.next_tag += 1;
        self.wire
            .send(format!("{tag} {text}{end}").as_bytes())
            .await?;
        Ok(tag)
    }

    async fn finish(&mut self, tag: &str, command: &str) -> Result<Done, Lost> {
        let mut untagged = Vec::new();
        loop {
            let reply = self.reply().await?;
            if let Some(rest) = reply.text.strip_prefix(&format!("{tag} ")) {
                let condition = match rest.split(' ').next() {
                    Some("OK") => Condition::Ok,
                    Some("NO") => Condition::No,
                    _ => Condition::Bad,
                };
                let text = rest.to_owned();
                if condition == Condition::Bad {
                    let text = format!("{}: {command:?} was answered {text:?}", self.who);
                    self.world
                        .trace
                        .broken("right commands are understood", text);
                }
                return Ok(Done {
                    condition,
                    text,
                    untagged,
                });
            }
            if reply.text.starts_with("* BYE") {
                return Err(Lost);
            }
            self.told(&reply, command);
            untagged.push(reply);
        }
    }

    /// A command with a literal; None: refused before it was sent.
    pub async fn with_literal(
        &mut self,
        text: &str,
        literal: &[u8],
        about_to_end: impl FnOnce(),
    ) -> Result<Done, Lost> {
        let end = format!(" {{{}}}\r\n", literal.len());
        let tag = self.begin(text, &end).await?;
        let mut untagged = Vec::new();
        loop {
            let reply = self.reply().await?;
            if reply.text.starts_with('+') {
                break;
            }
            if let Some(rest) = reply.text.strip_prefix(&format!("{tag} ")) {
                return Ok(Done {
                    condition: Condition::No,
                    text: rest.to_owned(),
                    untagged,
                });
            }
            if reply.text.starts_with("* BYE") {
                return Err(Lost);
            }
            self.told(&reply, text);
            untagged.push(reply);
        }
        about_to_end();
        self.wire.send(literal).await?;
        self.wire.send(b"\r\n").await?;
        self.finish(&tag, text).await
    }

    fn wrong(&self, text: String) {
        let place = self.place.clone().unwrap_or_default();
        laws::picture_is_told(&self.world, &self.who, &place, text);
    }

    /// Moves the picture on by one response.
    fn told(&mut self, reply: &Reply, command: &str) {
        if let Some(next) = reply.code_number("UIDNEXT") {
            self.uid_next = Some(next);
        }
        if let (Some(validity), Some(place)) = (reply.code_number("UIDVALIDITY"), &self.place) {
            laws::uid_validity_stays(&self.world, &self.who, place, validity);
        }
        let Some((number, what)) = reply.numbered() else {
            return;
        };
        match what {
            "EXISTS" => {
                let (now, before) = (number as usize, self.picture.len());
                if now < before {
                    self.wrong(format!("EXISTS {now} while it knew of {before} messages"));
                }
                self.fresh += now.saturating_sub(before);
                self.picture.resize(now.max(before), None);
            }
            "EXPUNGE" => self.told_expunge(number, command),
            "FETCH" => self.told_fetch(number, reply),
            _ => {}
        }
    }

    fn told_expunge(&mut self, number: u32, command: &str) {
        let by_number = ["FETCH", "STORE", "SEARCH"];
        if by_number.iter().any(|verb| command.starts_with(verb)) {
            self.wrong(format!("EXPUNGE {number} in the middle of {command:?}"));
        }
        let at = number as usize;
        if at == 0 || at > self.picture.len() {
            let known = self.picture.len();
            return self.wrong(format!(
                "EXPUNGE {number} while it knew of {known} messages"
            ));
        }
        let uid = self.picture.remove(at - 1);
        if let (Some(uid), Some(place)) = (uid, self.place.clone()) {
            self.flags.remove(&uid);
            laws::told_gone(&self.world, &self.who, &place, uid);
        }
    }

    fn told_fetch(&mut self, number: u32, reply: &Reply) {
        let at = number as usize;
        if at == 0 || at > self.picture.len() {
            let known = self.picture.len();
            return self.wrong(format!("FETCH {number} while it knew of {known} messages"));
        }
        if let Some(uid) = reply.uid() {
            let known = self.picture[at - 1];
            if known.is_some_and(|known| known != uid) {
                self.wrong(format!("message {number} has UID {uid}, it was {known:?}"));
            }
            let below = self.picture[..at - 1].iter().rev().flatten().next();
            let above = self.picture[at..].iter().flatten().next();
            if below.is_some_and(|below| *below >= uid) || above.is_some_and(|above| *above <= uid)
            {
                self.wrong(format!(
                    "message {number} has UID {uid}, between {below:?} and {above:?}"
                ));
            }
            self.picture[at - 1] = Some(uid);
        }
        if let (Some(flags), Some(uid)) = (reply.flags(), self.picture[at - 1]) {
            self.flags.insert(uid, flags);
        }
    }

    pub async fn select(&mut self, mailbox: &str) -> Result<bool, Lost> {
        self.picture.clear();
        self.flags.clear();
        self.uid_next = None;
        let place = (self.account.index, mailbox.to_owned());
        self.place = Some(place);
        let done = self.command(&format!("SELECT \"{mailbox}\"")).await?;
        if !done.is_ok() {
            self.place = None;
        }
        Ok(done.is_ok())
    }

    /// A whole look at the selected mailbox: all UIDs and flags, and every message not read yet.
    pub async fn look(&mut self) -> Result<(), Lost> {
        let Some(place) = self.place.clone() else {
            return Ok(());
        };
        let before = self.world.ledger().before(&place);
        self.uid_next = None;
        if !self.command("NOOP").await?.is_ok() {
            return Ok(());
        }
        let told = self.flags.clone();
        self.fresh = 0;
        let done = self.command("UID FETCH 1:* (UID FLAGS)").await?;
        if !done.is_ok() {
            return Ok(());
        }
        let known = self.picture.len().saturating_sub(self.fresh);
        let untold = self.picture.iter().take(known).filter(|uid| uid.is_none());
        if untold.count() > 0 {
            let picture = format!("{:?}", self.picture);
            self.wrong(format!("UID FETCH 1:* left messages out of {picture}"));
        }
        let look = Look {
            who: &self.who.clone(),
            place: &place,
            uids: self.picture.iter().flatten().copied().collect(),
            uid_next: self.uid_next,
        };
        laws::nothing_is_lost(&self.world, &look, &before);
        laws::removed_stays_removed(&self.world, &look, &before);
        laws::uids_only_rise(&self.world, &look, &before);
        self.check_flags(&place, &before, &told, &done);
        if self.read_new(&place, &look.uids).await? {
            laws::acknowledged_is_delivered(&self.world, &look, &before);
            laws::raise_watermark(&self.world, &look);
            self.world.ledger().count("looks at a mailbox");
        }
        Ok(())
    }

    fn check_flags(
        &self,
        place: &Place,
        before: &Before,
        told: &BTreeMap<u32, BTreeSet<String>>,
        done: &Done,
    ) {
        let mut found = BTreeMap::new();
        for reply in &done.untagged {
            if let (Some(uid), Some(flags)) = (reply.uid(), reply.flags()) {
                found.insert(uid, flags);
            }
        }
        for (uid, flags) in &found {
            if let Some(told) = told.get(uid) {
                self.told_flags_are_found(place, before, *uid, told, flags);
            }
            laws::flags_stay(&self.world, &self.who, place, *uid, flags, before);
        }
    }

    /// What NOOP left the session believing is what FETCH says, if nobody changed it meanwhile.
    fn told_flags_are_found(
        &self,
        place: &Place,
        before: &Before,
        uid: u32,
        told: &BTreeSet<String>,
        found: &BTreeSet<String>,
    ) {
        for flag in FLAGS {
            let unchanged = {
                let mut ledger = self.world.ledger();
                let message = ledger.book(place).messages.get(&uid);
                let fact = message.and_then(|message| message.flags.get(*flag));
                let then = before.versions.get(&(uid, (*flag).to_owned()));
                fact.is_some_and(|fact| fact.open == 0 && then == Some(&fact.version))
            };
            if unchanged && told.contains(*flag) != found.contains(*flag) {
                self.wrong(format!(
                    "UID {uid}: it was told {told:?} and not of any change, but FETCH says {found:?}"
                ));
            }
        }
    }

    /// False: something could not be read.
    async fn read_new(&mut self, place: &Place, uids: &BTreeSet<u32>) -> Result<bool, Lost> {
        let unread: Vec<u32> = {
            let mut ledger = self.world.ledger();
            let book = ledger.book(place);
            let is_read = |uid: &u32| book.messages.get(uid).is_some_and(|message| message.read);
            uids.iter().filter(|uid| !is_read(uid)).copied().collect()
        };
        if unread.is_empty() {
            return Ok(true);
        }
        let done = self
            .command(&format!("UID FETCH {} (UID BODY.PEEK[])", set(&unread)))
            .await?;
        self.read_all(place, &done);
        Ok(done.is_ok())
    }

    /// Looks at every whole message in these replies.
    pub fn read_all(&self, place: &Place, done: &Done) {
        for reply in &done.untagged {
            if let (Some(uid), Some(content)) = (reply.uid(), reply.literals.first()) {
                laws::read(&self.world, &self.who, place, uid, content);
            }
        }
    }
}

/// UIDs as a set on the wire.
pub fn set(uids: &[u32]) -> String {
    let words: Vec<String> = uids.iter().map(u32::to_string).collect();
    words.join(",")
}
