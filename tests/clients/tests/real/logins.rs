//! curl and gsasl: log in by a token of an issuer and by a certificate, at a server that runs as a
//! settings file says.
//!
//! The data folder is one that `try` made, so its accounts are there. What never happens here: a
//! real issuer; one that answers about two tokens is enough.

use clients::{Ended, Program};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const ALICE: &str = "alice@example.test";

/// A running `whimbrel serve`.
struct Serving {
    child: Child,
    listeners: BTreeMap<String, Vec<String>>,
    place: tempfile::TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Deserialize)]
struct Ready {
    listeners: BTreeMap<String, Vec<String>>,
}

impl Serving {
    fn start() -> Serving {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let data = at("data");
        drop(clients::Start::on(&data).start().stop());
        let (authority, chain, key) = certificates();
        for (name, text) in [
            ("clients.pem", authority),
            ("alice.pem", chain),
            ("alice.key", key),
            ("secret", "geheim\n".to_owned()),
            ("whimbrel.toml", settings(place.path(), &issuer())),
        ] {
            std::fs::write(at(name), text).unwrap();
        }
        if rustix::process::geteuid().is_root() {
            give_to_nobody(place.path());
        }
        let mut child = Command::new(clients::server::binary())
            .arg("serve")
            .arg("--config")
            .arg(at("whimbrel.toml"))
            .arg("--ready-file")
            .arg(data.join("ready.json"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        loop {
            let Some(Ok(line)) = log.next() else {
                panic!("it did not start:\n{}", said.join("\n"))
            };
            if line.contains("ready") && line.contains("version") {
                break;
            }
            said.push(line);
        }
        // so that it can go on saying things
        std::thread::spawn(move || log.for_each(drop));
        let text = std::fs::read_to_string(data.join("ready.json")).unwrap();
        let Ready { listeners } = serde_json::from_str(&text).unwrap();
        Serving {
            child,
            listeners,
            place,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn port(&self, listener: &str) -> &str {
        self.listeners[listener][0].rsplit(':').next().unwrap()
    }

    /// curl over TLS as alice without a password.
    fn curl(&self, scheme: &str, path: &str, mechanism: &str, more: &[&str]) -> Option<Ended> {
        let listener = match scheme {
            "smtps" => "submissions",
            scheme => scheme,
        };
        let curl = Program::find("curl")?;
        let url = format!("{scheme}://localhost:{}/{path}", self.port(listener));
        let options = format!("AUTH={mechanism}");
        let run = curl
            .args(&["-sS", "--max-time", "60", "-u", &format!("{ALICE}:")])
            .arg("--cacert")
            .arg(self.path("data/certificate.pem"))
            .args(&["--login-options", &options, &url])
            .args(more);
        Some(run.run())
    }
}

/// An authority, and a certificate of alice by it with its key.
fn certificates() -> (String, String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    let name = SanType::Rfc822Name(ALICE.try_into().unwrap());
    params.subject_alt_names.push(name);
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (authority, certificate.pem(), key.serialize_pem())
}

fn settings(place: &Path, issuer: &str) -> String {
    let place = place.display();
    let mut text = format!(
        "hostname = \"mail.example.test\"\ndata = \"{place}/data\"\nuser = \"nobody\"\n\
         [tls]\ncertificate = [{{ chain = \"{place}/data/certificate.pem\", \
         key = \"{place}/data/key.pem\" }}]\n\
         [login]\nclient_authorities = \"{place}/clients.pem\"\n\
         [oauth]\nissuer = \"{issuer}\"\naudience = [\"mail\"]\nclient_id = \"mail\"\n\
         client_secret = \"{place}/secret\"\nintrospection_url = \"{issuer}/ask\"\n"
    );
    for name in ["imap", "imaps", "pop3s", "submissions"] {
        text += &format!("[listen.{name}]\naddresses = [\"127.0.0.1:0\"]\n");
    }
    for name in ["smtp", "submission", "pop3", "metrics"] {
        text += &format!("[listen.{name}]\naddresses = []\n");
    }
    text
}

/// A server that begins as root goes on as nobody, who must get at its files.
fn give_to_nobody(place: &Path) {
    let done = Command::new("chown")
        .arg("-R")
        .arg("nobody")
        .arg(place)
        .status();
    assert!(done.unwrap().success());
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place, open).unwrap();
}

/// Answers about tokens: `good` is alice's. Gives its URL; it ends with the test.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream);
        }
    });
    url
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut authorized, mut line) = (0, false, String::new());
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        // mail:geheim
        authorized |= line.trim() == "Authorization: Basic bWFpbDpnZWhlaW0=";
        line.clear();
    }
    let mut form = vec![0; length];
    reader.read_exact(&mut form).unwrap();
    let good = authorized && form.starts_with(b"token=good&");
    let json = match good {
        true => format!(r#"{{"active":true,"email":"{ALICE}"}}"#),
        false => r#"{"active":false}"#.to_owned(),
    };
    let length = json.len();
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{json}"
    );
}

