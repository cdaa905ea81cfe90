//! Filling mailboxes by the quickest means that a server offers, and the stock of mailboxes that several
//! groups of rows read.
//!
//! Never here: a measurement.

use crate::Outcome;
use crate::letter::letter;
use crate::target::Target;
use crate::wire::Wire;
use crate::work::{Plan, each};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Messages of one MULTIAPPEND, or APPENDs that wait for their answers.
const TOGETHER: usize = 250;
pub const MESSAGE_BYTES: usize = 1_024;

/// What a target holds once [`stock`] has filled it, and once [`stock_huge`] has.
const STOCK: &str = "stock";
const STOCK_AND_HUGE: &str = "stock and huge";
/// The account of the large mailbox, and that of the mailboxes of many sizes.
pub const LARGE: usize = 1;
pub const SIZES: usize = 2;
/// The accounts whose INBOX is read whole by many clients: from this one on, so many.
pub const READERS: usize = 11;
pub const READER_COUNT: usize = 16;
/// Mailboxes of the curve that peers are given too; filling larger ones takes them too long.
const PEERS_FILL: usize = 10_000;

/// A server that takes less of a processor than this has come to rest.
const RESTING: f64 = 0.03;
const LOOK: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

/// A mailbox of the stock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    pub account: usize,
    pub name: String,
    pub messages: usize,
}

impl Mailbox {
    fn new(account: usize, name: impl Into<String>, messages: usize) -> Mailbox {
        Mailbox {
            account,
            name: name.into(),
            messages,
        }
    }
}

/// The mailbox that every target has whole commands run on.
pub fn large(plan: &Plan) -> Mailbox {
    Mailbox::new(LARGE, "INBOX", plan.pick(50_000, 5_000, 100))
}

/// The one that only Whimbrel is given: the others would need hours to get it.
pub fn huge(plan: &Plan) -> Mailbox {
    Mailbox::new(LARGE, "huge", plan.pick(1_000_000, 50_000, 200))
}

/// Mailboxes of growing sizes, each with whether peers have it too; the last one is [`huge`].
pub fn sizes(plan: &Plan) -> Vec<(Mailbox, Has)> {
    let sizes: &[usize] = plan.pick(&[1_000, 10_000, 100_000], &[1_000, 10_000], &[100]);
    let mut all: Vec<(Mailbox, Has)> = sizes
        .iter()
        .map(|size| {
            let mailbox = Mailbox::new(SIZES, format!("of{size}"), *size);
            let has = if *size <= PEERS_FILL {
                Has::All
            } else {
                Has::Whimbrel
            };
            (mailbox, has)
        })
        .collect();
    all.push((huge(plan), Has::Whimbrel));
    all
}

pub fn reader(plan: &Plan, number: usize) -> Mailbox {
    Mailbox::new(READERS + number, "INBOX", plan.pick(1_000, 1_000, 20))
}

/// Who is given a mailbox of the stock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Has {
    All,
    Whimbrel,
}

/// What every target has.
fn common(plan: &Plan) -> Vec<Mailbox> {
    let mut all = vec![large(plan)];
    all.extend((0..READER_COUNT).map(|number| reader(plan, number)));
    all.extend(of(Has::All, plan));
    all
}

/// Those of the curve that these have.
fn of(who: Has, plan: &Plan) -> impl Iterator<Item = Mailbox> {
    let sizes = sizes(plan).into_iter().filter(move |(_, has)| *has == who);
    sizes.map(|(mailbox, _)| mailbox)
}

/// How many messages this target holds of the stock.
pub fn stocked_messages(target: &Target, plan: &Plan) -> usize {
    let mut all = common(plan);
    if target.holds() == STOCK_AND_HUGE {
        all.extend(of(Has::Whimbrel, plan));
    }
    all.iter().map(|mailbox| mailbox.messages).sum()
}

