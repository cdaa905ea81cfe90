//! Logins by mechanisms, as the doors have them: SCRAM with its keys, its stand-ins and its failures.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use house::House;
use mail::*;
use net::{Conn, TlsClient, TlsServer};
use sasl::{Hash, ScramKeys};
use std::net::SocketAddr;

const FIRST: &str = "n=alice@example.test,r=abc";

fn cheap() -> MailSettings {
    MailSettings {
        argon2: Argon2Cost::LEAST,
        hash_workers: 0,
        weak_passwords: WeakPasswords::Allowed,
        ..MailSettings::default()
    }
}

async fn house_with(settings: MailSettings) -> House {
    let house = House::over(Db::memory(), settings).await;
    house.account("alice").await;
    set_password(&house, "secret").await;
    house
}

async fn set_password(house: &House, password: &str) {
    let hashed = house
        .mail
        .auth()
        .new_password(password.as_bytes())
        .await
        .unwrap();
    let id = house.found("alice").id();
    let directory = house.mail.directory();
    directory
        .set_password(&house.admin, id, Some(&hashed))
        .await
        .unwrap();
}

async fn change_password(house: &House, password: &str, readable: Option<ReadablePassword>) {
    let auth = house.mail.auth();
    let hashed = auth.new_password(password.as_bytes()).await.unwrap();
    let change = AccountChange {
        password: Some(Some(hashed)),
        readable,
        ..AccountChange::default()
    };
    house.change("alice", change).await.unwrap();
}

/// alice's login by APOP with this password.
async fn by_apop(house: &House, host: u8, password: &str) -> Result<Login, LoginRefusal> {
    let stamp = "<1@example.test>";
    let digest = sasl::apop_digest(stamp.as_bytes(), password.as_bytes());
    let digest = digest.as_str();
    let answer = StampAnswer { stamp, digest };
    let auth = house.mail.auth();
    let peer = [192, 0, 2, host].into();
    auth.login_by_stamp("alice@example.test", answer, peer, "test")
        .await
}

