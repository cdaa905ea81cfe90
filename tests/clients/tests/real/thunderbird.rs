//! Thunderbird: set up, reads, searches, sends, flags, files, deletes, hears of new mail, and fetches
//! by POP3, all over TLS; the script that drives it looks at the server after each step.
//!
//! What never happens here: a display, a person, a connection out of this machine.

use clients::{Program, Server};
use std::path::Path;

#[test]
fn thunderbird_does_what_its_users_do() {
    let (Some(_), Some(python)) = (Program::find("thunderbird"), Program::find("python3")) else {
        return;
    };
    let server = Server::start();
    let profile = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/thunderbird.py");
    python
        .arg("-B")
        .arg(script)
        .arg(&server.ready_file)
        .arg(server.certificate())
        .arg(profile.path())
        .run()
        .well();
    let mut alice = server.imap(server.alice());
    assert_eq!(alice.search("NOT DELETED").len(), 2);
    alice.must("SELECT Archive");
    assert_eq!(alice.flags(1), ["$label1", "\\Flagged", "\\Seen"]);
    assert_eq!(server.pop3(server.bob()).count(), 0);
}
