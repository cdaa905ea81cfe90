//! The table of settings: name, type, default, bounds, words for people, where it goes, and whether
//! a reload takes it.
//!
//! The settings file, `whimbrel config` and docs/settings.md are made from it. The default is what
//! `Settings::new` has. What never happens here: reading a file.

mod dns;
mod local;
mod protection;
mod road;

use super::Settings;
use super::field::Field;
use super::units::Unit;
use crate::listeners::{KINDS, Kind};
use toml::de::DeValue;

/// When a changed setting is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// At SIGHUP, by sessions and handshakes that begin after it.
    AtReload,
    AtRestart,
}

type Place = Box<dyn for<'a> Fn(&'a mut Settings) -> Field<'a>>;

/// One setting.
pub struct Row {
    /// With the section before it: `log.level`.
    pub name: String,
    /// Sentences for people.
    pub says: String,
    pub taken: Taken,
    /// Bounds of a number, and why.
    pub least: (u64, &'static str),
    pub most: u64,
    /// The default in words, where it depends on the machine.
    pub usual: Option<&'static str>,
    /// What an example sets, where the default would not be one.
    pub example: Option<&'static str>,
    place: Place,
}

fn row(
    name: impl Into<String>,
    taken: Taken,
    says: impl Into<String>,
    place: impl for<'a> Fn(&'a mut Settings) -> Field<'a> + 'static,
) -> Row {
    Row {
        name: name.into(),
        says: says.into(),
        taken,
        least: (0, ""),
        most: u64::MAX,
        usual: None,
        example: None,
        place: Box::new(place),
    }
}

impl Row {
    fn least(mut self, least: u64, why: &'static str) -> Row {
        self.least = (least, why);
        self
    }

    fn most(mut self, most: u64) -> Row {
        self.most = most;
        self
    }

    fn usual(mut self, words: &'static str) -> Row {
        self.usual = Some(words);
        self
    }

    fn example(mut self, toml: &'static str) -> Row {
        self.example = Some(toml);
        self
    }

    /// The section, and the name in it.
    pub fn split(&self) -> (&str, &str) {
        self.name.rsplit_once('.').unwrap_or(("", &self.name))
    }

    pub fn field<'a>(&self, settings: &'a mut Settings) -> Field<'a> {
        (self.place)(settings)
    }

    /// The value as TOML.
    pub fn show(&self, settings: &Settings) -> String {
        self.field(&mut settings.clone()).show()
    }

    /// Takes a value from a file; the error is what is wrong with it.
    pub fn take(&self, settings: &mut Settings, value: &DeValue<'_>) -> Result<(), String> {
        let mut field = self.field(settings);
        field.take(value)?;
        let Some((unit, number)) = field.number() else {
            return Ok(());
        };
        let (least, why) = self.least;
        if number < least {
            return Err(format!("must be at least {}{why}", unit.write(least)));
        }
        if number > self.most {
            return Err(format!("must be at most {}", unit.write(self.most)));
        }
        Ok(())
    }

    /// Sets one place to what the other has.
    pub fn copy(&self, from: &Settings, to: &mut Settings) {
        let text = self.show(from);
        let value = DeValue::parse(&text);
        let value = value.expect("because what `show` writes is TOML");
        // What this setting shows, it also takes.
        let _ = self.field(to).take(value.get_ref());
    }
}

/// The sections with a word about each, in the order of the reference.
pub const SECTIONS: &[(&str, &str)] = &[
    ("", "The server itself."),
    ("log", "What is written to standard error."),
    (
        "tls",
        "The certificates that clients see. Without one, a self-signed one is made in the data \
         folder, and mail programs will complain.",
    ),
    (
        "listen",
        "Where each protocol is served, and how many may come. A path instead of an address is a \
         Unix socket; one that begins with `./` is in the data folder.",
    ),
    ("login", "Passwords, and other ways to log in."),
    (
        "oauth",
        "Logins by the tokens of an issuer (OAUTHBEARER, XOAUTH2). Offered once `issuer` and \
         `audience` are set.",
    ),
    ("dns", "Whom the server asks about other domains."),
    ("mail", "Mail that is kept."),
    ("smtp", "Mail that comes in."),
    (
        "queue",
        "Mail that our users send to other servers. It waits here until the other server has it, or \
         until its sender is told that it cannot get there.",
    ),
    ("road", "Which way mail takes to other servers."),
    (
        "local",
        "Mail that users of this machine hand in: by `sendmail`, which this program is when it is \
         called so.",
    ),
    (
        "uucp",
        "Mail over UUCP: what `rmail` and `rsmtp` bring, which this program is when it is called so. \
         What goes out is a row of `road.route`.",
    ),
    ("imap", "The IMAP door."),
    ("pop3", "The POP3 door."),
    ("store", "The disk. The defaults suit nearly everybody."),
];

