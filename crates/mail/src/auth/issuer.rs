//! The issuer whose tokens are believed: its keys, fetched and kept for a while, and its own answer
//! about tokens that nobody else can read.
//!
//! Keys are fetched when first needed, when they are old, and when a token names one that is not
//! there, but never more often than once in a while; one fetch serves all who wait for it, and goes
//! on when they go. What
//! never happens here: a login, a token in a log line.

use super::jwt::{self, Claims, Demands, KeySet, Verdict};
use crate::limits::INTROSPECTIONS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use net::time::{Duration, Instant, now};
use net::{Clock, HttpClient, HttpReply, TlsClient, TlsError, Url};
use sasl::TokenRefusal;
use serde_json::Value;
use std::sync::Arc;
use store::Fault;
use tokio::sync::{Mutex, Semaphore};

/// Keys older than this are fetched anew before they are used.
const KEYS_FRESH: Duration = Duration::from_secs(3_600);
/// Where that fails they are used for as long as this.
const KEYS_USABLE: Duration = Duration::from_secs(24 * 3_600);
/// Between two fetches, whatever tokens say.
const FETCH_PAUSE: Duration = Duration::from_secs(30);

/// Whose tokens are believed, and what they must say.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// What stands in `iss`; its configuration lies below it.
    pub issuer: String,
    /// One of these must stand in `aud`.
    pub audience: Vec<String>,
    /// The claim that names the account, usually `email`.
    pub account_claim: String,
    /// A scope that a token must have.
    pub scope: Option<String>,
    /// Where its keys are; None: where its configuration says.
    pub keys_url: Option<String>,
    /// How to ask it about tokens that are not signed; None: they are refused.
    pub introspection: Option<IntrospectionSettings>,
    /// Who vouches for its servers, as PEM; None: those whom browsers trust.
    pub authorities: Option<String>,
}

impl IssuerSettings {
    /// The usual settings for this issuer and audience.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> IssuerSettings {
        IssuerSettings {
            issuer: issuer.into(),
            audience: vec![audience.into()],
            account_claim: "email".to_owned(),
            scope: None,
            keys_url: None,
            introspection: None,
            authorities: None,
        }
    }
}

/// Our own name at the issuer. [rfc7662 2.1]
#[derive(Clone)]
pub struct IntrospectionSettings {
    /// Where to ask; None: where its configuration says.
    pub url: Option<String>,
    pub client_id: String,
    pub client_secret: String,
}

