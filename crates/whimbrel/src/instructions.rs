//! What `try` prints: accounts, ports, and lines to paste.
//!
//! What never happens here: printing itself; the text is a value, and the tests run its lines.

use crate::listeners::{Addresses, Kind};
use crate::own_files::KnownAccount;
use crate::settings::At;
use std::fmt::Write;
use std::path::Path;

/// More accounts than this are told as a range.
const MAX_LISTED: usize = 6;

pub fn text(
    data: &Path,
    certificate: &Path,
    addresses: &Addresses,
    accounts: &[KnownAccount],
) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "Whimbrel serves example.test on this machine. Ctrl-C stops it."
    );
    let _ = writeln!(
        out,
        "Data: {}\nCertificate: {}",
        data.display(),
        certificate.display()
    );
    let _ = writeln!(out, "\nAccounts");
    for account in accounts.iter().take(MAX_LISTED) {
        let _ = writeln!(
            out,
            "  {:<24} password {}",
            account.address, account.password
        );
    }
    if let Some(last) = accounts.get(MAX_LISTED..).and_then(<[_]>::last) {
        let more = accounts.len() - MAX_LISTED;
        let _ = writeln!(out, "  … and {more} more, up to {}", last.address);
    }
    let _ = writeln!(out, "\nListeners");
    for (row, at) in addresses.iter() {
        let _ = writeln!(out, "  {:<24} {at}", row.title);
    }
    if let [alice, bob, ..] = accounts {
        let scene = Scene {
            addresses,
            certificate,
            alice,
            bob,
        };
        out.push_str(&scene.swaks());
        out.push_str(&scene.curl());
        out.push_str(&scene.mutt());
        out.push_str(&scene.sendmail(data));
        out.push_str(&scene.thunderbird());
    }
    out
}

struct Scene<'a> {
    addresses: &'a Addresses,
    certificate: &'a Path,
    alice: &'a KnownAccount,
    bob: &'a KnownAccount,
}

impl Scene<'_> {
    fn port(&self, kind: Kind) -> u16 {
        let port = self.addresses.port(kind);
        port.expect("because `try` listens for every kind")
    }

    fn swaks(&self) -> String {
        let (smtp, submission) = (self.port(Kind::Smtp), self.port(Kind::Submission));
        let submissions = self.port(Kind::Submissions);
        let KnownAccount {
            address: alice,
            password,
        } = self.alice;
        let bob = &self.bob.address;
        let lmtp = match self.addresses.first(Kind::Lmtp) {
            Some(At::Unix(path)) => format!(" --socket '{}'", path.display()),
            Some(At::Tcp(at)) => format!(" --server {}:{}", at.ip(), at.port()),
            None => String::new(),
        };
        let (title, by_lmtp) = match lmtp.is_empty() {
            // The path of the data folder is too long for a socket in it.
            true => ("", String::new()),
            false => (
                ", LMTP",
                format!(
                    "  swaks --protocol LMTP{lmtp} --from {alice} --to {bob} --header 'Subject: Local'\n"
                ),
            ),
        };
        format!(
            "\nSend with swaks (SMTP, submission with STARTTLS, submission with TLS{title})\n  \
             swaks --server 127.0.0.1:{smtp} --from {bob} --to {alice} --header 'Subject: One'\n  \
             swaks --server 127.0.0.1:{submission} -tls --auth PLAIN --auth-user {alice} \
             --auth-password {password} --from {alice} --to {bob} --header 'Subject: Two'\n  \
             swaks --server 127.0.0.1:{submissions} -tlsc --auth LOGIN --auth-user {alice} \
             --auth-password {password} --from {alice} --to {bob} --header 'Subject: Three'\n{by_lmtp}"
        )
    }

    fn curl(&self) -> String {
        let KnownAccount {
            address: alice,
            password,
        } = self.alice;
        let bob = &self.bob.address;
        let trust = format!("--cacert '{}'", self.certificate.display());
        let user = format!("-u {alice}:{password}");
        let (submission, imap) = (self.port(Kind::Submission), self.port(Kind::Imap));
        let (imaps, pop3) = (self.port(Kind::Imaps), self.port(Kind::Pop3));
        let pop3s = self.port(Kind::Pop3s);
        format!(
            "\nSend with curl (submission), list and read (IMAP, POP3; without and with TLS)\n  \
             printf 'From: {alice}\\r\\nTo: {bob}\\r\\nSubject: Four\\r\\n\\r\\nHello\\r\\n' | \
             curl {user} --mail-from {alice} --mail-rcpt {bob} -T - smtp://127.0.0.1:{submission}\n  \
             curl {user} 'imap://127.0.0.1:{imap}/' -X 'STATUS INBOX (MESSAGES UNSEEN)'\n  \
             curl {user} 'imap://127.0.0.1:{imap}/INBOX;UID=1'\n  \
             curl {user} {trust} 'imaps://localhost:{imaps}/INBOX;UID=1'\n  \
             curl {user} pop3://127.0.0.1:{pop3}/\n  \
             curl {user} {trust} pop3s://localhost:{pop3s}/1\n"
        )
    }

    fn mutt(&self) -> String {
        let KnownAccount {
            address: alice,
            password,
        } = self.alice;
        let login = alice.replace('@', "%40");
        let (submission, imap) = (self.port(Kind::Submission), self.port(Kind::Imap));
        format!(
            "\nRead and write with mutt\n  \
             mutt -n -F /dev/null -e 'set from={alice} imap_pass={password} \
             ssl_starttls=no ssl_force_tls=no \
             folder=imap://{login}@127.0.0.1:{imap}/ \
             smtp_url=smtp://{login}:{password}@127.0.0.1:{submission}' \
             -f imap://{login}@127.0.0.1:{imap}/INBOX\n"
        )
    }

    /// The line that programs want which run `sendmail`. The data folder says which server.
    fn sendmail(&self, data: &Path) -> String {
        let own = std::env::current_exe();
        let own = own.map_or_else(|_| "whimbrel".to_owned(), |own| own.display().to_string());
        let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
        let bob = &self.bob.address;
        let call = format!("{own} sendmail --data '{}'", data.display());
        format!(
            "\nLet programs send that run sendmail (PHP's sendmail_path, git's sendmailCmd, mutt's sendmail)\n  \
             printf 'To: {bob}\\nSubject: Five\\n\\nHello\\n' | {call} -t -i\n"
        )
    }

    fn thunderbird(&self) -> String {
        let alice = &self.alice.address;
        let (imap, pop3) = (self.port(Kind::Imap), self.port(Kind::Pop3));
        let submission = self.port(Kind::Submission);
        format!(
            "\nThunderbird (Account Setup, Configure manually)\n  \
             Your name Alice, address {alice}, user name {alice}\n  \
             Incoming IMAP: server 127.0.0.1, port {imap}, no security, normal password\n  \
             Incoming POP3: server 127.0.0.1, port {pop3}, no security, normal password\n  \
             Outgoing SMTP: server 127.0.0.1, port {submission}, no security, normal password\n"
        )
    }
}