/// All settings.
pub fn rows() -> Vec<Row> {
    let mut all = process();
    all.extend(listen());
    all.extend(login());
    all.extend(login_ways());
    all.extend(oauth());
    all.extend(dns::rows());
    all.extend(mail());
    all.extend(smtp());
    all.extend(smtp_bounds());
    all.extend(road::queue());
    all.extend(road::wishes());
    all.extend(protection::rows());
    all.extend(road::road());
    all.extend(local::rows());
    all.extend(local::uucp());
    all.extend(imap());
    all.extend(pop3());
    all.extend(store());
    all
}

use Taken::{AtReload, AtRestart};
use Unit::{Plain, Size, Time};

fn process() -> Vec<Row> {
    vec![
        row(
            "hostname",
            AtReload,
            "The server's own name, as other servers see it in greetings and Received fields. It \
             should be the name that its address leads back to in DNS.",
            |s| Field::Host(&mut s.hostname),
        )
        .usual("the system's name")
        .example("\"mail.example.org\""),
        row(
            "data",
            AtRestart,
            "The folder that keeps everything. One server at a time may use it.",
            |s| Field::Path(&mut s.process.data),
        ),
        row(
            "user",
            AtRestart,
            "Whom to become when started as root, once the ports are taken and the keys are read. \
             It must not be root.",
            |s| Field::Text(&mut s.process.user),
        ),
        row(
            "group",
            AtRestart,
            "The group to take when started as root.",
            |s| Field::OptionalText(&mut s.process.group),
        )
        .usual("the user's own")
        .example("\"whimbrel\""),
        row(
            "log.level",
            AtReload,
            "error, warn, info, debug or trace, or a filter such as `imapd=debug,info`. The \
             variable `WHIMBREL_LOG` goes before it.",
            |s| Field::LogLevel(&mut s.process.log_level),
        ),
        row("log.format", AtRestart, "Lines for people or for programs.", |s| {
            Field::Choice(&mut s.process.log_format)
        }),
        row(
            "tls.certificate",
            AtReload,
            "Files in PEM form: `chain` with the server's certificate first, and its `key`. A \
             client gets the one that has the name it asks for, else the first. They are read again \
             at every reload and once an hour.",
            |s| Field::Certificates(&mut s.certificates),
        )
        .usual("a self-signed one is made")
        .example(
            "[{ chain = \"/etc/whimbrel/tls/chain.pem\", key = \"/etc/whimbrel/tls/key.pem\" }]",
        ),
    ]
}

fn listen() -> Vec<Row> {
    let mut all = Vec::new();
    for (index, kind) in KINDS.iter().enumerate() {
        let (name, title) = (kind.name, kind.title);
        let who = match kind.kind {
            Kind::Lmtp => " At a socket the server's user and its group may hand in mail.",
            Kind::Submit => " Everybody on this machine may connect; the system says who it is.",
            Kind::Odmr => " Only where `road.customer` has one that picks up by ATRN.",
            _ => "",
        };
        all.push(row(
            format!("listen.{name}.addresses"),
            AtRestart,
            format!("Where {title} is served; `[]` for nowhere. Port 0 takes a free one.{who}"),
            move |s| Field::Addresses(&mut s.listen[index].addresses),
        ));
        all.push(
            row(
                format!("listen.{name}.connections"),
                AtReload,
                "Connections of each of these listeners at one time.",
                move |s| Field::Number(Plain, &mut s.listen[index].bounds.total),
            )
            .least(1, ""),
        );
        all.push(
            row(
                format!("listen.{name}.connections_per_address"),
                AtReload,
                match kind.kind {
                    Kind::Submit => "Of these, of one user of this machine; root and the server's own count as any.",
                    Kind::Lmtp => "Of these, from one IPv4 address or one IPv6 /64; at a socket, of one user.",
                    _ => "Of these, from one IPv4 address or one IPv6 /64.",
                },
                move |s| Field::Number(Plain, &mut s.listen[index].bounds.per_address),
            )
            .least(1, ""),
        );
    }
    all
}

