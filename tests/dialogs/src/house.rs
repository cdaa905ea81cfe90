//! A small house for one script: the real rooms over the memory engine, set up by the `@` lines.
//!
//! What never happens here: a door; the test brings the session.

use crate::issuer::{Signer, Web};
use crate::pattern::Kept;
use crate::script::{Script, Setup};
use addr::Address;
use mail::{
    Account, AccountChange, Addressed, Admin, Argon2Cost, Body, Dsn, Flags, Incoming,
    IssuerSettings, Mail, MailSettings, MailboxName, Mechanism, NewMessage, Prefix,
    ReadablePassword, Resolved, SharedKey, WeakPasswords,
};
use net::{Clock, Random, TlsClient, TlsServer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use std::collections::BTreeMap;
use store::Db;

/// The domain of all scripts.
pub const DOMAIN: &str = "example.test";
/// Every script's randomness is the same at each run.
const SEED: u64 = 7;
/// Where tokens must be for.
const AUDIENCE: &str = "mail.example.test";

/// The rooms below the doors. Cheap to clone.
#[derive(Clone)]
pub struct House {
    pub db: Db,
    pub mail: Mail,
    pub clock: Clock,
    pub random: Random,
    pub tls_server: TlsServer,
    pub tls_client: TlsClient,
    /// Of the sessions that show a certificate of their own.
    pub tls_clients: BTreeMap<u32, TlsClient>,
    /// Who asked for CRAM-MD5.
    shared_keys: Vec<String>,
    /// Who asked for APOP.
    readable: Vec<String>,
    /// What lines may name before anything was kept: tokens.
    pub kept: Kept,
}

impl House {
    /// An empty house in memory, with the script's accounts, aliases and mail.
    pub async fn of(script: &Script) -> Result<House, String> {
        House::over(Db::memory(), script).await
    }

    /// The same over another store.
    pub async fn over(db: Db, script: &Script) -> Result<House, String> {
        let clock = Clock::system();
        let random = Random::seeded(SEED);
        let (chain, key) = net::self_signed(&[DOMAIN.to_owned()], clock.now()).map_err(text)?;
        let mut settings = settings(script)?;
        let has_tokens = |setup: &Setup| matches!(setup, Setup::Token { .. });
        let issuer = match script.setup.iter().any(has_tokens) {
            true => Some(start_issuer().await.map_err(text)?),
            false => None,
        };
        settings.issuer = issuer.as_ref().map(|(_, settings)| settings.clone());
        let authority = Authority::new()?;
        let tls_server = TlsServer::from_pem(&chain, &key).map_err(text)?;
        let mail = Mail::open(db.clone(), clock.clone(), random.clone(), settings)
            .await
            .map_err(text)?;
        let mut house = House {
            db,
            mail,
            clock,
            random,
            tls_server: tls_server.asking_clients(&authority.pem).map_err(text)?,
            tls_client: TlsClient::trusting_pem(&chain).map_err(text)?,
            tls_clients: BTreeMap::new(),
            shared_keys: script
                .setting("account.cram_md5")
                .map(str::to_owned)
                .into_iter()
                .collect(),
            readable: script
                .setting("account.apop")
                .map(str::to_owned)
                .into_iter()
                .collect(),
            kept: Kept::new(),
        };
        for setup in &script.setup {
            house.give(setup, &authority, issuer.as_ref())?;
        }
        let domain = DOMAIN.parse().map_err(text)?;
        house
            .mail
            .directory()
            .add_domain(&house.admin(), &domain)
            .await
            .map_err(debug)?;
        for setup in &script.setup {
            house
                .set_up(setup)
                .await
                .map_err(|reason| format!("{setup:?}: {reason}"))?;
        }
        Ok(house)
    }

    pub fn admin(&self) -> Admin {
        Admin::owner_of(&self.db)
    }

    /// An account that a script made.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn account(&self, name: &str) -> Account {
        self.find(name)
            .unwrap_or_else(|reason| panic!("{name}: {reason}"))
    }

    fn find(&self, name: &str) -> Result<Account, String> {
        let admin = self.admin();
        let id = self.mail.directory().account_of(&admin, &address(name)?);
        let id = id.map_err(text)?.ok_or("there is no such account")?;
        Ok(self.mail.account_as_admin(&admin, id))
    }

    /// Makes the next wrong password from this machine wait for some ten seconds.
    ///
    /// # Panics
    /// If anybody is called nobody.
    pub async fn many_wrong_passwords(&self) {
        let peer = std::net::Ipv4Addr::LOCALHOST.into();
        for _ in 0..8 {
            let login = self.mail.auth().login("nobody", b"guess", peer, "test");
            assert!(login.await.is_err(), "nobody has logged in");
        }
    }

    async fn set_up(&self, setup: &Setup) -> Result<(), String> {
        let directory = self.mail.directory();
        match setup {
            Setup::Account { name, password } => {
                let hashed = self.mail.auth().new_password(password.as_bytes()).await;
                let hashed = hashed.map_err(debug)?;
                let address = address(name)?;
                let change = AccountChange {
                    password: Some(Some(hashed)),
                    shared_key: self.shared_keys.contains(name).then_some(SharedKey::Kept),
                    readable: self
                        .readable
                        .contains(name)
                        .then_some(ReadablePassword::Kept),
                    ..AccountChange::default()
                };
                let added = directory
                    .add_account_with(&self.admin(), &address, change)
                    .await;
                added.map(drop).map_err(debug)
            }
            Setup::Alias { name, targets } if name == "*" => {
                let [target] = targets.as_slice() else {
                    return Err("a catch-all has one target".to_owned());
                };
                let domain = DOMAIN.parse().map_err(text)?;
                let target = address(target)?;
                directory
                    .set_catch_all(&self.admin(), &domain, Some(&target))
                    .await
                    .map_err(debug)
            }
            Setup::Alias { name, targets } => {
                let targets = targets
                    .iter()
                    .map(|target| address(target))
                    .collect::<Result<_, _>>()?;
                directory
                    .add_alias(&self.admin(), &address(name)?, targets)
                    .await
                    .map_err(debug)
            }
            Setup::Host {
                domain,
                account,
                second,
            } => self.host(domain, account, second).await,
            Setup::Deliver {
                sender,
                recipients,
                file,
            } => self.deliver(sender, recipients, file).await,
            Setup::Mail {
                account,
                mailbox,
                file,
            } => self.put(account, mailbox, file).await,
            // The doors' own settings are read by the test that brings the doors.
            Setup::Set { .. } | Setup::Token { .. } | Setup::Certificate { .. } => Ok(()),
        }
    }

    async fn host(&self, domain: &str, account: &str, second: &str) -> Result<(), String> {
        let (directory, admin) = (self.mail.directory(), self.admin());
        let domain = domain.parse().map_err(text)?;
        directory.add_domain(&admin, &domain).await.map_err(debug)?;
        let id = self.find(account)?.id();
        let second = self.mail.auth().new_password(second.as_bytes()).await;
        let second = second.map_err(debug)?;
        let set = directory.add_host(&admin, &domain, id, Some(&second));
        set.await.map_err(debug)
    }

    /// As the SMTP door does, without its own header fields but Return-Path.
    async fn deliver(&self, sender: &str, recipients: &[String], file: &str) -> Result<(), String> {
        let sender = sender.trim_matches(['<', '>']);
        let prefix = format!("Return-Path: <{sender}>\r\n");
        let mut to = Vec::new();
        for recipient in recipients {
            let resolved = self.mail.directory().resolve(&address(recipient)?).await;
            let Resolved::Local(all) = resolved.map_err(text)? else {
                return Err(format!("{recipient} is not here"));
            };
            to.extend(all.into_iter().map(|delivery| Addressed {
                delivery,
                prefix: Prefix(prefix.clone().into()),
                dsn: Dsn::default(),
            }));
        }
        let message = Incoming {
            body: self.body(file).await?,
            sender: sender.to_owned(),
            client: "a script".to_owned(),
            login: None,
            at: self.clock.now(),
        };
        self.mail
            .deliver(message, to)
            .await
            .map(drop)
            .map_err(debug)
    }

    async fn body(&self, file: &str) -> Result<Body, String> {
        let bytes = std::fs::read(crate::mails().join(file)).map_err(text)?;
        let mut writer = self.mail.new_body().await.map_err(debug)?;
        writer.write(&bytes).await.map_err(debug)?;
        writer.finish(&[]).await.map_err(debug)
    }

    /// What clients have.
    fn give(
        &mut self,
        setup: &Setup,
        authority: &Authority,
        issuer: Option<&(Signer, IssuerSettings)>,
    ) -> Result<(), String> {
        match (setup, issuer) {
            (
                Setup::Token {
                    name,
                    address,
                    ends_s,
                },
                Some((signer, settings)),
            ) => {
                let claims = format!(
                    r#"{{"iss":"{}","aud":"{AUDIENCE}","exp":{},"scope":"openid mail","email":"{address}"}}"#,
                    settings.issuer,
                    self.clock.now().seconds() + ends_s
                );
                self.kept.insert(name.clone(), signer.token(&claims));
            }
            (Setup::Certificate { session, address }, _) => {
                let (chain, key) = authority.certificate(address)?;
                let client = self.tls_client.showing_pem(&chain, &key).map_err(text)?;
                self.tls_clients.insert(*session, client);
            }
            _ => {}
        }
        Ok(())
    }

    async fn put(&self, account: &str, mailbox: &str, file: &str) -> Result<(), String> {
        let message = NewMessage {
            body: self.body(file).await?,
            flags: Flags::default(),
            internal_date: None,
        };
        let mailbox = MailboxName::try_from(mailbox).map_err(debug)?;
        self.find(account)?
            .append(&mailbox, vec![message])
            .await
            .map(drop)
            .map_err(debug)
    }
}

