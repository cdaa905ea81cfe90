//! Postfix's settings: it takes mail for the accounts from this machine and hands it on by LMTP.
//!
//! Never here: a setting that makes it faster or slower than Debian's defaults.

use super::{ACCOUNTS, Peer, Ports};
use crate::Outcome;
use crate::target::{DEAD, Road};
use std::fmt::Write;

pub fn prepare(peer: &Peer) -> Outcome<()> {
    let mut table = String::new();
    for number in 1..=ACCOUNTS {
        let _ = writeln!(table, "u{number}@example.test u{number}");
    }
    peer.write("etc/postfix/accounts", &table)?;
    peer.write("etc/postfix/main.cf", &main(0, None))?;
    peer.inside("postmap hash:/etc/postfix/accounts")
}

pub fn configure(peer: &Peer, ports: &Ports) -> Outcome<()> {
    peer.write("etc/postfix/main.cf", &main(ports.lmtp, peer.road))?;
    let master = MASTER.replace("PORT", &ports.smtp.to_string());
    peer.write("etc/postfix/master.cf", &master)?;
    // One that was killed left it.
    peer.inside("rm -f /var/spool/postfix/pid/master.pid")
}

pub fn wipe(peer: &Peer) -> Outcome<()> {
    peer.inside(
        "cd /var/spool/postfix
         for queue in active incoming deferred maildrop defer bounce; do
             test ! -d $queue || find $queue -type f -delete
         done
         rm -f /var/log/postfix.log",
    )
}

fn main(lmtp: u16, road: Option<Road>) -> String {
    let sending = road.map_or_else(|| TRY_SOON.to_owned(), sending);
    format!(
        "compatibility_level = 3.6
myhostname = mx.example.test
mydomain = example.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = example.test
virtual_mailbox_maps = hash:/etc/postfix/accounts
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
alias_maps =
alias_database =
smtputf8_enable = no
maillog_file = /var/log/postfix.log
{sending}"
    )
}

/// Deliveries that a server behind it put off.
const TRY_SOON: &str = "\
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 10s
";

/// To the sink with as many connections as it may have, from the first message on, and kept for the
/// next message; what is accepted is never held up for what is sent. What waits for the dead is not
/// due before a run is over.
fn sending(road: Road) -> String {
    let Road { sink, connections } = road;
    let host = format!("[{}]:{}", sink.ip(), sink.port());
    format!(
        "\
relayhost = {host}
default_destination_concurrency_limit = {connections}
initial_destination_concurrency = {connections}
smtp_connection_cache_destinations = {host}
in_flow_delay = 0
transport_maps = inline:{{ {{ .{DEAD} = smtp:[127.0.0.1]:1 }} }}
minimal_backoff_time = 4000s
maximal_backoff_time = 4000s
"
    )
}

/// Debian's, without the services that nothing here uses and without a second root inside the root.
const MASTER: &str = "\
127.0.0.1:PORT inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";