async fn is_let_in_by_apop(house: &House, password: &str) -> bool {
    by_apop(house, 77, password).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_password_is_kept_readable_only_as_long_as_that_is_asked_for() {
    // [rfc1939 7]
    let house = house_with(cheap()).await;
    let stamp = || house.mail.auth().stamp("example.test").unwrap();
    let ask = |readable| AccountChange {
        readable: Some(readable),
        ..AccountChange::default()
    };
    assert_eq!(stamp(), None);
    assert!(!is_let_in_by_apop(&house, "secret").await);
    let refused = house.change("alice", ask(ReadablePassword::Kept)).await;
    assert!(matches!(refused, Err(DirectoryError::Invalid(_))));

    change_password(&house, "other", Some(ReadablePassword::Kept)).await;
    assert!(stamp().is_some() && stamp() != stamp());
    assert!(is_let_in_by_apop(&house, "other").await);
    assert!(!is_let_in_by_apop(&house, "secret").await);
    house
        .change("alice", ask(ReadablePassword::Kept))
        .await
        .unwrap();
    let closed = AccountChange {
        standing: Some(Standing::NoLogin),
        ..AccountChange::default()
    };
    house.change("alice", closed).await.unwrap();
    assert!(!is_let_in_by_apop(&house, "other").await);
    let open = AccountChange {
        standing: Some(Standing::Active),
        ..AccountChange::default()
    };
    house.change("alice", open).await.unwrap();
    assert!(is_let_in_by_apop(&house, "other").await);

    change_password(&house, "third", None).await;
    assert!(!is_let_in_by_apop(&house, "third").await);
    assert_eq!(stamp(), None);

    change_password(&house, "fourth", Some(ReadablePassword::Kept)).await;
    house
        .change("alice", ask(ReadablePassword::NotKept))
        .await
        .unwrap();
    assert!(!is_let_in_by_apop(&house, "fourth").await);
    assert_eq!(stamp(), None);
}

#[tokio::test(start_paused = true)]
async fn a_removed_account_has_no_readable_password_nor_when_it_is_restored() {
    let house = house_with(cheap()).await;
    change_password(&house, "other", Some(ReadablePassword::Kept)).await;
    let (directory, alice) = (house.mail.directory(), house::address("alice"));
    let id = house.found("alice").id();
    directory.remove_account(&house.admin, id).await.unwrap();
    assert_eq!(house.mail.auth().stamp("example.test").unwrap(), None);
    let restored = directory.restore_account(&house.admin, &alice).await;
    restored.unwrap();
    assert!(!is_let_in_by_apop(&house, "other").await);
}

#[tokio::test(start_paused = true)]
async fn failures_by_apop_are_delayed_and_counted_like_all_others() {
    let house = house_with(cheap()).await;
    change_password(&house, "other", Some(ReadablePassword::Kept)).await;
    let start = net::time::now();
    for _ in 0..40 {
        assert!(by_apop(&house, 2, "guess").await.is_err());
    }
    assert!(start.elapsed().as_secs() > 60, "{:?}", start.elapsed());
    let auth = house.mail.auth();
    let by_password = auth.login("alice", b"other", [192, 0, 2, 2].into(), "test");
    for refused in [by_apop(&house, 2, "other").await, by_password.await] {
        assert!(matches!(refused, Err(LoginRefusal::TooManyFailures { .. })));
    }
    assert!(by_apop(&house, 3, "other").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_well_known_password_opens_nothing_by_apop_either() {
    let settings = MailSettings {
        weak_passwords: WeakPasswords::Refused,
        ..cheap()
    };
    let house = house_with(settings).await;
    change_password(&house, "Summer2026!", Some(ReadablePassword::Kept)).await;
    let refused = by_apop(&house, 2, "Summer2026!").await;
    assert!(matches!(refused, Err(LoginRefusal::WellKnown)));
    let refused = by_apop(&house, 2, "Summer2025!").await;
    assert!(matches!(refused, Err(LoginRefusal::Wrong)));
}

fn is_wrong(answered: &Progress) {
    let is_it = matches!(answered, Progress::Refused(LoginRefusal::Wrong));
    assert!(is_it, "{answered:?}");
}

fn client(host: u8) -> LoginClient {
    let from = SocketAddr::from(([192, 0, 2, host], 40_000));
    let (_, server) = Conn::pipe_between(from, SocketAddr::from(([192, 0, 2, 1], 25)), 64);
    LoginClient::of(&server, "test")
}

async fn begin(house: &House, host: u8, mechanism: &str, bare: &str) -> (Conversation, String) {
    let first = format!("n,,{bare}");
    let initial = Some(Response::Message(first.as_bytes()));
    let begun = house
        .mail
        .auth()
        .begin(client(host), mechanism.as_bytes(), initial);
    let (conversation, progress) = begun.await.expect("it is offered");
    (conversation, challenge(progress))
}

fn challenge(progress: Progress) -> String {
    match progress {
        Progress::Challenge(octets) => String::from_utf8(octets).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn salt_of(server_first: &str) -> Vec<u8> {
    let salt = server_first
        .split(',')
        .find_map(|field| field.strip_prefix("s="));
    STANDARD.decode(salt.unwrap()).unwrap()
}

/// The client's last message, and what the server must say to it.
fn last(password: &str, bare: &str, server_first: &str) -> (String, String) {
    let nonce = server_first.split(',').next().unwrap();
    let without_proof = format!("c=biws,{nonce}");
    let message = format!("{bare},{server_first},{without_proof}");
    let salt = salt_of(server_first);
    let secret = (password.as_bytes(), &salt[..], 10_000);
    let (proof, signature) = ScramKeys::client_answer(Hash::Sha256, secret, message.as_bytes());
    let last = format!("{without_proof},p={}", STANDARD.encode(proof));
    (last, format!("v={}", STANDARD.encode(signature)))
}

async fn tries(house: &House, host: u8, password: &str) -> Progress {
    let (mut conversation, server_first) = begin(house, host, "SCRAM-SHA-256", FIRST).await;
    let (last, signature) = last(password, FIRST, &server_first);
    let progress = conversation
        .respond(Response::Message(last.as_bytes()))
        .await;
    if !matches!(progress, Progress::Challenge(_)) {
        return progress;
    }
    assert_eq!(challenge(progress), signature);
    conversation.respond(Response::Message(b"")).await
}

#[tokio::test(start_paused = true)]
async fn a_password_opens_its_account_by_scram_and_no_other_does() {
    let house = house_with(cheap()).await;
    let Progress::LoggedIn(login) = tries(&house, 2, "secret").await else {
        panic!("refused")
    };
    assert_eq!(login.name(), "alice@example.test");
    let wrong = tries(&house, 2, "Secret").await;
    is_wrong(&wrong);
}

#[tokio::test(start_paused = true)]
async fn failures_by_scram_are_delayed_and_counted_like_all_others() {
    let house = house_with(cheap()).await;
    let start = net::time::now();
    for _ in 0..40 {
        tries(&house, 2, "guess").await;
    }
    assert!(start.elapsed().as_secs() > 60, "{:?}", start.elapsed());
    for password in ["guess", "secret"] {
        let refused = tries(&house, 2, password).await;
        let Progress::Refused(LoginRefusal::TooManyFailures { .. }) = refused else {
            panic!("{refused:?}")
        };
    }
    let by_password = house
        .mail
        .auth()
        .login("alice", b"secret", [192, 0, 2, 2].into(), "test");
    let refused = by_password.await;
    assert!(matches!(refused, Err(LoginRefusal::TooManyFailures { .. })));
    assert!(matches!(
        tries(&house, 3, "secret").await,
        Progress::LoggedIn(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_nobody_has_cannot_be_told_from_one_that_somebody_has() {
    let house = house_with(cheap()).await;
    let mut salts = Vec::new();
    for name in ["mallory", "MALLORY@example.test", "mallory@Example.Test"] {
        let bare = format!("n={name},r=abc");
        let (mut conversation, server_first) = begin(&house, 2, "SCRAM-SHA-256", &bare).await;
        assert!(server_first.ends_with(",i=10000"), "{server_first}");
        salts.push(salt_of(&server_first));
        let (last, _) = last("secret", &bare, &server_first);
        let refused = conversation
            .respond(Response::Message(last.as_bytes()))
            .await;
        is_wrong(&refused);
    }
    let (_, real) = begin(&house, 2, "SCRAM-SHA-256", FIRST).await;
    assert_eq!(salts[0].len(), salt_of(&real).len());
    assert_eq!(salts[1], salts[2], "domains have no case");
    assert_eq!(salts[0], begin_salt(&house, "mallory").await, "asked again");
    // another start of the same server knows the secret still
    let again = House::over(house.db.clone(), cheap()).await;
    assert_eq!(salts[0], begin_salt(&again, "mallory").await);
    assert_ne!(salts[0], begin_salt(&house, "eve").await);
}

async fn begin_salt(house: &House, name: &str) -> Vec<u8> {
    let (_, server_first) = begin(house, 2, "SCRAM-SHA-256", &format!("n={name},r=abc")).await;
    salt_of(&server_first)
}

#[tokio::test(start_paused = true)]
async fn a_password_that_changes_in_the_middle_ends_what_was_begun_with_the_old_one() {
    let house = house_with(cheap()).await;
    let (mut conversation, server_first) = begin(&house, 2, "SCRAM-SHA-256", FIRST).await;
    set_password(&house, "another").await;
    let (last, _) = last("secret", FIRST, &server_first);
    let refused = conversation
        .respond(Response::Message(last.as_bytes()))
        .await;
    is_wrong(&refused);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_closed_is_closed_to_scram_as_well() {
    let house = house_with(cheap()).await;
    let (mut conversation, server_first) = begin(&house, 2, "SCRAM-SHA-256", FIRST).await;
    house.close("alice").await;
    let (last, _) = last("secret", FIRST, &server_first);
    let refused = conversation
        .respond(Response::Message(last.as_bytes()))
        .await;
    is_wrong(&refused);
    let refused = tries(&house, 2, "secret").await;
    is_wrong(&refused);
}

#[tokio::test(start_paused = true)]
async fn records_without_keys_lead_to_no_login_and_look_like_all_others() {
    let database = Db::memory();
    let old = MailSettings {
        scram_sha1: false,
        ..cheap()
    };
    let house = House::over(database.clone(), old).await;
    house.account("alice").await;
    set_password(&house, "secret").await;
    let house = House::over(database, cheap()).await;
    assert!(matches!(
        tries(&house, 2, "secret").await,
        Progress::LoggedIn(_)
    ));
    let (mut conversation, server_first) = begin(&house, 2, "SCRAM-SHA-1", FIRST).await;
    assert!(server_first.ends_with(",i=10000"));
    let nonce = server_first.split(',').next().unwrap();
    let last = format!("c=biws,{nonce},p={}", STANDARD.encode([0; 20]));
    let refused = conversation
        .respond(Response::Message(last.as_bytes()))
        .await;
    is_wrong(&refused);
}

#[tokio::test]
async fn only_what_can_lead_to_a_login_is_offered() {
    let names = |house: &House| {
        let offered = house.mail.auth().offered(&client(2));
        offered
            .into_iter()
            .map(Mechanism::name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let house = house_with(cheap()).await;
    assert_eq!(names(&house), "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
    let house = house_with(MailSettings {
        scram_sha1: false,
        mechanisms: vec![Mechanism::ScramSha1, Mechanism::ScramSha256],
        ..cheap()
    });
    let house = house.await;
    assert_eq!(names(&house), "SCRAM-SHA-256");
    assert!(!house.mail.auth().takes_passwords());
    for absent in ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "CRAM-MD5"] {
        let begun = house
            .mail
            .auth()
            .begin(client(2), absent.as_bytes(), None)
            .await;
        assert!(begun.is_none(), "{absent}");
    }
}

/// A client that has shown a certificate for these addresses.
async fn with_certificate(addresses: &[&str]) -> (LoginClient, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
    let (chain, key) =
        net::self_signed(&["mx.example.test".to_owned()], net::Clock::system().now()).unwrap();
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&authority).unwrap().pem();
    let issuer = Issuer::new(params, authority);
    let own = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    for address in addresses {
        let name = (*address).try_into().unwrap();
        params.subject_alt_names.push(SanType::Rfc822Name(name));
    }
    let certificate = params.signed_by(&own, &issuer).unwrap();
    let server = TlsServer::from_pem(&chain, &key).unwrap();
    let server = server.asking_clients(&pem).unwrap();
    let client = TlsClient::trusting_pem(&chain).unwrap();
    let client = client
        .showing_pem(&certificate.pem(), &own.serialize_pem())
        .unwrap();
    let (ours, theirs) = Conn::pipe(1 << 16);
    let (ours, theirs) = tokio::join!(
        ours.connect_tls(&client, "mx.example.test"),
        theirs.start_tls(&server)
    );
    drop(ours);
    let theirs = theirs.unwrap();
    let shown = theirs.client_certificate().unwrap().fingerprint;
    let fingerprint = shown.iter().map(|octet| format!("{octet:02x}")).collect();
    (LoginClient::of(&theirs, "test"), fingerprint)
}

async fn external(house: &House, client: &LoginClient, name: &str) -> Option<String> {
    let initial = Some(Response::Message(name.as_bytes()));
    let begun = house
        .mail
        .auth()
        .begin(client.clone(), b"EXTERNAL", initial);
    match begun.await.expect("it is offered").1 {
        Progress::LoggedIn(login) => Some(login.name().to_owned()),
        Progress::Refused(LoginRefusal::Wrong) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_stands_for_the_addresses_in_it() {
    // [rfc4422 A]
    let house = house_with(cheap()).await;
    house.account("bob").await;
    let both = [
        "nobody@example.test",
        "bob@example.test",
        "alice@example.test",
    ];
    let (client, _) = with_certificate(&both).await;
    let is = |name: &str| Some(format!("{name}@example.test"));
    assert_eq!(external(&house, &client, "").await, is("bob"));
    assert_eq!(external(&house, &client, "alice").await, is("alice"));
    let (client, _) = with_certificate(&["alice@elsewhere.test"]).await;
    for name in ["", "alice", "alice@example.test", "alice@elsewhere.test"] {
        assert_eq!(external(&house, &client, name).await, None, "{name}");
    }
}

#[tokio::test]
async fn a_certificate_may_be_mapped_to_another_account_by_its_fingerprint() {
    let (client, fingerprint) = with_certificate(&["bob@example.test"]).await;
    let mut settings = cheap();
    settings
        .certificate_logins
        .insert(fingerprint, "alice".to_owned());
    let house = house_with(settings).await;
    house.account("bob").await;
    let alice = Some("alice@example.test".to_owned());
    assert_eq!(external(&house, &client, "").await, alice);
    assert_eq!(
        external(&house, &client, "bob").await,
        None,
        "the mapping is all"
    );
}
