//! What hostile peers do, one function each; all run side by side and begin again when they end.
//!
//! An attack holds connections or makes work; it ends by itself, with an error or without, and
//! nobody cares. What never happens here: an attack from the honest programs' address, or one that
//! fills the disk (that is another fault, and another test).

use super::peer::{Peer, tcp};
use crate::letters::letter;
use crate::seeded::{Once, Seeded};
use std::collections::BTreeMap;
use std::future::Future;
use std::io::Result;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What an attack knows of its victim.
pub struct Victim {
    pub listeners: BTreeMap<String, SocketAddr>,
    /// Accounts of hostile users, who have a password like anybody else.
    pub users: Vec<String>,
    pub password: String,
}

type Attack = fn(Arc<Victim>, Seeded) -> Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Name, how many at a time, and the attack.
pub const ATTACKS: &[(&str, usize, Attack)] = &[
    ("connections that say nothing", 300, |v, s| {
        Box::pin(silent(v, s))
    }),
    ("connections that come and go", 8, |v, s| {
        Box::pin(come_and_go(v, s))
    }),
    ("one octet at a time", 60, |v, s| Box::pin(drip(v, s))),
    ("answers that nobody reads", 24, |v, s| {
        Box::pin(never_read(v, s))
    }),
    ("endless lines", 8, |v, s| Box::pin(endless_line(v, s))),
    ("endless literals", 6, |v, s| Box::pin(literals(v, s))),
    ("endless headers", 3, |v, s| Box::pin(endless_header(v, s))),
    ("deep MIME", 2, |v, s| Box::pin(deep_mime(v, s))),
    ("messages that never end", 40, |v, s| {
        Box::pin(unfinished(v, s))
    }),
    ("many recipients", 20, |v, s| {
        Box::pin(many_recipients(v, s))
    }),
    ("huge FETCH sets", 2, |v, s| Box::pin(huge_fetch(v, s))),
    ("huge SEARCH programs", 2, |v, s| {
        Box::pin(huge_search(v, s))
    }),
    ("random octets", 8, |v, s| Box::pin(noise(v, s))),
    ("random octets in the TLS handshake", 6, |v, s| {
        Box::pin(tls_noise(v, s))
    }),
    ("random octets after the TLS handshake", 2, |v, s| {
        Box::pin(noise_in_tls(v, s))
    }),
    ("TLS handshakes that stop half-way", 40, |v, s| {
        Box::pin(half_handshake(v, s))
    }),
    ("wrong passwords", 12, |v, s| {
        Box::pin(wrong_passwords(v, s))
    }),
];

const PLAIN: [&str; 4] = ["smtp", "submission", "imap", "pop3"];
const TLS: [&str; 3] = ["submissions", "imaps", "pop3s"];

impl Victim {
    fn any(&self, among: &[&str], seeded: &mut Seeded) -> SocketAddr {
        self.listeners[*seeded.pick(among)]
    }

    fn user<'a>(&'a self, seeded: &mut Seeded) -> &'a str {
        let user: &String = seeded.pick(&self.users);
        user
    }

    /// A hostile user with INBOX open.
    async fn imap(&self, seeded: &mut Seeded) -> Result<Peer> {
        let mut peer = Peer::plain(self.listeners["imap"], seeded.next()).await?;
        let (user, password) = (self.user(seeded), &self.password);
        let login = format!("a LOGIN {user} {password}\r\n");
        peer.ask(login.as_bytes(), b"a OK").await?;
        peer.ask(b"b SELECT INBOX\r\n", b"b OK").await?;
        Ok(peer)
    }

    /// An SMTP session after DATA, for a hostile user.
    async fn data(&self, seeded: &mut Seeded) -> Result<Peer> {
        let mut peer = Peer::plain(self.listeners["smtp"], seeded.next()).await?;
        peer.ask(b"EHLO evil.example.org\r\n", b"250 ").await?;
        let to = self.user(seeded);
        let mail = format!("MAIL FROM:<evil@evil.example.org>\r\nRCPT TO:<{to}>\r\nDATA\r\n");
        peer.ask(mail.as_bytes(), b"354 ").await?;
        Ok(peer)
    }
}