async fn start_issuer() -> std::io::Result<(Signer, IssuerSettings)> {
    let web = Web::start().await?;
    let signer = Signer::new(1);
    let url = &web.url;
    let configuration = format!(r#"{{"issuer":"{url}","jwks_uri":"{url}/keys"}}"#);
    web.put("/.well-known/openid-configuration", configuration);
    web.put("/keys", signer.key_set());
    let settings = IssuerSettings {
        scope: Some("mail".to_owned()),
        ..IssuerSettings::new(url, AUDIENCE)
    };
    Ok((signer, settings))
}

/// Vouches for clients.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Result<Authority, String> {
        let key = KeyPair::generate().map_err(text)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(text)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).map_err(text)?.pem();
        Ok(Authority {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// Certificate and key, as PEM.
    fn certificate(&self, address: &str) -> Result<(String, String), String> {
        let key = KeyPair::generate().map_err(text)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(text)?;
        let name = address.try_into().map_err(text)?;
        params.subject_alt_names.push(SanType::Rfc822Name(name));
        let certificate = params.signed_by(&key, &self.issuer).map_err(text)?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

/// A bare name lies in the scripts' domain.
fn address(name: &str) -> Result<Address, String> {
    let full = if name.contains('@') {
        name.to_owned()
    } else {
        format!("{name}@{DOMAIN}")
    };
    full.parse().map_err(|error| format!("{name}: {error}"))
}

fn settings(script: &Script) -> Result<MailSettings, String> {
    // A password hash at its real cost would be most of a script's time.
    let mut settings = MailSettings {
        argon2: Argon2Cost::LEAST,
        weak_passwords: WeakPasswords::Allowed,
        ..MailSettings::default()
    };
    for setup in &script.setup {
        let Setup::Set { key, value } = setup else {
            continue;
        };
        let Some(name) = key.strip_prefix("mail.") else {
            continue;
        };
        if name == "mechanisms" {
            let named = value
                .split(',')
                .map(|one| Mechanism::from_name(one.as_bytes()));
            let named: Option<Vec<_>> = named.collect();
            settings.mechanisms = named.ok_or_else(|| format!("@set {key}: no such mechanism"))?;
            continue;
        }
        if name == "weak_passwords" {
            settings.weak_passwords = match value.as_str() {
                "refuse" => WeakPasswords::Refused,
                _ => return Err(format!("@set {key}: not refuse")),
            };
            continue;
        }
        let number: u64 = value
            .parse()
            .map_err(|_| format!("@set {key}: not a number"))?;
        let narrow = || format!("@set {key}: too large");
        match name {
            "history_s" => settings.history_s = number,
            "default_quota_bytes" => settings.default_quota_bytes = Some(number),
            "max_mailboxes" => {
                settings.max_mailboxes = u32::try_from(number).map_err(|_| narrow())?;
            }
            "max_keywords" => {
                settings.max_keywords = u16::try_from(number).map_err(|_| narrow())?;
            }
            _ => return Err(format!("@set {key}: there is no such setting")),
        }
    }
    Ok(settings)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
