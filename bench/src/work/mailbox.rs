//! Filling a mailbox by the quickest means that a server offers.
//!
//! Never here: a measurement.

use crate::Outcome;
use crate::letter::letter;
use crate::target::Target;
use crate::wire::Wire;

/// Messages of one MULTIAPPEND, or APPENDs that wait for their answers.
const TOGETHER: usize = 250;
pub const MESSAGE_BYTES: usize = 1_024;

/// A session of an account at the IMAP port.
pub async fn session(target: &Target, account: usize) -> Outcome<Wire> {
    let mut wire = Wire::plain(target.imap).await?;
    wire.imap_login(&target.login(account)).await?;
    Ok(wire)
}

/// Brings a mailbox that has none to so many messages; it is made if need be.
pub async fn fill(target: &Target, account: usize, mailbox: &str, count: usize) -> Outcome<()> {
    let mut wire = session(target, account).await?;
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
