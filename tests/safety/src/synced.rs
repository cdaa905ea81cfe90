//! Counts, from strace, that each acknowledged message was preceded by its sync: what was written
//! of it to the data folder was followed by a sync of the same file, which began after the write
//! had ended and ended before the 250 was sent.
//!
//! What never happens here: trust in what the server says about itself.

use crate::letters::letter;
use clients::{Program, Smtp, Start};
use std::collections::BTreeMap;
use std::path::Path;

const SENDERS: usize = 6;
const MESSAGES: usize = 30;
/// What the server sends and writes, and when it syncs. Octets are quoted whole.
const CALLS: &str =
    "trace=write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,sync_file_range";

/// Runs a server under strace, delivers to it, and counts. Without strace it shows nothing, which
/// on the build machine is a failure.
pub fn run() {
    if Program::find("strace").is_none() {
        return;
    }
    let place = tempfile::tempdir().expect("because there is room for a folder");
    let (data, trace) = (place.path().join("data"), place.path().join("trace"));
    let trace_name = trace.to_string_lossy().into_owned();
    let strace = [
        "strace",
        "-f",
        "-y",
        "-s",
        "2000000",
        "-e",
        CALLS,
        "-e",
        "signal=none",
        "-o",
        &trace_name,
    ];
    let server = Start::on(&data).under(&strace).start();
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            let at = server.at("smtp").to_owned();
            std::thread::spawn(move || deliver(&at, number))
        })
        .collect();
    let acknowledged: Vec<(String, String)> = senders
        .into_iter()
        .flat_map(|sender| sender.join().expect("because no message was refused"))
        .collect();
    server.stop();
    let trace = std::fs::read(&trace).expect("because strace wrote it");
    let events = events(&String::from_utf8_lossy(&trace));
    let data = data.to_string_lossy().into_owned();
    let mut wrong = Vec::new();
    for (id, token) in &acknowledged {
        if let Err(why) = was_synced(&events, Path::new(&data), id, token) {
            wrong.push(format!("{id} ({token}): {why}"));
        }
    }
    let syncs = events.iter().filter(|event| event.is_sync()).count();
    println!(
        "{} messages acknowledged, {} of them preceded by their sync; {syncs} syncs in all",
        acknowledged.len(),
        acknowledged.len() - wrong.len()
    );
    assert_eq!(acknowledged.len(), SENDERS * MESSAGES);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The ids and tokens of what was acknowledged.
fn deliver(at: &str, number: usize) -> Vec<(String, String)> {
    let mut smtp = Smtp::connect(at);
    let message = |count: usize| {
        let token = format!("strace{number}n{count}e");
        // One in ten is too large for the log and gets a file of its own.
        let octets = if count % 10 == 9 {
            300_000
        } else {
            400 * count
        };
        let to: &[&str] = match count % 3 {
            0 => &["alice@example.test", "bob@example.test"],
            _ => &["alice@example.test"],
        };
        let sent = smtp.try_mail("carol@client.example.org", to, &noisy(&token, octets));
        let reply = sent.unwrap_or_else(|error| panic!("{token}: {error}"));
        let id = reply.strip_prefix("250 2.0.0 ");
        let id = id.unwrap_or_else(|| panic!("{token}: {reply}"));
        (id.to_owned(), token)
    };
    (0..MESSAGES).map(message).collect()
}

/// A letter whose body the store keeps as it came, as compressing would save next to nothing: its
/// token is found in what was written.
fn noisy(token: &str, octets: usize) -> Vec<u8> {
    let mut letter = letter(token, 0);
    let mut word = octets as u64 + 1;
    while letter.len() < octets {
        for _ in 0..100 {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let octet = (word >> 56) as u8;
            letter.push(if matches!(octet, 0 | b'\r' | b'\n') {
                b'x'
            } else {
                octet
            });
        }
        letter.extend_from_slice(b"\r\n");
    }
    letter
}

/// One system call.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Event {
    call: String,
    /// The file behind the descriptor.
    file: String,
    /// The rest of the line.
    text: String,
    /// The lines on which strace saw it begin and end.
    began: usize,
    ended: usize,
}

impl Event {
    fn is_sync(&self) -> bool {
        matches!(self.call.as_str(), "fsync" | "fdatasync")
    }
}

