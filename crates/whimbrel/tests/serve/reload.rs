//! SIGHUP: what is renewed, and that nobody is disturbed.

use crate::served::{Client, Place};

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
