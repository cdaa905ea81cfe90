//! Sylpheed, and Claws Mail, which was Sylpheed once and has another IMAP since (libetpan): each reads,
//! flags and files by IMAP, fetches by POP3, sends what is queued and files a copy, all over TLS.
//!
//! What never happens here: a person, a connection out of this machine.

use clients::{Display, Ended, Program, Running, Server, Start, private_file, samples};
use std::path::Path;

/// Each folder of mail on this machine that they want.
const FOLDERS: [&str; 5] = ["inbox", "outbox", "draft", "queue", "trash"];

/// What stands before the message in a file of their queue. Claws Mail marks its end by a field,
/// Sylpheed by an empty line.
const ENVELOPE: &str = "S:alice@example.test\nSSV:localhost\nR:<user1@example.test>,\n";

const QUEUED: &str = "Date: Mon, 23 Nov 2026 01:20:09 +0000\n\
    From: Alice <alice@example.test>\nTo: user1@example.test\nSubject: queued\n\nHello\n.\n..two\n";

struct Desk<'a> {
    name: &'static str,
    home: &'a Path,
    server: &'a Server,
    display: &'a Display,
}

impl Desk<'_> {
    fn program(&self) -> Program {
        let program = Program::find(self.name).expect("because it was there before");
        let home = self.home;
        program
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("DISPLAY", self.display.name())
            .env("SSL_CERT_FILE", self.server.certificate())
            .env("NO_AT_BRIDGE", "1")
            .env("GDK_BACKEND", "x11")
    }

    /// Tells the running one.
    fn tell(&self, words: &[&str]) -> Ended {
        self.program().args(words).run().well()
    }

    fn begin(&self) -> Running {
        self.program().args(&["--receive-all", "--send"]).start()
    }

    /// Folders of this machine, and what is to be sent.
    fn place(&self, queued: &str) {
        let mut items = String::new();
        for kind in FOLDERS {
            items += &format!("<folderitem type=\"{kind}\" name=\"{kind}\" path=\"{kind}\"/>\n");
            std::fs::create_dir_all(self.home.join("Mail").join(kind)).unwrap();
        }
        let list = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<folderlist>\n\
             <folder type=\"mh\" name=\"Mailbox\" path=\"Mail\">\n{items}</folder>\n</folderlist>\n"
        );
        self.write("folderlist.xml", &list);
        std::fs::write(self.home.join("Mail/queue/1"), queued).unwrap();
    }

    /// Into the folder of its settings.
    fn write(&self, file: &str, text: &str) {
        let folder = self.home.join(match self.name {
            "sylpheed" => ".sylpheed-2.0",
            _ => ".claws-mail",
        });
        std::fs::create_dir_all(&folder).unwrap();
        private_file(&folder.join(file), text);
    }

    /// Alice reads by IMAP with TLS at once and sends with STARTTLS, bob fetches with STLS.
    fn accounts(&self, imap: u32, more: &str) -> String {
        let server = self.server;
        let account = |id: u32, who: &clients::Account, words: &str| {
            let (address, password) = (&who.address, &who.password);
            format!(
                "[Account: {id}]\naccount_name=account{id}\naddress={address}\nuser_id={address}\n\
                 password={password}\nreceive_server=localhost\nsmtp_server=localhost\n{more}{words}\n"
            )
        };
        let alice = format!(
            "protocol={imap}\nis_default=1\nssl_imap=1\nset_imapport=1\nimap_port={}\n\
             imap_filter_inbox_on_receive=1\nuse_smtp_auth=1\nssl_smtp=2\nset_smtpport=1\nsmtp_port={}\n",
            server.port("imaps"),
            server.port("submission")
        );
        let bob = format!(
            "protocol=0\nremove_mail=1\nmessage_leave_time=0\nssl_pop=2\nset_popport=1\npop_port={}\n",
            server.port("pop3")
        );
        account(1, server.alice(), &alice) + &account(2, server.bob(), &bob)
    }
}

fn server() -> Server {
    let server = Start::new()
        .arguments(&["--accounts", "1", "--password", "secret-1"])
        .start();
    let mut alice = server.imap(server.alice());
    for subject in ["second", "third"] {
        alice.append("INBOX", "", &samples::message(subject, "Hello"));
    }
    let mut bob = server.imap(server.bob());
    bob.append("INBOX", "", &samples::message("fetched", "Hello"));
    server
}

