//! RPOP: who is let in by the word of this machine's system, and who by nothing but a password.
//! Ports below 1024 are only addresses here; real ones are bound in `tests/serve` of the program.

use crate::served::{Client, Server};
use mail::{AccountChange, Standing};
use std::net::SocketAddr;

const SYSTEM: &str = "127.0.0.1:1023";
const PROGRAM: &str = "127.0.0.1:1024";

async fn server(trusted: &[&str]) -> Server {
    let mut server = Server::new().await;
    server.set(|settings| {
        settings.rpop = trusted.iter().map(|text| text.parse().unwrap()).collect();
        settings.failed_logins = 1_000;
    });
    server
}

async fn client(server: &Server, peer: &str) -> Client {
    let mut client = server.connect_from(peer.parse::<SocketAddr>().unwrap());
    assert!(client.line().await.starts_with("+OK "));
    client
}

/// What is answered to RPOP with `word`, behind USER with `name`.
async fn rpop(server: &Server, peer: &str, name: &str, word: &str) -> String {
    let mut client = client(server, peer).await;
    client.ok(&format!("USER {name}")).await;
    client.ask(&format!("RPOP {word}")).await
}

const REFUSED: &str = "-ERR [AUTH] wrong name or password";
const LET_IN: &str = "+OK maildrop ready";
const UNKNOWN: &str = "-ERR unknown command";

#[tokio::test(start_paused = true)]
async fn the_system_lets_its_user_into_his_own_account_and_no_other() {
    // [rfc1081]
    let server = server(&["127.0.0.0/8", "::1"]).await;
    for peer in [
        SYSTEM,
        "127.9.9.9:1",
        "[::1]:1023",
        "[::ffff:127.0.0.1]:512",
    ] {
        for user in ["alice", "alice@example.test", "ALICE"] {
            assert_eq!(rpop(&server, peer, "alice", user).await, LET_IN, "{peer}");
        }
        for user in [
            "bob",
            "secret",
            "alice@elsewhere.test",
            "nobody",
            "alice bob",
        ] {
            assert_eq!(rpop(&server, peer, "alice", user).await, REFUSED, "{user}");
        }
        assert_eq!(rpop(&server, peer, "nobody", "nobody").await, REFUSED);
    }
}