/// Passwords: what they cost, and what failures cost.
fn login() -> Vec<Row> {
    vec![
        row(
            "login.cleartext",
            AtReload,
            "Whether a password may be sent without TLS: never, at listeners of a loopback address \
             (where only this machine can come), or always.",
            |s| Field::Choice(&mut s.cleartext),
        ),
        row(
            "login.weak_passwords",
            AtRestart,
            "What becomes of passwords that attackers try first (common words and keys with a few \
             digits, names of the account or its domain) and of those below 8 characters: none is \
             set, and a well-known one that an account has already opens nothing. `allow` is for \
             tests only.",
            |s| Field::Choice(&mut s.mail.weak_passwords),
        ),
        row(
            "login.failures_of_source",
            AtRestart,
            "Failed logins of one IPv4 address or IPv6 /64 after which nothing of it is tried until \
             they have faded; what they count halves every five minutes.",
            |s| Field::Number(Plain, &mut s.mail.throttle.source_failures),
        )
        .least(5, ""),
        row(
            "login.failures_at_account",
            AtRestart,
            "Failed logins at one account after which only one guess every few seconds is tried; \
             its owner, where he logged in before, is let in all the same.",
            |s| Field::Number(Plain, &mut s.mail.throttle.account_failures),
        )
        .least(5, ""),
        row(
            "login.longest_delay",
            AtRestart,
            "The longest that the answer to a failed login is delayed; the delay doubles with each.",
            |s| Field::Number(Time, &mut s.mail.throttle.longest_delay_s),
        )
        .most(30),
        row(
            "login.remember",
            AtRestart,
            "How long a proven password is remembered in memory, as a keyed hash, so that it need \
             not be proven anew at each login. 0: never.",
            |s| Field::Number(Time, &mut s.mail.login_cache_s),
        )
        .most(24 * 3_600),
        row(
            "login.hash_workers",
            AtRestart,
            "Passwords that are checked at one time; each needs the memory of a hash.",
            |s| Field::Number(Plain, &mut s.mail.hash_workers),
        )
        .least(1, "")
        .most(64),
        row(
            "login.hash_memory_kib",
            AtRestart,
            "What a hash of a new password costs (argon2id): memory in KiB.",
            |s| Field::Number(Plain, &mut s.mail.argon2.m_kib),
        )
        .least(8_192, ", or guessing becomes cheap")
        .most(1 << 20),
        row(
            "login.hash_passes",
            AtRestart,
            "What a hash of a new password costs (argon2id): passes over that memory.",
            |s| Field::Number(Plain, &mut s.mail.argon2.t),
        )
        .least(1, "")
        .most(100),
    ]
}

/// The ways to log in.
fn login_ways() -> Vec<Row> {
    vec![
        row(
            "login.scram",
            AtRestart,
            "Keep what SCRAM-SHA-256 needs beside the hash of every new password; without it no \
             SCRAM is offered.",
            |s| Field::Switch(&mut s.mail.scram_verifier),
        ),
        row(
            "login.scram_sha1",
            AtRestart,
            "Keep what SCRAM-SHA-1 needs as well, for programs that know no newer one.",
            |s| Field::Switch(&mut s.mail.scram_sha1),
        ),
        row(
            "login.mechanisms",
            AtRestart,
            "The ways to log in that may be offered; each is only where it can work. Without PLAIN \
             and LOGIN no password is taken by IMAP's LOGIN and POP3's USER either.",
            |s| Field::Mechanisms(&mut s.mail.mechanisms),
        ),
        row(
            "login.client_authorities",
            AtRestart,
            "A file in PEM form with the authorities that vouch for certificates of mail programs. \
             Where it is set, submission, IMAP and POP3 ask for one; who shows a good one may log \
             in by EXTERNAL to the account whose address stands in it, and who shows one for which \
             nobody vouches is not served.",
            |s| Field::OptionalPath(&mut s.client_authorities),
        )
        .example("\"/etc/whimbrel/tls/clients.pem\""),
        row(
            "login.certificates",
            AtRestart,
            "Certificates that stand for another account than that of the addresses in them, by \
             their SHA-256.",
            |s| Field::CertificateLogins(&mut s.mail.certificate_logins),
        ),
    ]
}

