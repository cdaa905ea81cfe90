//! What calls `sendmail` on a Unix machine, beside what `sendmail.rs` shows: cron's daemon, Debian's mailx,
//! programs in Python and Perl, and the calls of others, word for word; and what is asked without a message.
//!
//! What never happens here: a change to the machine's own cron, mailx or sendmail.

use super::sendmail::Machine;
use clients::{Program, Server, Start};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// In a mount and process namespace of its own: with a spool that has one job, due at the start of the
/// machine, and the product's `sendmail` in the place of the system's.
const CRON: &str = r#"set -e
mount -t tmpfs none /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
printf 'MAILTO=alice\n@reboot printf "Hello\\n.\\nfrom cron\\n"\n' >/var/spool/cron/crontabs/root
chmod 600 /var/spool/cron/crontabs/root
mount -t tmpfs none /run
mkdir -p /run/lock
mount -t tmpfs none /etc/cron.d
mount --bind /dev/null /etc/crontab
mount --bind "$1" /usr/sbin/sendmail
exec cron -f
"#;

struct Cron(Child);

impl Drop for Cron {
    fn drop(&mut self) {
        // and with it all that runs in its namespace
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn cron_mails_what_its_jobs_say() {
    let is_root = rustix::process::geteuid().is_root();
    if Program::find("cron").is_none() || !is_root {
        println!("without root there is no namespace for cron, so this test shows nothing");
        return;
    }
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--pid", "--fork", "--kill-child"]);
    unshare.args(["--propagation", "private", "sh", "-c", CRON, "sh"]);
    unshare.arg(machine.sendmail());
    unshare.stdin(Stdio::null()).stdout(Stdio::null());
    let _cron = Cron(unshare.spawn().unwrap());
    let text = server.arrived("Cron");
    let text = text.replace("\r\n\t", " ");
    assert!(
        text.contains("From: root@example.test (Cron Daemon)\r\n"),
        "{text}"
    );
    assert!(text.contains("handed in by uid 0)"), "{text}");
    assert!(
        text.ends_with("\r\n\r\nHello\r\n.\r\nfrom cron\r\n"),
        "{text}"
    );
}

#[test]
fn debians_mailx_hands_in() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let Some(mailx) = Program::find("bsd-mailx") else {
        return;
    };
    let rc = machine.path("mailrc");
    std::fs::write(&rc, format!("set sendmail={}\n", machine.sendmail())).unwrap();
    let run = mailx
        .args(&["-n", "-s", "by-bsd-mailx", "-a", "X-Job: 7", "alice"])
        .env("MAILRC", &rc)
        .env("HOME", machine.place.path())
        .input("from mailx\n");
    run.run().well();
    let text = server.arrived("by-bsd-mailx");
    assert!(text.contains("X-Job: 7\r\n"), "{text}");
    assert!(text.ends_with("from mailx\r\n"), "{text}");
}

#[test]
fn programs_in_python_and_perl_hand_in() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    if let Some(python) = Program::find("python3") {
        let script = "import subprocess, sys\n\
            from email.message import EmailMessage\n\
            m = EmailMessage()\n\
            m['To'] = 'alice@example.test'\n\
            m['Subject'] = 'by-python'\n\
            m.set_content('from Python\\n.\\n')\n\
            subprocess.run([sys.argv[1], '-t', '-oi'], input=m.as_bytes(), check=True)\n";
        python
            .args(&["-c", script])
            .arg(machine.sendmail())
            .run()
            .well();
        let text = server.arrived("by-python");
        assert!(text.ends_with("from Python\r\n.\r\n"), "{text}");
    }
    if let Some(perl) = Program::find("perl") {
        let script = "open(my $m, '|-', shift, qw(-t -oi -oem)) or die $!;\n\
            print $m qq(To: alice\\nSubject: by-perl\\n\\nfrom Perl\\n); close($m) or exit 1;";
        perl.args(&["-e", script])
            .arg(machine.sendmail())
            .run()
            .well();
        server.arrived("by-perl");
    }
}

