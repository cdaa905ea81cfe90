//! Debian's Postfix: takes mail for its domain into Maildirs, relays for the test, and finds its
//! way by MX with DANE.
//!
//! What never happens here: a service of the machine; it runs in a root of its own.

use crate::authority::Shown;
use crate::namespaces::{Host, TESTER};
use crate::peer::Peer;
use crate::root::Root;
use crate::world::World;

const PREPARE: &str = "\
grep -q '^postdrop:' /etc/group || echo 'postdrop:x:9001:' >> /etc/group
grep -q '^postfix:' /etc/group || echo 'postfix:x:9000:' >> /etc/group
grep -q '^postfix:' /etc/passwd || echo 'postfix:x:9000:9000::/var/spool/postfix:/bin/false' >> /etc/passwd
mkdir -p /var/lib/postfix /share/mail
chown postfix: /var/lib/postfix
chown mail:mail /share/mail
spool=/var/spool/postfix
mkdir -p $spool
cd $spool
mkdir -p active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public pid
chown postfix active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public
chmod 700 active bounce corrupt defer deferred flush hold incoming private saved trace
chgrp postdrop maildrop public
chmod 730 maildrop
chmod 710 public
echo \"virtual_uid_maps = static:$(id -u mail)\" >> /etc/postfix/main.cf
echo \"virtual_gid_maps = static:$(id -g mail)\" >> /etc/postfix/main.cf
";

/// Everything is tried again after a second; nothing waits for a human.
const MAIN: &str = "\
compatibility_level = 3.6
mydestination =
alias_maps =
alias_database =
virtual_mailbox_base = /share/mail
virtual_mailbox_maps = regexp:/etc/postfix/boxes
virtual_minimum_uid = 1
maillog_file_prefixes = /share
maillog_file = /share/mainlog
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
smtp_tls_CAfile = /etc/postfix/authority.pem
smtp_host_lookup = dns
";

const MASTER: &str = "\
smtp      inet  n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
";

/// Serves `NAME.example` with the boxes `ann` and `ben`. With a certificate it offers STARTTLS;
/// `more` are further lines of its settings.
pub fn start(world: &World, host: &Host, certificate: Option<&Shown>, more: &str) -> Peer {
    let root = Root {
        host,
        folder: world.folder(host),
        packages: "postfix",
        prepare: PREPARE,
    };
    let name = &host.name;
    let mut main = format!(
        "{MAIN}myhostname = mx.{name}.example\nmydomain = {name}.example\n\
         virtual_mailbox_domains = {name}.example\nmynetworks = 127.0.0.0/8 {TESTER}/32\n"
    );
    if let Some(shown) = certificate {
        root.etc("postfix/chain.pem", &shown.chain);
        root.etc("postfix/key.pem", &shown.key);
        main.push_str(
            "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /etc/postfix/chain.pem\n\
             smtpd_tls_key_file = /etc/postfix/key.pem\nsmtpd_tls_received_header = yes\n",
        );
    }
    main.push_str(more);
    main.push('\n');
    root.etc("postfix/main.cf", &main);
    root.etc("postfix/master.cf", MASTER);
    root.etc("postfix/boxes", "/^ann@/ ann/\n/^ben@/ ben/\n");
    root.etc("postfix/authority.pem", &world.authority.pem());
    root.etc("resolv.conf", &world.resolv_conf());
    Peer::start(root, &["/usr/lib/postfix/sbin/master", "-s"])
}
