//! A queue with entries that wait for dead domains, by the quickest means that a server offers.
//!
//! Never here: a measurement, an entry that is due before a run is over.

use crate::Outcome;
use crate::letter::letter;
use crate::target::{DEAD, Target};
use crate::wire::Wire;
use crate::work;
use addr::{Address, Charset, ForwardPath, Host, ReversePath};
use mail::codec::Record;
use mail::road::{MessageNumber, ROAD, hold};
use net::{Clock, Time};
use post::queue::{
    Asked, AttemptRecord, EntryNumber, EntryRecord, MessageRecord, Onward, RecipientState, Said,
    Standing, Whither, keys,
};
use post::report::SenderProof;
use post::trail::{self, Destination, Place, Trail};
use smtp::Status;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{Body, Db, Edit, Files, Settings};

const OCTETS: usize = 1_024;
/// Domains that a message goes to.
const TOGETHER: usize = 10;
/// Entries to one domain.
const TO_ONE: usize = 10;
/// Messages of one commit.
const AT_ONCE: usize = 50;
/// Far behind the end of a run.
const LATER: Duration = Duration::from_secs(3 * 3_600);
const LIFETIME: Duration = Duration::from_secs(5 * 24 * 3_600);
const SESSIONS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(200);
/// A peer's queues on the way to the one where mail waits, and that one.
const ON_THE_WAY: [&str; 3] = ["maildrop", "incoming", "active"];
const DEFERRED: &str = "deferred";

/// Gives a server that runs so many entries; says whether it has them.
pub async fn fill(target: &mut Target, entries: usize) -> Outcome<bool> {
    if entries == 0 {
        return Ok(false);
    }
    if !target.is_whimbrel() {
        hand_in(target, entries).await?;
        return Ok(true);
    }
    target.stop()?;
    for folder in target.folders() {
        write(&folder.join("store"), entries).await?;
    }
    target.start_again()?;
    Ok(true)
}

/// By SMTP, a message each; nobody takes a connection for them, so each of them is put off.
async fn hand_in(target: &Target, entries: usize) -> Outcome<()> {
    let message = [letter(OCTETS, 1), b".\r\n".to_vec()].concat();
    work::sessions(SESSIONS, |session| {
        let (at, from, message) = (target.smtp, target.address(1), message.clone());
        async move {
            let mut wire = Wire::plain(at).await?;
            wire.smtp_hello().await?;
            for number in (session..entries).step_by(SESSIONS) {
                let domain = number / TO_ONE;
                let envelope =
                    format!("MAIL FROM:<{from}>\r\nRCPT TO:<someone@d{domain}.{DEAD}>\r\nDATA\r\n");
                wire.send(envelope.as_bytes()).await?;
                for code in [250, 250, 354] {
                    wire.expect_reply(code).await?;
                }
                wire.send(&message).await?;
                wire.expect_reply(250).await?;
            }
            wire.smtp(b"QUIT", 221).await
        }
    })
    .await?;
    let spool = target.spool().ok_or("a peer without a queue")?;
    let begun = Instant::now();
    while files(&spool.join(DEFERRED)) < entries
        || ON_THE_WAY.iter().any(|name| files(&spool.join(name)) > 0)
    {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{} does not put off what waits", target.name));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Files below a folder; what vanishes meanwhile is not counted.
fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let counts = entries.filter_map(Result::ok).map(|entry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder { files(&entry.path()) } else { 1 }
    });
    counts.sum()
}

/// The rows that a first attempt leaves, into the store of a server that does not run.
async fn write(store: &Path, entries: usize) -> Outcome<()> {
    let text = |error: &dyn std::fmt::Debug| format!("{}: {error:?}", store.display());
    let files = Files::real(store).map_err(|error| text(&error))?;
    let db = Db::open(files, Settings::default()).map_err(|error| text(&error))?;
    let now = Clock::system().now();
    let numbers: Vec<u64> = (1..=entries.div_ceil(TOGETHER) as u64).collect();
    for some in numbers.chunks(AT_ONCE) {
        let mut writer = db.new_body().await.map_err(|error| text(&error))?;
        let octets = letter(OCTETS, some[0]);
        writer.write(&octets).await.map_err(|error| text(&error))?;
        let body = writer.finish(b"").await.map_err(|error| text(&error))?;
        let mut edit = db.edit(ROAD).await;
        for number in some {
            let left = entries - (*number as usize - 1) * TOGETHER;
            message(&mut edit, *number, left.min(TOGETHER), (&body, now))?;
        }
        edit.submit().await.map_err(|error| text(&error))?;
    }
    Ok(())
}