/// Every target gets the mailboxes that all have, at the same time; one that still has them keeps them.
pub async fn stock(targets: &mut [Target], plan: &Plan) -> Outcome<()> {
    let mut lacking = Vec::new();
    for target in targets.iter_mut() {
        if ![STOCK, STOCK_AND_HUGE].contains(&target.holds()) {
            target.wipe()?;
            target.now_holds(STOCK);
            lacking.push(&*target);
        }
    }
    fill_all(&lacking, &common(plan), plan).await
}

/// Whimbrel gets what only it has, too: not before the others are measured beside it, for a store with a
/// million messages more is another store.
pub async fn stock_huge(own: &mut [Target], plan: &Plan) -> Outcome<()> {
    stock(own, plan).await?;
    let mut lacking = Vec::new();
    for target in own.iter_mut() {
        if target.holds() != STOCK_AND_HUGE {
            target.now_holds(STOCK_AND_HUGE);
            lacking.push(&*target);
        }
    }
    let more: Vec<Mailbox> = of(Has::Whimbrel, plan).collect();
    fill_all(&lacking, &more, plan).await
}

async fn fill_all(targets: &[&Target], mailboxes: &[Mailbox], plan: &Plan) -> Outcome<()> {
    let mut fills = Vec::new();
    for target in targets {
        let each = mailboxes.iter().cloned();
        fills.extend(each.map(|mailbox| (target.imap, target.login(mailbox.account), mailbox)));
    }
    if fills.is_empty() {
        return Ok(());
    }
    println!("  [{}] filling {} mailboxes", plan.progress, fills.len());
    each(fills, |_, (at, login, mailbox)| fill(at, login, mailbox)).await?;
    for target in targets {
        at_rest(target).await;
    }
    Ok(())
}

/// Waits until a server has done what it does in the background, or long enough.
pub async fn at_rest(target: &Target) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let (cpu, since) = (target.cpu(), Instant::now());
        tokio::time::sleep(LOOK).await;
        let used = target.cpu().saturating_sub(cpu).as_secs_f64();
        if used < RESTING * since.elapsed().as_secs_f64() {
            return;
        }
    }
}

/// A session of an account at the IMAP port.
pub async fn session(target: &Target, account: usize) -> Outcome<Wire> {
    log_in(target.imap, &target.login(account)).await
}

async fn log_in(at: SocketAddr, login: &(String, String)) -> Outcome<Wire> {
    let mut wire = Wire::plain(at).await?;
    wire.imap_login(login).await?;
    Ok(wire)
}

/// Brings a mailbox that has none to so many messages; it is made if need be.
async fn fill(at: SocketAddr, login: (String, String), to: Mailbox) -> Outcome<()> {
    let mut wire = log_in(at, &login).await?;
    let (mailbox, count) = (&to.name, to.messages);
    if mailbox != "INBOX" {
        wire.imap(format!("CREATE {mailbox}").as_bytes()).await?;
    }
    let many_at_once = has_multiappend(&mut wire).await?;
    let mut done = 0;
    let mut commands = Vec::new();
    while done < count {
        let piece = done..count.min(done + TOGETHER);
        done = piece.end;
        commands.clear();
        let answers = if many_at_once { 1 } else { piece.len() };
        for number in piece.clone() {
            if number == piece.start || !many_at_once {
                commands.extend_from_slice(format!("a APPEND {mailbox}").as_bytes());
            }
            let message = letter(MESSAGE_BYTES, number as u64);
            commands.extend_from_slice(format!(" {{{}+}}\r\n", message.len()).as_bytes());
            commands.extend_from_slice(&message);
            if number + 1 == piece.end || !many_at_once {
                commands.extend_from_slice(b"\r\n");
            }
        }
        wire.send(&commands).await?;
        for _ in 0..answers {
            wire.until_tagged(b"a ").await?;
        }
    }
    wire.imap(b"LOGOUT").await.map(drop)
}

/// [rfc3502]
async fn has_multiappend(wire: &mut Wire) -> Outcome<bool> {
    wire.send(b"a CAPABILITY\r\n").await?;
    let words = wire.line().await?;
    let found = memchr::memmem::find(words, b"MULTIAPPEND").is_some();
    wire.until_tagged(b"a ").await?;
    Ok(found)
}
