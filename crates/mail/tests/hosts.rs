//! Hosts of SDPS: domains all of whose mail goes to one account, each recipient's by itself.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use addr::Domain;
use house::*;
use mail::*;

const MESSAGE: &[u8] = b"Subject: x\r\n\r\ntext\r\n";

fn host() -> Domain {
    "xyz.demon.test".parse().unwrap()
}

/// A house with the accounts office and alice, and a host whose mail is office's.
async fn house_with_host() -> (House, Account) {
    let house = House::memory().await;
    let office = house.account("office").await;
    house.account("alice").await;
    let directory = house.mail.directory();
    directory.add_domain(&house.admin, &host()).await.unwrap();
    let host = host();
    let set = directory.add_host(&house.admin, &host, office.id(), None);
    set.await.unwrap();
    (house, office)
}

/// The recipients of all messages in INBOX, by UID.
async fn recipients(office: &Account) -> Vec<String> {
    let view = office
        .select(&MailboxName::inbox(), Access::ReadOnly)
        .await
        .unwrap();
    let (mut cursor, mut found) = (Cursor::start(), Vec::new());
    loop {
        let batch = view
            .fetch(view.uids(), Want::Ready, &mut cursor, 500)
            .unwrap();
        if batch.is_empty() {
            return found;
        }
        for message in batch {
            let envelope = message.ready.unwrap().delivered().unwrap();
            assert_eq!(envelope.sender, "sender@elsewhere.test");
            found.push(envelope.recipient);
        }
    }
}

async fn deliver(house: &House, names: &[&str]) -> Vec<DeliveredTo> {
    try_deliver(house, names).await.unwrap().to
}

async fn try_deliver(house: &House, names: &[&str]) -> Result<Delivered, DeliverError> {
    let mut to = Vec::new();
    for name in names {
        let deliveries = house.resolved(name).await.into_iter();
        to.extend(deliveries.map(|delivery| Addressed {
            delivery,
            prefix: Prefix::default(),
            dsn: Dsn::default(),
        }));
    }
    let message = house.incoming(MESSAGE).await;
    house.mail.deliver(message, to).await
}

