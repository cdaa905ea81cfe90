//! Domains, accounts, aliases, and the tree of mailbox names.
#![allow(clippy::unwrap_used, reason = "a test fails where something fails")]

mod house;

use house::*;
use mail::*;

async fn leads_to(house: &House, name: &str) -> String {
    match house
        .mail
        .directory()
        .resolve(&address(name))
        .await
        .unwrap()
    {
        Resolved::Local(to) => {
            let mut ids: Vec<_> = to.iter().map(|d| d.account_id().to_string()).collect();
            ids.sort();
            ids.join(" ")
        }
        other => format!("{other:?}"),
    }
}

async fn alias(house: &House, from: &str, to: &[&str]) -> Result<(), DirectoryError> {
    let targets = to.iter().map(|t| address(t)).collect();
    house
        .mail
        .directory()
        .add_alias(&house.admin, &address(from), targets)
        .await
}

#[tokio::test]
async fn recipients_lead_to_accounts_by_address_detail_alias_and_catch_all() {
    let house = House::memory().await;
    house.account("alice").await;
    house.account("bob").await;
    alias(&house, "team", &["alice", "bob", "Alice"])
        .await
        .unwrap();
    alias(&house, "all", &["team", "bob+list"]).await.unwrap();
    let check = async |name: &str, expect: &str| {
        assert_eq!(leads_to(&house, name).await, expect, "{name}");
    };
    check("alice", "1").await;
    check("ALICE", "1").await;
    check("alice+news", "1").await;
    check("team+x", "1 2").await;
    check("all", "1 2").await;
    check("postmaster", "1").await;
    check("Postmaster+x", "1").await;
    check("carol", "UnknownUser").await;
    check("alice@elsewhere.test", "NotOurs").await;
    let domain = "example.test".parse().unwrap();
    let bob = address("bob");
    house
        .mail
        .directory()
        .set_catch_all(&house.admin, &domain, Some(&bob))
        .await
        .unwrap();
    check("carol", "2").await;
    alias(&house, "postmaster", &["bob"]).await.unwrap();
    check("postmaster", "2").await;
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn alias_loops_end_and_targets_here_must_be_there() {
    let house = House::memory().await;
    house.account("alice").await;
    alias(&house, "a", &["alice"]).await.unwrap();
    alias(&house, "b", &["a"]).await.unwrap();
    alias(&house, "a", &["b"]).await.unwrap();
    assert_eq!(leads_to(&house, "a").await, "TooManyTargets");
    alias(&house, "a", &["b", "alice"]).await.unwrap();
    assert_eq!(leads_to(&house, "b").await, "1");
    assert!(matches!(
        alias(&house, "c", &["nobody"]).await,
        Err(DirectoryError::NotFound)
    ));
    assert!(matches!(
        alias(&house, "alice", &["b"]).await,
        Err(DirectoryError::Exists)
    ));
    assert!(matches!(
        alias(&house, "x+y", &["b"]).await,
        Err(DirectoryError::Invalid(_))
    ));
}

/// Where an address leads: accounts, and addresses elsewhere with the list's owner and `+` if they
/// are not alone.
async fn ways(house: &House, name: &str) -> Vec<String> {
    let found = house.mail.directory().resolve(&address(name)).await;
    let Resolved::Onward { here, onward } = found.unwrap() else {
        return vec![leads_to(house, name).await];
    };
    let here = here.iter().map(|one| {
        let owner = one.owner().map(|owner| format!(" of {owner}"));
        format!("{}{}", one.account_id(), owner.unwrap_or_default())
    });
    let onward = onward.iter().map(|one| {
        let owner = one.owner.as_ref().map(|owner| format!(" of {owner}"));
        let more = if one.company == Company::Alone {
            ""
        } else {
            "+"
        };
        format!("{}{more}{}", one.to, owner.unwrap_or_default())
    });
    here.chain(onward).collect()
}

async fn list(house: &House, from: &str, to: &[&str], owner: &str) -> Result<(), DirectoryError> {
    let to = AliasTo {
        targets: to.iter().map(|target| address(target)).collect(),
        owner: Some(address(owner)),
    };
    let directory = house.mail.directory();
    directory
        .set_alias(&house.admin, &address(from), to, Existing::Replaced)
        .await
}

#[tokio::test]
async fn an_alias_leads_elsewhere_and_a_list_in_its_owners_name() {
    // [rfc5321 3.9.1] [rfc5321 3.9.2] [rfc3461 5.2.7.2]
    let house = House::memory().await;
    house.account("alice").await;
    house.account("bob").await;
    alias(&house, "fwd", &["x@far.example"]).await.unwrap();
    assert_eq!(ways(&house, "fwd").await, ["x@far.example"]);
    assert_eq!(ways(&house, "fwd+tag").await, ["x@far.example"]);
    alias(&house, "both", &["alice", "fwd"]).await.unwrap();
    assert_eq!(ways(&house, "both").await, ["1", "x@far.example+"]);
    list(&house, "list", &["both", "y@far.example"], "bob")
        .await
        .unwrap();
    let bob = address("bob");
    let expect = [
        format!("1 of {bob}"),
        format!("y@far.example+ of {bob}"),
        format!("x@far.example+ of {bob}"),
    ];
    assert_eq!(ways(&house, "list").await, expect);
    // the list that is nearest has the word
    list(&house, "outer", &["list", "z@far.example"], "alice")
        .await
        .unwrap();
    let found = ways(&house, "outer").await;
    assert!(found.contains(&format!("z@far.example+ of {}", address("alice"))));
    assert!(found.contains(&format!("y@far.example+ of {bob}")));
    // one that leads to one address here is remembered without its owner by nobody
    list(&house, "small", &["alice"], "bob").await.unwrap();
    for _ in 0..2 {
        let found = house.mail.directory().resolve(&address("small")).await;
        let Resolved::Local(here) = found.unwrap() else {
            panic!()
        };
        assert_eq!(here[0].owner(), Some(&bob));
    }
    let domain = bob.domain().unwrap().clone();
    let catch_all = address("w@far.example");
    let directory = house.mail.directory();
    let set = directory.set_catch_all(&house.admin, &domain, Some(&catch_all));
    set.await.unwrap();
    assert_eq!(ways(&house, "nobody").await, ["w@far.example"]);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn the_owner_of_a_list_is_here_and_not_the_list() {
    let house = House::memory().await;
    house.account("alice").await;
    for owner in ["x@far.example", "list"] {
        let refused = list(&house, "list", &["alice"], owner).await;
        assert!(
            matches!(refused, Err(DirectoryError::Invalid(_))),
            "{owner}"
        );
    }
    let refused = list(&house, "list", &["alice"], "nobody").await;
    assert!(matches!(refused, Err(DirectoryError::NotFound)));
    list(&house, "list", &["alice"], "alice").await.unwrap();
    let aliases = house.mail.directory().aliases(&house.admin).unwrap();
    assert_eq!(aliases[0].owner, Some(address("alice")));
}

#[tokio::test]
async fn a_removed_account_gets_no_mail_and_is_swept() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house
        .append(&alice, "INBOX", &["Subject: x\r\n\r\n"])
        .await
        .unwrap();
    let known = house.resolved("alice").await;
    let directory = house.mail.directory();
    directory
        .remove_account(&house.admin, alice.id())
        .await
        .unwrap();
    assert_eq!(leads_to(&house, "alice").await, "UnknownUser");
    let message = house.incoming(b"\r\n").await;
    let addressed = |delivery| Addressed {
        delivery,
        prefix: Prefix::default(),
        dsn: Dsn::default(),
    };
    let to = known.into_iter().map(addressed).collect();
    let refused = house.mail.deliver(message, to).await;
    assert!(matches!(refused, Err(DeliverError::Gone(who)) if who.len() == 1));
    // As long as expunged mail is kept.
    house
        .clock
        .advance(net::time::Duration::from_secs(30 * 86_400));
    house.mail.upkeep_now(&house.admin).await.unwrap();
    assert_eq!(
        house
            .mail
            .vacuum_now(&house.admin)
            .await
            .unwrap()
            .bodies_dropped,
        1
    );
    let again = house.account("alice").await;
    assert!(again.id() > alice.id(), "numbers are not given again");
    assert_eq!(house.problems().await, []);
}

/// [rfc9051 6.3.4] [rfc9051 6.3.5] [rfc9051 6.3.6] [rfc6154 3] [rfc9051 2.3.1.1]
#[tokio::test]
async fn mailboxes_are_made_with_superiors_renamed_with_inferiors_and_deleted() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    alice.create(&name("a/b/c"), None).await.unwrap();
    assert!(alice.mailbox(&name("a/b")).unwrap().unwrap().has_children);
    assert!(matches!(
        alice.create(&name("a"), None).await,
        Err(MailboxError::Exists)
    ));
    let (from, to) = (name("a"), name("x/y"));
    let before = alice.status(&name("a/b/c")).unwrap();
    alice.rename(&from, &to).await.unwrap();
    assert_eq!(alice.status(&name("x/y/b/c")).unwrap(), before);
    assert!(alice.mailbox(&name("a/b")).unwrap().is_none());
    let below = alice.rename(&to, &name("x/y/z")).await;
    assert!(matches!(below, Err(MailboxError::Invalid(_))));
    assert!(matches!(
        alice.rename(&to, &name("Sent")).await,
        Err(MailboxError::Exists)
    ));
    assert!(matches!(
        alice.rename(&from, &name("q")).await,
        Err(MailboxError::NotFound)
    ));
    let deep = name(&format!("d/{}", vec!["e"; 18].join("/")));
    assert!(matches!(
        alice.rename(&to, &deep).await,
        Err(MailboxError::Invalid(_))
    ));
    assert!(matches!(
        alice.delete(&MailboxName::inbox()).await,
        Err(MailboxError::InboxCannotBeDeleted)
    ));
    let drafts = alice.create(&name("D2"), Some(SpecialUse::Drafts)).await;
    assert!(matches!(drafts, Err(MailboxError::SpecialUseTaken)));
    alice.delete(&name("x/y/b/c")).await.unwrap();
    let first = alice.create(&name("x/y/b/c"), None).await.unwrap();
    assert_ne!(first, before.id);
    assert!(alice.status(&name("x/y/b/c")).unwrap().uid_validity > before.uid_validity);
    assert_eq!(house.problems().await, []);
}

