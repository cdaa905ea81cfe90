//! Customers whose servers are not always there ask for their mail.

use clients::Program;
use roads::{Answer, Letter, Script, Scripted, Stage, Whimbrel, World};

/// fetchmail in its ETRN mode: what waits for the next attempt comes now, and only to who may ask.
#[test]
fn fetchmail_asks_for_what_waits_and_it_comes_at_once() {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return;
    };
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_site) = (world.mail_host("alpha"), world.mail_host("site"));
    world.start_dns();
    let settings = "[[road.customer]]\nname = \"site\"\ndomains = [\"site.example\"]\n\
                    networks = [\"10.77.0.1\"]\nhold = \"none\"\n";
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
    let poll = format!(
        "poll {} proto etrn port 25 fetchdomains site.example sslproto \"\"\n",
        at_alpha.v4
    );
    let said = clients::fetchmail(fetchmail, &place, &poll).text();
    assert!(said.contains("253 2.0.0"), "{said}");
    let received = site.wait_for_messages(1);
    assert!(letter.is_in(&received[0].content), "{received:?}");
    alpha.waits_until_empty();
}

/// fetchmail in its ODMR mode: what strangers brought is kept, and goes over fetchmail's own
/// connection to the customer's server, once. [rfc2645 4] [rfc2645 5.1.2] [rfc2645 5.2.1] [rfc2645 5.3]
#[test]
fn fetchmail_takes_what_is_kept_over_its_own_connection() {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return;
    };
    let Some(world) = World::begin() else { return };
    let (at_alpha, at_site) = (world.mail_host("alpha"), world.mail_host("site"));
    world.start_dns();
    let settings = "[[road.customer]]\nname = \"site\"\ndomains = [\"site.example\"]\n\
                    login = \"site@alpha.example\"\n";
    let alpha = Whimbrel::start_patient(&world, &at_alpha, settings);
    let password = "gull-under-dry-rock";
    let account = ["account", "add", "site@alpha.example", "--password-stdin"];
    alpha.must(&[&account[..], &["--cram-md5", "on"]].concat(), password);
    let site = Scripted::start(&at_site, Script::new(|_| Answer::Go));
    let letter = Letter::new("ann@alpha.example", &["ben@site.example"], "Kept");
    let id = alpha.send("ann", &letter);
    assert!(alpha.queue().contains("pick-up by site"));
    assert!(alpha.why(&id).contains("held for pick-up by site"));
    assert_eq!(site.visits(), 0, "nobody was dialled");
    let place = world.folder(&at_site);
    let poll = format!(
        "poll {} proto odmr port 366 user \"site@alpha.example\" password \"{password}\" \
         fetchdomains site.example smtphost {}/25 sslproto \"\"\n",
        at_alpha.v4, at_site.v4
    );
    let said = clients::fetchmail(fetchmail, &place, &poll).text();
    let received = site.wait_for_messages(1);
    assert!(letter.is_in(&received[0].content), "{said}{received:?}");
    alpha.waits_until_empty();
    assert!(alpha.why(&id).contains("delivered there"));
}
