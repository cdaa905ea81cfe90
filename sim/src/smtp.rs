//! A sender: other servers on port 25 and users on 587. It tries again until it has read a 250.

use crate::client::{Lost, Wire, goes_on, pause, until_decided};
use crate::dice::Dice;
use crate::house;
use crate::ledger::{Ask, Place, Wish};
use crate::letter::Letter;
use crate::run::Account;
use crate::world::{DOMAIN, EMPTY_DOMAIN, FAR_DOMAIN, ONWARD, ONWARD_TO, Phase, STRANGERS, World};
use crate::{far, laws};
use std::sync::Arc;

/// Who sends, and where to.
pub struct Sender {
    pub number: u8,
    /// None: a stranger on port 25.
    pub login: Option<Account>,
    pub accounts: Vec<Account>,
}

/// Whom a letter goes to.
struct Recipient {
    address: String,
    /// Where it goes from here, if it does not stay.
    onward: Option<String>,
    ask: Ask,
}

impl Recipient {
    fn here(address: String) -> Recipient {
        Recipient {
            address,
            onward: None,
            ask: Ask::Nothing,
        }
    }
}

enum Fate {
    Accepted,
    /// Not taken, for now.
    Refused,
    /// The reply was not read.
    Unknown,
}

struct Sending {
    world: Arc<World>,
    who: String,
    sender: Sender,
    dice: Dice,
    wire: Option<Wire>,
}

pub async fn run(world: Arc<World>, sender: Sender) {
    let who = format!("smtp{}", sender.number);
    let dice = world.dice(&who);
    let mut sending = Sending {
        world,
        who,
        sender,
        dice,
        wire: None,
    };
    while goes_on(&sending.world) {
        pause(&sending.dice, 9_000).await;
        let burst = if sending.dice.one_in(6) { 5 } else { 1 };
        for _ in 0..burst {
            let (letter, recipients) = sending.write();
            sending.until_accepted(&letter, &recipients).await;
        }
    }
}

impl Sending {
    fn write(&self) -> (Arc<Letter>, Vec<Recipient>) {
        let accounts = &self.sender.accounts;
        let mut to: Vec<usize> = match self.dice.below(4) {
            0 => (0..accounts.len()).collect(),
            1 => (0..2)
                .map(|_| self.dice.below(accounts.len() as u64) as usize)
                .collect(),
            _ => vec![self.dice.below(accounts.len() as u64) as usize],
        };
        to.sort_unstable();
        to.dedup();
        let recipients: Vec<String> = if to.len() == accounts.len() && self.dice.one_in(2) {
            vec![format!("team@{DOMAIN}")]
        } else {
            let address = |index: &usize| match self.dice.below(3) {
                0 => format!("{}+detail@{DOMAIN}", accounts[*index].name),
                _ => format!("{}@{DOMAIN}", accounts[*index].name),
            };
            to.iter().map(address).collect()
        };
        let recipients = recipients.into_iter().map(Recipient::here);
        let mut recipients: Vec<Recipient> = recipients.collect();
        if self.dice.one_in(2) {
            let onward = self.elsewhere();
            if !onward.is_empty() && self.dice.one_in(2) {
                to.clear();
                recipients.clear();
            }
            recipients.extend(onward);
        }
        let number = self.world.ledger().next_letter();
        let names: Vec<&str> = recipients.iter().map(|to| &*to.address).collect();
        let names = names.join(">, <");
        let letter = Letter::write(number, &self.from(), &names, to, &self.dice);
        let account = self.sender.login.as_ref().map(|account| account.index);
        let mut ledger = self.world.ledger();
        for Recipient { onward, ask, .. } in &recipients {
            if let Some(onward) = onward.clone() {
                let wish = Wish { account, ask: *ask };
                ledger.wishes.insert((number, onward), wish);
            }
        }
        (ledger.keep(letter), recipients)
    }

    /// Users write to whom they like, and strangers to a mailbox here that leads away.
    fn elsewhere(&self) -> Vec<Recipient> {
        if self.sender.login.is_none() {
            let leads_away = Recipient {
                onward: Some(ONWARD_TO.to_owned()),
                ..Recipient::here(format!("{ONWARD}@{DOMAIN}"))
            };
            return match self.dice.one_in(3) {
                true => vec![leads_away],
                false => Vec::new(),
            };
        }
        let people = [
            format!("zoe@{FAR_DOMAIN}"),
            format!("yann@{FAR_DOMAIN}"),
            format!("xenia@{STRANGERS}"),
            format!("{}@{FAR_DOMAIN}", far::NOBODY),
            format!("{}@{FAR_DOMAIN}", far::SLOW),
            format!("anybody@{EMPTY_DOMAIN}"),
        ];
        let asks = [
            Ask::Nothing,
            Ask::Nothing,
            Ask::Never,
            Ask::Failure,
            Ask::SuccessAndFailure,
        ];
        let ask = *self.dice.pick(&asks);
        let chosen = people.into_iter().filter(|_| self.dice.one_in(4));
        let chosen = chosen.map(|address| Recipient {
            onward: Some(address.clone()),
            ask,
            address,
        });
        chosen.collect()
    }

    fn from(&self) -> String {
        match &self.sender.login {
            Some(account) => format!("{}@{DOMAIN}", account.name),
            None => format!("{}@{STRANGERS}", self.who),
        }
    }