async fn rest(seeded: &mut Seeded, most_ms: u64) {
    sleep(Duration::from_millis(seeded.below(most_ms))).await;
}

async fn silent(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let every: Vec<&str> = PLAIN.into_iter().chain(TLS).collect();
    let _held = Peer::plain(victim.any(&every, &mut seeded), seeded.next()).await?;
    rest(&mut seeded, 60_000).await;
    Ok(())
}

/// A burst, closed at once, half of them by a reset.
async fn come_and_go(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let every: Vec<&str> = PLAIN.into_iter().chain(TLS).collect();
    for _ in 0..20 {
        let stream = tcp(victim.any(&every, &mut seeded), seeded.next()).await?;
        if seeded.once_in(2) == Once::Now {
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        }
    }
    rest(&mut seeded, 400).await;
    Ok(())
}

async fn drip(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::plain(victim.any(&PLAIN, &mut seeded), seeded.next()).await?;
    let words = b"EHLO a.example.org\r\nNOOP\r\nMAIL FROM:<a@a.example.org>\r\na NOOP\r\n";
    for byte in words {
        peer.send(&[*byte]).await?;
        rest(&mut seeded, 400).await;
    }
    Ok(())
}

/// Asks for as much as it can and takes nothing of it.
/// [rfc3501 5.3] [rfc9051 5.3]
async fn never_read(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = match seeded.below(3) {
        0 => {
            let mut peer = Peer::plain(victim.listeners["smtp"], seeded.next()).await?;
            // The rest of it fills every buffer between them.
            while peer.send("HELP\r\n".repeat(1_000).as_bytes()).await.is_ok() {}
            peer
        }
        1 => {
            let mut peer = Peer::plain(victim.listeners["pop3"], seeded.next()).await?;
            let (user, password) = (victim.user(&mut seeded), &victim.password);
            peer.ask(
                format!("USER {user}\r\nPASS {password}\r\n").as_bytes(),
                b"ready",
            )
            .await?;
            while peer
                .send("RETR 1\r\nUIDL\r\n".repeat(200).as_bytes())
                .await
                .is_ok()
            {}
            peer
        }
        _ => {
            let mut peer = victim.imap(&mut seeded).await?;
            let fetch = "c FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])\r\n".repeat(50);
            while peer.send(fetch.as_bytes()).await.is_ok() {}
            peer
        }
    };
    rest(&mut seeded, 20_000).await;
    // After all that silence the server's words are still there, or the connection is not.
    let _ = peer.read(1).await;
    Ok(())
}

async fn endless_line(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::plain(victim.any(&PLAIN, &mut seeded), seeded.next()).await?;
    let piece = vec![*seeded.pick(b"A \"({\\"); 16 * 1024];
    for _ in 0..256 {
        peer.send(&piece).await?;
        rest(&mut seeded, 20).await;
    }
    Ok(())
}

async fn literals(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    match seeded.below(3) {
        0 => {
            let mut peer = Peer::plain(victim.listeners["imap"], seeded.next()).await?;
            let huge = "a LOGIN {4294967295+}\r\n".to_owned() + &"x".repeat(60_000);
            for _ in 0..64 {
                peer.send(huge.as_bytes()).await?;
            }
        }
        1 => {
            // Each literal makes the command so far be read again.
            let mut peer = Peer::plain(victim.listeners["imap"], seeded.next()).await?;
            let many = format!("a LOGIN x{}\r\n", " {0+}\r\n".repeat(1_000));
            peer.send(many.as_bytes()).await?;
            let search = format!("b SEARCH{}\r\n", " SUBJECT {1+}\r\nx".repeat(255));
            peer.send(search.as_bytes()).await?;
            rest(&mut seeded, 200).await;
        }
        _ => {
            let mut peer = victim.imap(&mut seeded).await?;
            peer.send(b"c APPEND INBOX {40000000+}\r\n").await?;
            for _ in 0..300 {
                peer.send(&[b'x'; 16 * 1024]).await?;
                rest(&mut seeded, 10).await;
            }
        }
    }
    Ok(())
}

