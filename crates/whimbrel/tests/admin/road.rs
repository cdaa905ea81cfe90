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
        (&["queue", "hold", "abc"], "“abc” is not in the queue"),
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
        &["queue", "retry"],
        &["queue", "hold", "--all", "--domain", "x.test"],
        &["queue", "hold", "--all", "abc"],
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
    assert_eq!(done.out, "Mail queue is empty\n");
    drop(server);
    let done = run(&data, &["queue", "list", "--json"]);
    assert_eq!(
        done.json()["queue"]["left_out"],
        0,
        "the same on a stopped server"
    );
}

/// A server whose smarthost does not answer.
fn sending(data: &std::path::Path) -> Server {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let accounts = ["--accounts", "1", "--password", "secret"];
    Server::start_with(data, &[&["--smarthost", &nobody][..], &accounts].concat())
}

/// Hands a message in for others, and gives the id that the server tells.
fn submit(server: &Server, to: &[&str]) -> String {
    submit_with(server, "", to)
}

/// The same with parameters of MAIL.
fn submit_with(server: &Server, parameters: &str, to: &[&str]) -> String {
    let mut smtp = server.dial("submission");
    smtp.until("220");
    smtp.say("EHLO pc.example.test", "250 ");
    smtp.say("AUTH PLAIN AHVzZXIxQGV4YW1wbGUudGVzdABzZWNyZXQ=", "235");
    let mail = format!("MAIL FROM:<user1@example.test> {parameters}");
    smtp.say(&mail, "250");
    for to in to {
        smtp.say(&format!("RCPT TO:<{to}>"), "250");
    }
    smtp.say("DATA", "354");
    let answer = smtp.say("Subject: x\r\n\r\nx\r\n.", "250");
    answer.split_whitespace().last().unwrap().to_owned()
}

