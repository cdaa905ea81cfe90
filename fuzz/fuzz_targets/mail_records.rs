//! Every record of mail in any state: a reader gets an answer or a fault, never a panic, and
//! `verify` says what it found.
//!
//! The first two bytes choose a record of a small house; the third whether the rest replaces it or
//! changes it (place, byte).
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{
    Access, Account, Admin, AppendError, Cursor, Db, Expunges, Flags, Mail, MailSettings,
    MailboxName, NewMessage, Section, Want,
};
use net::{Clock, Random, Time};
use store::Partition;

const TEXT: &[u8] = b"From: a <a@example.test>\r\nSubject: x\r\nContent-Type: multipart/mixed; \
    boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n";

struct House {
    db: Db,
    mail: Mail,
    admin: Admin,
    account: Account,
}

impl House {
    async fn new() -> House {
        let db = Db::memory();
        let clock = Clock::manual(Time::from_seconds(1_700_000_000));
        let settings = MailSettings::default();
        let mail = Mail::open(db.clone(), clock, Random::seeded(1), settings);
        let mail = mail.await.expect("because the store is empty");
        let admin = Admin::upkeep();
        let directory = mail.directory();
        let domain = "example.test".parse().expect("because it is a domain");
        let added = directory.add_domain(&admin, &domain).await;
        added.expect("because it is new");
        let address = "a@example.test".parse().expect("because it is an address");
        let id = directory.add_account(&admin, &address, None).await;
        let id = id.expect("because it is new");
        let account = mail.account_as_admin(&admin, id);
        let house = House {
            db,
            mail,
            admin,
            account,
        };
        house.append().await.expect("because nothing is wrong yet");
        house
    }

    async fn append(&self) -> Result<(), AppendError> {
        let mut messages = Vec::new();
        for _ in 0..3 {
            let mut writer = self.mail.new_body().await.expect("because there is room");
            writer.write(TEXT).await.expect("because there is room");
            let body = writer.finish(b"").await.expect("because there is room");
            messages.push(NewMessage {
                body,
                flags: Flags::default(),
                internal_date: None,
            });
        }
        let inbox = MailboxName::inbox();
        self.account.append(&inbox, messages).await.map(|_| ())
    }

    /// Puts other octets into one record.
    async fn damage(&self, data: &[u8]) {
        let [first, second, how, rest @ ..] = data else {
            return;
        };
        let partition = Partition(match first % 4 {
            0 => 0,
            _ => self.account.id().0,
        });
        let rows = self.db.snapshot().prefix(partition, b"");
        let rows: Vec<_> = rows
            .collect::<Result<_, _>>()
            .expect("because it is memory");
        let (key, value) = &rows[usize::from(*second) % rows.len()];
        let mut octets = value.bytes().to_vec();
        match how % 2 {
            0 if !octets.is_empty() => {
                for change in rest.chunks_exact(2) {
                    let place = usize::from(change[0]) % octets.len();
                    octets[place] = change[1];
                }
            }
            _ => octets = rest.to_vec(),
        }
        let mut edit = self.db.edit(partition).await;
        edit.put(key.clone(), octets);
        edit.submit().await.expect("because memory does not fail");
    }

    /// What sessions do, whatever comes of it.
    async fn use_it(&self) {
        let inbox = MailboxName::inbox();
        let _ = self.append().await;
        let _ = self.account.status(&inbox);
        let _ = self.account.quota();
        if let Ok(mut view) = self.account.select(&inbox, Access::ReadWrite).await {
            let uids = view.uids().clone();
            let mut cursor = Cursor::start();
            if let Ok(messages) = view.fetch(&uids, Want::Both, &mut cursor, 10) {
                for ready in messages.iter().filter_map(|m| m.ready.as_ref()) {
                    let _ = (ready.envelope(), ready.bodystructure(), ready.size());
                    let parts = ready.parts();
                    if let Some(range) = parts.locate(&[1], Section::Mime) {
                        let len = range.end.saturating_sub(range.start).min(1_000);
                        let _ = ready.content().read(range.start, len as usize);
                    }
                }
            }
            let _ = view.expunge_uids(&uids).await;
            let _ = view.advance(Expunges::Tell);
        }
        let _ = self.mail.verify(&self.admin, |_| {}).await;
    }
}

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("because nothing runs without it");
    runtime.block_on(async {
        let house = House::new().await;
        house.damage(data).await;
        house.use_it().await;
    });
});
