//! The house of mail and the one way in for mail from the road: one body, one durable group.

use crate::account::Account;
use crate::auth::Auth;
use crate::directory::Directory;
use crate::error::DeliverError;
use crate::ids::{AccountId, EmailId, ModSeq};
use crate::proof::{Admin, Delivery, Login};
use crate::settings::MailSettings;
use crate::verify::VerifyReport;
use bytes::Bytes;
use net::{Clock, Random, Stop, Time};
use std::sync::Arc;
use store::{Body, BodyRefusal, BodyWriter, Db, Fault};

/// Mail at rest. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub settings: MailSettings,
    pub directory: Directory,
    pub auth: Auth,
}

/// A message from the road.
#[derive(Clone)]
pub struct Incoming {
    /// Its octets, without what is put before them for each delivery.
    pub body: Body,
    /// The reverse path without brackets; empty for a bounce.
    pub sender: String,
    /// The client, for people ("mx.example.org [192.0.2.1]").
    pub client: String,
    /// The login, if there was one.
    pub login: Option<String>,
    /// When it was accepted; also INTERNALDATE.
    pub at: Time,
}

/// Header fields put before one delivery's body: whole lines, each with CRLF. May be empty.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Prefix(pub Bytes);

/// Where a message went, in the order of the deliveries.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// One for each delivery.
    pub to: Vec<DeliveredTo>,
}

/// Where one delivery went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveredTo {
    /// The account.
    pub account: AccountId,
    /// The UID in INBOX.
    pub uid: u32,
    /// The message's id.
    pub email_id: EmailId,
    /// The account's change.
    pub modseq: ModSeq,
}

impl Mail {
    /// Opens the house over a store.
    pub async fn open(
        db: Db,
        clock: Clock,
        random: Random,
        settings: MailSettings,
    ) -> Result<Mail, Fault> {
        todo!()
    }
    /// Domains, accounts, aliases.
    pub fn directory(&self) -> &Directory {
        &self.inner.directory
    }
    /// Logins.
    pub fn auth(&self) -> &Auth {
        &self.inner.auth
    }
    /// The clock it was opened with.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }
    /// The account of a login.
    pub fn account(&self, login: &Login) -> Account {
        Account {
            inner: self.inner.clone(),
            id: login.account_id(),
        }
    }
    /// Any account, for its owner's owner.
    pub fn account_as_admin(&self, _: &Admin, id: AccountId) -> Account {
        Account {
            inner: self.inner.clone(),
            id,
        }
    }
    /// A place to stream a body to.
    pub async fn new_body(&self) -> Result<BodyWriter, BodyRefusal> {
        self.inner.db.new_body().await
    }
    /// One body for all recipients, one durable group. `Ok` = every delivery is durable. An account
    /// that stands there twice gets it once, with the first of its deliveries.
    pub async fn deliver(
        &self,
        message: Incoming,
        to: Vec<(Delivery, Prefix)>,
    ) -> Result<Delivered, DeliverError> {
        todo!()
    }
    /// Checks everything and says what it found; changes nothing.
    pub async fn verify(
        &self,
        _: &Admin,
        progress: impl FnMut(&str),
    ) -> Result<VerifyReport, Fault> {
        todo!()
    }
    /// History expiry and vacuum; runs until stopped.
    pub async fn upkeep(&self, stop: Stop) {
        todo!()
    }
}
