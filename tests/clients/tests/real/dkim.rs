//! What users send verifies elsewhere: Python's dkimpy and opendkim read it as they read any mail.
//!
//! What never happens here: a look at the real DNS; both are told the records that
//! `whimbrel dkim show` prints.

use clients::server::binary;
use clients::{Program, Server};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Debian's, which has dkimpy as a package.
const PYTHON: &str = "/usr/bin/python3";

fn dkim(server: &Server, words: &[&str]) -> Value {
    let mut command = Command::new(binary());
    command.arg("dkim").args(words).arg("--json");
    let ended = command.arg("--data").arg(&server.data).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Names and texts of the keys' records, their strings joined.
fn records(server: &Server) -> Vec<(String, String)> {
    dkim(server, &["rotate", "example.test", "--now"]);
    let shown = dkim(server, &["show", "example.test"]);
    let of = |key: &Value| {
        let name = key["record"]["name"].as_str().unwrap();
        let strings = key["record"]["value"].as_str().unwrap().split('"');
        let text = strings.skip(1).step_by(2).collect();
        (name.trim_end_matches('.').to_owned(), text)
    };
    shown["dkim-records"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect()
}

#[test]
fn what_users_send_verifies_by_dkimpy_and_opendkim() {
    // [rfc6376 6.1] [rfc8463 3]
    let (Some(_), Some(python)) = (Program::find("dkimverify"), Program::find(PYTHON)) else {
        return;
    };
    let server = Server::start();
    let records = records(&server);
    assert_eq!(records.len(), 2);
    let folder = tempfile::tempdir().unwrap();
    let known = folder.path().join("records.json");
    std::fs::write(&known, serde_json::to_vec(&records).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/dkim_verifies.py");
    let run = python.arg("-B").arg(script);
    let run = run.arg(&server.ready_file).arg(&known).arg(folder.path());
    run.run().well();
    by_opendkim(&records, folder.path());
}

/// Its own test mode: DNS from a file, messages from files.
fn by_opendkim(records: &[(String, String)], folder: &Path) {
    if Program::find("opendkim").is_none() {
        return;
    }
    let data: String = records
        .iter()
        .map(|(name, text)| format!("{name} {text}\n"))
        .collect();
    let (dns, settings) = (folder.join("dns"), folder.join("opendkim.conf"));
    std::fs::write(&dns, data).unwrap();
    let text = format!("Mode v\nTestDNSData file:{}\n", dns.display());
    std::fs::write(&settings, text).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        let opendkim = Program::find("opendkim").unwrap();
        let run = opendkim
            .arg("-x")
            .arg(&settings)
            .arg("-vv")
            .arg("-t")
            .arg(&path);
        let ended = run.run();
        let said = format!("{}{}", ended.text(), ended.out_text());
        assert!(said.contains("dkim=pass"), "{}: {said}", path.display());
        assert!(!said.contains("dkim=fail"), "{}: {said}", path.display());
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}