/// [rfc9051 6.3.6]
#[tokio::test]
async fn renaming_inbox_moves_its_messages_and_leaves_what_is_below() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    alice.create(&name("INBOX/below"), None).await.unwrap();
    house
        .append(&alice, "INBOX", &["Subject: x\r\n\r\n"])
        .await
        .unwrap();
    alice
        .rename(&name("inbox"), &name("inbox/old"))
        .await
        .unwrap();
    assert_eq!(alice.status(&MailboxName::inbox()).unwrap().messages, 0);
    assert_eq!(alice.status(&name("INBOX/old")).unwrap().messages, 1);
    assert!(alice.mailbox(&name("INBOX/below")).unwrap().is_some());
    house.deliver("alice", b"Subject: y\r\n\r\n").await.unwrap();
    assert_eq!(alice.status(&MailboxName::inbox()).unwrap().messages, 1);
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn subscriptions_outlive_their_mailboxes() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    alice.create(&name("lists"), None).await.unwrap();
    alice.subscribe(&name("lists")).await.unwrap();
    alice.subscribe(&name("lists")).await.unwrap();
    alice.delete(&name("lists")).await.unwrap();
    assert!(alice.subscriptions().unwrap().contains(&name("lists")));
    alice.unsubscribe(&name("lists")).await.unwrap();
    alice.unsubscribe(&name("lists")).await.unwrap();
    assert!(!alice.subscriptions().unwrap().contains(&name("lists")));
    assert_eq!(house.problems().await, []);
}

