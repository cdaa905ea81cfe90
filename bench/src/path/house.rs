//! A whole server in this process: the memory engine, the rooms over it, and the doors behind pipes.
//!
//! Never here: a socket, a disk or a second thread of ours.

use crate::Outcome;
use crate::target::PASSWORD;
use crate::wire::Wire;
use mail::{Admin, Argon2Cost, Mail, MailSettings};
use net::{Clock, Conn, Random, Stop};
use post::{Post, PostSettings};
use std::sync::Arc;
use store::Db;

const DOMAIN: &str = "example.test";
const ACCOUNTS: u32 = 50;
/// As much as a socket holds.
const PIPE_BYTES: usize = 128 * 1024;

pub struct House {
    smtpd: Arc<smtpd::Door>,
    imapd: Arc<imapd::Door>,
    popd: Arc<popd::Door>,
    stop: Stop,
}

impl House {
    /// With the accounts user1 to user50.
    pub async fn open() -> Outcome<House> {
        let db = Db::memory();
        let (clock, random) = (Clock::system(), Random::seeded(1));
        let mail = Mail::open(db.clone(), clock.clone(), random.clone(), settings());
        let mail = mail.await.map_err(|fault| fault.to_string())?;
        people(&mail, &Admin::owner_of(&db)).await?;
        let post = Post::new(mail.clone(), clock, random, PostSettings::new(DOMAIN));
        let smtpd = smtpd::Settings::new(DOMAIN, smtpd::Role::Exchange);
        let imapd = imapd::Settings {
            hostname: DOMAIN.to_owned(),
            allow_cleartext_login: true,
            ..imapd::Settings::default()
        };
        let popd = popd::Settings {
            clear_text: popd::ClearText::Allowed,
            ..popd::Settings::new(DOMAIN)
        };
        Ok(House {
            smtpd: Arc::new(smtpd::Door::new(post, mail.clone(), None, smtpd)),
            imapd: Arc::new(imapd::Door::new(mail.clone(), imapd)),
            popd: Arc::new(popd::Door::new(mail, None, popd)),
            stop: Stop::new(),
        })
    }

    pub fn smtp(&self) -> Wire {
        let (client, server) = Conn::pipe(PIPE_BYTES);
        tokio::spawn(smtpd::session(
            server,
            self.smtpd.clone(),
            self.stop.clone(),
        ));
        Wire::inside(client)
    }

    pub fn imap(&self) -> Wire {
        let (client, server) = Conn::pipe(PIPE_BYTES);
        tokio::spawn(imapd::session(
            server,
            self.imapd.clone(),
            self.stop.clone(),
        ));
        Wire::inside(client)
    }

    pub fn pop(&self) -> Wire {
        let (client, server) = Conn::pipe(PIPE_BYTES);
        tokio::spawn(popd::session(server, self.popd.clone(), self.stop.clone()));
        Wire::inside(client)
    }
}

/// Of the first account.
pub fn login() -> (String, String) {
    (format!("user1@{DOMAIN}"), PASSWORD.to_owned())
}

/// Hashes of passwords are cheap: they are no part of any path.
fn settings() -> MailSettings {
    MailSettings {
        argon2: Argon2Cost::LEAST,
        scram_verifier: false,
        hash_workers: 0,
        ..MailSettings::default()
    }
}

async fn people(mail: &Mail, admin: &Admin) -> Outcome<()> {
    let text = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let directory = mail.directory();
    let domain = DOMAIN.parse().map_err(|error| text(&error))?;
    let added = directory.add_domain(admin, &domain).await;
    added.map_err(|error| text(&error))?;
    let password = mail.auth().new_password(PASSWORD.as_bytes()).await;
    let password = password.map_err(|error| text(&error))?;
    for number in 1..=ACCOUNTS {
        let address = format!("user{number}@{DOMAIN}").parse();
        let address = address.map_err(|error| text(&error))?;
        let added = directory.add_account(admin, &address, Some(&password));
        added.await.map_err(|error| text(&error))?;
    }
    Ok(())
}
