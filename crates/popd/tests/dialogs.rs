//! The dialogue files of POP3, against the real session: over a pipe in memory and over TCP.

use dialogs::runner::{Transport, Visit, run_all};
use net::Stop;
use popd::{AfterRetr, ClearText, Door, Expire, Language, Settings};
use post::{Post, PostSettings};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    if let Some(seconds) = visit.script.setting("pop3.login_delay_s") {
        let seconds = seconds.parse().expect("pop3.login_delay_s is a number");
        settings.login_delay = Duration::from_secs(seconds);
    }
    if let Some(days) = visit.script.setting("pop3.expire_days") {
        settings.expire = Expire::Days(days.parse().expect("pop3.expire_days is a number"));
    }
    if let Some(bytes) = visit.script.setting("pop3.max_message_bytes") {
        settings.max_message_bytes = bytes.parse().expect("it is a number");
    }
    if let Some(trusted) = visit.script.setting("pop3.rpop") {
        settings.rpop = vec![trusted.parse().expect("pop3.rpop is a network")];
    }
    settings.after_retr = match visit.script.setting("pop3.after_retr") {
        None => AfterRetr::Unchanged,
        Some("seen") => AfterRetr::Seen,
        Some(other) => panic!("pop3.after_retr is not {other}"),
    };
    settings.language = match visit.script.setting("pop3.language") {
        None | Some("en") => Language::English,
        Some("de") => Language::German,
        Some(other) => panic!("pop3.language is not {other}"),
    };
    settings
}

/// All sessions of one script share a door.
type Doors = Mutex<HashMap<String, Arc<Door>>>;

async fn session(visit: Visit, doors: Arc<Doors>) {
    let door = {
        let mut doors = doors.lock().expect("because no session panics with it");
        let door = doors.entry(visit.script.name.clone()).or_insert_with(|| {
            let tls = Some(visit.house.tls_server.clone());
            let house = &visit.house;
            let post = Post::new(
                house.mail.clone(),
                house.clock.clone(),
                house.random.clone(),
                PostSettings::new(dialogs::house::DOMAIN),
            );
            let door = Door::new(house.mail.clone(), tls, settings(&visit));
            Arc::new(door.submitting(post))
        });
        door.clone()
    };
    popd::session(visit.conn, door, Stop::new()).await;
}

async fn run(transport: Transport) {
    let doors = Arc::new(Doors::default());
    run_all("pop3", transport, move |visit| {
        session(visit, doors.clone())
    })
    .await;
}

#[tokio::test]
async fn every_dialogue_holds_over_a_pipe() {
    run(Transport::Pipe).await;
}

#[tokio::test]
async fn every_dialogue_holds_over_tcp() {
    run(Transport::Tcp).await;
}