/// [rfc9051 5.1] [rfc5198 2]
/// [rfc9051 5.1 #2]
#[test]
fn names_that_say_nothing_or_too_much_are_refused() {
    let check = |text: &str, expect: Result<&str, NameError>| {
        let found = MailboxName::try_from(text);
        assert_eq!(
            found.as_ref().map(MailboxName::as_str).map_err(|e| *e),
            expect,
            "{text:?}"
        );
    };
    check("iNbOx", Ok("INBOX"));
    check("inbox/Sub", Ok("INBOX/Sub"));
    check("inboxes", Ok("inboxes"));
    check("e\u{301}", Ok("\u{e9}"));
    check("", Err(NameError::Empty));
    check("/a", Err(NameError::Empty));
    check("a//b", Err(NameError::Empty));
    check("a/", Err(NameError::Empty));
    check("a\rb", Err(NameError::Character));
    check(&"a".repeat(256), Err(NameError::TooLong));
    check(&"a/".repeat(20), Err(NameError::Empty));
    check(&vec!["a"; 21].join("/"), Err(NameError::TooDeep));
}

/// A removed account is not there for anybody, and yet nothing of it is lost for as long as the
/// history is kept.
#[tokio::test]
async fn a_removed_account_is_restored_with_its_mail_until_its_time_is_over() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    let text = ["Subject: x\r\n\r\n"];
    house.append(&alice, "INBOX", &text).await.unwrap();
    let (directory, admin) = (house.mail.directory(), &house.admin);
    directory.remove_account(admin, alice.id()).await.unwrap();
    assert!(alice.quota().is_err(), "nobody finds it");
    house.mail.upkeep_now(admin).await.unwrap();
    let vacuum = house.mail.vacuum_now(admin).await.unwrap();
    assert_eq!(vacuum.bodies_dropped, 0);
    let kept = directory.removed_accounts(admin).unwrap();
    let days = (kept[0].kept_until.seconds() - kept[0].removed.seconds()) / 86_400;
    assert_eq!((kept[0].address.clone(), days), (address("alice"), 30));

    let id = directory.restore_account(admin, &address("alice")).await;
    assert_eq!(id.unwrap(), alice.id());
    assert_eq!(alice.status(&MailboxName::inbox()).unwrap().messages, 1);
    assert_eq!(leads_to(&house, "alice").await, "1");
    assert!(directory.removed_accounts(admin).unwrap().is_empty());
    assert_eq!(house.problems().await, []);

    // Somebody else has the address now: what is there is not written over.
    directory.remove_account(admin, alice.id()).await.unwrap();
    let other = house.account("alice").await;
    let refused = directory.restore_account(admin, &address("alice")).await;
    assert!(matches!(refused, Err(DirectoryError::Exists)));
    assert_eq!(other.status(&MailboxName::inbox()).unwrap().messages, 0);

    house
        .clock
        .advance(net::time::Duration::from_secs(30 * 86_400));
    house.mail.upkeep_now(admin).await.unwrap();
    let refused = directory.restore_account(admin, &address("alice")).await;
    assert!(matches!(refused, Err(DirectoryError::NotFound)));
    assert_eq!(house.problems().await, []);
}

