//! One sender: session after session over SMTP, as fast as the server answers.
//!
//! Never here: a message that was built while its latency is taken.

use crate::Outcome;
use crate::clock::Histogram;
use crate::letter::letter;
use crate::wire::Wire;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Letters to choose from, so that building them takes no measured time.
const LETTERS: u64 = 32;
/// Behind this, the number of the letter in 16 digits.
const MESSAGE_ID: &[u8] = b"\r\nMessage-ID: <";
const DIGITS: usize = 16;

/// Ready-made messages of one size, each with the final dot.
pub struct Letters(Vec<Letter>);

struct Letter {
    octets: Vec<u8>,
    /// Where the digits of the Message-ID stand.
    digits: usize,
}

impl Letters {
    pub fn new(octets: usize) -> Letters {
        Letters(
            (0..LETTERS)
                .map(|number| Letter::new(octets, number))
                .collect(),
        )
    }
}

impl Letter {
    fn new(octets: usize, number: u64) -> Letter {
        let mut octets = letter(octets, number);
        octets.extend_from_slice(b".\r\n");
        let digits = memchr::memmem::find(&octets, MESSAGE_ID)
            .expect("because every letter has a Message-ID")
            + MESSAGE_ID.len();
        Letter { octets, digits }
    }
}

pub struct Sent {
    pub messages: u64,
    /// From the end of the data to its answer.
    pub latency: Histogram,
}

pub struct Sender {
    smtp: SocketAddr,
    /// MAIL, RCPT and DATA.
    envelope: Vec<u8>,
    recipients: usize,
    letters: Arc<Letters>,
    message: Vec<u8>,
    sent: Sent,
}

impl Sender {
    pub fn new(smtp: SocketAddr, number: usize, to: &[String], letters: &Arc<Letters>) -> Sender {
        let mut envelope = format!("MAIL FROM:<sender{number}@client.example.test>\r\n");
        for address in to {
            envelope.push_str(&format!("RCPT TO:<{address}>\r\n"));
        }
        envelope.push_str("DATA\r\n");
        Sender {
            smtp,
            envelope: envelope.into_bytes(),
            recipients: to.len(),
            letters: letters.clone(),
            message: Vec::new(),
            sent: Sent {
                messages: 0,
                latency: Histogram::new(),
            },
        }
    }

    /// Session after session of so many messages, up to that moment; one message at least.
    pub async fn send(mut self, per_session: usize, until: Instant) -> Outcome<Sent> {
        loop {
            let mut wire = Wire::plain(self.smtp).await?;
            wire.smtp_hello().await?;
            for _ in 0..per_session {
                self.message(&mut wire).await?;
                if Instant::now() >= until {
                    break;
                }
            }
            wire.smtp(b"QUIT", 221).await?;
            if Instant::now() >= until {
                return Ok(self.sent);
            }
        }
    }

    async fn message(&mut self, wire: &mut Wire) -> Outcome<()> {
        self.build();
        wire.send(&self.envelope).await?;
        for _ in 0..=self.recipients {
            wire.expect_reply(250).await?;
        }
        wire.expect_reply(354).await?;
        wire.send(&self.message).await?;
        let ended = Instant::now();
        wire.expect_reply(250).await?;
        self.sent.latency.record(ended.elapsed());
        self.sent.messages += 1;
        Ok(())
    }

    /// No two with the same Message-ID: some servers drop the second.
    fn build(&mut self) {
        let number = unique();
        let letters = &self.letters.0;
        let letter = &letters[number as usize % letters.len()];
        self.message.clear();
        self.message.extend_from_slice(&letter.octets);
        let digits = &mut self.message[letter.digits..letter.digits + DIGITS];
        digits.copy_from_slice(format!("{number:016x}").as_bytes());
    }
}

/// Another one each time, in all rounds.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_differ_in_their_message_id_and_end_once() {
        let at = SocketAddr::from(([127, 0, 0, 1], 25));
        let letters = Arc::new(Letters::new(8 * 1024));
        let mut sender = Sender::new(at, 3, &["u1@example.test".to_owned()], &letters);
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..100 {
            sender.build();
            assert_eq!(sender.message.len(), 8 * 1024 + 3);
            let ends = memchr::memmem::find_iter(&sender.message, b"\r\n.\r\n");
            assert_eq!(ends.count(), 1);
            let lines = sender.message.split(|octet| *octet == b'\n');
            ids.extend(
                lines
                    .filter(|line| line.starts_with(b"Message-ID"))
                    .map(<[u8]>::to_vec),
            );
        }
        assert_eq!(ids.len(), 100);
    }
}
