//! Logins by token: what must stand in one, where its keys come from, and what the issuer is asked.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use dialogs::issuer::{Signer, Web};
use house::House;
use mail::*;
use net::Conn;
use net::time::Duration;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

const NOW: i64 = 1_700_000_000;
const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// An issuer with one key, and a server that believes it.
struct World {
    web: Web,
    signer: Signer,
    house: House,
    hosts: AtomicU8,
}

impl World {
    async fn new() -> World {
        World::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut IssuerSettings)) -> World {
        let web = Web::start().await.unwrap();
        let url = web.url.clone();
        let signer = Signer::new(1);
        web.put(CONFIGURATION, format!(
            r#"{{"issuer":"{url}","jwks_uri":"{url}/keys","introspection_endpoint":"{url}/ask"}}"#
        ));
        web.put("/keys", signer.key_set());
        let mut issuer = IssuerSettings::new(url, "mail.example.test");
        change(&mut issuer);
        let settings = MailSettings {
            issuer: Some(issuer),
            ..MailSettings::default()
        };
        let house = House::over(Db::memory(), settings).await;
        house.account("alice").await;
        house.account("bob").await;
        World {
            web,
            signer,
            house,
            hosts: AtomicU8::new(2),
        }
    }

    /// Claims that are good but for the change.
    fn claims(&self, change: &str) -> String {
        let url = &self.web.url;
        let ends = NOW + 600;
        let mut claims: serde_json::Value = serde_json::from_str(&format!(
            r#"{{"iss":"{url}","aud":"mail.example.test","exp":{ends},"email":"alice@example.test"}}"#
        ))
        .unwrap();
        let change: serde_json::Value = serde_json::from_str(change).unwrap();
        for (name, value) in change.as_object().unwrap() {
            match value {
                serde_json::Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        claims.to_string()
    }

    /// Each time from another address, so that no failure slows the next try down.
    async fn tries(&self, token: &str) -> Result<String, LoginRefusal> {
        self.tries_as("", token).await
    }

    async fn tries_as(&self, name: &str, token: &str) -> Result<String, LoginRefusal> {
        let host = self.hosts.fetch_add(1, Ordering::Relaxed);
        self.tries_from(host, name, token).await
    }

    /// One login by OAUTHBEARER to its end.
    async fn tries_from(&self, host: u8, name: &str, token: &str) -> Result<String, LoginRefusal> {
        let from = SocketAddr::from(([192, 0, 2, host], 40_000));
        let (_, server) = Conn::pipe_between(from, SocketAddr::from(([192, 0, 2, 1], 25)), 64);
        let authzid = if name.is_empty() {
            String::new()
        } else {
            format!("a={name}")
        };
        let message = format!("n,{authzid},\u{1}auth=Bearer {token}\u{1}\u{1}");
        let client = LoginClient::of(&server, "test");
        let initial = Some(Response::Message(message.as_bytes()));
        let begun = self
            .house
            .mail
            .auth()
            .begin(client, b"OAUTHBEARER", initial);
        let (mut conversation, mut progress) = begun.await.expect("it is offered");
        if matches!(progress, Progress::Challenge(_)) {
            progress = conversation.respond(Response::Message(b"\x01")).await;
        }
        match progress {
            Progress::LoggedIn(login) => Ok(login.name().to_owned()),
            Progress::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn count(&self, path: &str) -> usize {
        let asked = format!(" {path} ");
        self.web
            .requests()
            .iter()
            .filter(|request| request.contains(&asked))
            .count()
    }
}

/// Lets time pass while nothing waits for the network.
async fn later(by: Duration) {
    tokio::time::pause();
    tokio::time::advance(by).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_good_token_opens_the_account_that_it_names() {
    // [rfc7519 4.1] [rfc9068 4] [rfc7519 4.1.3] [rfc7519 2]
    let world = World::new().await;
    for change in [
        "{}",
        r#"{"aud":["other","mail.example.test"]}"#,
        r#"{"exp":1700000600.5,"nbf":1700000000}"#,
        // the clocks may differ by a minute
        r#"{"exp":1699999950,"nbf":1700000050}"#,
        r#"{"email_verified":true}"#,
    ] {
        let token = world.signer.token(&world.claims(change));
        assert_eq!(
            world.tries(&token).await.unwrap(),
            "alice@example.test",
            "{change}"
        );
    }
    let token = world.signer.token(&world.claims("{}"));
    assert!(world.tries_as("alice", &token).await.is_ok());
    let other = world.tries_as("bob@example.test", &token).await;
    assert!(matches!(other, Err(LoginRefusal::Wrong)));
    assert_eq!(
        (world.count(CONFIGURATION), world.count("/keys")),
        (1, 1),
        "they are kept"
    );
}

#[tokio::test]
async fn keys_are_fetched_to_the_end_though_nobody_waits_for_them() {
    let world = World::new().await;
    let token = world.signer.token(&world.claims("{}"));
    tokio::select! {
        biased;
        _ = world.tries(&token) => panic!("the keys came at once"),
        () = tokio::task::yield_now() => {}
    }
    let fetched = async {
        while world.count("/keys") == 0 {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    net::time::timeout(patience, fetched).await.unwrap();
    assert!(world.tries(&token).await.is_ok());
    assert_eq!((world.count(CONFIGURATION), world.count("/keys")), (1, 1));
}

#[tokio::test]
async fn a_token_that_says_something_else_opens_nothing() {
    // [rfc7519 4.1] [rfc9068 4] [rfc7519 4.1.3]
    let world = World::new().await;
    for change in [
        r#"{"iss":"https://evil.example.test"}"#,
        r#"{"iss":null}"#,
        r#"{"aud":"other"}"#,
        r#"{"aud":["other"]}"#,
        r#"{"aud":null}"#,
        r#"{"exp":null}"#,
        r#"{"exp":"1700000600"}"#,
        r#"{"nbf":1700000100}"#,
        r#"{"nbf":"never"}"#,
        r#"{"email":null}"#,
        r#"{"email":""}"#,
        r#"{"email":7}"#,
        r#"{"email":"mallory@example.test"}"#,
        r#"{"email_verified":false}"#,
    ] {
        let token = world.signer.token(&world.claims(change));
        let refused = world.tries(&token).await;
        assert!(
            matches!(refused, Err(LoginRefusal::Wrong)),
            "{change}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_token_that_was_not_signed_by_the_issuer_opens_nothing() {
    // [rfc7515 3.1] [rfc7515 4.1.11]
    let world = World::new().await;
    let claims = world.claims("{}");
    let good = world.signer.token(&claims);
    let (message, _) = good.rsplit_once('.').unwrap();
    let mallory = Signer::new(66);
    for token in [
        format!("{message}."),
        format!("{message}.AAAA"),
        good.replacen("ey", "eY", 1),
        mallory.token(&claims),
        // with the name of the issuer's key
        mallory.token_with(r#"{"alg":"EdDSA","kid":"key1"}"#, &claims),
        world
            .signer
            .token_with(r#"{"alg":"none","kid":"key1"}"#, &claims),
        world
            .signer
            .token_with(r#"{"alg":"HS256","kid":"key1"}"#, &claims),
        world
            .signer
            .token_with(r#"{"alg":"RS256","kid":"key1"}"#, &claims),
        world
            .signer
            .token_with(r#"{"alg":"EdDSA","kid":"key1","crit":["x"]}"#, &claims),
        world.signer.token("[]"),
    ] {
        let refused = world.tries(&token).await;
        assert!(
            matches!(refused, Err(LoginRefusal::Wrong)),
            "{token}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_token_past_its_end_is_told_so_and_is_no_failure() {
    let world = World::new().await;
    let old = world.signer.token(&world.claims(r#"{"exp":1699999900}"#));
    let start = net::time::now();
    for _ in 0..30 {
        assert!(matches!(
            world.tries_from(2, "", &old).await,
            Err(LoginRefusal::Expired)
        ));
    }
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "nothing is delayed"
    );
    let good = world.signer.token(&world.claims("{}"));
    assert!(world.tries_from(2, "", &good).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn bad_tokens_slow_their_source_down_like_bad_passwords() {
    let world = World::new().await;
    let start = net::time::now();
    for n in 0..40 {
        let _ = world.tries_from(2, "", &format!("guess{n}")).await;
    }
    assert!(start.elapsed().as_secs() > 60);
    let good = world.signer.token(&world.claims("{}"));
    let refused = world.tries_from(2, "", &good).await;
    assert!(
        matches!(refused, Err(LoginRefusal::TooManyFailures { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_scope_is_asked_for_where_the_operator_says_so() {
    // [rfc8693 4.2]
    let world = World::with(|issuer| issuer.scope = Some("mail".to_owned())).await;
    for (change, good) in [
        (r#"{"scope":"openid mail"}"#, true),
        (r#"{"scp":["mail"]}"#, true),
        (r#"{"scope":"openid email"}"#, false),
        ("{}", false),
    ] {
        let token = world.signer.token(&world.claims(change));
        assert_eq!(world.tries(&token).await.is_ok(), good, "{change}");
    }
}

#[tokio::test]
async fn another_claim_may_name_the_account() {
    let world = World::with(|issuer| issuer.account_claim = "preferred_username".to_owned()).await;
    let token = world
        .signer
        .token(&world.claims(r#"{"preferred_username":"bob"}"#));
    assert_eq!(world.tries(&token).await.unwrap(), "bob@example.test");
}

#[tokio::test]
async fn a_closed_account_is_closed_to_tokens() {
    let world = World::new().await;
    let token = world.signer.token(&world.claims("{}"));
    world.house.close("alice").await;
    assert!(matches!(
        world.tries(&token).await,
        Err(LoginRefusal::Wrong)
    ));
}

#[tokio::test]
async fn a_new_key_of_the_issuer_is_fetched_but_not_at_each_guess() {
    let world = World::new().await;
    let good = world.signer.token(&world.claims("{}"));
    assert!(world.tries(&good).await.is_ok());
    let next = Signer::new(2);
    let token = next.token(&world.claims("{}"));
    assert!(matches!(
        world.tries(&token).await,
        Err(LoginRefusal::Wrong)
    ));
    world.web.put("/keys", next.key_set());
    let fetched = world.count("/keys");
    assert!(
        matches!(world.tries(&token).await, Err(LoginRefusal::Wrong)),
        "too soon"
    );
    assert_eq!(world.count("/keys"), fetched);
    later(Duration::from_secs(31)).await;
    assert!(world.tries(&token).await.is_ok());
    assert!(
        matches!(world.tries(&good).await, Err(LoginRefusal::Wrong)),
        "the old key is gone"
    );
}

#[tokio::test]
async fn an_issuer_that_is_away_is_our_trouble_and_its_keys_hold_for_a_day() {
    let world = World::with(|issuer| {
        let url = format!("{}/nowhere", issuer.issuer);
        issuer.keys_url = Some(url);
    });
    let world = world.await;
    let good = world.signer.token(&world.claims("{}"));
    let away = world.tries(&good).await;
    assert!(
        matches!(away, Err(LoginRefusal::Unavailable(_))),
        "{away:?}"
    );
    world.web.put("/nowhere", world.signer.key_set());
    assert!(
        matches!(world.tries(&good).await, Err(LoginRefusal::Unavailable(_))),
        "too soon"
    );
    later(Duration::from_secs(31)).await;
    assert!(world.tries(&good).await.is_ok());
    world.web.put("/nowhere", "nonsense");
    later(Duration::from_secs(5 * 3_600)).await;
    assert!(world.tries(&good).await.is_ok());
    later(Duration::from_secs(20 * 3_600)).await;
    assert!(matches!(
        world.tries(&good).await,
        Err(LoginRefusal::Unavailable(_))
    ));
}

#[tokio::test]
async fn a_configuration_of_another_issuer_is_not_believed() {
    let world = World::new().await;
    let url = &world.web.url;
    let other = format!(r#"{{"issuer":"https://other.test","jwks_uri":"{url}/keys"}}"#);
    world.web.put(CONFIGURATION, other);
    let token = world.signer.token(&world.claims("{}"));
    assert!(matches!(
        world.tries(&token).await,
        Err(LoginRefusal::Unavailable(_))
    ));
}

#[tokio::test]
async fn tokens_that_nobody_can_read_are_asked_about() {
    // [rfc7662 2.1] [rfc7662 2.2] [rfc6749 2.3.1]
    let world = World::with(|issuer| {
        issuer.introspection = Some(IntrospectionSettings {
            url: None,
            client_id: "mail".to_owned(),
            client_secret: "s:ret".to_owned(),
        });
    });
    let world = world.await;
    let answer = |token: &str, json: String| {
        let form = format!("/ask token={token}&token_type_hint=access_token");
        world.web.put(&form, json);
    };
    answer(
        "good%2B1",
        r#"{"active":true,"email":"alice@example.test"}"#.into(),
    );
    answer(
        "whole",
        format!(r#"{{"active":true,{}"#, &world.claims("{}")[1..]),
    );
    answer("over", r#"{"active":false}"#.into());
    answer(
        "strange",
        r#"{"active":true,"email":"alice@example.test","aud":"x"}"#.into(),
    );
    answer(
        "other",
        r#"{"active":true,"email":"alice@example.test","iss":"x"}"#.into(),
    );
    answer(
        "old",
        r#"{"active":true,"email":"alice@example.test","exp":1}"#.into(),
    );
    assert!(world.tries("good+1").await.is_ok());
    assert!(world.tries("whole").await.is_ok());
    for token in ["over", "strange", "other"] {
        assert!(
            matches!(world.tries(token).await, Err(LoginRefusal::Wrong)),
            "{token}"
        );
    }
    assert!(matches!(
        world.tries("old").await,
        Err(LoginRefusal::Expired)
    ));
    let unknown = world.tries("unknown").await;
    assert!(
        matches!(unknown, Err(LoginRefusal::Unavailable(_))),
        "{unknown:?}"
    );
    let requests = world.web.requests();
    // mail:s%3Aret
    let basic = "\r\nAuthorization: Basic bWFpbDpzJTNBcmV0\r\n";
    assert!(
        requests.iter().any(|request| request.contains(basic)),
        "{requests:?}"
    );
    // what is signed is read here
    let signed = world.signer.token(&world.claims("{}"));
    assert!(world.tries(&signed).await.is_ok());
    assert_eq!(world.count("/ask"), 7);
}

#[tokio::test]
async fn without_introspection_unsigned_tokens_are_refused() {
    let world = World::new().await;
    assert!(matches!(
        world.tries("opaque").await,
        Err(LoginRefusal::Wrong)
    ));
    assert!(world.web.requests().is_empty());
}
