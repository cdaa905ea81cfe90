//! FETCH of whole messages, broken ones included: what different items say of one message fits
//! together.

use crate::client::{Client, Server, item};
use crate::value::Value;

/// The samples that an APPEND without BINARY takes.
fn samples() -> impl Iterator<Item = (String, Vec<u8>)> {
    let samples = dialogs::samples().into_iter();
    samples.filter(|(_, octets)| !octets.contains(&0))
}

async fn text(client: &mut Client, section: &str) -> Option<Vec<u8>> {
    let said = client.ok(&format!("FETCH * BODY.PEEK[{section}]")).await;
    said.text_of(&format!("BODY[{section}]"))
}

/// Each message alone in its mailbox, and every line end CRLF, so that what is stored is what was
/// sent.
async fn each_sample(mut check: impl AsyncFnMut(&str, &[u8], &mut Client)) {
    let server = Server::new().await;
    let mut client = server.selected().await;
    for (name, octets) in samples() {
        let text = String::from_utf8_lossy(&octets);
        let has_bare = text.replace("\r\n", "").contains(['\r', '\n']);
        client.append("INBOX", &octets).await;
        if !has_bare {
            check(&name, &octets, &mut client).await;
        }
    }
}

/// [rfc3501 6.4.5]
/// [rfc9051 6.3.12 #1]
/// [rfc3501 6.3.11 #1]
#[tokio::test]
async fn header_and_text_together_are_the_message_and_its_size_is_theirs() {
    each_sample(async |name, octets, client| {
        let whole = text(client, "").await.unwrap();
        assert!(whole == octets, "{name}: BODY[] is not what was appended");
        let header = text(client, "HEADER").await.unwrap();
        let body = text(client, "TEXT").await.unwrap();
        assert!([header.clone(), body.clone()].concat() == whole, "{name}");

        let old = client
            .ok("FETCH * (RFC822.SIZE RFC822.HEADER RFC822.TEXT RFC822)")
            .await;
        let (_, items) = old.fetched().remove(0);
        assert_eq!(
            item(&items, "RFC822.SIZE").number(),
            whole.len() as u64,
            "{name}"
        );
        assert!(item(&items, "RFC822").text().unwrap() == whole, "{name}");
        assert!(
            item(&items, "RFC822.HEADER").text().unwrap() == header,
            "{name}"
        );
        assert!(
            item(&items, "RFC822.TEXT").text().unwrap() == body,
            "{name}"
        );
    })
    .await;
}

/// [rfc3501 6.4.5]
#[tokio::test]
async fn partial_reads_tile_the_message() {
    each_sample(async |name, octets, client| {
        let step = (octets.len() / 3).max(1);
        let mut tiled = Vec::new();
        for origin in (0..octets.len() + step).step_by(step) {
            let said = client
                .ok(&format!("FETCH * BODY.PEEK[]<{origin}.{step}>"))
                .await;
            tiled.extend(said.text_of(&format!("BODY[]<{origin}>")).unwrap());
        }
        assert!(tiled == octets, "{name}");
    })
    .await;
}

/// HEADER.FIELDS and HEADER.FIELDS.NOT share the header's lines between them.
#[tokio::test]
async fn chosen_fields_and_the_others_are_the_header() {
    each_sample(async |name, _, client| {
        let header = text(client, "HEADER").await.unwrap();
        let some = text(client, "HEADER.FIELDS (Subject From X-Nothing)")
            .await
            .unwrap();
        let others = text(client, "HEADER.FIELDS.NOT (Subject From X-Nothing)")
            .await
            .unwrap();
        // The empty line is in all of them, or in none [rfc9051 6.4.5.1].
        let is_ended = |text: &[u8]| text == b"\r\n" || text.ends_with(b"\r\n\r\n");
        for chosen in [&some, &others] {
            assert_eq!(is_ended(chosen), is_ended(&header), "{name}");
        }
        let lines = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.retain(|line| !line.is_empty());
            lines.sort();
            lines
        };
        assert_eq!(lines(&[some, others].concat()), lines(&header), "{name}");
    })
    .await;
}

/// Every part that BODYSTRUCTURE shows can be fetched, has the size that it says, and its MIME
/// header and body lie in the message one behind the other.
#[tokio::test]
async fn every_part_of_the_structure_can_be_fetched() {
    each_sample(async |name, octets, client| {
        let said = client.ok("FETCH * (BODY BODYSTRUCTURE ENVELOPE)").await;
        let (_, items) = said.fetched().remove(0);
        assert_eq!(item(&items, "ENVELOPE").list().len(), 10, "{name}");
        let mut leaves = Vec::new();
        walk(item(&items, "BODYSTRUCTURE"), "", &mut leaves);
        let mut plain = Vec::new();
        walk(item(&items, "BODY"), "", &mut plain);
        assert_eq!(leaves, plain, "{name}: BODY and BODYSTRUCTURE differ");
        assert!(!leaves.is_empty(), "{name}");
        for (path, size) in leaves {
            let body = text(client, &path).await;
            let body = body.unwrap_or_else(|| panic!("{name}: no part {path}"));
            assert_eq!(body.len() as u64, size, "{name}: part {path}");
            let mime = text(client, &format!("{path}.MIME"))
                .await
                .unwrap_or_default();
            let both = [mime, body].concat();
            let found = both.is_empty() || octets.windows(both.len()).any(|w| w == both);
            assert!(found, "{name}: part {path} is not in the message");
        }
    })
    .await;
}

/// The leaves of a structure with their section numbers and sizes.
fn walk(structure: &Value, path: &str, leaves: &mut Vec<(String, u64)>) {
    let below = |number: usize| match path {
        "" => number.to_string(),
        path => format!("{path}.{number}"),
    };
    let values = structure.list();
    if matches!(values[0], Value::List(_)) {
        let parts = values
            .iter()
            .take_while(|value| matches!(value, Value::List(_)));
        for (at, part) in parts.enumerate() {
            walk_part(part, &below(at + 1), leaves);
        }
    } else {
        leaves.push((below(1), values[6].number()));
    }
}

fn walk_part(part: &Value, path: &str, leaves: &mut Vec<(String, u64)>) {
    let values = part.list();
    if matches!(values[0], Value::List(_)) {
        return walk(part, path, leaves);
    }
    leaves.push((path.to_owned(), values[6].number()));
    let is = |value: &Value, word: &str| {
        value
            .text()
            .is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is(&values[0], "message") && (is(&values[1], "rfc822") || is(&values[1], "global")) {
        walk(&values[8], path, leaves);
    }
}

/// A message far larger than what a session holds comes whole, and the client's reading sets the
/// pace.
#[tokio::test]
async fn a_large_message_streams_both_ways() {
    let server = Server::new().await;
    let mut client = server.selected().await;
    let mut message = b"Subject: large\r\n\r\n".to_vec();
    while message.len() < 5_000_000 {
        message.extend_from_slice(format!("line at {}\r\n", message.len()).as_bytes());
    }
    client.append("INBOX", &message).await;
    assert!(text(&mut client, "").await.unwrap() == message);
    let tail = format!("FETCH 1 BODY.PEEK[]<{}.100000>", message.len() - 10);
    let said = client.ok(&tail).await;
    let label = format!("BODY[]<{}>", message.len() - 10);
    assert_eq!(said.text_of(&label).unwrap(), message[message.len() - 10..]);
}