async fn endless_header(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = victim.data(&mut seeded).await?;
    let piece = match seeded.below(3) {
        0 => "X".repeat(16 * 1024),
        1 => " folded and folded again\r\n".repeat(600),
        _ => "Subject: again and again\r\nTo: a@b.example, c@d.example\r\n".repeat(300),
    };
    peer.send(b"Subject: ").await?;
    for _ in 0..seeded.below(400) {
        peer.send(piece.as_bytes()).await?;
        rest(&mut seeded, 6).await;
    }
    peer.ask(b"\r\n\r\nx\r\n.\r\n", b"\r\n").await?;
    rest(&mut seeded, 3_000).await;
    Ok(())
}

/// Parts in parts, messages in messages, and then questions about them.
async fn deep_mime(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = victim.data(&mut seeded).await?;
    let depth = 200 + seeded.below(8_000);
    let mut text = String::new();
    let kind = seeded.below(3);
    for level in 0..depth {
        match kind {
            0 => text.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
            )),
            1 => text.push_str("Content-Type: message/rfc822\r\n\r\n"),
            _ if level == 0 => text.push_str("Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
            _ => text.push_str("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"),
        }
    }
    peer.send(text.as_bytes()).await?;
    peer.ask(b"\r\n.\r\n", b"\r\n").await?;
    let mut peer = victim.imap(&mut seeded).await?;
    peer.ask(b"c FETCH * (ENVELOPE BODYSTRUCTURE)\r\n", b"\r\nc ")
        .await?;
    let section = vec!["1"; 90].join(".");
    let fetch = format!("d FETCH * BODY.PEEK[{section}]\r\n");
    peer.ask(fetch.as_bytes(), b"\r\nd ").await?;
    peer.ask(b"e SEARCH TEXT nowhere\r\n", b"\r\ne ").await?;
    rest(&mut seeded, 4_000).await;
    Ok(())
}

/// Holds what a message may hold in memory before it goes to a file.
async fn unfinished(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = victim.data(&mut seeded).await?;
    peer.send(&letter("unfinished", 240_000)).await?;
    rest(&mut seeded, 10_000).await;
    Ok(())
}

async fn many_recipients(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::plain(victim.listeners["smtp"], seeded.next()).await?;
    peer.ask(b"EHLO evil.example.org\r\n", b"250 ").await?;
    peer.ask(b"MAIL FROM:<>\r\n", b"250 ").await?;
    for count in 0..1_200 {
        let user = victim.user(&mut seeded);
        let (name, domain) = user.split_once('@').unwrap_or((user, "example.test"));
        let rcpt = format!("RCPT TO:<{name}+{count}@{domain}>\r\n");
        peer.ask(rcpt.as_bytes(), b"\r\n").await?;
        rest(&mut seeded, 8).await;
    }
    rest(&mut seeded, 10_000).await;
    Ok(())
}

async fn huge_fetch(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = victim.imap(&mut seeded).await?;
    let set = vec!["1:*"; 9_000].join(",");
    let items = vec!["BODY.PEEK[HEADER.FIELDS (SUBJECT TO CC)]"; 500].join(" ");
    for command in [
        format!("UID FETCH {set} (FLAGS UID)"),
        format!("FETCH 1:* ({items})"),
        format!(
            "UID FETCH 1:4294967295,{} (FLAGS)",
            vec!["4294967294"; 4_000].join(",")
        ),
        "FETCH 1:* (BODY.PEEK[] BODY.PEEK[] BODY.PEEK[] RFC822.HEADER RFC822.TEXT)".to_owned(),
    ] {
        peer.ask(format!("c {command}\r\n").as_bytes(), b"\r\nc ")
            .await?;
        rest(&mut seeded, 1_000).await;
    }
    Ok(())
}