#[test]
fn curl_logs_in_by_token_at_every_door() {
    let server = Serving::start();
    let message = server.path("message");
    let text = format!("From: <{ALICE}>\r\nTo: <{ALICE}>\r\nSubject: by token\r\n\r\nx\r\n");
    std::fs::write(&message, text).unwrap();
    let message = message.to_string_lossy().into_owned();
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        let token = ["--oauth2-bearer", "good"];
        let send = ["--mail-from", ALICE, "--mail-rcpt", ALICE, "-T", &message];
        for (scheme, path, more) in [
            ("smtps", "", &send[..]),
            ("imaps", "", &["-X", "STATUS INBOX (MESSAGES)"]),
            ("imaps", "", &["-X", "STATUS INBOX (MESSAGES)", "--sasl-ir"]),
            ("pop3s", "1", &[]),
        ] {
            let Some(ended) = server.curl(scheme, path, mechanism, &[&token, more].concat()) else {
                return;
            };
            ended.well();
        }
        let refused = server.curl("imaps", "", mechanism, &["--oauth2-bearer", "bad"]);
        // login denied
        assert_eq!(refused.unwrap().code, Some(67));
    }
}

#[test]
fn curl_and_gsasl_log_in_by_certificate() {
    let server = Serving::start();
    let (chain, key) = (server.path("alice.pem"), server.path("alice.key"));
    let (chain, key) = (chain.to_string_lossy(), key.to_string_lossy());
    let shown = ["--cert", &*chain, "--key", &*key];
    for (scheme, more) in [
        ("imaps", &["-X", "STATUS INBOX (MESSAGES)"][..]),
        ("pop3s", &[]),
    ] {
        let Some(ended) = server.curl(scheme, "", "EXTERNAL", &[&shown, more].concat()) else {
            return;
        };
        ended.well();
        let without = server.curl(scheme, "", "EXTERNAL", more).unwrap();
        assert_ne!(without.code, Some(0), "{}", without.text());
    }
    let Some(gsasl) = Program::find("gsasl") else {
        return;
    };
    let ended = gsasl
        .args(&[
            "--imap",
            "-m",
            "EXTERNAL",
            "-z",
            ALICE,
            "--application-data",
        ])
        .arg(format!("--connect=localhost:{}", server.port("imap")))
        .arg(format!(
            "--x509-ca-file={}",
            server.path("data/certificate.pem").display()
        ))
        .args(&["--x509-cert-file", &chain, "--x509-key-file", &key])
        .run();
    ended.well();
}

#[test]
fn other_accounts_stay_closed_to_a_certificate() {
    let server = Serving::start();
    let (chain, key) = (server.path("alice.pem"), server.path("alice.key"));
    let (chain, key) = (chain.to_string_lossy(), key.to_string_lossy());
    let more = ["--cert", &*chain, "--key", &*key, "-u", "bob@example.test:"];
    let Some(refused) = server.curl("imaps", "", "EXTERNAL", &more) else {
        return;
    };
    assert_eq!(refused.code, Some(67), "{}", refused.text());
}
