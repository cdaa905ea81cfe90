//! Three Whimbrels in a row: what one submits, the second sends on, and the third keeps or refuses.

use roads::world::PYTHON;
use roads::{Letter, Whimbrel, World};
use std::path::Path;
use std::process::Command;

/// What dkimpy finds in a message, by the DNS of the test.
const VERIFY: &str = "\
import sys, dns.resolver, dkim
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = [sys.argv[1]]
def txt(name, timeout=5):
    answer = resolver.resolve(name.decode(), 'TXT')
    return b''.join(answer[0].strings)
message = open(sys.argv[2], 'rb').read()
count = message.lower().count(b'\\ndkim-signature:')
good = [dkim.DKIM(message).verify(index, dnsfunc=txt) for index in range(count)]
changed = message.replace(b'\\nSubject:', b'\\nSubject: not', 1)
print('dkim', count, all(good), dkim.DKIM(changed).verify(0, dnsfunc=txt))
print('arc', dkim.ARC(message).verify(dnsfunc=txt)[0].decode())
print('arc changed', dkim.ARC(changed).verify(dnsfunc=txt)[0].decode())
";

struct Row {
    alpha: Whimbrel,
    beta: Whimbrel,
    gamma: Whimbrel,
    world: World,
}

fn row() -> Option<Row> {
    let world = World::begin()?;
    let [at_alpha, at_beta, at_gamma] =
        ["alpha", "beta", "gamma"].map(|name| world.mail_host(name));
    for name in ["alpha", "beta", "gamma"] {
        // without a proof that somebody has sent a message nobody is told of it
        world.record(&format!("{name}.example. TXT \"v=spf1 mx -all\""));
    }
    world.start_dns();
    let start = |host| Whimbrel::start(&world, host, None, "");
    let (alpha, beta, gamma) = (start(&at_alpha), start(&at_beta), start(&at_gamma));
    Some(Row {
        alpha,
        beta,
        gamma,
        world,
    })
}

/// The author's signatures stand at the end of the road, and the chain of who sent it on as well.
/// [rfc6376 6.1] [rfc8617 5.2]
#[test]
fn what_a_second_server_sends_on_arrives_with_both_dkim_and_arc() {
    let Some(row) = row() else { return };
    row.alpha.sign(&row.world);
    row.beta.sign(&row.world);
    let target = ["alias", "add", "away@beta.example", "ben@gamma.example"];
    row.beta.must(&target, "");
    let letter = Letter::new(
        "ann@alpha.example",
        &["away@beta.example"],
        "By way of beta",
    );
    let id = row.alpha.send("ann", &letter);
    let message = row.gamma.wait_for("ben", &letter);
    let text = String::from_utf8_lossy(&message);
    assert!(
        text.starts_with("Return-Path: <SRS0=") && text.contains("@beta.example>"),
        "{text}"
    );
    for field in [
        "ARC-Seal: i=1;",
        "ARC-Message-Signature: i=1;",
        "DKIM-Signature: v=1;",
    ] {
        assert!(text.contains(field), "{field}: {text}");
    }
    let folder = std::env::temp_dir().join(format!("{}-three", std::process::id()));
    std::fs::create_dir_all(&folder).expect("because there is room for a folder");
    let file = folder.join("message");
    std::fs::write(&file, &message).expect("because the folder is ours");
    let said = by_dkimpy(&row.world, &file);
    assert_eq!(
        said, "dkim 2 True False\narc pass\narc changed fail\n",
        "{text}"
    );
    let said = by_opendkim(&row.world, &folder, &file);
    assert!(
        said.contains("dkim=pass") && !said.contains("dkim=fail"),
        "{said}"
    );
    std::fs::remove_dir_all(&folder).expect("because the folder is ours");
    // each server says its own part of the way
    let why = row.alpha.why(&id);
    assert!(
        why.contains("mx.beta.example") && why.contains("250"),
        "{why}"
    );
    let why = row.beta.why("away@beta.example");
    assert!(
        why.contains("mx.gamma.example") && why.contains("ben@gamma.example"),
        "{why}"
    );
}

fn by_dkimpy(world: &World, message: &Path) -> String {
    let mut verify = Command::new(PYTHON);
    verify
        .args(["-B", "-c", VERIFY])
        .arg(world.resolver().to_string());
    let ended = verify
        .arg(message)
        .output()
        .expect("because Python is there");
    let (said, wrong) = (ended.stdout, ended.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(&wrong)
    )
}

/// Its own test mode, asking the DNS of the test.
fn by_opendkim(world: &World, folder: &Path, message: &Path) -> String {
    let settings = folder.join("opendkim.conf");
    let text = format!("Mode v\nNameservers {}\n", world.resolver());
    std::fs::write(&settings, text).expect("because the folder is ours");
    let mut verify = Command::new("/usr/sbin/opendkim");
    verify
        .arg("-x")
        .arg(&settings)
        .arg("-vv")
        .arg("-t")
        .arg(message);
    let ended = verify.output().expect("because opendkim is there");
    let (said, wrong) = (ended.stdout, ended.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(&wrong)
    )
}

/// The third refuses what the second sent on; the author hears of it by the way that it came, also
/// when the third had sent it on before it was refused. [rfc5321 6.1]
#[test]
fn what_the_last_server_refuses_comes_back_to_its_author() {
    let Some(row) = row() else { return };
    let aliases = [
        ("gone@beta.example", "nobody@gamma.example"),
        ("far@beta.example", "round@gamma.example"),
    ];
    for (from, to) in aliases {
        row.beta.must(&["alias", "add", from, to], "");
    }
    row.gamma.must(
        &[
            "alias",
            "add",
            "round@gamma.example",
            "nobody@alpha.example",
        ],
        "",
    );
    for (to, refused, by) in [
        (
            "gone@beta.example",
            "nobody@gamma.example",
            "mx.gamma.example",
        ),
        (
            "far@beta.example",
            "nobody@alpha.example",
            "mx.alpha.example",
        ),
    ] {
        let letter = Letter::new("ann@alpha.example", &[to], "To nobody in the end");
        row.alpha.send("ann", &letter);
        let report = row
            .alpha
            .wait_for_words("ann", &["Action: failed", &letter.subject]);
        for words in [refused, by, "Status: 5.1.1", "multipart/report"] {
            assert!(report.contains(words), "{words}: {report}");
        }
        assert!(report.starts_with("Return-Path: <>"), "{report}");
    }
    for server in [&row.alpha, &row.beta, &row.gamma] {
        server.waits_until_empty();
        assert_eq!(server.messages("ben").len(), 0);
    }
    assert_eq!(row.alpha.messages("ann").len(), 2, "one report for each");
    let why = row.beta.why("gone@beta.example");
    assert!(
        why.contains("550") && why.contains("mx.gamma.example"),
        "{why}"
    );
}
