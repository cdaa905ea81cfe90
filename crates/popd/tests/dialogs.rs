//! The dialogue files of POP3, against the real session: over a pipe in memory and over TCP.

use dialogs::runner::{Transport, Visit, run_all};
use net::Stop;
use popd::{ClearText, Door, Settings};
use std::sync::Arc;

/// Scripts may use passwords in clear text unless they say otherwise.
fn settings(visit: &Visit) -> Settings {
    let mut settings = Settings::new(dialogs::house::DOMAIN);
    settings.clear_text = match visit.script.setting("pop3.clear_text") {
        None | Some("allowed") => ClearText::Allowed,
        Some("refused") => ClearText::Refused,
        Some(other) => panic!("pop3.clear_text is not {other}"),
    };
    if let Some(count) = visit.script.setting("pop3.bad_commands") {
        settings.bad_commands = count.parse().expect("pop3.bad_commands is a number");
    }
    settings
}

async fn session(visit: Visit) {
    let settings = settings(&visit);
    let tls = Some(visit.house.tls_server.clone());
    let door = Door::new(visit.house.mail.clone(), tls, settings);
    popd::session(visit.conn, Arc::new(door), Stop::new()).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_a_pipe() {
    run_all("pop3", Transport::Pipe, session).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_tcp() {
    run_all("pop3", Transport::Tcp, session).await;
}