fn oauth() -> Vec<Row> {
    vec![
        row(
            "oauth.issuer",
            AtRestart,
            "Whose tokens are believed: its URL, as it stands in `iss`. Its configuration is fetched \
             from below it.",
            |s| Field::OptionalText(&mut s.oauth.issuer),
        )
        .example("\"https://id.example.org/realms/mail\""),
        row(
            "oauth.audience",
            AtRestart,
            "One of these must stand in a token's `aud`.",
            |s| Field::Texts(&mut s.oauth.audience),
        ),
        row(
            "oauth.account_claim",
            AtRestart,
            "The claim that names the account.",
            |s| Field::Text(&mut s.oauth.account_claim),
        ),
        row(
            "oauth.scope",
            AtRestart,
            "A scope that a token must have.",
            |s| Field::OptionalText(&mut s.oauth.scope),
        ),
        row(
            "oauth.keys_url",
            AtRestart,
            "Where the issuer's keys are (JWKS), if its configuration does not say it.",
            |s| Field::OptionalText(&mut s.oauth.keys_url),
        ),
        row(
            "oauth.client_id",
            AtRestart,
            "Our name at the issuer. Where it is set, the issuer is asked about tokens that are not \
             signed (RFC 7662); else they are refused.",
            |s| Field::OptionalText(&mut s.oauth.client_id),
        ),
        row(
            "oauth.client_secret",
            AtRestart,
            "A file with our secret at the issuer.",
            |s| Field::OptionalPath(&mut s.oauth.client_secret),
        ),
        row(
            "oauth.introspection_url",
            AtRestart,
            "Where to ask about tokens, if the issuer's configuration does not say it.",
            |s| Field::OptionalText(&mut s.oauth.introspection_url),
        ),
        row(
            "oauth.authorities",
            AtRestart,
            "A file in PEM form with the authorities that vouch for the issuer's servers; those that \
             browsers trust if not set.",
            |s| Field::OptionalPath(&mut s.oauth.authorities),
        ),
    ]
}

fn mail() -> Vec<Row> {
    vec![
        row(
            "mail.message_size",
            AtReload,
            "The largest message that anybody may send or append.",
            |s| Field::Number(Size, &mut s.message_bytes),
        )
        .least(64 << 10, " (RFC 5321 section 4.5.3.1.7)")
        .most(2 << 30),
        row(
            "mail.quota",
            AtRestart,
            "How much an account may hold that has no quota of its own.",
            |s| Field::Number(Size, &mut s.mail.default_quota_bytes),
        ),
        row(
            "mail.history",
            AtRestart,
            "How long expunged mail and the log of changes are kept.",
            |s| Field::Number(Time, &mut s.mail.history_s),
        )
        .most(100 * 365 * 24 * 3_600),
        row(
            "mail.history_size",
            AtRestart,
            "How much expunged mail an account keeps; the oldest goes first.",
            |s| Field::Number(Size, &mut s.mail.history_max_bytes),
        )
        .usual("its quota, or 1 GiB"),
        row(
            "mail.first_mailboxes",
            AtRestart,
            "What a new account begins with besides INBOX. `use` tells mail programs what a mailbox \
             is for.",
            |s| Field::Mailboxes(&mut s.mail.first_mailboxes),
        ),
        row(
            "mail.mailboxes",
            AtRestart,
            "Mailboxes of one account.",
            |s| Field::Number(Plain, &mut s.mail.max_mailboxes),
        )
        .least(10, ""),
        row(
            "mail.keywords",
            AtRestart,
            "Different keywords of one account.",
            |s| Field::Number(Plain, &mut s.mail.max_keywords),
        )
        .least(10, ""),
        row(
            "mail.parse_memory",
            AtRestart,
            "Memory for messages that are being parsed, all together; more wait.",
            |s| Field::Number(Size, &mut s.mail.parse_memory_bytes),
        )
        .least(8 << 20, ""),
    ]
}