fn queue(server: &Server, words: &[&str]) -> Vec<Value> {
    let all = [&["queue", "list", "--json"], words].concat();
    let done = run(&server.data, &all);
    assert!(done.succeeded, "{done:?}");
    done.json()["queue"]["entries"].as_array().unwrap().clone()
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

fn well(server: &Server, words: &[&str]) -> String {
    let done = run(&server.data, words);
    assert!(done.succeeded, "{words:?}: {done:?}");
    done.out
}

#[test]
fn what_waits_is_listed_by_domain_sender_age_and_number() {
    let (_folder, data) = folder();
    let server = sending(&data);
    let one = submit(&server, &["eve@elsewhere.test", "bob@example.test"]);
    let two = submit(
        &server,
        &["a@other.test", "b@other.test", "c@elsewhere.test"],
    );
    let all = queue(&server, &[]);
    assert_eq!(ids(&all), [&one, &two, &two], "an entry for each domain");
    assert_eq!(all[0]["domain"], "elsewhere.test");
    assert_eq!(all[0]["sender"], "user1@example.test");
    assert_eq!(all[0]["recipients"][0]["address"], "eve@elsewhere.test");
    assert_eq!(all[0]["recipients"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        ids(&queue(&server, &["--domain", "ELSEWHERE.test"])),
        [&one, &two]
    );
    let sender = [
        "--sender",
        "user1@example.test",
        "--older",
        "0s",
        "--limit",
        "1",
    ];
    assert_eq!(ids(&queue(&server, &sender)), [&one]);
    for none in [
        ["--sender", "<>"],
        ["--older", "1h"],
        ["--domain", "x.test"],
    ] {
        assert_eq!(queue(&server, &none), Vec::<Value>::new(), "{none:?}");
    }
    let mut http = server.dial("metrics");
    http.say(
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
        "HTTP/1.1 200",
    );
    let metrics = http.rest();
    assert!(
        metrics.contains("\nwhimbrel_queue_entries 3\n"),
        "{metrics}"
    );
    assert!(
        !metrics.contains("\nwhimbrel_queue_oldest_timestamp_seconds 0\n"),
        "{metrics}"
    );
    let words = well(&server, &["queue", "list", "--limit", "2"]);
    assert!(
        words.contains("eve@elsewhere.test") && words.contains("and 1 more"),
        "{words}"
    );
}

#[test]
fn a_message_that_waits_tells_what_it_has_come_through() {
    let (_folder, data) = folder();
    let server = sending(&data);
    let id = submit(&server, &["eve@elsewhere.test", "bob@example.test"]);
    well(&server, &["queue", "hold", &id]);
    let shown = run(&data, &["queue", "show", &id, "--json"]).json()["story"].clone();
    let message = &shown["messages"][0];
    assert_eq!(message["login"], "user1@example.test");
    assert_eq!(message["here"][0], "bob@example.test");
    assert_eq!(message["entries"][0]["state"], "held");
    assert_eq!(shown["arrivals"][0]["account"], "bob@example.test");
    for about in [&*id, "eve@elsewhere.test"] {
        assert_eq!(
            why(&server, about)["messages"][0]["id"],
            id.as_str(),
            "{about}"
        );
    }
    let words = well(&server, &["why", &id]);
    for part in [
        "handed in by user1@example.test from pc.example.test [127.0.0.1]",
        "to eve@elsewhere.test",
        "put into the mailbox here",
        "it is held",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn what_waits_is_held_released_tried_and_taken_out() {
    let (_folder, data) = folder();
    let mut server = sending(&data);
    let one = submit(&server, &["eve@elsewhere.test"]);
    let two = submit(&server, &["eve@other.test"]);
    let done = well(&server, &["queue", "hold", "--domain", "other.test"]);
    assert!(done.starts_with("1 entry is held"), "{done}");
    let again = well(&server, &["queue", "hold", &two]);
    assert!(again.starts_with("there is nothing"), "{again}");
    let held = queue(&server, &["--domain", "other.test"]);
    assert_eq!(
        (&held[0]["state"], &held[0]["due"]),
        (&"held".into(), &Value::Null)
    );
    let done = well(&server, &["queue", "retry", &one]);
    assert!(done.starts_with("1 entry is tried now"), "{done}");
    // what is held stays held, and the server that comes up again knows it
    let done = well(&server, &["queue", "release", "--all"]);
    assert!(done.starts_with("1 entry is let go on"), "{done}");
    well(&server, &["queue", "hold", "--all"]);
    server.kill();
    let entries = run(&data, &["queue", "list", "--json"]).json()["queue"]["entries"].clone();
    let states: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["state"])
        .collect();
    assert_eq!(states, ["held", "held"], "on a stopped server");
    let refused = run(&data, &["queue", "remove", &one]);
    let question = "this takes 1 entry out of the queue";
    assert!(
        !refused.succeeded && refused.err.contains(question),
        "{refused:?}"
    );
    let removed = run(&data, &["queue", "remove", &one, "--yes"]);
    assert!(
        removed.out.starts_with("1 entry is taken out"),
        "{removed:?}"
    );
    let server = sending(&data);
    assert_eq!(ids(&queue(&server, &[])), [&two]);
    let gone = run(&data, &["queue", "show", &one]);
    assert!(
        !gone.succeeded && gone.err.contains("is not in the queue"),
        "{gone:?}"
    );
    let known = why(&server, &one);
    assert_eq!(known["messages"][0]["entries"][0]["state"], "removed");
}

#[test]
fn mail_for_later_stays_unseen_when_the_server_is_killed_until_somebody_lets_it_go() {
    // [rfc4865 4.2]
    let (_folder, data) = folder();
    let mut server = sending(&data);
    let wishes = "HOLDFOR=3600 BY=7200;N MT-PRIORITY=-4";
    let id = submit_with(&server, wishes, &["bob@example.test", "eve@elsewhere.test"]);
    server.kill();
    let server = sending(&data);
    let all = queue(&server, &[]);
    assert_eq!(ids(&all), [&id, &id]);
    for one in &all {
        assert_eq!(
            (&one["state"], &one["attempts"]),
            (&"waiting".into(), &0.into())
        );
        assert_eq!(one["held_until"], one["due"], "{one}");
        assert_eq!(one["wishes"]["priority"], -4);
        assert_eq!(one["wishes"]["if_late"], "told");
    }
    let here: Vec<_> = all.iter().map(|one| &one["here"]).collect();
    assert_eq!(here, [&false, &true]);
    let retried = well(&server, &["queue", "retry", &id]);
    assert!(retried.contains("there is nothing"), "{retried}");
    assert!(
        retried.contains("held as their senders asked: 2"),
        "{retried}"
    );
    let words = well(&server, &["queue", "show", &id]);
    for part in [
        "its priority is -4",
        "if not, its sender is told",
        "as its sender asked; `whimbrel queue release` lets it go now",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert!(well(&server, &["queue", "list"]).contains("held until "));
    assert_eq!(why(&server, &id)["arrivals"], Value::Array(Vec::new()));
    well(&server, &["queue", "release", "--domain", "example.test"]);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ids(&queue(&server, &[])).len() > 1 {
        assert!(std::time::Instant::now() < patience, "it does not arrive");
    }
    let known = why(&server, &id);
    assert_eq!(
        known["arrivals"][0]["account"], "bob@example.test",
        "{known}"
    );
    let words = well(&server, &["why", &id]);
    assert!(
        words.contains("bob@example.test put into the mailbox here"),
        "{words}"
    );
    assert!(words.contains("held until"), "the other one is: {words}");
}
