//! `sendmail`, `mailq` and `newaliases`: what is asked is done by the server, or waits in the drop
//! folder.
//!
//! What never happens here: a message that is neither handed over, nor in the folder, nor refused.

use super::exit::{Code, Ended};
use super::flags::{self, Errors, Flags, Mode};
use super::hand_over::{self, Handed};
use super::house::{House, Myself};
use super::message::{self, Message};
use super::said::{Sorted, sorted};
use super::{aliases, drop_folder, rsmtp};
use addr::Domain;
use net::dial_unix;
use smtp::ClientName;
use smtp::client::Recipient;
use smtp::limits::ENVELOPE_RECIPIENTS;
use std::io::{Read, Write};
use std::path::Path;

/// What callers say of themselves when nobody brought it.
const HERE: &str = "localhost";

pub fn run(words: &[String]) -> Result<(), Ended> {
    let flags = flags::read(words)?;
    let house = house(&flags)?;
    match &flags.mode {
        Mode::Deliver => deliver(&flags, &house),
        Mode::Dialogue => dialogue(&house),
        Mode::Batch => rsmtp::take(&house, &name(flags.brought_by.as_deref())),
        Mode::Verify => verify(&flags, &house),
        Mode::Queue => queue(&house, "list", &[]),
        Mode::Flush(which) => queue(&house, "retry", which),
        Mode::Aliases => aliases::take_in(&flags, &house),
        Mode::Version => {
            println!("Whimbrel {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Mode::Nothing => Ok(()),
    }
}

pub fn mailq(words: &[String]) -> Result<(), Ended> {
    let flags = flags::read(words)?;
    queue(&house(&flags)?, "list", &[])
}

pub fn newaliases(words: &[String]) -> Result<(), Ended> {
    let flags = flags::read(words)?;
    aliases::take_in(&flags, &house(&flags)?)
}

fn house(flags: &Flags) -> Result<House, Ended> {
    House::find(flags.config.as_deref(), flags.data.as_deref())
}

fn deliver(flags: &Flags, house: &House) -> Result<(), Ended> {
    let input = message::input(house.settings.message_bytes)?;
    let message = message::made(flags, &Myself::find()?, input)?;
    let name = name(flags.brought_by.as_deref());
    let sorted = in_runtime(handed_over(house, &name, &message))??;
    let put = put_off(house, &name, &message, &sorted.later);
    put.map_err(|ended| match &sorted.not_now {
        Some(why) => Ended::new(ended.code, format!("{}\nthe server: {why}", ended.why)),
        None => ended,
    })?;
    let refused: Vec<Recipient> = sorted
        .refused
        .iter()
        .map(|(one, _, _)| one.clone())
        .collect();
    let Some(ended) = sorted.ended() else {
        return Ok(());
    };
    match flags.errors {
        Errors::Print => Err(ended),
        Errors::Quiet => Err(Ended::new(ended.code, "")),
        // what the server refuses once more it tells the sender by mail
        Errors::Mail => {
            put_off(house, &name, &message, &refused)?;
            Err(Ended::new(ended.code, ""))
        }
        Errors::MailAndEndWell => put_off(house, &name, &message, &refused),
    }
}

/// What the running server says of all recipients; without one, all come later.
pub async fn handed_over(
    house: &House,
    name: &ClientName,
    message: &Message,
) -> Result<Sorted, Ended> {
    let mut all = Sorted::default();
    for some in message.recipients.chunks(ENVELOPE_RECIPIENTS) {
        let handed = match house.socket() {
            Some(socket) => hand_over::hand_over(&socket, name, message, some).await?,
            None => Handed::NotNow("it has no socket for local users".to_owned()),
        };
        match handed {
            Handed::Over(outcomes) => {
                let these = sorted(some, &outcomes);
                all.refused.extend(these.refused);
                all.later.extend(these.later);
            }
            Handed::NotNow(why) => {
                all.later.extend_from_slice(some);
                all.not_now = Some(why);
            }
        }
    }
    Ok(all)
}

/// Leaves the message for these in the drop folder.
fn put_off(
    house: &House,
    name: &ClientName,
    message: &Message,
    recipients: &[Recipient],
) -> Result<(), Ended> {
    if recipients.is_empty() {
        return Ok(());
    }
    drop_folder::put(&house.drop_folder(), name, &[(message, recipients)])
}

/// What EHLO says: who brought the message, if not a program here.
pub fn name(brought_by: Option<&str>) -> ClientName {
    let host = brought_by.unwrap_or(HERE);
    let host: Result<Domain, _> = host.parse();
    let host = host.or_else(|_| HERE.parse());
    let host: Domain = host.expect("because `localhost` is a name");
    ClientName::from(&host)
}

/// `-bs`: the server speaks itself, the caller is who he is.
fn dialogue(house: &House) -> Result<(), Ended> {
    let socket = house.socket();
    let not_now =
        |why: String| Ended::new(Code::Temporary, format!("the server is not there: {why}"));
    let socket = socket.ok_or_else(|| not_now("it has no socket for local users".to_owned()))?;
    let talked = in_runtime(talk(&socket))?;
    talked.map_err(|error| {
        // whoever speaks SMTP here reads nothing else
        print!("421 4.3.2 The server is not there, try again later\r\n");
        not_now(error.to_string())
    })
}

/// Carries lines both ways until one side ends.
async fn talk(socket: &Path) -> std::io::Result<()> {
    let mut conn = dial_unix(socket).await?;
    let (sender, mut said) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    // a thread of its own: standard input cannot be waited for otherwise
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut octets = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = input.read(&mut octets) {
            if sender.blocking_send(octets[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut came = bytes::BytesMut::new();
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            read = conn.read(&mut came) => match read? {
                0 => return Ok(()),
                _ => {
                    let mut out = std::io::stdout().lock();
                    out.write_all(&came.split())?;
                    out.flush()?;
                }
            },
            piece = said.recv(), if is_open => {
                is_open = piece.is_some();
                let piece = piece.unwrap_or_else(|| b"QUIT\n".to_vec());
                // a server that has said goodbye reads no more; what it said is still shown
                is_open &= conn.write_all(&with_crlf(&piece)).await.is_ok();
            }
        }
    }
}

/// Programs and people here end lines with LF alone.
fn with_crlf(piece: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(piece.len() + 16);
    for octet in piece.iter().filter(|octet| **octet != b'\r') {
        match octet {
            b'\n' => out.extend_from_slice(b"\r\n"),
            octet => out.push(*octet),
        }
    }
    out
}

/// `-bv`
fn verify(flags: &Flags, house: &House) -> Result<(), Ended> {
    let message = message::made(flags, &Myself::find()?, Vec::new())?;
    let none = || Ended::new(Code::Temporary, "the server has no socket for local users");
    let socket = house.socket().ok_or_else(none)?;
    let said = in_runtime(hand_over::verify(&socket, &message))??;
    let mut refused: Option<Ended> = None;
    for (recipient, reply) in said {
        if reply.starts_with('2') {
            println!("{recipient}: mail is taken");
            continue;
        }
        let line = format!("{recipient}: {reply}");
        match &mut refused {
            Some(ended) => ended.why = format!("{}\n{line}", ended.why),
            None => refused = Some(Ended::new(Code::of_line(&reply), line)),
        }
    }
    refused.map_or(Ok(()), Err)
}

/// What `whimbrel queue` does.
fn queue(house: &House, what: &str, which: &[String]) -> Result<(), Ended> {
    let data = house.data().display().to_string();
    let mut words = vec!["whimbrel", "queue", what, "--data", &data];
    words.extend(which.iter().map(String::as_str));
    match crate::run_words(&words) {
        Ok(code) if code == std::process::ExitCode::SUCCESS => Ok(()),
        Ok(_) => Err(Ended::new(Code::Unavailable, "")),
        Err(why) if !house.data().is_dir() => Err(Ended::new(Code::Config, why)),
        Err(why) if !is_served(house) => Err(Ended::new(Code::Temporary, why)),
        Err(why) => Err(Ended::new(Code::NotAllowed, why)),
    }
}

/// Whether a server is there.
fn is_served(house: &House) -> bool {
    let socket = house.socket();
    let reached = socket.map(|socket| in_runtime(async move { dial_unix(&socket).await.is_ok() }));
    matches!(reached, Some(Ok(true)))
}

/// One thread: these programs are started by the thousand.
pub fn in_runtime<F: Future>(work: F) -> Result<F::Output, Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let cannot = |error| Ended::new(Code::Temporary, format!("cannot start: {error}"));
    Ok(runtime.map_err(cannot)?.block_on(work))
}