#[tokio::test(start_paused = true)]
async fn from_any_other_port_rpop_is_pass_by_another_name() {
    let server = server(&["127.0.0.1"]).await;
    // a Unix socket has no port
    for peer in [PROGRAM, "127.0.0.1:50000", "127.0.0.1:0"] {
        assert_eq!(rpop(&server, peer, "alice", "alice").await, REFUSED);
        assert_eq!(rpop(&server, peer, "alice", "secret").await, LET_IN);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_from_where_nobody_is_trusted_is_the_same_without_rpop() {
    let lines = ["RPOP alice", "rpop", "RPOP \u{1}", "RPOPX", "USER alice"];
    let heard = async |server: &Server, peer: &str| {
        let mut client = client(server, peer).await;
        let mut heard = Vec::new();
        for line in lines
            .iter()
            .chain(&["RPOP alice", "PASS secret", "RPOP alice"])
        {
            heard.push(client.ask(line).await);
        }
        heard
    };
    let off = heard(&server(&[]).await, SYSTEM).await;
    assert_eq!([&off[0], &off[1], &off[2], &off[5], &off[7]], [UNKNOWN; 5]);
    assert_eq!(
        (off[4].as_str(), off[6].as_str()),
        ("+OK now the password", LET_IN)
    );
    let loopback = server(&["127.0.0.1"]).await;
    for peer in ["127.0.0.2:1023", "[::1]:1023", "192.0.2.1:1023"] {
        assert_eq!(heard(&loopback, peer).await, off, "{peer}");
    }
    // no setting makes another machine one that is believed
    let all = server(&["0.0.0.0/0", "::/0"]).await;
    for peer in ["192.0.2.1:1023", "[2001:db8::1]:1023"] {
        assert_eq!(heard(&all, peer).await, off, "{peer}");
    }
}

#[tokio::test(start_paused = true)]
async fn rpop_needs_a_name_each_time_and_a_word() {
    let server = server(&["127.0.0.1"]).await;
    for (peer, word) in [(SYSTEM, "alice"), (PROGRAM, "secret")] {
        let mut client = client(&server, peer).await;
        let rpop = format!("RPOP {word}");
        assert_eq!(client.ask(&rpop).await, "-ERR say USER first");
        client.ok("USER alice").await;
        assert_eq!(
            client.ask("RPOP").await,
            "-ERR wrong arguments, say: RPOP user"
        );
        assert_eq!(client.ask("RPOP bob").await, REFUSED);
        assert_eq!(client.ask(&rpop).await, "-ERR say USER first");
        client.ok("USER alice").await;
        assert_eq!(client.ask(&rpop).await, LET_IN);
        assert_eq!(client.ask(&rpop).await, "-ERR you are logged in already");
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_account_is_closed_to_rpop_as_well() {
    let server = server(&["127.0.0.1"]).await;
    let (admin, directory) = (server.house.admin(), server.mail().directory());
    let alice = "alice@example.test".parse().unwrap();
    let id = directory.account_of(&admin, &alice).unwrap().unwrap();
    for (standing, answer) in [
        (Standing::NoLogin, REFUSED),
        (Standing::Closed, REFUSED),
        (Standing::Active, LET_IN),
    ] {
        let change = AccountChange {
            standing: Some(standing),
            ..AccountChange::default()
        };
        directory.change_account(&admin, id, change).await.unwrap();
        assert_eq!(rpop(&server, SYSTEM, "alice", "alice").await, answer);
        assert_eq!(rpop(&server, PROGRAM, "alice", "secret").await, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn the_system_needs_no_clear_text_and_pass_needs_it_all_the_same() {
    let mut server = server(&[]).await;
    server.set(|settings| {
        settings.clear_text = popd::ClearText::Refused;
        settings.rpop = vec!["127.0.0.1".parse().unwrap()];
    });
    assert_eq!(rpop(&server, SYSTEM, "alice", "alice").await, LET_IN);
    let mut system = client(&server, SYSTEM).await;
    system.ok("USER alice").await;
    assert!(system.err("PASS secret").await.contains("clear text"));
    assert_eq!(system.ask("RPOP alice").await, "-ERR say USER first");
    let mut program = client(&server, PROGRAM).await;
    assert!(program.err("USER alice").await.contains("clear text"));
    assert!(program.err("RPOP secret").await.contains("clear text"));
}

#[tokio::test(start_paused = true)]
async fn failures_by_rpop_are_delayed_and_counted_like_all_others() {
    let server = server(&["127.0.0.0/8"]).await;
    let start = net::time::now();
    for _ in 0..40 {
        rpop(&server, "127.0.0.2:1023", "alice", "bob").await;
    }
    assert!(start.elapsed().as_secs() > 60, "{:?}", start.elapsed());
    for (peer, word) in [("127.0.0.2:1023", "alice"), ("127.0.0.2:1024", "secret")] {
        let answer = rpop(&server, peer, "alice", word).await;
        assert!(answer.contains("too many failed logins"), "{answer}");
    }
}

#[tokio::test]
async fn a_user_without_a_domain_is_one_of_the_local_domain() {
    let mut server = server(&[]).await;
    let (admin, directory) = (server.house.admin(), server.mail().directory());
    let other = "other.test".parse().unwrap();
    directory.add_domain(&admin, &other).await.unwrap();
    let domain = |domain: Option<&str>| domain.map(|text| text.parse().unwrap());
    for (local, answer) in [
        (None, REFUSED),
        (Some("other.test"), REFUSED),
        (Some("example.test"), LET_IN),
    ] {
        server.set(|settings| {
            settings.rpop = vec!["127.0.0.1".parse().unwrap()];
            settings.local_domain = domain(local);
        });
        let answered = rpop(&server, SYSTEM, "alice@example.test", "alice").await;
        assert_eq!(answered, answer, "{local:?}");
    }
}
