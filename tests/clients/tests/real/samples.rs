//! All mail samples: in by SMTP and by APPEND, out by IMAP and POP3, octet for octet.
//!
//! What never happens here: a judgement on the samples; broken ones must come out as they went in.

use clients::{Server, samples};

#[test]
fn every_sample_comes_out_as_it_went_in() {
    let server = Server::start();
    let mut bob = server.imap(server.bob());
    let mut smtp = server.smtp();
    let mut delivered = 0;
    for (name, message) in samples::all() {
        if message.contains(&0) {
            // A literal has no NUL in it [rfc3501 9].
            assert!(
                bob.try_append("INBOX", "", &message)
                    .unwrap()
                    .status
                    .starts_with("NO"),
                "{name}"
            );
            continue;
        }
        bob.append("INBOX", "", &message);
        let uid = *bob
            .search("ALL")
            .last()
            .expect("because it was just appended");
        // Lines that end in LF alone are stored with CRLF; all else stays as it is.
        let stored = samples::with_line_ends(&message);
        assert!(
            bob.message(uid) == stored,
            "{name}: APPEND and FETCH differ"
        );
        bob.must(&format!(
            "UID FETCH {uid} (ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE)"
        ));
        if samples::is_fit_for_smtp(&message) {
            smtp.mail("bob@example.test", &["alice@example.test"], &message);
            delivered += 1;
            let mut pop3 = server.pop3(server.alice());
            let stored = pop3.message(delivered + 1);
            assert!(stored.ends_with(&message), "{name}: SMTP and RETR differ");
        }
    }
    assert!(delivered > 0, "no sample is fit for SMTP");
}

#[test]
fn an_address_in_utf8_is_taken() {
    let server = Server::start();
    let message = "From: Jürgen <jürgen@bücher.test>\r\nSubject: Grüße\r\n\r\nHallo\r\n".as_bytes();
    server
        .smtp()
        .mail("jürgen@bücher.test", &["alice@example.test"], message);
    let mut imap = server.imap(server.alice());
    let stored = imap.message(2);
    assert!(stored.ends_with(message));
}
