//! Customers whose servers are not always there ask for their mail.

use clients::Program;
use roads::{Answer, Letter, Script, Scripted, Stage, Whimbrel, World};
use std::os::unix::fs::PermissionsExt;

/// fetchmail in its ETRN mode: what waits for the next attempt comes now, and only to who may ask.
#[test]
fn fetchmail_asks_for_what_waits_and_it_comes_at_once() {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return;
    };
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_site) = (world.mail_host("alpha"), world.mail_host("site"));
    world.start_dns();
    let settings = "[[smtp.etrn]]\ndomain = \"site.example\"\nnetworks = [\"10.77.0.1\"]\n";
    let alpha = Whimbrel::start_patient(&world, &at_alpha, settings);
    let site = Scripted::start(
        &at_site,
        Script::new(|step| match (step.stage, step.visit) {
            // The line is down, at both of its addresses.
            (Stage::Greeting, 1 | 2) => Answer::Last("421 4.3.2 not yet".to_owned()),
            _ => Answer::Go,
        }),
    );
    let letter = Letter::new("ann@alpha.example", &["ben@site.example"], "On demand");
    let id = alpha.send("ann", &letter);
    alpha.waits_for_attempt(&id);
    let place = world.folder(&at_site);
    let rc = place.join("fetchmailrc");
    let poll = format!(
        "poll {} proto etrn port 25 fetchdomains site.example sslproto \"\"\n",
        at_alpha.v4
    );
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::write(&rc, poll)
        .and_then(|()| std::fs::set_permissions(&rc, private))
        .expect("because the folder is ours");
    let ran = fetchmail
        .arg("-f")
        .arg(&rc)
        .args(&["--nodetach", "--nosyslog", "-v", "--pidfile"])
        .arg(place.join("pid"))
        .env("HOME", &place)
        .env("FETCHMAILHOME", &place)
        .run();
    let said = ran.text();
    assert!(said.contains("253 2.0.0"), "{said}");
    let received = site.wait_for_messages(1);
    assert!(letter.is_in(&received[0].content), "{received:?}");
    alpha.waits_until_empty();
}
