//! Where a message is, and what waits in the queue, as a person asks for it.

use crate::house::{Server, folder, run};
use serde_json::Value;

/// Hands a message in, and gives the id that the server tells.
fn hand_in(server: &Server, to: &str, header: &str) -> String {
    let mut smtp = server.dial("smtp");
    smtp.until("220");
    smtp.say("HELO pc.elsewhere.test", "250");
    smtp.say("MAIL FROM:<carol@elsewhere.test>", "250");
    smtp.say(&format!("RCPT TO:<{to}>"), "250");
    smtp.say("DATA", "354");
    let answer = smtp.say(&format!("{header}\r\n\r\nx\r\n."), "250");
    answer.split_whitespace().last().unwrap().to_owned()
}

fn why(server: &Server, about: &str) -> Value {
    let done = run(&server.data, &["why", about, "--json"]);
    assert!(done.succeeded, "{done:?}");
    done.json()["story"].clone()
}

#[test]
fn mail_that_stayed_here_is_found_by_id_message_id_and_address() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    let header = "Subject: x\r\nMessage-ID: <one@elsewhere.test>";
    let id = hand_in(&server, "bob@example.test", header);
    let of_id = why(&server, &id);
    let arrival = &of_id["arrivals"][0];
    assert_eq!(arrival["id"], id.as_str(), "{of_id}");
    assert_eq!(arrival["account"], "bob@example.test");
    assert_eq!(arrival["sender"], "carol@elsewhere.test");
    assert_eq!(arrival["client"], "pc.elsewhere.test [127.0.0.1]");
    assert_eq!(arrival["message_id"], "<one@elsewhere.test>");
    assert_eq!(arrival["places"][0]["mailbox"], "INBOX");
    assert_eq!(arrival["places"][0]["there"], true);
    assert_eq!(of_id["messages"].as_array().map(Vec::len), Some(0));
    for about in [
        "<one@elsewhere.test>",
        "one@elsewhere.test",
        "carol@elsewhere.test",
    ] {
        assert_eq!(
            why(&server, about)["arrivals"],
            of_id["arrivals"],
            "{about}"
        );
    }
    let words = run(&server.data, &["why", &id]);
    for part in [
        "from carol@elsewhere.test to bob@example.test",
        "it is in INBOX (UID ",
    ] {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    hand_in(&server, "bob@example.test", "Subject: y");
    let two = why(&server, "carol@elsewhere.test");
    assert_eq!(two["arrivals"].as_array().map(Vec::len), Some(2));
    let newest = run(
        &server.data,
        &["why", "carol@elsewhere.test", "--limit", "1", "--json"],
    );
    let newest = newest.json();
    assert_eq!(newest["story"]["arrivals"][0], two["arrivals"][0]);
    assert_eq!(
        newest["story"]["arrivals"].as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn what_is_not_known_is_said_to_be_so() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    for (words, expect) in [
        (&["why", "nothing"][..], "nothing is known of “nothing”"),
        (&["why", "nobody@elsewhere.test"], "nothing is known of"),
        (&["why", "two words"], "is no id of a message"),
        (&["why", ""], "is no id of a message"),
        (&["queue", "show", "17.0"], "“17.0” is not in the queue"),
        (&["queue", "show", "abc"], "“abc” is not in the queue"),
        (&["queue", "list", "--domain", "a b"], "is no domain"),
        (&["queue", "list", "--sender", "a@b@c"], "is no address"),
    ] {
        let done = run(&server.data, words);
        assert!(
            !done.succeeded && done.err.contains(expect),
            "{words:?}: {done:?}"
        );
    }
    for words in [
        &["queue", "list", "--older", "soon"][..],
        &["queue", "list", "--limit", "0"],
        &["why"],
        &["queue"],
    ] {
        let done = run(&server.data, words);
        assert!(
            !done.succeeded && done.out.is_empty(),
            "{words:?}: {done:?}"
        );
    }
    let list = [
        "queue",
        "list",
        "--sender",
        "<>",
        "--domain",
        "[192.0.2.1]",
        "--older",
        "4h",
    ];
    let done = run(&server.data, &list);
    assert_eq!(done.out, "nothing waits in the queue\n");
    drop(server);
    let done = run(&data, &["queue", "list", "--json"]);
    assert_eq!(
        done.json()["queue"]["more"],
        false,
        "the same on a stopped server"
    );
}