/// Shows no secret.
impl std::fmt::Debug for IntrospectionSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IntrospectionSettings")
            .field("url", &self.url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Why a token leads to no account.
#[derive(Debug)]
pub(super) enum TokenError {
    /// What is wrong with it, for the log.
    Bad(&'static str),
    /// It was good, and is over.
    Expired,
    /// Too many are asked about.
    Busy,
    /// The issuer cannot be reached.
    Unavailable(Fault),
}

pub(super) struct Issuer {
    settings: IssuerSettings,
    http: HttpClient,
    clock: Clock,
    known: Arc<Mutex<Known>>,
    asking: Semaphore,
}

/// What was fetched.
#[derive(Default)]
struct Known {
    keys: Option<(Arc<KeySet>, Instant)>,
    introspection: Option<Url>,
    /// The last try, and whether it failed.
    tried: Option<(Instant, Option<Fault>)>,
}

impl Issuer {
    pub fn new(settings: IssuerSettings, clock: Clock) -> Result<Issuer, TlsError> {
        let tls = match &settings.authorities {
            Some(pem) => TlsClient::trusting_pem(pem)?,
            None => TlsClient::trusting_the_web(),
        };
        Ok(Issuer {
            settings,
            http: HttpClient::new(tls),
            clock,
            known: Arc::default(),
            asking: Semaphore::new(INTROSPECTIONS),
        })
    }

    /// The account that a token names, as its claim has it.
    pub async fn account_of(self: &Arc<Self>, token: &str) -> Result<String, TokenError> {
        match jwt::parse(token) {
            Some(signed) => self.signed(&signed).await,
            None => self.opaque(token).await,
        }
    }

    /// What a client is told when its token is refused. [rfc7628 3.2.2]
    pub fn told(&self) -> TokenRefusal {
        TokenRefusal {
            scope: self.settings.scope.clone(),
            openid_configuration: Some(self.configuration_url()),
        }
    }

    async fn signed(self: &Arc<Self>, signed: &jwt::Signed<'_>) -> Result<String, TokenError> {
        let keys = self.keys(Need::Fresh).await?;
        let verdict = match signed.verify(&keys) {
            Verdict::UnknownKey => signed.verify(&*self.keys(Need::Newer(&keys)).await?),
            verdict => verdict,
        };
        match verdict {
            Verdict::Good(claims) => self.demands().of_token(&claims),
            Verdict::Bad(why) => Err(TokenError::Bad(why)),
            Verdict::UnknownKey => Err(TokenError::Bad("signed with a key that is not known")),
        }
    }

    fn demands(&self) -> Demands<'_> {
        Demands {
            issuer: &self.settings.issuer,
            audience: &self.settings.audience,
            scope: self.settings.scope.as_deref(),
            account: &self.settings.account_claim,
            now_s: self.clock.now().seconds(),
        }
    }

    /// The issuer's keys. Whoever waits here waits for one fetch, which serves all.
    async fn keys(self: &Arc<Self>, need: Need<'_>) -> Result<Arc<KeySet>, TokenError> {
        let mut known = self.known.clone().lock_owned().await;
        let have = known.keys.clone();
        let suits = |(keys, at): &(Arc<KeySet>, Instant)| match need {
            Need::Fresh => at.elapsed() < KEYS_FRESH,
            // others may have fetched meanwhile
            Need::Newer(than) => !Arc::ptr_eq(keys, than),
        };
        if let Some((keys, _)) = have.as_ref().filter(|have| suits(have)) {
            return Ok(keys.clone());
        }
        if known.may_try() {
            // whoever asked may go away, and would leave no trace of the try
            let issuer = self.clone();
            let fetch = tokio::spawn(async move {
                let fetched = issuer.fetch(&mut known).await;
                known.tried = Some((now(), fetched.err()));
                known
            });
            let failed = |error| Fault::new("fetching the issuer's keys", error);
            known = fetch
                .await
                .map_err(|error| TokenError::Unavailable(failed(error)))?;
        }
        let usable = known.keys.as_ref();
        let usable = usable.filter(|(_, at)| at.elapsed() < KEYS_USABLE);
        match (usable, &known.tried) {
            (Some((keys, _)), _) => Ok(keys.clone()),
            (None, Some((_, Some(fault)))) => Err(TokenError::Unavailable(fault.clone())),
            (None, _) => Err(TokenError::Bad("the issuer has no keys")),
        }
    }

    async fn fetch(&self, known: &mut Known) -> Result<(), Fault> {
        let url = match &self.settings.keys_url {
            Some(url) => url.clone(),
            None => self.configured("jwks_uri").await?,
        };
        let reply = self.get(&url).await?;
        let keys = KeySet::parse(&reply.body)
            .map_err(|why| Fault::new(format!("reading the issuer's keys at {url}"), why))?;
        known.keys = Some((Arc::new(keys), now()));
        Ok(())
    }

    fn configuration_url(&self) -> String {
        let issuer = self.settings.issuer.trim_end_matches('/');
        format!("{issuer}/.well-known/openid-configuration")
    }

    /// One URL of the issuer's configuration, which must be this issuer's own. OpenID Connect
    /// Discovery 1.0, section 4.
    async fn configured(&self, name: &str) -> Result<String, Fault> {
        let url = self.configuration_url();
        let doing = || format!("reading the issuer's configuration at {url}");
        let reply = self.get(&url).await?;
        let document: Value =
            serde_json::from_slice(&reply.body).map_err(|error| Fault::new(doing(), error))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(&self.settings.issuer) {
            return Err(Fault::new(doing(), "it is another issuer's"));
        }
        let found = text(name);
        let found = found.ok_or_else(|| Fault::new(doing(), format!("it has no {name}")))?;
        match leaves_tls(&url, found) {
            true => Err(Fault::new(doing(), format!("its {name} is without TLS"))),
            false => Ok(found.to_owned()),
        }
    }

    async fn get(&self, url: &str) -> Result<HttpReply, Fault> {
        let doing = || format!("fetching {url}");
        let parsed: Url = url.parse().map_err(|error| Fault::new(doing(), error))?;
        let reply = self.http.get(&parsed).await;
        good(reply.map_err(|error| Fault::new(doing(), error))?, doing)
    }

    /// A token that only the issuer can read. [rfc7662 2.1]
    async fn opaque(&self, token: &str) -> Result<String, TokenError> {
        let Some(settings) = &self.settings.introspection else {
            return Err(TokenError::Bad("it is not signed"));
        };
        let _place = self.asking.try_acquire().map_err(|_| TokenError::Busy)?;
        let url = self.introspection_url(settings).await;
        let url = url.map_err(TokenError::Unavailable)?;
        let form = format!("token={}&token_type_hint=access_token", encode(token));
        let (id, secret) = (&settings.client_id, &settings.client_secret);
        // [rfc6749 2.3.1]
        let pair = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
        let basic = format!("Basic {pair}");
        let doing = || "asking the issuer about a token".to_owned();
        let answer = self.http.post_form(&url, &form, &basic).await;
        let answer = answer.map_err(|error| Fault::new(doing(), error));
        let answer = answer.and_then(|reply| good(reply, doing));
        let claims: Result<Claims, Fault> = answer.and_then(|reply| {
            serde_json::from_slice(&reply.body).map_err(|error| Fault::new(doing(), error))
        });
        let claims = claims.map_err(TokenError::Unavailable)?;
        if claims.get("active") != Some(&Value::Bool(true)) {
            return Err(TokenError::Bad("the issuer says that it is not active"));
        }
        self.demands().of_answer(&claims)
    }

    async fn introspection_url(&self, settings: &IntrospectionSettings) -> Result<Url, Fault> {
        let parse = |url: &str| {
            let parsed = url.parse::<Url>();
            parsed.map_err(|error| Fault::new(format!("using {url}"), error))
        };
        if let Some(url) = &settings.url {
            return parse(url);
        }
        let mut known = self.known.lock().await;
        if let Some(url) = &known.introspection {
            return Ok(url.clone());
        }
        let url = parse(&self.configured("introspection_endpoint").await?)?;
        known.introspection = Some(url.clone());
        Ok(url)
    }
}

/// Which keys will do.
#[derive(Clone, Copy)]
enum Need<'a> {
    Fresh,
    /// Than these, in which something was missing.
    Newer(&'a Arc<KeySet>),
}

impl Known {
    fn may_try(&self) -> bool {
        self.tried
            .as_ref()
            .is_none_or(|(at, _)| at.elapsed() >= FETCH_PAUSE)
    }
}

/// Whether an answer that came over TLS leads to where there is none: to a service of this machine
/// that is not the issuer's.
fn leaves_tls(from: &str, to: &str) -> bool {
    from.starts_with("https://") && !to.starts_with("https://")
}

fn good(reply: HttpReply, doing: impl Fn() -> String) -> Result<HttpReply, Fault> {
    match reply.status {
        200 => Ok(reply),
        status => Err(Fault::new(doing(), format!("the answer is {status}"))),
    }
}

/// `application/x-www-form-urlencoded`
fn encode(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(octet)),
            octet if octet.is_ascii_alphanumeric() => out.push(char::from(octet)),
            octet => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_behind_tls_leads_to_no_service_of_this_machine() {
        // OpenID Connect Discovery 1.0, section 3
        let (with, without) = ("https://id.example.test/", "http://127.0.0.1:9100/keys");
        assert!(leaves_tls(with, without));
        assert!(!leaves_tls(with, with));
        assert!(!leaves_tls(without, without));
    }
}
