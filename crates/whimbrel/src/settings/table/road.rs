//! The settings of mail that goes to other servers: how it waits, and which way it takes.
//!
//! What never happens here: reading a file.

use super::super::field::Field;
use super::Taken::{AtReload, AtRestart};
use super::Unit::{Plain, Size, Time};
use super::{Row, row};

/// Mail that goes out.
pub(super) fn queue() -> Vec<Row> {
    vec![
        row(
            "queue.send",
            AtRestart,
            "Whether mail for other servers is taken from those who log in, and sent. Where it is not, \
             such recipients are refused, and what is in the queue already waits.",
            |s| Field::Switch(&mut s.sending.is_on),
        ),
        row(
            "queue.smarthost",
            AtReload,
            "The server that everything is sent to, instead of the servers that the DNS names for \
             each domain. At port 465 TLS comes first.",
            |s| Field::Smarthost(&mut s.sending.smarthost),
        )
        .usual("none; the DNS says")
        .example("\"relay.example.org:587\""),
        row(
            "queue.smarthost_user",
            AtReload,
            "Our login at the smarthost. It is said only over TLS with a certificate that is good.",
            |s| Field::OptionalText(&mut s.sending.smarthost_user),
        )
        .example("\"mail.example.org\""),
        row(
            "queue.smarthost_password",
            AtReload,
            "A file whose first line is our password at the smarthost.",
            |s| Field::OptionalPath(&mut s.sending.smarthost_password),
        )
        .example("\"/etc/whimbrel/smarthost.password\""),
        row(
            "queue.authorities",
            AtRestart,
            "A file in PEM form with the authorities that vouch for other servers and policy hosts, \
             where a proof is asked for (MTA-STS, a smarthost with a login); those that browsers \
             trust if not set.",
            |s| Field::OptionalPath(&mut s.sending.authorities),
        ),
        row(
            "queue.lifetime",
            AtReload,
            "How long a message is tried before its sender is told that it did not get there.",
            |s| Field::Number(Time, &mut s.sending.queue.lifetime),
        )
        .least(60, "")
        .most(100 * 24 * 3_600),
        row(
            "queue.delay_notice",
            AtReload,
            "After how long a sender hears that a message is not there yet; 0: never.",
            |s| Field::Number(Time, &mut s.sending.queue.delay_notice),
        ),
        row(
            "queue.first_retry",
            AtReload,
            "How long to wait after the first attempt; each wait is about twice the one before it.",
            |s| Field::Number(Time, &mut s.sending.backoff.first),
        )
        .least(1, ""),
        row(
            "queue.longest_retry",
            AtReload,
            "The longest wait between two attempts.",
            |s| Field::Number(Time, &mut s.sending.backoff.most),
        )
        .least(1, ""),
        row(
            "queue.entries",
            AtReload,
            "How much may wait: one for each domain that a message goes to. What comes beyond is put \
             off. Each takes about 400 octets of memory.",
            |s| Field::Number(Plain, &mut s.sending.queue.max_entries),
        )
        .least(1, ""),
        row(
            "queue.attempts",
            AtReload,
            "Messages that are being sent at one time.",
            |s| Field::Number(Plain, &mut s.sending.queue.attempts),
        )
        .least(1, "")
        .most(10_000),
        row(
            "queue.connections",
            AtReload,
            "Of these, to one destination. It begins with few and gets more while all goes well.",
            |s| Field::Number(Plain, &mut s.sending.connections),
        )
        .least(1, "")
        .most(1_000),
    ]
}

/// What a submission may ask of the queue.
pub(super) fn wishes() -> Vec<Row> {
    vec![
        row(
            "queue.longest_hold",
            AtReload,
            "How long a submission may be held for later if it asks for that (FUTURERELEASE); 0: nothing \
             is held. Nobody gets it before its time, also not who has a mailbox here.",
            |s| Field::Number(Time, &mut s.post.longest_hold),
        )
        .most(999_999_999),
        row(
            "queue.held_messages",
            AtReload,
            "How many messages of one login may be held for later.",
            |s| Field::Number(Plain, &mut s.post.most_held),
        )
        .least(1, ""),
        row(
            "queue.held_size",
            AtReload,
            "How large the messages of one login that are held for later may be together.",
            |s| Field::Number(Size, &mut s.post.most_held_bytes),
        )
        .least(1, ""),
        row(
            "queue.highest_priority",
            AtReload,
            "How urgent a submission may be that asks for it (MT-PRIORITY, from -9 to 9): what asks for \
             more goes with this. What is more urgent is sent first. Less than 0 may be asked by \
             everybody.",
            |s| Field::Number(Plain, &mut s.post.highest_priority),
        )
        .most(9),
    ]
}

