//! The dialogue files of IMAP, against the real session: over a pipe in memory and over TCP.

use dialogs::runner::{Transport, Visit, run_all};
use imapd::{Door, Settings};
use net::Stop;
use std::sync::Arc;

/// Scripts may use passwords in clear text unless they say otherwise.
fn settings(visit: &Visit) -> Settings {
    let number = |key: &str, usual: u64| {
        let value = visit.script.setting(key);
        value.map_or(usual, |value| {
            value.parse().expect("the setting is a number")
        })
    };
    let usual = Settings::default();
    Settings {
        hostname: dialogs::house::DOMAIN.to_owned(),
        tls: Some(visit.house.tls_server.clone()),
        allow_cleartext_login: visit.script.setting("imap.allow_cleartext_login") != Some("false"),
        max_append_bytes: number("imap.max_append_bytes", usual.max_append_bytes),
        ..usual
    }
}

async fn session(visit: Visit) {
    let door = Door::new(visit.house.mail.clone(), settings(&visit));
    imapd::session(visit.conn, Arc::new(door), Stop::new()).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_a_pipe() {
    run_all("imap", Transport::Pipe, session).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_tcp() {
    run_all("imap", Transport::Tcp, session).await;
}
