//! A small house for tests: one domain, accounts, deliveries. Never: a check of its own.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]
#![allow(dead_code)]

use addr::Address;
use bytes::Bytes;
use mail::*;
use net::{Clock, Random, Time};

pub struct House {
    pub mail: Mail,
    pub clock: Clock,
    pub admin: Admin,
    pub db: Db,
}

impl House {
    pub async fn memory() -> House {
        let settings = MailSettings {
            weak_passwords: WeakPasswords::Allowed,
            ..MailSettings::default()
        };
        House::over(Db::memory(), settings).await
    }

    pub async fn over(db: Db, settings: MailSettings) -> House {
        let clock = Clock::manual(Time::from_seconds(1_700_000_000));
        let mail = Mail::open(db.clone(), clock.clone(), Random::seeded(1), settings);
        let mail = mail.await.unwrap();
        House {
            mail,
            clock,
            admin: Admin::upkeep(),
            db,
        }
    }

    /// A house over files in a folder of its own.
    pub async fn embedded(folder: &std::path::Path, settings: MailSettings) -> House {
        let files = store::Files::real(folder).unwrap();
        let db = Db::open(files, store::Settings::default()).unwrap();
        House::over(db, settings).await
    }

    pub async fn account(&self, name: &str) -> Account {
        let directory = self.mail.directory();
        let domain = "example.test".parse().unwrap();
        let _ = directory.add_domain(&self.admin, &domain).await;
        let address = address(name);
        let id = directory
            .add_account(&self.admin, &address, None)
            .await
            .unwrap();
        self.mail.account_as_admin(&self.admin, id)
    }

    /// An account that is there already.
    pub fn found(&self, name: &str) -> Account {
        let directory = self.mail.directory();
        let id = directory.account_of(&self.admin, &address(name));
        self.mail
            .account_as_admin(&self.admin, id.unwrap().unwrap())
    }

    pub async fn change(&self, name: &str, change: AccountChange) -> Result<(), DirectoryError> {
        let id = self.found(name).id();
        let directory = self.mail.directory();
        directory.change_account(&self.admin, id, change).await
    }

    pub async fn set_quota(&self, name: &str, bytes: u64) {
        let change = AccountChange {
            quota_bytes: Some(Some(bytes)),
            ..AccountChange::default()
        };
        self.change(name, change).await.unwrap();
    }

    /// From now on nobody logs in.
    pub async fn close(&self, name: &str) {
        let change = AccountChange {
            standing: Some(Standing::NoLogin),
            ..AccountChange::default()
        };
        self.change(name, change).await.unwrap();
    }

    pub async fn body(&self, text: &[u8]) -> Body {
        let mut writer = self.mail.new_body().await.unwrap();
        writer.write(text).await.unwrap();
        writer.finish(b"").await.unwrap()
    }

    pub async fn resolved(&self, name: &str) -> Vec<Delivery> {
        match self.mail.directory().resolve(&address(name)).await.unwrap() {
            Resolved::Local(deliveries) => deliveries,
            other => panic!("{name} leads to {other:?}"),
        }
    }

    pub async fn incoming(&self, text: &[u8]) -> Incoming {
        Incoming {
            body: self.body(text).await,
            sender: "sender@elsewhere.test".to_owned(),
            client: "client.test [127.0.0.1]".to_owned(),
            login: None,
            at: self.clock.now(),
        }
    }

    pub async fn deliver(&self, name: &str, text: &[u8]) -> Result<Delivered, DeliverError> {
        let message = self.incoming(text).await;
        let prefix = Prefix(Bytes::from_static(
            b"Return-Path: <sender@elsewhere.test>\r\n",
        ));
        let to = self
            .resolved(name)
            .await
            .into_iter()
            .map(|delivery| Addressed {
                delivery,
                prefix: prefix.clone(),
                dsn: Dsn::default(),
            })
            .collect();
        self.mail.deliver(message, to).await
    }

    pub async fn append(
        &self,
        account: &Account,
        mailbox: &str,
        texts: &[&str],
    ) -> Result<Appended, AppendError> {
        let mut messages = Vec::new();
        for text in texts {
            let body = self.body(text.as_bytes()).await;
            messages.push(NewMessage {
                body,
                flags: Flags::default(),
                internal_date: None,
            });
        }
        account.append(&name(mailbox), messages).await
    }

    pub async fn problems(&self) -> Vec<Problem> {
        self.mail
            .verify(&self.admin, |_| {})
            .await
            .unwrap()
            .problems
    }
}

pub fn address(name: &str) -> Address {
    let whole = if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@example.test")
    };
    whole.parse().unwrap()
}

pub fn name(text: &str) -> MailboxName {
    MailboxName::try_from(text).unwrap()
}

pub fn everything(view: &View) -> Vec<Message> {
    let mut cursor = Cursor::start();
    let mut all = Vec::new();
    loop {
        let some = view
            .fetch(view.uids(), Want::Both, &mut cursor, 100)
            .unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

pub fn whole(message: &Message) -> Vec<u8> {
    let content = message.ready.as_ref().unwrap().content();
    content.read(0, content.len() as usize).unwrap().to_vec()
}

pub fn set(uids: &[u32]) -> roaring::RoaringBitmap {
    uids.iter().copied().collect()
}