fn route() -> Row {
    row(
        "road.route",
        AtReload,
        "Where mail goes if not where the DNS says. The first row that fits counts; one without \
         `to` and `from` fits all. `to`: a recipient's domain, or `*.DOMAIN` for all below it. \
         `from`: a sender's address or domain. `via`: `mx` (the DNS, for the sake of `source`), \
         `smtp://HOST:PORT` (a smarthost), `lmtp://HOST:PORT`, `lmtp:/PATH` (a Unix socket), or \
         `pipe` with a `command`. `login` and `password` for a \
         smarthost; the latter is a file that the server can read, with the password in its first line. \
         `tls`: `offered` (used where it is), `verified` (with a certificate for the host's name; \
         usual with a login), or `at_once` (the same from the first octet on; usual at port 465). \
         `source`: our own address for these connections, one of IPv4 and one of IPv6 at most. \
         `command`: an absolute path and arguments; `{sender}` and `{recipient}` in them become \
         the addresses. The program is started for each recipient without a shell, gets the \
         message on its standard input, and says by its exit code what became of it (0, or those \
         of sysexits.h). `form`: what `uux` is to be given, by the name of the neighbour's command: \
         `rmail` (a From_ line and the message), `rsmtp` (a batch of SMTP), `rgsmtp` (packed by gzip) \
         or `rcsmtp` (by compress); then the program is started once for many recipients, and a \
         word with `{recipient}` stands once for each.",
        |s| Field::Routes(&mut s.road.routes),
    )
    .usual("all by the DNS")
    .example(
        "[{ to = \"example.net\", via = \"smtp://mx.example.net:25\", tls = \"verified\" }, \
         { via = \"smtp://relay.example.com:587\", login = \"me\", password = \"/etc/whimbrel/relay\" }]",
    )
}

/// Which way mail takes to other servers.
pub(super) fn road() -> Vec<Row> {
    vec![
        route(),
        customer(),
        row(
            "road.families",
            AtReload,
            "Which addresses are connected to; with both, IPv6 and IPv4 in turns.",
            |s| Field::Choice(&mut s.road.families),
        ),
        row(
            "road.own_addresses",
            AtReload,
            "Addresses by which the internet reaches this server, where it does not listen at them by \
             name: mail is never sent to them.",
            |s| Field::Ips(&mut s.road.own_addresses),
        ),
        row(
            "road.pause",
            AtReload,
            "The shortest time from one attempt at a destination to the next, for those that want \
             their mail slowly.",
            |s| Field::Number(Time, &mut s.road.pause),
        ),
        row(
            "road.connect_time",
            AtReload,
            "How long a connection to another server may take to be made; then the next host is \
             tried.",
            |s| Field::Number(Time, &mut s.road.patience.connect),
        )
        .least(1, "")
        .most(24 * 3_600),
        row(
            "road.greeting_time",
            AtReload,
            "How long its greeting is waited for. RFC 5321 asks for five minutes.",
            |s| Field::Number(Time, &mut s.road.patience.greeting),
        )
        .least(1, "")
        .most(24 * 3_600),
        row(
            "road.reply_time",
            AtReload,
            "How long its answers to EHLO, MAIL, RCPT and the like are waited for. RFC 5321 asks \
             for five minutes.",
            |s| Field::Number(Time, &mut s.road.patience.reply),
        )
        .least(1, "")
        .most(24 * 3_600),
        row(
            "road.data_time",
            AtReload,
            "How long its answer to DATA is waited for. RFC 5321 asks for two minutes.",
            |s| Field::Number(Time, &mut s.road.patience.data),
        )
        .least(1, "")
        .most(24 * 3_600),
        row(
            "road.content_time",
            AtReload,
            "How long it may take for the next piece of a message. RFC 5321 asks for three \
             minutes.",
            |s| Field::Number(Time, &mut s.road.patience.content),
        )
        .least(1, "")
        .most(24 * 3_600),
        row(
            "road.end_time",
            AtReload,
            "How long its answer to a whole message is waited for. RFC 5321 asks for ten minutes: \
             who gives up earlier sends messages twice.",
            |s| Field::Number(Time, &mut s.road.patience.content_end),
        )
        .least(1, "")
        .most(24 * 3_600),
    ]
}

/// Whose mail is kept here.
fn customer() -> Row {
    row(
        "road.customer",
        AtReload,
        "Customers whose mail is taken here from everybody and kept until their own servers ask for it. \
         `name`: for lists, and for `ETRN #NAME`. `domains`: theirs, or `*.DOMAIN` for all below it; \
         none that is hosted here. `login`: an account here by which they may ask. `networks`: from where \
         they may ask by ETRN without a login. `hold`: `atrn` (usual: kept until they take it over their \
         own connection by on-demand mail relay, RFC 2645), `etrn` (kept until ETRN, RFC 1985, asks for \
         it; then it goes its usual way), or `none` (tried like all other mail; ETRN has it tried at \
         once). `lifetime`: how long it is kept, as `queue.lifetime` if not said; of a message that goes \
         to others as well that one counts. `entries`: how many may wait, 10000 if not said. `size`: how large \
         they may be together, 1 GiB if not said.",
        |s| Field::Customers(&mut s.road.customers),
    )
    .usual("nobody")
    .example(
        "[{ name = \"acme\", domains = [\"acme.example\"], login = \"acme@isp.example\" }]",
    )
}