    async fn until_accepted(&mut self, letter: &Arc<Letter>, recipients: &[Recipient]) {
        loop {
            match self.attempt(letter, recipients).await {
                Fate::Accepted => return,
                Fate::Refused => pause(&self.dice, 30_000).await,
                Fate::Unknown => pause(&self.dice, 5_000).await,
            }
            if self.world.trace.is_over() || self.world.phase() == Phase::End {
                return;
            }
        }
    }

    /// What becomes of the letter counts from the moment when its end is sent.
    async fn attempt(&mut self, letter: &Arc<Letter>, recipients: &[Recipient]) -> Fate {
        let places: Vec<Place> = letter
            .accounts
            .iter()
            .map(|account| (*account, "INBOX".to_owned()))
            .collect();
        let prepared = self.prepare(recipients).await;
        let mut wire = match prepared {
            Ok(Some(wire)) => wire,
            Ok(None) => return Fate::Refused,
            Err(Lost) => return Fate::Unknown,
        };
        let mut content = Vec::new();
        for line in letter.text.split_inclusive(|octet| *octet == b'\n') {
            if line.first() == Some(&b'.') {
                content.push(b'.');
            }
            content.extend_from_slice(line);
        }
        content.extend_from_slice(b".\r\n");
        for place in &places {
            self.world.ledger().begin_arrival(place, letter.number);
        }
        let address = wire.address;
        let answered = async {
            wire.send(&content).await?;
            self.reply(&mut wire).await
        };
        let reply = match answered.await {
            Ok(reply) => reply,
            Err(Lost) => {
                drop(wire);
                self.world
                    .ledger()
                    .count("replies to a message that were lost");
                until_decided(&self.world, address).await;
                return Fate::Unknown;
            }
        };
        if self.dice.one_in(3) {
            let _ = wire.send(b"QUIT\r\n").await;
        } else {
            self.wire = Some(wire);
        }
        let Some(id) = reply.strip_prefix("250 2.0.0 ") else {
            for place in &places {
                laws::refused(&self.world, &self.who, place, letter.number);
            }
            self.world.ledger().count("messages refused for now");
            return Fate::Refused;
        };
        for place in &places {
            let mut ledger = self.world.ledger();
            let book = ledger.book(place);
            if !book.received.contains_key(id) {
                book.acknowledged.insert(id.to_owned(), letter.number);
            }
        }
        for onward in recipients.iter().filter_map(|to| to.onward.clone()) {
            let mut ledger = self.world.ledger();
            ledger
                .submitted
                .insert((id.to_owned(), onward), letter.number);
            ledger.count("recipients elsewhere accepted");
        }
        self.world.ledger().count("messages accepted");
        Fate::Accepted
    }

    async fn greeted(&mut self) -> Result<Option<Wire>, Lost> {
        let port = match self.sender.login {
            Some(_) => house::SUBMISSION,
            None => house::SMTP,
        };
        let mut wire = Wire::connect(&self.world, &self.who, 10 + self.sender.number, port).await?;
        if !self.reply(&mut wire).await?.starts_with("220") {
            return Ok(None);
        }
        wire.send(format!("EHLO {}.example\r\n", self.who).as_bytes())
            .await?;
        if !self.reply(&mut wire).await?.starts_with("250") {
            return Ok(None);
        }
        if let Some(account) = self.sender.login.clone() {
            wire.send(b"AUTH LOGIN\r\n").await?;
            for secret in [&account.name_64, &account.password_64] {
                if !self.reply(&mut wire).await?.starts_with("334") {
                    return Ok(None);
                }
                wire.send(format!("{secret}\r\n").as_bytes()).await?;
            }
            if !self.reply(&mut wire).await?.starts_with("235") {
                return Ok(None);
            }
        }
        Ok(Some(wire))
    }

    /// Everything before the content; None: refused.
    async fn prepare(&mut self, recipients: &[Recipient]) -> Result<Option<Wire>, Lost> {
        let kept = self.wire.take();
        let mut wire = match kept {
            Some(wire) => wire,
            None => match self.greeted().await? {
                Some(wire) => wire,
                None => return Ok(None),
            },
        };
        let mut lines = vec![format!("MAIL FROM:<{}>\r\n", self.from())];
        lines.extend(recipients.iter().map(|to| {
            let (address, asked) = (&to.address, to.ask.parameter());
            format!("RCPT TO:<{address}>{asked}\r\n")
        }));
        lines.push("DATA\r\n".to_owned());
        let mut good = true;
        if self.dice.one_in(2) {
            wire.send(lines.concat().as_bytes()).await?;
            for line in &lines {
                let reply = self.reply(&mut wire).await?;
                good &= reply.starts_with(if line == "DATA\r\n" { "354" } else { "250" });
                if !good && reply.starts_with("354") {
                    // Refused recipients, but others were taken: nothing is sent.
                    return Ok(None);
                }
            }
        } else {
            for line in &lines {
                wire.send(line.as_bytes()).await?;
                let reply = self.reply(&mut wire).await?;
                good &= reply.starts_with(if line == "DATA\r\n" { "354" } else { "250" });
                if !good {
                    return Ok(None);
                }
            }
        }
        Ok(good.then_some(wire))
    }

    /// The last line of a reply.
    async fn reply(&self, wire: &mut Wire) -> Result<String, Lost> {
        loop {
            let line = wire.line().await?;
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    }
}
