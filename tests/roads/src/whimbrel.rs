//! A Whimbrel that serves for real: `whimbrel serve` with the usual ports, in the network of a host.
//!
//! What never happens here: a look into its data folder; what a test wants to know it asks for by
//! the protocols and the commands.

use crate::authority::Shown;
use crate::letter::{Letter, with_words};
use crate::namespaces::Host;
use crate::root::{Running, in_space, write};
use crate::wait::until;
use crate::world::World;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clients::{Imap, Smtp};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Whimbrel {
    host: Host,
    folder: PathBuf,
    program: Option<Running>,
}

/// No word that attackers try first.
const PASSWORD: &str = "gull-over-wet-sand";
/// `$0` is what `/etc/resolv.conf` is to be; the rest is the program. The shell stays: it ends with
/// the test also after the server has become another user.
const IN_PLACE: &str = "\
mount --bind \"$0\" /etc/resolv.conf
\"$@\"
status=$?
exit $status
";
/// Its people.
const PEOPLE: [&str; 2] = ["ann", "ben"];
/// An account that owns nothing else on the machine.
const USER: &str = "nobody";

impl Whimbrel {
    /// Serves `NAME.example` with the accounts `ann` and `ben`. With a certificate it shows that one;
    /// `more` are further lines of its settings.
    /// What fails for now is tried again after a second.
    pub fn start(world: &World, host: &Host, certificate: Option<&Shown>, more: &str) -> Whimbrel {
        Whimbrel::begin(world, host, certificate, more, "1 s")
    }

    /// The same, and what fails for now waits for an hour.
    pub fn start_patient(world: &World, host: &Host, more: &str) -> Whimbrel {
        Whimbrel::begin(world, host, None, more, "1 h")
    }