#[test]
fn the_calls_of_other_programs_are_understood() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let calls: &[(&str, &[&str])] = &[
        ("MIME-Lite", &["-t", "-oi", "-oem"]),
        (
            "Email-Sender",
            &["-i", "-f", "alice@example.test", "alice@example.test"],
        ),
        ("Mail-Mailer", &["-t", "-odb", "-i"]),
        ("logwatch", &["-t", "-oi"]),
        ("unattended-upgrades", &["-oi", "-t"]),
        ("apt-listchanges", &["-oi", "-t"]),
        ("logcheck", &["-oi", "-oem", "alice"]),
        ("smartd", &["-i", "-t"]),
        ("mdadm", &["-t"]),
        ("at", &["-i", "alice"]),
        ("sudo", &["-t"]),
        ("mailman", &["-oi", "-oMr", "list", "alice"]),
        (
            "rails",
            &["-i", "-f", "alice@example.test", "alice@example.test"],
        ),
        ("swiftmailer", &["-oi", "-t"]),
        (
            "nodemailer",
            &["-i", "-f", "alice@example.test", "alice@example.test"],
        ),
        ("fetchmail", &["-i", "-f", "<>", "alice"]),
        ("procmail", &["-oi", "-Y", "alice"]),
        (
            "debbugs",
            &[
                "-oem", "-odq", "-G", "-h", "1", "-B", "8BITMIME", "-Ac", "alice",
            ],
        ),
    ];
    for (name, words) in calls {
        let mail = format!("To: alice\nSubject: caller-{name}\n\nx\n");
        if words.contains(&"-Y") {
            // Sendmail's own inside, which formail scripts copied once
            assert_eq!(machine.run(words, mail.as_bytes()).0, Some(64), "{name}");
            continue;
        }
        let ended = machine.run(words, mail.as_bytes());
        assert_eq!(ended, (Some(0), String::new()), "{name}");
        server.arrived(&format!("caller-{name}"));
    }
}

#[test]
fn the_server_speaks_smtp_on_standard_input_also_to_who_does_not_wait() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let all_at_once = "EHLO here\nMAIL FROM:<alice@example.test>\nRCPT TO:<alice@localhost>\nDATA\n\
                       Subject: in-a-dialogue\n\nx\n.\nNOOP\nQUIT\n";
    let (code, out, _) = machine.says(&["-bs"], all_at_once.as_bytes());
    assert_eq!(code, Some(0));
    let codes: Vec<&str> = out
        .lines()
        .map(|line| &line[..4])
        .filter(|code| code.ends_with(' '))
        .collect();
    assert_eq!(
        codes,
        [
            "220 ", "250 ", "250 ", "250 ", "354 ", "250 ", "250 ", "221 "
        ],
        "{out}"
    );
    server.arrived("in-a-dialogue");
    // a batch is the same without answers
    let (code, out, err) = machine.says(&["-bS"], all_at_once.replace("in-a", "in-no").as_bytes());
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "", ""));
    server.arrived("in-no-dialogue");
}

#[test]
fn what_is_asked_without_a_message_is_answered_or_ends_with_a_code_and_a_line() {
    let server = Server::start();
    let machine = Machine::new(&server.data);
    let said = |words: &[&str]| machine.says(words, b"");
    let (code, out, _) = said(&["-bv", "alice"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "<alice@localhost>: mail is taken\n")
    );
    let (code, _, err) = said(&["-bt", "alice", "nobody-here"]);
    assert_eq!(code, Some(67));
    assert!(err.contains("nobody-here"), "{err}");
    let (code, out, _) = said(&["-bV"]);
    assert!(code == Some(0) && out.starts_with("Whimbrel "), "{out}");
    for words in [
        &["-bp"][..],
        &["-bpr"],
        &["-q"],
        &["-qR", "elsewhere.test"],
        &["-q15m"],
        &["-bH"],
        &["-bC"],
    ] {
        assert_eq!(said(words).0, Some(0), "{words:?}");
    }
    let (code, _, err) = said(&["-bd"]);
    assert!(code == Some(64) && err.contains("systemctl"), "{err}");
    let aliases = machine.path("aliases");
    std::fs::write(&aliases, "pm: alice\nlist: :include:/etc/list\n").unwrap();
    let file = format!("-oA{}", aliases.display());
    let (code, out, err) = said(&["-bi", &file]);
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "pm@example.test leads to alice@example.test\n")
    );
    assert!(err.contains("line 2: list is left out"), "{err}");
    std::fs::write(&aliases, "more: bob\nround: round\n").unwrap();
    let (code, out, err) = said(&["-bi", &file]);
    assert_eq!(code, Some(65), "{err}");
    assert!(
        out.contains("more@") && err.contains("round leads back"),
        "{out}{err}"
    );
    let file = format!("-oA{}", machine.path("none").display());
    assert_eq!(said(&["-bi", &file]).0, Some(78));
    // the server goes
    let data = server.data.clone();
    let _place = server.stop();
    let (code, out, err) = Machine::new(&data).says(&["-bs"], b"QUIT\n");
    assert_eq!(code, Some(75), "{err}");
    assert!(out.starts_with("421 4.3.2 "), "{out}");
}

