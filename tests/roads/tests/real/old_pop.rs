//! POP3 as programs of 1988 speak it: RPOP, on the port and on the addresses that they insist on.

use clients::Program;
use roads::{Letter, Whimbrel, World};

/// No word that attackers try first.
const PASSWORD: &str = "gull-under-dry-rock";

/// Says `USER old` and RPOP with a word, from a port of its own; prints what is answered.
const ASK: &str = "
import socket, sys
port, word = int(sys.argv[1]), sys.argv[2]
sock = socket.create_connection(('127.0.0.1', 110), 60, ('127.0.0.1', port))
lines = sock.makefile('rw', encoding='ascii', newline='')
lines.readline()
for line in ('USER old', 'RPOP ' + word):
    lines.write(line + '\\r\\n')
    lines.flush()
    answer = lines.readline()
print(answer.strip())
";

/// fetchmail says the password, and from any port; the system of the machine, on a port that no other can
/// have, says only whose account it is. [rfc1081]
#[test]
fn rpop_takes_the_systems_word_and_fetchmails_password() {
    let Some(fetchmail) = Program::find("fetchmail") else {
        return;
    };
    let Some(world) = World::begin() else { return };
    let at = world.mail_host("alpha");
    world.start_dns();
    let settings = "[pop3]\nrpop = [\"127.0.0.1\"]\n";
    let alpha = Whimbrel::start_patient(&world, &at, settings);
    let account = ["account", "add", "old@alpha.example", "--password-stdin"];
    alpha.must(&account, PASSWORD);
    let letter = Letter::new("ann@alpha.example", &["old@alpha.example"], "Old ways");
    alpha.send("ann", &letter);
    let there = |program: Program| program.args(&["netns", "exec", &at.space]);
    let ask = |port: &str, word: &str| {
        let python = there(Program::find("ip").expect("because the world was made by it"));
        let ran = python.args(&["python3", "-c", ASK, port, word]).run();
        ran.well().out_text()
    };
    for (port, word, answer) in [
        ("1023", "old", "+OK maildrop ready"),
        ("1022", "ann", "-ERR [AUTH]"),
        ("1024", "old", "-ERR [AUTH]"),
    ] {
        let told = ask(port, word);
        assert!(told.starts_with(answer), "{port} {word}: {told}");
    }

    let place = world.folder(&at);
    let out = place.join("fetched");
    let poll = format!(
        "poll 127.0.0.1 proto rpop port 110 no dns user \"old\" password \"{PASSWORD}\" fetchall \
         sslproto \"\" mda \"sh -c 'cat >> {}'\"\n",
        out.display()
    );
    drop(fetchmail);
    let ip = there(Program::find("ip").expect("because the world was made by it"));
    let fetchmail = ip.args(&["fetchmail"]);
    let said = clients::fetchmail(fetchmail, &place, &poll).well().text();
    assert!(
        said.contains("> RPOP") && !said.contains("> PASS"),
        "{said}"
    );
    let brought = std::fs::read(&out).unwrap_or_default();
    assert!(letter.is_in(&brought), "{said}");
}