#[tokio::test]
async fn each_recipient_of_a_host_is_an_entry_of_its_own() {
    let (house, office) = house_with_host().await;
    let to = [
        "fred@xyz.demon.test",
        "bob@xyz.demon.test",
        "FRED@xyz.demon.test",
        "office",
    ];
    let placed = deliver(&house, &to).await;
    assert_eq!(placed.len(), 3, "one for each, and the account's own");
    let mut uids: Vec<u32> = placed.iter().map(|one| one.uid).collect();
    uids.sort_unstable();
    assert_eq!(uids, [1, 2, 3]);
    let mut all = recipients(&office).await;
    all.sort();
    let expect = [
        "bob@xyz.demon.test",
        "fred@xyz.demon.test",
        "office@example.test",
    ];
    assert_eq!(all, expect);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn aliases_lead_to_addresses_of_a_host_by_their_names_there() {
    let (house, office) = house_with_host().await;
    let targets = ["fred@xyz.demon.test", "anybody@xyz.demon.test", "alice"];
    let targets = targets.iter().map(|name| address(name)).collect();
    let directory = house.mail.directory();
    directory
        .add_alias(&house.admin, &address("team"), targets)
        .await
        .unwrap();
    assert_eq!(
        deliver(&house, &["team", "fred@xyz.demon.test"])
            .await
            .len(),
        3
    );
    let mut all = recipients(&office).await;
    all.sort();
    assert_eq!(all, ["anybody@xyz.demon.test", "fred@xyz.demon.test"]);
}

#[tokio::test]
async fn a_thousand_recipients_of_a_host_are_more_than_one_transaction() {
    let (house, office) = house_with_host().await;
    let names: Vec<String> = (0..1_000).map(|n| format!("u{n}@xyz.demon.test")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(deliver(&house, &names).await.len(), 1_000);
    let mut all = recipients(&office).await;
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 1_000);
}

#[tokio::test]
async fn where_not_all_recipients_of_a_host_have_room_none_of_them_gets_it() {
    let (house, office) = house_with_host().await;
    // for the first transaction, and not for all
    let room = 600 * MESSAGE.len() as u64;
    house.set_quota("office", room).await;
    let names: Vec<String> = (0..1_000).map(|n| format!("u{n}@xyz.demon.test")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match try_deliver(&house, &names).await {
        Err(DeliverError::OverQuota(whom)) => assert_eq!(whom.len(), 400),
        other => panic!("{other:?}"),
    }
    // who sends it again, or to the rest, sends it to nobody twice
    assert_eq!(recipients(&office).await.len(), 0);
}

#[tokio::test]
async fn a_hosts_domain_has_no_other_addresses_and_its_account_stays() {
    let (house, office) = house_with_host().await;
    let (directory, admin) = (house.mail.directory(), &house.admin);
    let refused = |result: Result<_, DirectoryError>| match result {
        Err(error) => error.to_string(),
        Ok(()) => "done".to_owned(),
    };
    let own = address("fred@xyz.demon.test");
    let added = directory.add_account(admin, &own, None).await.map(drop);
    assert!(refused(added).contains("is a host"));
    let alias = directory
        .add_alias(admin, &own, vec![address("alice")])
        .await;
    assert!(refused(alias).contains("is a host"));
    let (domain, alice) = (host(), address("alice"));
    let caught = directory.set_catch_all(admin, &domain, Some(&alice));
    assert!(refused(caught.await).contains("is a host"));
    let removed = directory.remove_account(admin, office.id()).await;
    assert!(refused(removed).contains("host's mail"));
    let gone = directory.remove_domain(admin, &host()).await;
    assert!(matches!(gone, Err(DirectoryError::InUse)));
    // a domain with addresses of others does not become one
    let example = "example.test".parse().unwrap();
    let set = directory.add_host(admin, &example, office.id(), None).await;
    assert!(matches!(set, Err(DirectoryError::InUse)));
    let hosts = directory.host_list(admin).unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!(
        (hosts[0].account, hosts[0].has_second),
        (office.id(), false)
    );
    directory.remove_host(admin, &host()).await.unwrap();
    assert!(directory.host_list(admin).unwrap().is_empty());
    let now = directory.resolve(&own).await.unwrap();
    assert!(matches!(now, Resolved::UnknownUser));
    directory.remove_account(admin, office.id()).await.unwrap();
}

#[tokio::test]
async fn a_short_name_opens_only_if_one_host_has_it() {
    let (house, office) = house_with_host().await;
    let (directory, auth) = (house.mail.directory(), house.mail.auth());
    let second = auth.new_password(b"second").await.unwrap();
    let domain = host();
    let again = directory.add_host(&house.admin, &domain, office.id(), Some(&second));
    assert!(matches!(again.await, Err(DirectoryError::Exists)));
    let change = HostChange {
        second: Some(Some(second)),
        ..HostChange::default()
    };
    let set = directory.change_host(&house.admin, &domain, change);
    set.await.unwrap();
    let peer = [127, 0, 0, 1].into();
    let user = async |name: &str| {
        let host = auth.login_to_host(name, b"second", peer, "test").await;
        host.map(|proof| proof.map(|host| host.user).ok())
    };
    // the account has no password, so nobody logs in
    assert_eq!(user("xyz").await, Some(None));
    let first = auth.new_password(b"first").await.unwrap();
    directory
        .set_password(&house.admin, office.id(), Some(&first))
        .await
        .unwrap();
    assert_eq!(user("xyz").await, Some(Some(None)));
    assert_eq!(user("a@b+XYZ").await, Some(Some(Some("a@b".to_owned()))));
    assert_eq!(
        user("Fred@xyz.demon.test").await,
        Some(Some(Some("fred".to_owned())))
    );
    for none in [
        "",
        "xy",
        "demon.test",
        "example.test",
        "alice@example.test",
        "+xyz",
    ] {
        assert_eq!(user(none).await, None, "{none}");
    }
    let other = "xyz.example.org".parse().unwrap();
    directory.add_domain(&house.admin, &other).await.unwrap();
    assert_eq!(user("xyz").await, Some(Some(None)), "that is no host");
    let set = directory.add_host(&house.admin, &other, office.id(), None);
    set.await.unwrap();
    assert_eq!(user("xyz").await, None, "which of them?");
    assert_eq!(user("xyz.demon.test").await, Some(Some(None)));
}