/// A server that takes everything, and tells what was asked in MAIL and RCPT.
fn listening() -> (String, std::sync::mpsc::Receiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap().to_string();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in socket.incoming().map_while(Result::ok) {
            // whoever is gone has heard enough
            let _ = talk(&stream, &told);
        }
    });
    (at, heard)
}

fn talk(stream: &TcpStream, told: &std::sync::mpsc::Sender<String>) -> std::io::Result<()> {
    let mut out = stream;
    out.write_all(b"220 here\r\n")?;
    let mut is_content = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let word = line.get(..4).unwrap_or_default().to_owned();
        let answer = match word.as_str() {
            _ if is_content && line != "." => continue,
            "EHLO" => "250-here\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 DSN\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        is_content = word == "DATA";
        if matches!(word.as_str(), "MAIL" | "RCPT") {
            let _ = told.send(line);
        }
        out.write_all(answer.as_bytes())?;
    }
    Ok(())
}

#[test]
fn what_is_asked_of_reports_goes_with_the_message() {
    // [rfc3461 4]
    let (at, heard) = listening();
    let server = Start::new().arguments(&["--smarthost", &at]).start();
    let machine = Machine::new(&server.data);
    let sent = |words: &[&str]| {
        let words = [words, &["-f", "alice@example.test", "bob@elsewhere.test"]].concat();
        assert_eq!(
            machine.run(&words, b"Subject: x\n\n"),
            (Some(0), String::new())
        );
        let line = || heard.recv_timeout(super::sendmail::PATIENCE).unwrap();
        (line(), line())
    };
    let (mail, rcpt) = sent(&["-N", "success,delay", "-R", "hdrs", "-V", "envid-7"]);
    assert!(
        mail.contains(" RET=HDRS") && mail.contains(" ENVID=envid-7"),
        "{mail}"
    );
    assert!(rcpt.contains(" NOTIFY=SUCCESS,DELAY"), "{rcpt}");
    let (mail, rcpt) = sent(&["-Nnever", "-Rfull"]);
    assert!(mail.contains(" RET=FULL"), "{mail}");
    assert!(rcpt.contains(" NOTIFY=NEVER"), "{rcpt}");
    // and by the dialogue a user of this machine asks for what logins may
    let (_, out, _) = machine.says(&["-bs"], b"EHLO here\nQUIT\n");
    for offered in ["DSN", "FUTURERELEASE ", "DELIVERBY", "MT-PRIORITY "] {
        assert!(out.contains(&format!("250-{offered}")), "{out}");
    }
}

#[test]
fn the_data_folder_is_enough_to_find_a_server_of_ones_own() {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let call = |name: &str, words: &[&str], variable: Option<&std::path::Path>| {
        let mut command = Command::new(clients::server::binary());
        command
            .arg("sendmail")
            .args(words)
            .arg("alice")
            .stdin(Stdio::piped());
        if let Some(data) = variable {
            command.env("WHIMBREL_DATA", data);
        }
        let mut child = command.current_dir(place.path()).spawn().unwrap();
        let text = format!("Subject: {name}\n\nx\n");
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(child.wait().unwrap().success(), "{name}");
        server.arrived(name);
    };
    let data = server.data.display().to_string();
    call("by-the-flag", &["--data", &data], None);
    call("by-the-variable", &[], Some(&server.data));
    // what a program gets that takes a file name only
    let link = place.path().join("sendmail");
    std::os::unix::fs::symlink(clients::server::binary(), &link).unwrap();
    let mode = std::fs::metadata(&link).unwrap().permissions().mode();
    assert_ne!(mode & 0o111, 0);
    let Some(php) = Program::find("php") else {
        return;
    };
    let run = php
        .args(&["-d", "sendmail_path=./sendmail -t -i"])
        .args(&[
            "-r",
            "exit(mail('alice@example.test', 'by-link', 'x') ? 0 : 1);",
        ])
        .env("WHIMBREL_DATA", &server.data)
        .folder(place.path());
    run.run().well();
    server.arrived("by-link");
}