#[tokio::test]
async fn a_closed_account_takes_no_mail_and_one_without_login_does() {
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.account("bob").await;
    alias(&house, "team", &["alice", "bob"]).await.unwrap();
    let (directory, admin) = (house.mail.directory(), &house.admin);
    let password = house.mail.auth().new_password(b"secret").await.unwrap();
    let peer = "127.0.0.1".parse().unwrap();
    let login = || {
        house
            .mail
            .auth()
            .login("alice@example.test", b"secret", peer, "test")
    };
    let stand = async |standing, password: Option<NewPassword>| {
        let change = AccountChange {
            standing: Some(standing),
            password: password.map(Some),
            ..AccountChange::default()
        };
        directory
            .change_account(admin, alice.id(), change)
            .await
            .unwrap();
    };
    stand(Standing::Active, Some(password)).await;
    login().await.unwrap();
    stand(Standing::NoLogin, None).await;
    assert!(matches!(login().await, Err(LoginRefusal::Wrong)));
    assert_eq!(leads_to(&house, "alice").await, "1");
    stand(Standing::Closed, None).await;
    assert!(matches!(login().await, Err(LoginRefusal::Wrong)));
    assert_eq!(leads_to(&house, "alice").await, "Closed");
    assert_eq!(leads_to(&house, "team").await, "2");
    stand(Standing::Active, None).await;
    login().await.unwrap();
    assert_eq!(leads_to(&house, "team").await, "1 2");
}

#[tokio::test]
async fn every_domain_has_a_postmaster_who_can_read_his_mail() {
    // [rfc5321 4.5.1 #3 #4]
    let house = House::memory().await;
    let alice = house.account("alice").await;
    house.account("bob").await;
    let (directory, admin) = (house.mail.directory(), &house.admin);
    let second = "second.test".parse().unwrap();
    directory.add_domain(admin, &second).await.unwrap();
    for (standing, expect) in [
        (Standing::Active, "1"),
        (Standing::NoLogin, "2"),
        (Standing::Closed, "2"),
    ] {
        let change = AccountChange {
            standing: Some(standing),
            ..AccountChange::default()
        };
        directory
            .change_account(admin, alice.id(), change)
            .await
            .unwrap();
        assert_eq!(leads_to(&house, "postmaster").await, expect);
        assert_eq!(leads_to(&house, "PostMaster@second.test").await, expect);
        let bare = directory.resolve_postmaster().await.unwrap();
        assert!(matches!(bare, Resolved::Local(to) if to[0].account_id().to_string() == expect));
    }
}

#[tokio::test]
async fn an_alias_is_added_once_and_set_only_where_it_is() {
    let house = House::memory().await;
    house.account("alice").await;
    let set = async |existing| {
        let to = AliasTo {
            targets: vec![address("alice")],
            owner: None,
        };
        let directory = house.mail.directory();
        directory
            .set_alias(&house.admin, &address("team"), to, existing)
            .await
    };
    assert!(matches!(
        set(Existing::Needed).await,
        Err(DirectoryError::NotFound)
    ));
    set(Existing::Refused).await.unwrap();
    assert!(matches!(
        set(Existing::Refused).await,
        Err(DirectoryError::Exists)
    ));
    set(Existing::Needed).await.unwrap();
}
