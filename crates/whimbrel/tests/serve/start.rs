//! From the file to a server that answers, or to words about what is wrong.

use crate::served::{Client, KINDS, Place};
use std::process::Command;

#[tokio::test]
async fn serves_what_the_file_says_and_ends_clean() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let served = place.start();
    for kind in KINDS {
        assert_ne!(served.at(kind).port(), 0);
    }
    let mut smtp = Client::connect(served.at("smtp")).await;
    assert!(smtp.line().await.starts_with("220 mail.example.org "));
    let mut imap = Client::connect(served.at("imap")).await;
    assert!(imap.line().await.contains("mail.example.org"));
    let told = imap.imap("CAPABILITY").await;
    assert!(
        told.contains("STARTTLS") && told.contains("LOGINDISABLED"),
        "{told}"
    );
    assert!(served.stop().success());
    assert!(!place.path("data/ready.json").exists());
}

#[test]
fn a_long_path_to_the_data_folder_costs_lmtp_and_is_told() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let text = std::fs::read_to_string(place.config()).unwrap();
    let long = format!("{}/{}", place.path("data").display(), "x".repeat(100));
    let before = format!("data = \"{}\"", place.path("data").display());
    std::fs::write(
        place.config(),
        text.replace(&before, &format!("data = \"{long}\"")),
    )
    .unwrap();
    std::fs::create_dir(place.path("data")).unwrap();
    open_to_all(&place.path("data"));
    let (served, output) = place.start_and_log(place.command());
    let told = output
        .lines()
        .find(|line| line.contains("going on without LMTP"));
    let told = told.unwrap_or_else(|| panic!("{output}"));
    for words in ["107", "listen.lmtp.addresses", long.as_str()] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert!(!served.ready.listeners.contains_key("lmtp"));
    assert!(served.ready.listeners.contains_key("smtp"));
}

/// Whom the server becomes must be able to make its folder and its ready file.
fn open_to_all(folder: &std::path::Path) {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
}

#[test]
fn says_what_a_server_that_nothing_was_told_is_missing() {
    let place = Place::new();
    place.write("mail", "");
    let (served, output) = place.start_and_log(place.command());
    for words in [
        "no certificate is set",
        "no domain yet",
        "the hostname has no domain",
    ] {
        assert!(output.contains(words), "{words} in {output}");
    }
    drop(served);
}

#[test]
fn passwords_need_no_tls_where_only_this_machine_comes_if_that_is_said() {
    let place = Place::new();
    place.write("mail.example.org", "[login]\ncleartext = \"loopback\"\n");
    let served = place.start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut imap = Client::connect(served.at("imap")).await;
        imap.line().await;
        let told = imap.imap("CAPABILITY").await;
        assert!(!told.contains("LOGINDISABLED"), "{told}");
    });
}

#[test]
fn a_wrong_file_is_refused_with_every_place() {
    let place = Place::new();
    let text = "hostnam = \"mail.example.org\"\n[imap]\nautologout = \"1 min\"\n";
    std::fs::write(place.config(), text).unwrap();
    let at = place.config();
    let at = at.display();
    assert_eq!(
        place.refused(),
        format!(
            "whimbrel: {at}:1:1: there is no setting `hostnam`; `hostname` is meant?\n\
             whimbrel: {at}:3:14: `imap.autologout` must be at least 30 min \
             (RFC 3501 section 5.4)\n"
        )
    );
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let place = Place::new();
    let told = place.refused();
    assert!(told.contains("whimbrel.toml: No such file"), "{told}");
}

#[test]
fn a_taken_port_is_named_with_its_setting() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    place.write(
        "a.example",
        &format!("[listen.imap]\naddresses = [\"{at}\"]\n"),
    );
    let told = place.refused();
    assert!(
        told.contains(&format!("port {} is taken", at.port())),
        "{told}"
    );
    assert!(told.contains("listen.imap.addresses"), "{told}");
}

#[test]
fn a_key_that_does_not_fit_is_named() {
    let place = Place::new();
    place.certify("a.example");
    let key = std::fs::read(place.path("key.pem")).unwrap();
    place.certify("b.example");
    std::fs::write(place.path("key.pem"), key).unwrap();
    place.write("a.example", &place.certificate_setting());
    let told = place.refused();
    assert!(told.contains("cannot use the certificate"), "{told}");
    let output = Command::new(env!("CARGO_BIN_EXE_whimbrel"))
        .args(["config", "check", "--config"])
        .arg(place.config())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot use the certificate")
    );
}

#[test]
fn check_says_that_a_right_file_is_right() {
    let place = Place::new();
    place.write("mail.example.org", "");
    let output = Command::new(env!("CARGO_BIN_EXE_whimbrel"))
        .args(["config", "check", "--config"])
        .arg(place.config())
        .output()
        .unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told, format!("{} is right\n", place.config().display()));
}
