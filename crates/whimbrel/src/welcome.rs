//! The message that alice and bob find when they look for the first time.
//!
//! What never happens here: a second copy; an INBOX that ever had a message gets none.

use crate::Outcome;
use addr::Address;
use mail::{Admin, Flags, Mail, MailboxName, NewMessage};
use net::Time;

/// Puts the welcome into an INBOX that never had a message.
pub async fn greet(mail: &Mail, admin: &Admin, address: &Address) -> Outcome<()> {
    let doing = |error: &dyn std::fmt::Debug| format!("cannot welcome {address}: {error:?}");
    let id = mail
        .directory()
        .account_of(admin, address)
        .map_err(|error| doing(&error))?;
    let id = id.ok_or_else(|| format!("cannot welcome {address}: there is no such account"))?;
    let account = mail.account_as_admin(admin, id);
    let inbox = MailboxName::try_from("INBOX").map_err(|error| doing(&error))?;
    let status = account.status(&inbox).map_err(|error| doing(&error))?;
    if status.uid_next > 1 {
        return Ok(());
    }
    let now = mail.clock().now();
    let mut writer = mail.new_body().await.map_err(|error| doing(&error))?;
    let text = message(address, now);
    writer
        .write(text.as_bytes())
        .await
        .map_err(|error| doing(&error))?;
    let body = writer.finish(&[]).await.map_err(|error| doing(&error))?;
    let message = NewMessage {
        body,
        flags: Flags::default(),
        internal_date: Some(now),
    };
    account
        .append(&inbox, vec![message])
        .await
        .map(drop)
        .map_err(|error| doing(&error))
}

fn message(to: &Address, now: Time) -> String {
    let date = now.rfc5322();
    let id = now.0;
    let lines = [
        "From: Whimbrel <postmaster@example.test>".to_owned(),
        format!("To: <{to}>"),
        "Subject: Welcome to Whimbrel".to_owned(),
        format!("Date: {date}"),
        format!("Message-ID: <welcome.{id}.{}@example.test>", to.local()),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        String::new(),
        "This message was put here when the server started for the first time.".to_owned(),
        String::new(),
        "Mail for anybody at example.test who has an account arrives by SMTP or".to_owned(),
        "submission and is read by IMAP or POP3. The server's output names the ports".to_owned(),
        "and has lines to paste for curl, swaks, mutt and Thunderbird.".to_owned(),
        String::new(),
        "Whatever the server has answered with 250 is on the disk.".to_owned(),
        String::new(),
    ];
    lines.join("\r\n")
}
