//! SIGHUP: what is renewed, and that nobody is disturbed.

use crate::served::{Client, Place, Served};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

#[tokio::test]
async fn a_new_certificate_is_shown_and_no_session_ends() {
    let place = Place::new();
    let old = place.certify("mail.example.org");
    place.write("mail.example.org", &place.certificate_setting());
    let served = place.start();
    let at = served.at("imaps");
    let mut plain = Client::connect(served.at("imap")).await;
    plain.line().await;
    let mut secure = Client::secure(at, "mail.example.org", &old).await.unwrap();
    secure.line().await;

    let new = place.certify("mail.example.org");
    assert!(Client::secure(at, "mail.example.org", &new).await.is_none());
    let told = served.reload();
    assert!(told.contains("showing other certificates"), "{told}");

    assert!(Client::secure(at, "mail.example.org", &old).await.is_none());
    assert!(Client::secure(at, "mail.example.org", &new).await.is_some());
    assert!(plain.imap("NOOP").await.starts_with("t OK"));
    assert!(secure.imap("NOOP").await.starts_with("t OK"));
    // STARTTLS in a session from before shows the new one as well.
    assert!(plain.imap("STARTTLS").await.starts_with("t OK"));
    assert!(served.stop().success());
}

#[tokio::test]
async fn limits_and_names_hold_for_those_who_come_after() {
    let place = Place::new();
    place.write("old.example.org", "");
    let served = place.start();
    let mut before = Client::connect(served.at("smtp")).await;
    assert!(before.line().await.starts_with("220 old.example.org "));
    let bound = "[listen.smtp]\naddresses = [\"127.0.0.1:0\"]\nconnections_per_address = 2\n";
    place.write("new.example.org", bound);
    let told = served.reload();
    assert!(told.contains("changed hostname"), "{told}");
    assert!(
        told.contains("connections_per_address from 100 to 2"),
        "{told}"
    );
    let mut after = Client::connect(served.at("smtp")).await;
    assert!(after.line().await.starts_with("220 new.example.org "));
    let mut third = Client::connect(served.at("smtp")).await;
    assert!(third.line().await.starts_with("421 "));
}

#[test]
fn what_needs_a_restart_is_said() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    place.write("mail.example.org", "[store]\nreserve = \"1 MiB\"\n");
    let told = served.reload();
    assert!(
        told.contains("store.reserve is \"256 MiB\" until a restart"),
        "{told}"
    );
}

#[test]
fn a_first_route_by_uux_says_that_it_needs_a_restart() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    let route = r#"{ to = "alpha.uucp", via = "pipe", form = "rmail", command = ["/usr/bin/uux", "-", "alpha!rmail", "({recipient})"] }"#;
    place.write("mail.example.org", &format!("[road]\nroute = [{route}]\n"));
    let told = served.reload();
    assert!(
        told.contains("`uux` cannot become the user `uucp`"),
        "{told}"
    );
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_is_told() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    place.write(
        "other.example.org",
        "[imap]\nautologout = \"1 min\"\n[log]\nlevel = \"error\"\n",
    );
    let told = served.reload();
    assert!(told.contains("must be at least 30 min"), "{told}");
    assert!(
        told.contains("not reloaded: everything stays as it was"),
        "{told}"
    );
    let mut smtp = Client::connect(served.at("smtp")).await;
    assert!(smtp.line().await.starts_with("220 mail.example.org "));
}

#[test]
fn the_log_level_is_renewed() {
    let place = Place::new();
    place.write("mail.example.org", "[log]\nlevel = \"info\"\n");
    let served = place.start();
    place.write(
        "mail.example.org",
        "[log]\nlevel = \"net=debug,whimbrel=debug,info\"\n",
    );
    served.reload();
    // A handshake that fails is told at the level debug only.
    let at = served.at("imaps");
    std::io::Write::write_all(
        &mut std::net::TcpStream::connect(at).unwrap(),
        b"no TLS\r\n",
    )
    .unwrap();
    served.wait_for("TLS handshake failed");
}

/// A server that takes one message: where it is, and in the end the text.
fn takes_one() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let taken = std::thread::spawn(move || {
        let (mut conn, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(conn.try_clone().unwrap()).lines();
        let mut text = String::new();
        conn.write_all(b"220 there\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            if line != "DATA" {
                conn.write_all(b"250 ok\r\n").unwrap();
                continue;
            }
            conn.write_all(b"354 go on\r\n").unwrap();
            for line in lines.by_ref().map_while(Result::ok) {
                if line == "." {
                    break;
                }
                text.push_str(&line);
            }
            conn.write_all(b"250 ok\r\n").unwrap();
            break;
        }
        text
    });
    (at, taken)
}

/// Ann hands in a message for somebody elsewhere.
async fn submit(served: &Served, subject: &str) {
    let mut smtp = Client::connect(served.at("submission")).await;
    assert!(smtp.line().await.starts_with("220 "));
    smtp.smtp("EHLO pc.example.org", "250 ").await;
    // ann@example.org with the password of the tests
    let login = "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBhbHBoYSBicmF2byBjaGFybGll";
    smtp.smtp(login, "235").await;
    smtp.smtp("MAIL FROM:<ann@example.org>", "250").await;
    smtp.smtp("RCPT TO:<bob@elsewhere.test>", "250").await;
    smtp.smtp("DATA", "354").await;
    let text = format!("Subject: {subject}\r\n\r\nx\r\n.");
    smtp.smtp(&text, "250").await;
}

#[tokio::test]
async fn mail_takes_the_routes_and_the_smarthost_of_the_new_file() {
    let place = Place::new();
    let (first, taken_first) = takes_one();
    let (second, taken_second) = takes_one();
    let file = |more: &str| {
        let more = format!("[login]\ncleartext = \"loopback\"\n{more}");
        place.write("mail.example.org", &more);
    };
    // nothing listens there: the port is taken by nobody who answers
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let nobody = nobody.unwrap();
    file(&format!(
        "[queue]\nfirst_retry = \"1 s\"\nsmarthost = \"{nobody}\"\n"
    ));
    let served = place.start();
    served.operate(&place, &["domain", "add", "example.org"], "");
    let add = ["account", "add", "ann@example.org", "--password-stdin"];
    served.operate(&place, &add, "alpha bravo charlie\n");
    submit(&served, "waits").await;

    let missing = place.path("no such file");
    let login = format!(
        "[queue]\nfirst_retry = \"1 s\"\nsmarthost = \"{first}\"\nsmarthost_user = \"me\"\nsmarthost_password = \"{}\"\n",
        missing.display()
    );
    file(&login);
    let told = served.reload();
    assert!(told.contains("no such file"), "{told}");
    assert!(told.contains("not reloaded: everything stays"), "{told}");

    file(&format!(
        "[queue]\nfirst_retry = \"1 s\"\nsmarthost = \"{first}\"\n"
    ));
    let told = served.reload();
    assert!(told.contains("changed queue.smarthost from"), "{told}");
    served.operate(
        &place,
        &["queue", "retry", "--domain", "elsewhere.test"],
        "",
    );
    assert!(taken_first.join().unwrap().contains("Subject: waits"));

    let route = format!("[[road.route]]\nto = \"elsewhere.test\"\nvia = \"smtp://{second}\"\n");
    file(&route);
    let told = served.reload();
    assert!(told.contains("changed road.route from"), "{told}");
    submit(&served, "routed").await;
    assert!(taken_second.join().unwrap().contains("Subject: routed"));
    assert!(served.stop().success());
}
