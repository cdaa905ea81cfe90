//! A 50 MB attachment: in by SMTP, out by IMAP and POP3, octet for octet.
//!
//! What never happens here: a shorter one that would pass for it.

use clients::{Server, samples};

const ATTACHMENT_BYTES: usize = 50_000_000;
const PART: usize = 1 << 20;

#[test]
fn a_large_attachment_comes_out_as_it_went_in() {
    let server = Server::start();
    let message = samples::with_attachment(ATTACHMENT_BYTES);
    server
        .smtp()
        .mail("bob@example.test", &["alice@example.test"], &message);

    let mut imap = server.imap(server.alice());
    let whole = imap.message(2);
    assert!(
        whole.ends_with(&message),
        "IMAP gives {} octets, {} went in",
        whole.len(),
        message.len()
    );
    let size = imap.must("UID FETCH 2 RFC822.SIZE").text();
    assert!(
        size.contains(&format!("RFC822.SIZE {}", whole.len())),
        "{size}"
    );
    let mut parts = Vec::new();
    while parts.len() < whole.len() {
        let command = format!("UID FETCH 2 BODY.PEEK[]<{}.{PART}>", parts.len());
        parts.extend(imap.literal(&command));
    }
    assert!(parts == whole, "the parts are not the whole");

    let mut pop3 = server.pop3(server.alice());
    assert_eq!(pop3.size(2), whole.len());
    assert!(pop3.message(2) == whole, "POP3 and IMAP differ");

    let mut bob = server.imap(server.bob());
    bob.append("INBOX", "", &message);
    assert!(bob.message(2) == message, "APPEND changed it");
}