fn message(
    edit: &mut Edit,
    number: u64,
    entries: usize,
    (body, now): (&Body, Time),
) -> Outcome<()> {
    let sender: Address = "user1@example.test".parse().map_err(|_| "no address")?;
    let message = MessageNumber(number);
    let first = (number as usize - 1) * TOGETHER / (TO_ONE * TOGETHER) * TOGETHER;
    let host = |part: usize| format!("d{}.{DEAD}", first + part);
    let path = |part: usize| {
        let path = format!("<someone@{}>", host(part));
        ForwardPath::parse(path.as_bytes(), Charset::Ascii).map_err(|_| "no path")
    };
    let mut trail = Trail {
        id: format!("waiting{number:07}"),
        message_id: Some(format!("<{number:016x}@example.test>")),
        sender: ReversePath::Address(sender.clone()),
        recipients: Vec::new(),
        client: "client.example.test [127.0.0.1]".to_owned(),
        login: Some(sender.to_string()),
        arrived: now,
        bytes: body.len(),
    };
    for part in 0..entries {
        trail.recipients.push(Destination {
            path: path(part)?,
            place: Place::Elsewhere,
        });
        entry(edit, (message, part), (host(part), path(part)?), now)?;
    }
    trail::begun(edit, message, &trail);
    let record = MessageRecord {
        id: trail.id,
        sender: trail.sender,
        proof: SenderProof::Known,
        envid: None,
        ret: None,
        body_type: None,
        charset: Charset::Ascii,
        asked: Asked::default(),
        body: hold(edit, message, body),
        body_bytes: body.len(),
        prefix: Vec::from(PREFIX).into(),
        client: trail.client,
        login: trail.login,
        arrived: now,
        expires: now.after(LIFETIME),
    };
    edit.put(keys::message(message), record.encode());
    Ok(())
}

const PREFIX: &[u8] = b"Received: from client.example.test ([127.0.0.1]) by mx.example.test\r\n\
    \twith ESMTPA id waiting0000000; Thu, 1 Jan 2026 12:00:00 +0000\r\n";

/// With the first attempt behind it.
fn entry(
    edit: &mut Edit,
    (message, part): (MessageNumber, usize),
    (host, to): (String, ForwardPath),
    now: Time,
) -> Outcome<()> {
    let said = Said {
        at: now,
        host: Some(host.clone()),
        stage: "the connection".to_owned(),
        reply: None,
        why: Some("no connection: connection refused".to_owned()),
        status: Status(4, 4, 1),
    };
    let number = EntryNumber {
        message,
        part: part as u32,
    };
    let attempt = AttemptRecord {
        begun: now,
        ended: now,
        host: Some(host.clone()),
        address: Some("127.0.0.1:25".to_owned()),
        tls: None,
        proof: None,
        notes: Vec::new(),
        said: vec![(0, said.clone())],
    };
    trail::attempted(edit, number, 0, &[attempt]);
    let onward = Onward {
        state: RecipientState::Waiting,
        said: Some(said),
        ..Onward::new(to, None, None)
    };
    let record = EntryRecord {
        domain: Host::parse(host.as_bytes(), Charset::Ascii).map_err(|_| "no host")?,
        whither: Whither::Elsewhere,
        recipients: vec![onward],
        attempts: 1,
        due: now.after(LATER),
        standing: Standing::Free,
        lease: None,
        delay_told: None,
    };
    edit.put(keys::entry(number), record.encode());
    Ok(())
}