async fn huge_search(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = victim.imap(&mut seeded).await?;
    let deep = format!("{}ALL", "NOT ".repeat(900));
    let nested = format!("{}ALL{}", "(".repeat(30), ")".repeat(30));
    let texts = vec!["TEXT nowhere"; 300].join(" OR ").replace(" OR ", " ");
    let ors = format!(
        "{}{}",
        "OR ".repeat(400),
        vec!["BODY nothing"; 401].join(" ")
    );
    for program in [deep, nested, texts, ors] {
        peer.ask(format!("c SEARCH {program}\r\n").as_bytes(), b"c ")
            .await?;
        rest(&mut seeded, 1_000).await;
    }
    Ok(())
}

async fn noise(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::plain(victim.any(&PLAIN, &mut seeded), seeded.next()).await?;
    for _ in 0..20 {
        let count = usize::try_from(1 + seeded.below(4_000)).unwrap_or(1);
        let mut bytes = seeded.bytes(count);
        if seeded.once_in(3) == Once::Now {
            bytes.extend_from_slice(b"\r\n");
        }
        peer.send(&bytes).await?;
        rest(&mut seeded, 60).await;
    }
    Ok(())
}

async fn tls_noise(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::plain(victim.any(&TLS, &mut seeded), seeded.next()).await?;
    if seeded.once_in(2) == Once::Now {
        // The head of a handshake record of 16,000 octets.
        peer.send(&[22, 3, 1, 0x3e, 0x80]).await?;
    }
    for _ in 0..20 {
        let count = usize::try_from(1 + seeded.below(4_000)).unwrap_or(1);
        peer.send(&seeded.bytes(count)).await?;
        rest(&mut seeded, 60).await;
    }
    Ok(())
}

async fn noise_in_tls(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = Peer::tls(victim.any(&TLS, &mut seeded), seeded.next()).await?;
    for _ in 0..20 {
        let count = usize::try_from(1 + seeded.below(4_000)).unwrap_or(1);
        peer.send(&seeded.bytes(count)).await?;
        rest(&mut seeded, 60).await;
    }
    Ok(())
}

async fn half_handshake(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let mut peer = match seeded.once_in(2) {
        Once::Now => Peer::plain(victim.any(&TLS, &mut seeded), seeded.next()).await?,
        Once::NotNow => {
            let mut peer = Peer::plain(victim.listeners["imap"], seeded.next()).await?;
            peer.ask(b"a STARTTLS\r\n", b"a OK").await?;
            peer
        }
    };
    peer.send(&[22, 3, 1, 2, 0, 1, 0, 1]).await?;
    rest(&mut seeded, 20_000).await;
    Ok(())
}

/// Guesses, also for the honest accounts, from many addresses.
async fn wrong_passwords(victim: Arc<Victim>, mut seeded: Seeded) -> Result<()> {
    let guess = seeded.below(1_000_000);
    let user = match seeded.below(3) {
        0 => "alice@example.test",
        1 => victim.user(&mut seeded),
        _ => "nobody@example.test",
    };
    let (at, words) = match seeded.below(3) {
        0 => ("imap", format!("a LOGIN {user} wrong{guess}\r\n").repeat(3)),
        1 => (
            "pop3",
            format!("USER {user}\r\nPASS wrong{guess}\r\n").repeat(3),
        ),
        _ => (
            "submission",
            "EHLO a\r\nAUTH PLAIN AGFsaWNlAHdyb25n\r\n".to_owned(),
        ),
    };
    let mut peer = Peer::plain(victim.listeners[at], seeded.next()).await?;
    peer.send(words.as_bytes()).await?;
    while !peer.read(4_096).await?.is_empty() {}
    Ok(())
}
