//! `whimbrel pop4`, the client of POP4, against the server; and what IMAP sees of it.

use clients::{Server, samples};
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs the client as alice; the password is the first line of its input.
fn pop4(server: &Server, password: &str, words: &[&str], input: &str) -> Output {
    let mut child = Command::new(clients::server::binary())
        .args(["pop4", "--server", "localhost", "--password-stdin"])
        .args(["--user", &server.alice().address])
        .arg("--ca")
        .arg(server.certificate())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(format!("{password}\n{input}").as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn the_pop4_client_moves_and_stores_what_imap_sees_at_once() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("one.eml");
    let message = text(&samples::message("stored", "text\r\n.\r\nmore"));
    std::fs::write(&file, message.replace("\r\n", "\n")).unwrap();
    let store = format!("STOR Work seen < {}", file.display());
    let words = [
        "--port",
        server.port("pop3"),
        "CFLD Work",
        &store,
        "MOVE 1 Work",
        "SFLD Work",
    ];
    let password = server.alice().password.clone();
    let words = [&words[..], &["LFLG", "RPRT 1 1"]].concat();
    let ended = pop4(&server, &password, &words, "");
    let (out, err) = (text(&ended.stdout), text(&ended.stderr));
    assert_eq!(ended.status.code(), Some(0), "{out}{err}");
    assert!(out.contains("\n1 seen\r\n2 -\r\n"), "{out}");
    assert!(out.contains("text\r\n.\r\nmore"), "{out}");
    let mut alice = server.imap(server.alice());
    assert_eq!(
        alice.search("ALL"),
        [0u32; 0],
        "what was moved left INBOX at QUIT"
    );
    alice.must("SELECT Work");
    assert_eq!(alice.search("HEADER Subject stored SEEN"), [1]);
    alice.must("STORE 1 +FLAGS ($Todo)");
    // commands as lines, with TLS from the first octet on
    let words = ["--port", server.port("pop3s"), "--tls", "at-once"];
    let lines = "SFLD Work\nLFLG 1\nSTOR\nSubject: typed\n\n.dot\n.\nLFLD Work\nQUIT\n";
    let ended = pop4(&server, &password, &words, lines);
    let out = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{out}{}", text(&ended.stderr));
    assert!(out.contains("\n1 seen,$Todo\r\n"), "{out}");
    alice.must("NOOP");
    assert_eq!(alice.search("HEADER Subject typed"), [3]);
}

#[test]
fn the_pop4_client_says_by_its_exit_code_what_went_wrong() {
    let server = Server::start();
    let password = server.alice().password.clone();
    let port = ["--port", server.port("pop3")];
    let code = |password: &str, words: &[&str]| {
        let words = [&port[..], words].concat();
        pop4(&server, password, &words, "").status.code()
    };
    assert_eq!(code("wrong", &["LFLD"]), Some(77));
    assert_eq!(
        code(&password, &["DELE 1", "SFLD nowhere", "LFLD"]),
        Some(1)
    );
    assert_eq!(
        server.imap(server.alice()).search("ALL"),
        [1],
        "no QUIT was said"
    );
    assert_eq!(
        code(&password, &["--keep-going", "SFLD nowhere", "DELE 1"]),
        Some(1)
    );
    assert_eq!(server.imap(server.alice()).search("ALL"), [0u32; 0]);
    assert_eq!(code(&password, &["STOR Trash < /nowhere/at/all"]), Some(66));
    let smtp = ["--port", server.port("smtp"), "LFLD"];
    assert_eq!(pop4(&server, &password, &smtp, "").status.code(), Some(76));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = nobody.local_addr().unwrap().port().to_string();
    drop(nobody);
    let closed = ["--port", &closed, "LFLD"];
    assert_eq!(
        pop4(&server, &password, &closed, "").status.code(),
        Some(69)
    );
}
