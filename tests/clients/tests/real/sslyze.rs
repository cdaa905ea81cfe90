//! sslyze: looks for weak TLS at every listener, and finds nothing but that the certificate is long-lived.
//!
//! What never happens here: a judgement by words; the report is JSON, and every scan must have run.

use clients::{Ended, Program, Server};
use serde_json::Value;
use std::path::Path;

/// Listener, and the protocol in which TLS is asked for; none where TLS comes at once.
const LISTENERS: [(&str, Option<&str>); 7] = [
    ("imap", Some("imap")),
    ("imaps", None),
    ("pop3", Some("pop3")),
    ("pop3s", None),
    ("smtp", Some("smtp")),
    ("submission", Some("smtp")),
    ("submissions", None),
];

/// What `--mozilla_config=intermediate` may object to, and nothing else: the certificate that `try`
/// makes is meant to be accepted by hand once, so it is valid for ten years. Mozilla's limit of 366
/// days is for those of an authority.
const SELF_SIGNED: &str = "maximum_certificate_lifespan";

#[test]
fn sslyze_finds_no_weakness_at_any_listener() {
    if Program::find("sslyze").is_none() {
        return;
    }
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    // A scan waits for answers that do not come: all at once.
    std::thread::scope(|scope| {
        for (listener, starttls) in LISTENERS {
            let report = place.path().join(format!("{listener}.json"));
            let scan = scan(&server, &report, listener, starttls);
            scope.spawn(move || {
                only_the_certificate(listener, &scan.run());
                let text = std::fs::read_to_string(&report).unwrap();
                let whole: Value = serde_json::from_str(&text).unwrap();
                check(listener, &whole["server_scan_results"][0]["scan_result"]);
            });
        }
    });
}

/// All scans of one listener, with a report as JSON.
fn scan(server: &Server, report: &Path, listener: &str, starttls: Option<&str>) -> Program {
    let mut sslyze = Program::find("sslyze").expect("because it was there before");
    if let Some(protocol) = starttls {
        sslyze = sslyze.arg(format!("--starttls={protocol}"));
    }
    let certificate = server.certificate();
    sslyze
        .args(&["--mozilla_config=intermediate", "--early_data", "--resum"])
        .args(&["--certinfo", "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1"])
        .args(&["--tlsv1_2", "--tlsv1_3", "--compression", "--openssl_ccs"])
        .args(&["--fallback", "--heartbleed", "--robot", "--reneg"])
        .args(&["--elliptic_curves", "--ems"])
        .arg(format!("--certinfo_ca_file={}", certificate.display()))
        .arg(format!("--json_out={}", report.display()))
        .arg(format!("localhost:{}", server.port(listener)))
}

/// Of what Mozilla's configuration asks, one thing is not so.
fn only_the_certificate(listener: &str, ended: &Ended) {
    let text = ended.out_text();
    let (_, compliance) = text.split_once("COMPLIANCE").unwrap_or_default();
    let objections: Vec<&str> = compliance
        .lines()
        .filter_map(|line| line.trim().strip_prefix("* "))
        .collect();
    let is_it = |line: &&str| line.starts_with(SELF_SIGNED);
    let is_all = objections.len() == 1 && objections.iter().all(is_it);
    assert!(is_all, "{listener}: {}", ended.text());
}

/// The result of one kind of scan, which must have run to its end.
fn result<'a>(listener: &str, report: &'a Value, scan: &str) -> &'a Value {
    let found = &report[scan];
    assert_eq!(found["status"], "COMPLETED", "{listener}: {scan}: {found}");
    &found["result"]
}

fn check(listener: &str, report: &Value) {
    let result = |scan: &str| result(listener, report, scan).clone();
    for old in ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"] {
        let scan = format!("{old}_cipher_suites");
        let suites = result(&scan);
        assert_eq!(
            suites["is_tls_version_supported"], false,
            "{listener}: {old}"
        );
    }
    for (scan, key, value) in [
        ("tls_compression", "supports_compression", false),
        ("tls_1_3_early_data", "supports_early_data", false),
        (
            "openssl_ccs_injection",
            "is_vulnerable_to_ccs_injection",
            false,
        ),
        ("heartbleed", "is_vulnerable_to_heartbleed", false),
        (
            "session_renegotiation",
            "supports_secure_renegotiation",
            true,
        ),
        (
            "session_renegotiation",
            "is_vulnerable_to_client_renegotiation_dos",
            false,
        ),
        ("tls_fallback_scsv", "supports_fallback_scsv", true),
        ("tls_extended_master_secret", "supports_ems_extension", true),
    ] {
        assert_eq!(result(scan)[key], value, "{listener}: {scan}: {key}");
    }
    let robot = &result("robot")["robot_result"];
    assert_eq!(robot, "NOT_VULNERABLE_RSA_NOT_SUPPORTED", "{listener}");
    // Of tickets sslyze says no, because each resumption brings a new one; tls_resumes.py shows them.
    let resumed = &result("session_resumption")["session_id_resumption_result"];
    assert_eq!(resumed, "FULLY_SUPPORTED", "{listener}");
    check_suites(listener, report);
}

/// Forward secrecy and authenticated encryption, nothing else.
fn check_suites(listener: &str, report: &Value) {
    for (scan, start) in [
        ("tls_1_2_cipher_suites", "TLS_ECDHE_"),
        ("tls_1_3_cipher_suites", "TLS_"),
    ] {
        let accepted = result(listener, report, scan)["accepted_cipher_suites"]
            .as_array()
            .unwrap();
        assert!(!accepted.is_empty(), "{listener}: {scan}");
        for suite in accepted {
            let name = suite["cipher_suite"]["name"].as_str().unwrap();
            let is_sealed = name.contains("_GCM_") || name.contains("_CHACHA20_POLY1305_");
            assert!(name.starts_with(start) && is_sealed, "{listener}: {name}");
        }
    }
}