    fn begin(
        world: &World,
        host: &Host,
        certificate: Option<&Shown>,
        more: &str,
        retry: &str,
    ) -> Whimbrel {
        let folder = world.folder(host);
        let mut settings = format!(
            "hostname = \"mx.{}.example\"\ndata = \"{}\"\nuser = \"{USER}\"\n",
            host.name,
            folder.join("share/data").display(),
        );
        settings.push_str("[login]\ncleartext = \"always\"\n[store]\nreserve = \"1 MiB\"\n");
        settings.push_str(&format!(
            "[dns]\nservers = [\"{}:53\"]\nanchors = \"{}\"\n\
             [queue]\nfirst_retry = \"{retry}\"\nlongest_retry = \"{retry}\"\nauthorities = \"{}\"\n",
            world.name_server(),
            world.trust_anchor().display(),
            folder.join("authority.pem").display(),
        ));
        write(&folder.join("authority.pem"), world.authority.pem());
        write(&folder.join("resolv.conf"), world.resolv_conf());
        if let Some(shown) = certificate {
            let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
            write(&chain, &shown.chain);
            write(&key, &shown.key);
            settings.push_str(&format!(
                "[[tls.certificate]]\nchain = \"{}\"\nkey = \"{}\"\n",
                chain.display(),
                key.display()
            ));
        }
        settings.push_str(more);
        write(&folder.join("whimbrel.toml"), settings);
        // It writes that it is ready after it has given up root.
        let anybody = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.join("share"), anybody).expect("because it is ours");
        let mut whimbrel = Whimbrel {
            host: host.clone(),
            folder,
            program: None,
        };
        whimbrel.run();
        let domain = whimbrel.domain();
        whimbrel.must(&["domain", "add", &domain], "");
        for name in PEOPLE {
            let address = format!("{name}@{domain}");
            whimbrel.must(&["account", "add", &address, "--password-stdin"], PASSWORD);
        }
        whimbrel
    }

    /// Publishes the keys that were made with the domain, and waits until it signs with them.
    pub fn sign(&self, world: &World) {
        let shown = self.must(&["dkim", "show", &self.domain(), "--json"], "");
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("because it is JSON");
        let keys = shown["dkim-records"]
            .as_array()
            .expect("because keys have records");
        let record = |key: &serde_json::Value| {
            let text = |name: &str| key["record"][name].as_str().unwrap_or_default().to_owned();
            format!(
                "{}. TXT {}",
                text("name").trim_end_matches('.'),
                text("value")
            )
        };
        world.publish(&keys.iter().map(record).collect::<Vec<_>>());
        self.must(&["dkim", "rotate", &self.domain()], "");
    }

    fn run(&mut self) {
        let ready = self.folder.join("share/ready.json");
        // It is not there at the first start.
        let _ = std::fs::remove_file(&ready);
        let mut command = in_space(&self.host.space);
        command.args(["unshare", "--mount", "--pid", "--fork", "--kill-child"]);
        command.args(["/bin/sh", "-e", "-c", IN_PLACE]);
        command.arg(self.folder.join("resolv.conf"));
        command.arg(binary()).args(["serve", "--config"]);
        command.arg(self.folder.join("whimbrel.toml"));
        command.arg("--ready-file").arg(&ready);
        let mut program = Running::start(command, self.folder.join("share/log"));
        until(&format!("{} is ready", self.host.name), || {
            program.must_run();
            ready.exists().then_some(())
        });
        self.program = Some(program);
    }

    /// What a power failure leaves, and a new start.
    pub fn crash_and_restart(&mut self) {
        self.program = None;
        self.run();
    }

    pub fn domain(&self) -> String {
        format!("{}.example", self.host.name)
    }

    pub fn address(&self, name: &str) -> String {
        format!("{name}@{}.example", self.host.name)
    }

    /// A command of the administrator that must be done; what it prints.
    pub fn must(&self, arguments: &[&str], input: &str) -> String {
        let (done, out, err) = self.command(arguments, input);
        assert!(done, "whimbrel {arguments:?}: {out}{err}");
        out
    }

    /// Whether it was done, what it printed, and its errors.
    pub fn command(&self, arguments: &[&str], input: &str) -> (bool, String, String) {
        let mut child = Command::new(binary())
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("whimbrel.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", binary().display()));
        let mut stdin = child.stdin.take().expect("because it is piped");
        // It may end without reading.
        let _ = stdin.write_all(format!("{input}\n").as_bytes());
        drop(stdin);
        let ended = child.wait_with_output().expect("because the child is ours");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (
            ended.status.success(),
            text(ended.stdout),
            text(ended.stderr),
        )
    }

    /// A session at the port for mail programs, logged in.
    pub fn submission(&self, name: &str) -> Smtp {
        let mut smtp = Smtp::connect(&format!("{}:587", self.host.v4));
        let words = format!("\0{}\0{PASSWORD}", self.address(name));
        let reply = smtp.command(&format!("AUTH PLAIN {}", STANDARD.encode(words)));
        assert!(reply.starts_with("235 "), "{reply}");
        smtp
    }

    /// Hands a letter in as its user does; the id that the answer names.
    pub fn send(&self, name: &str, letter: &Letter) -> String {
        let reply = self.try_send(name, letter);
        assert!(reply.starts_with("250 "), "{reply}");
        reply
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned()
    }

    /// The answer to the letter, or the first refusal before it.
    pub fn try_send(&self, name: &str, letter: &Letter) -> String {
        self.submission(name)
            .try_mail(&letter.from, &letter.to(), &letter.message)
            .unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    pub fn imap(&self, name: &str) -> Imap {
        let at = format!("{}:143", self.host.v4);
        Imap::open(&at, &self.address(name), PASSWORD)
    }

    /// All messages of somebody's INBOX.
    pub fn messages(&self, name: &str) -> Vec<Vec<u8>> {
        let mut imap = self.imap(name);
        let uids = imap.search("ALL");
        uids.into_iter().map(|uid| imap.message(uid)).collect()
    }

    /// The letter, once it is there.
    pub fn wait_for(&self, name: &str, letter: &Letter) -> Vec<u8> {
        until(
            &format!("{} at {}", letter.subject, self.address(name)),
            || {
                self.messages(name)
                    .into_iter()
                    .find(|message| letter.is_in(message))
            },
        )
    }

    /// A message that holds all of these words, once it is there.
    pub fn wait_for_words(&self, name: &str, words: &[&str]) -> String {
        until(&format!("{words:?} at {}", self.address(name)), || {
            with_words(self.messages(name), words).next()
        })
    }

    /// How many messages hold these words.
    pub fn count_words(&self, name: &str, words: &str) -> usize {
        with_words(self.messages(name), &[words]).count()
    }

    /// Where a message is and was, in words.
    pub fn why(&self, id: &str) -> String {
        self.must(&["why", id], "")
    }

    /// What waits to travel on.
    pub fn queue(&self) -> String {
        self.must(&["queue", "list"], "")
    }

    /// Waits until nothing waits.
    pub fn waits_until_empty(&self) {
        until(&format!("nothing waits at {}", self.host.name), || {
            self.is_empty().then_some(())
        });
    }

    /// Waits until a message was tried in vain.
    pub fn waits_for_attempt(&self, id: &str) {
        until(&format!("an attempt for {id}"), || {
            self.why(id).contains("  tried ").then_some(())
        });
    }

    fn is_empty(&self) -> bool {
        self.queue() == "Mail queue is empty\n"
    }

    /// How often the letter is there.
    pub fn count(&self, name: &str, letter: &Letter) -> usize {
        self.messages(name)
            .iter()
            .filter(|message| letter.is_in(message))
            .count()
    }
}

/// The program as it is shipped, which `cargo xtask` built.
fn binary() -> PathBuf {
    let usual = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/debug/whimbrel");
    std::env::var_os("WHIMBREL_BIN").map_or_else(usual, PathBuf::from)
}