/// Whether a message with this subject lies in a file below: each program has places of its own, and
/// Claws Mail moves what it fetched once more.
fn is_kept(folder: &Path, subject: &str) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.any(|path| {
        if path.is_dir() {
            return is_kept(&path, subject);
        }
        // No message is a socket.
        let text = std::fs::read(&path).unwrap_or_default();
        let field = format!("\nSubject: {subject}\n");
        String::from_utf8_lossy(&text)
            .replace('\r', "")
            .contains(&field)
    })
}

/// What each of both has done when it has done everything.
fn looked_at(server: &Server) {
    server.imap(server.bob()).gone("ALL");
    let mut alice = server.imap(server.alice());
    alice.must("SELECT Sent");
    assert_eq!(alice.awaited("SEEN SUBJECT queued"), 1);
    alice.must("SELECT Archive");
    assert_eq!(alice.search("SUBJECT third"), [1]);
    assert_eq!(alice.flags(1), ["\\Flagged"]);
    alice.must("SELECT INBOX");
    assert_eq!(alice.search("ALL"), [1, 2]);
    let mut other = server.imap(server.account("user1"));
    let uid = other.awaited("SUBJECT queued");
    let text = String::from_utf8(other.message(uid)).unwrap();
    assert!(text.contains("with ESMTPSA"), "{text}");
    assert!(text.contains("\r\n\r\nHello\r\n.\r\n..two\r\n"), "{text}");
}

#[test]
fn sylpheed_reads_files_fetches_and_sends() {
    let (Some(_), Some(display)) = (Program::find("sylpheed"), Display::open()) else {
        return;
    };
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    let desk = Desk {
        name: "sylpheed",
        home: home.path(),
        server: &server,
        display: &display,
    };
    desk.place(&format!("{ENVELOPE}AID:1\n\n{QUEUED}"));
    desk.write("accountrc", &desk.accounts(3, ""));
    // It would look for a newer version on the internet.
    desk.write("sylpheedrc", "[Common]\nauto_update_check=0\n");
    let certificate = std::fs::read_to_string(server.certificate()).unwrap();
    desk.write("trust.crt", &certificate);
    desk.write(
        "filter.xml",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<filter>\n\
         <rule name=\"third\" timing=\"any\" enabled=\"true\">\n<condition-list bool=\"or\">\n\
         <match-header type=\"contains\" name=\"Subject\">third</match-header>\n</condition-list>\n\
         <action-list>\n<mark/>\n<move>#imap/account1/Archive</move>\n</action-list>\n</rule>\n</filter>\n",
    );
    let running = desk.begin();
    looked_at(&server);
    desk.tell(&["--open", "#imap/account1/INBOX/2"]);
    desk.tell(&["--exit"]);
    running.ended().well();
    assert!(is_kept(home.path(), "fetched"));
    let read = "imapcache/localhost/alice@example.test/INBOX/2";
    let read = std::fs::read_to_string(home.path().join(".sylpheed-2.0").join(read)).unwrap();
    assert!(read.ends_with("\n\nHello\n"), "{read:?}");
}

#[test]
fn claws_mail_reads_files_searches_fetches_and_sends() {
    let (Some(_), Some(display)) = (Program::find("claws-mail"), Display::open()) else {
        return;
    };
    let (server, home) = (server(), tempfile::tempdir().unwrap());
    let desk = Desk {
        name: "claws-mail",
        home: home.path(),
        server: &server,
        display: &display,
    };
    desk.place(&format!(
        "{ENVELOPE}MAID:1\nSCF:#imap/account1/Sent\nX-Claws-End-Special-Headers: 1\n{QUEUED}"
    ));
    desk.write("clawsrc", "[Common]\nconfig_version=4\n");
    desk.write(
        "accountrc",
        &desk.accounts(1, "config_version=4\nssl_certs_auto_accept=1\n"),
    );
    let (alice, bob) = (&server.alice().password, &server.bob().password);
    desk.write(
        "passwordstorerc",
        &format!("[account:1]\nrecv {alice}\n\n[account:2]\nrecv {bob}\n"),
    );
    desk.write(
        "matcherrc",
        "[filtering]\nenabled rulename \"third\" subject matchcase \"third\" \
         mark move \"#imap/account1/Archive\"\n",
    );
    let running = desk.begin();
    looked_at(&server);
    let found = desk.tell(&["--search", "#imap/account1/INBOX", "s", "SECOND"]);
    assert!(
        found.out_text().trim_end().ends_with("/INBOX/2"),
        "{}",
        found.text()
    );
    desk.tell(&["--select", "#imap/account1/INBOX/2"]);
    server.imap(server.alice()).awaited("SEEN SUBJECT second");
    desk.tell(&["--exit"]);
    running.ended().well();
    assert!(is_kept(home.path(), "fetched"));
}
