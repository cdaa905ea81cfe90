//! gsasl: logs in by each mechanism that it and the server know, bound to the TLS connection and not.
//!
//! What never happens here: mail; other programs send and read it.

use clients::{Ended, Program, Server};

/// One login as alice over STARTTLS with a checked certificate, unless told otherwise.
fn logs_in(server: &Server, door: &str, mechanism: &str, more: &[&str]) -> Option<Ended> {
    let alice = server.alice();
    let listener = if door == "smtp" { "submission" } else { "imap" };
    let gsasl = Program::find("gsasl")?;
    let at = format!("--connect=localhost:{}", server.port(listener));
    let trust = format!("--x509-ca-file={}", server.certificate().display());
    let run = gsasl
        .arg(format!("--{door}"))
        .args(&[&at, &trust, "-m", mechanism, "-a", &alice.address])
        // read nothing, leave after the login
        .arg("--application-data");
    let run = match more.contains(&"--password") {
        true => run,
        false => run.args(&["--password", &alice.password]),
    };
    Some(run.args(more).run())
}

#[test]
fn gsasl_logs_in_by_every_mechanism_at_both_doors() {
    let server = Server::start();
    for door in ["imap", "smtp"] {
        for (mechanism, more) in [
            ("SCRAM-SHA-256-PLUS", &[][..]),
            ("SCRAM-SHA-1-PLUS", &[]),
            ("SCRAM-SHA-256", &["--no-cb"]),
            ("SCRAM-SHA-1", &["--no-cb"]),
            ("PLAIN", &[]),
            ("LOGIN", &[]),
            // where there is nothing that could be bound to
            ("SCRAM-SHA-256", &["--no-starttls"]),
            (
                "SCRAM-SHA-256",
                &["--no-cb", "--priority=NORMAL:-VERS-TLS1.3"],
            ),
        ] {
            let Some(ended) = logs_in(&server, door, mechanism, more) else {
                return;
            };
            ended.well();
        }
    }
}

#[test]
fn gsasl_is_refused_with_a_wrong_password_by_every_mechanism() {
    let server = Server::start();
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "PLAIN"] {
        let Some(ended) = logs_in(&server, "imap", mechanism, &["--password", "guess"]) else {
            return;
        };
        assert_ne!(ended.code, Some(0), "{mechanism}: {}", ended.text());
    }
}