fn smtp() -> Vec<Row> {
    vec![
        row(
            "smtp.announce_plus",
            AtReload,
            "Announce SCRAM that is bound to the TLS connection (-PLUS) at submission, as IMAP and \
             POP3 do. mutt and neomutt with libgsasl, as in Debian 12, would choose it, find that \
             they cannot do it, and send nothing. Programs that name it get it anyhow.",
            |s| Field::Switch(&mut s.smtp.announce_plus),
        ),
        row(
            "smtp.recipients",
            AtReload,
            "Recipients of one message; announced as RCPTMAX.",
            |s| Field::Number(Plain, &mut s.post.max_recipients),
        )
        .least(100, " (RFC 5321 section 4.5.3.1.8)")
        .most(100_000),
        row(
            "smtp.hops",
            AtReload,
            "Received fields before a message counts as going in circles.",
            |s| Field::Number(Plain, &mut s.post.max_hops),
        )
        .least(100, " (RFC 5321 section 6.3)"),
        row(
            "smtp.own_hops",
            AtReload,
            "Received fields of this server before a message counts as going in circles.",
            |s| Field::Number(Plain, &mut s.post.max_own_hops),
        )
        .least(1, ""),
        row(
            "smtp.bare_newline",
            AtReload,
            "A CR or LF that stands alone in a message: the message is rejected, or, from logins \
             and the networks named below, it becomes CRLF. Others are always rejected.",
            |s| Field::Choice(&mut s.bare_newline),
        ),
        row(
            "smtp.bare_newline_networks",
            AtReload,
            "Networks of old programs whose bare CR or LF may be mended.",
            |s| Field::Networks(&mut s.bare_newline_networks),
        ),
    ]
}

/// What a client may take of time, and how often it may be wrong.
fn smtp_bounds() -> Vec<Row> {
    vec![
        row(
            "smtp.command_time",
            AtReload,
            "How long a client may take for the next command.",
            |s| Field::Number(Time, &mut s.smtp.timeouts.command),
        )
        .least(10, ""),
        row(
            "smtp.block_time",
            AtReload,
            "How long a client may take for the next piece of a message.",
            |s| Field::Number(Time, &mut s.smtp.timeouts.data_block),
        )
        .least(10, ""),
        row(
            "smtp.message_time",
            AtReload,
            "How long a whole message may take, before the time that its size is worth.",
            |s| Field::Number(Time, &mut s.smtp.timeouts.data_start),
        )
        .least(10, ""),
        row(
            "smtp.message_rate",
            AtReload,
            "So many octets of a message are worth a second more. A client that stays slower is \
             let go when the time above is over.",
            |s| Field::Number(Plain, &mut s.smtp.timeouts.data_octets_a_second),
        )
        .least(1, ""),
        row(
            "smtp.transactions",
            AtReload,
            "MAIL commands of one session; announced as MAILMAX.",
            |s| Field::Number(Plain, &mut s.smtp.transactions),
        )
        .least(1, "")
        .most(999_999),
        row(
            "smtp.vrfy",
            AtReload,
            "Whom VRFY tells who has an account: nobody, or those who have logged in.",
            |s| Field::Choice(&mut s.smtp.vrfy),
        ),
        row(
            "smtp.session_time",
            AtReload,
            "How long a whole session may take; a message that is under way is taken to its end.",
            |s| Field::Number(Time, &mut s.smtp.timeouts.session),
        )
        .least(60, ""),
        row(
            "smtp.bad_commands",
            AtReload,
            "Lines of one session that are no command, before it is ended.",
            |s| Field::Number(Plain, &mut s.smtp.bad_commands),
        ),
        row(
            "smtp.refused_recipients",
            AtReload,
            "Refused recipients of one session before it is ended.",
            |s| Field::Number(Plain, &mut s.smtp.refused_recipients),
        ),
        row(
            "smtp.failed_logins",
            AtReload,
            "Wrong passwords of one session before it is ended.",
            |s| Field::Number(Plain, &mut s.smtp.failed_logins),
        )
        .least(1, ""),
    ]
}