/// The calls in a trace, by their beginning.
fn events(trace: &str) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    // Which call of a thread is under way.
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if rest.starts_with("<... ") {
            if let Some(at) = open.remove(thread) {
                events[at].ended = number;
                events[at].text.push_str(rest);
            }
            continue;
        }
        let Some((call, rest)) = rest.split_once('(') else {
            continue;
        };
        let file = rest
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'));
        let is_open = rest.ends_with("<unfinished ...>");
        if is_open {
            open.insert(thread, events.len());
        }
        events.push(Event {
            call: call.to_owned(),
            file: file.map_or("", |(file, _)| file).to_owned(),
            text: rest.to_owned(),
            began: number,
            ended: if is_open { usize::MAX } else { number },
        });
    }
    events
}

fn was_synced(events: &[Event], data: &Path, id: &str, token: &str) -> Result<(), String> {
    let reply = format!("\"250 2.0.0 {id}");
    let sent = events
        .iter()
        .find(|event| event.file.starts_with("socket") && event.text.contains(&reply));
    let sent = sent.ok_or("its reply is not in the trace")?.began;
    let before = events.iter().take_while(|event| event.began < sent);
    let (mut bodies, mut records) = (0, 0);
    for event in before.filter(|event| Path::new(&event.file).starts_with(data)) {
        let has_body = event.text.contains(token);
        let has_id = event.text.contains(id);
        if !has_body && !has_id {
            continue;
        }
        bodies += u32::from(has_body);
        records += u32::from(has_id);
        let is_its_sync = |sync: &&Event| {
            sync.is_sync()
                && sync.file == event.file
                && sync.began > event.ended
                && sync.ended < sent
                && sync.text.trim_end().ends_with("= 0")
        };
        if !events.iter().any(|sync| is_its_sync(&sync)) {
            return Err(format!(
                "line {} wrote to {}, line {} acknowledged, and no sync lies between",
                event.began + 1,
                event.file,
                sent + 1
            ));
        }
    }
    match (bodies, records) {
        (0, _) => Err("its body was not written before its reply".to_owned()),
        (_, 0) => Err("its record was not written before its reply".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: &str = "7 pwrite64(9</d/log/1>, \"id=Ab\\r\\nX-Token: t1\", 20, 0) = 20\n";
    const SEND: &str = "8 sendto(5<socket:[1]>, \"250 2.0.0 Ab\\r\\n\", 14) = 14\n";

    fn check(trace: &str) -> Result<(), String> {
        was_synced(&events(trace), Path::new("/d"), "Ab", "t1")
    }

    #[test]
    fn a_sync_between_write_and_reply_is_enough() {
        let sync = "7 fdatasync(9</d/log/1>) = 0\n";
        assert_eq!(check(&format!("{WRITE}{sync}{SEND}")), Ok(()));
        let resumed = "7 fdatasync(9</d/log/1> <unfinished ...>\n6 write(1<pipe>, \"\", 1) = 1\n\
                       7 <... fdatasync resumed>) = 0\n";
        assert_eq!(check(&format!("{WRITE}{resumed}{SEND}")), Ok(()));
    }

    #[test]
    fn a_sync_that_is_early_late_failed_or_elsewhere_is_none() {
        let sync = "7 fdatasync(9</d/log/1>) = 0\n";
        let failed = "7 fdatasync(9</d/log/1>) = -1 EIO (Input/output error)\n";
        let elsewhere = "7 fdatasync(8</d/log/2>) = 0\n";
        let begun = "7 fdatasync(9</d/log/1> <unfinished ...>\n";
        let ended = "7 <... fdatasync resumed>) = 0\n";
        let half_written = "7 pwrite64(9</d/log/1>, \"id=Ab\\r\\nX-Token: t1\" <unfinished ...>\n";
        for trace in [
            format!("{WRITE}{SEND}"),
            format!("{sync}{WRITE}{SEND}"),
            format!("{WRITE}{SEND}{sync}"),
            format!("{WRITE}{failed}{SEND}"),
            format!("{WRITE}{elsewhere}{SEND}"),
            format!("{WRITE}{begun}{SEND}{ended}"),
            format!(
                "{half_written}8 fdatasync(9</d/log/1>) = 0\n7 <... pwrite64 resumed>) = 20\n{SEND}"
            ),
        ] {
            assert!(check(&trace).is_err(), "{trace}");
        }
    }
}