fn imap() -> Vec<Row> {
    vec![
        row(
            "imap.login_time",
            AtReload,
            "How long a connection may take to log in.",
            |s| Field::Number(Time, &mut s.imap.login_time_s),
        )
        .least(5, ""),
        row(
            "imap.autologout",
            AtReload,
            "Silence after which a session that has logged in ends.",
            |s| Field::Number(Time, &mut s.imap.autologout_s),
        )
        .least(30 * 60, " (RFC 3501 section 5.4)"),
        row(
            "imap.idle_sign",
            AtReload,
            "How often IDLE says that it is still there, so that routers keep the connection.",
            |s| Field::Number(Time, &mut s.imap.idle_sign_s),
        )
        .least(10, ""),
        row(
            "imap.append_stall",
            AtReload,
            "Silence in the middle of a message that is being appended.",
            |s| Field::Number(Time, &mut s.imap.append_stall_s),
        )
        .least(10, ""),
        row(
            "imap.write_stall",
            AtReload,
            "How long a client may take nothing of what it asked for.",
            |s| Field::Number(Time, &mut s.imap.write_stall_s),
        )
        .least(10, ""),
        row(
            "imap.failed_logins",
            AtReload,
            "Wrong passwords of one session before it is ended.",
            |s| Field::Number(Plain, &mut s.imap.failed_logins),
        )
        .least(1, ""),
        row(
            "imap.bad_commands",
            AtReload,
            "Commands in a row that are none, before the session is ended.",
            |s| Field::Number(Plain, &mut s.imap.bad_commands),
        )
        .least(1, ""),
    ]
}

fn pop3() -> Vec<Row> {
    vec![
        row(
            "pop3.autologout",
            AtReload,
            "Silence after which a session ends.",
            |s| Field::Number(Time, &mut s.pop3.autologout),
        )
        .least(10 * 60, " (RFC 1939 section 3)"),
        row(
            "pop3.failed_logins",
            AtReload,
            "Wrong passwords of one session before it is ended.",
            |s| Field::Number(Plain, &mut s.pop3.failed_logins),
        )
        .least(1, ""),
        row(
            "pop3.bad_commands",
            AtReload,
            "Lines of one session that are no command, before it is ended.",
            |s| Field::Number(Plain, &mut s.pop3.bad_commands),
        ),
        row(
            "pop3.login_delay",
            AtReload,
            "How long after a login the next one of the same account is refused. 0: it never is.",
            |s| Field::Number(Time, &mut s.pop3.login_delay),
        )
        .most(24 * 3_600),
        row(
            "pop3.expire",
            AtReload,
            "Messages of INBOX that are as old, in whole days, are removed when a POP3 session ends \
             with QUIT. 0: those that it has read are. The kept history has them still.",
            |s| Field::Number(Time, &mut s.pop3.expire),
        )
        .example("\"90 days\""),
        row(
            "pop3.after_retr",
            AtReload,
            "What becomes of the flags of a message that RETR has sent: unchanged, or seen, so that \
             other programs show it as read.",
            |s| Field::Choice(&mut s.pop3.after_retr),
        ),
        row(
            "pop3.rpop",
            AtReload,
            "Loopback addresses from which old programs may log in by RPOP: the system of this machine \
             (a port below 1024) by the name of its user, all others by the password. Empty: there \
             is no RPOP.",
            |s| Field::Loopbacks(&mut s.pop3.rpop),
        )
        .example("[\"127.0.0.0/8\", \"::1/128\"]"),
        row(
            "pop3.language",
            AtReload,
            "What clients hear that ask for the language of the server (LANG *).",
            |s| Field::Choice(&mut s.pop3.language),
        ),
    ]
}

fn store() -> Vec<Row> {
    vec![
        row(
            "store.reserve",
            AtRestart,
            "New mail is refused, for now, when the disk has less free space than this.",
            |s| Field::Number(Size, &mut s.store.reserve_bytes),
        ),
        row(
            "store.body_memory",
            AtRestart,
            "Memory for messages that are coming in, all together; what comes beyond it goes into \
             files at once.",
            |s| Field::Number(Size, &mut s.store.body_memory_bytes),
        )
        .least(8 << 20, ""),
        row(
            "store.body_inline",
            AtRestart,
            "A message above this is written to a file of its own while it comes in.",
            |s| Field::Number(Size, &mut s.store.body_inline_bytes),
        )
        .least(4 << 10, "")
        .most(8 << 20),
        row(
            "store.compression",
            AtRestart,
            "How new messages are kept: compressed where that saves a sixteenth, or as they are. \
             What is kept already stays as it is; both are read at any time.",
            |s| Field::Choice(&mut s.store.compression),
        ),
        row(
            "store.log_file",
            AtRestart,
            "A file of the log is closed when it is larger than this.",
            |s| Field::Number(Size, &mut s.store.log_file_bytes),
        )
        .least(1 << 20, "")
        .most(4 << 30),
        row(
            "store.commit_time",
            AtRestart,
            "A commit that takes longer is a fault of the disk; the store stops taking mail.",
            |s| Field::Number(Time, &mut s.store.commit_timeout_s),
        )
        .least(1, ""),
        row(
            "store.index_memory",
            AtRestart,
            "Records in memory before the index is written.",
            |s| Field::Number(Size, &mut s.store.index_memory_bytes),
        )
        .least(1 << 20, ""),
        row(
            "store.cache",
            AtRestart,
            "Memory for reading the index.",
            |s| Field::Number(Size, &mut s.store.cache_bytes),
        )
        .least(1 << 20, ""),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_reads_back_what_it_shows() {
        let settings = Settings::new("mail.example.org");
        for row in rows() {
            for shown in [Some(row.show(&settings).as_str()), row.example]
                .into_iter()
                .flatten()
            {
                let mut other = Settings::new("other.example.org");
                let value = DeValue::parse(shown).unwrap();
                let taken = row.take(&mut other, value.get_ref());
                assert_eq!(taken, Ok(()), "{} = {shown}", row.name);
                assert_eq!(row.show(&other), shown, "{}", row.name);
            }
        }
    }

    #[test]
    fn names_are_unique_and_stand_in_a_section_that_is_described() {
        let mut names = BTreeSet::new();
        for row in rows() {
            assert!(
                names.insert(row.name.clone()),
                "{} stands there twice",
                row.name
            );
            let first = row.split().0.split('.').next().unwrap();
            assert!(
                SECTIONS.iter().any(|(name, _)| *name == first),
                "{}",
                row.name
            );
            assert!(
                row.says.ends_with('.') && !row.says.contains("  "),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn a_number_outside_its_bounds_is_refused_with_the_bound() {
        let mut settings = Settings::new("mail.example.org");
        let refusal = |name: &str, value: &str, settings: &mut Settings| {
            let row = rows().into_iter().find(|row| row.name == name).unwrap();
            row.take(settings, DeValue::parse(value).unwrap().get_ref())
                .unwrap_err()
        };
        assert_eq!(
            refusal("imap.autologout", "\"5 min\"", &mut settings),
            "must be at least 30 min (RFC 3501 section 5.4)"
        );
        // [rfc1939 3 #5] [rfc5321 4.5.3.1.7 #1] [rfc5321 4.5.3.1.8 #1]
        for (name, low, bound) in [
            (
                "pop3.autologout",
                "\"9 min\"",
                "10 min (RFC 1939 section 3)",
            ),
            (
                "mail.message_size",
                "\"63 KiB\"",
                "64 KiB (RFC 5321 section 4.5.3.1.7)",
            ),
            ("smtp.recipients", "99", "100 (RFC 5321 section 4.5.3.1.8)"),
            ("smtp.hops", "99", "100 (RFC 5321 section 6.3)"),
        ] {
            let expect = format!("must be at least {bound}");
            assert_eq!(refusal(name, low, &mut settings), expect);
        }
        assert_eq!(
            refusal("login.hash_workers", "65", &mut settings),
            "must be at most 64"
        );
        assert_eq!(
            refusal("mail.keywords", "70000", &mut settings),
            "is too large"
        );
    }
}
