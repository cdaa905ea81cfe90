//! Cyrus' settings: accounts in a table of SASL, INBOXes made by the first mail or login.
//!
//! Never here: a setting about syncs; Cyrus' own default stays.

use super::{ACCOUNTS, Peer, Ports};
use crate::Outcome;
use crate::target::PASSWORD;

pub const START: &str = "\
mkdir -p /run/cyrus/proc /run/cyrus/lock /run/cyrus/socket
chown -R cyrus:mail /run/cyrus
chmod 755 /run/cyrus /run/cyrus/socket
exec /usr/sbin/cyrmaster -d -C /etc/imapd.conf -M /etc/cyrus.conf -l 1024 -p /run/cyrmaster.pid";
pub const FOLDERS: &[&str] = &["var/spool/cyrus/mail", "var/lib/cyrus"];

pub fn prepare(peer: &Peer) -> Outcome<()> {
    peer.write("etc/imapd.conf", SETTINGS)?;
    peer.inside(&format!(
        "for number in $(seq {ACCOUNTS}); do
             echo {PASSWORD} | saslpasswd2 -p -c -u mx.example.test u$number
         done
         chown cyrus:mail /etc/sasldb2
         chmod 640 /etc/sasldb2
         cat /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem > /etc/imapd.pem
         chown cyrus:mail /etc/imapd.pem
         chmod 640 /etc/imapd.pem"
    ))
}

pub fn configure(peer: &Peer, ports: &Ports) -> Outcome<()> {
    let services = SERVICES
        .replace("IMAPS_PORT", &ports.imaps.to_string())
        .replace("IMAP_PORT", &ports.imap.to_string())
        .replace("POP_PORT", &ports.pop.to_string())
        .replace("LMTP_PORT", &ports.lmtp.to_string());
    peer.write("etc/cyrus.conf", &services)?;
    // One that was killed left them.
    peer.inside("rm -rf /run/cyrus /run/cyrmaster.pid")
}

pub fn wipe(peer: &Peer) -> Outcome<()> {
    peer.throw_away(FOLDERS)?;
    peer.inside(
        "mkdir -p /var/lib/cyrus /var/spool/cyrus/mail /run/cyrus
         chown -R cyrus:mail /var/lib/cyrus /var/spool/cyrus /run/cyrus
         su -s /bin/sh cyrus -c /usr/lib/cyrus/bin/makedirs",
    )
}

const SETTINGS: &str = "\
configdirectory: /var/lib/cyrus
proc_path: /run/cyrus/proc
mboxname_lockpath: /run/cyrus/lock
defaultpartition: default
partition-default: /var/spool/cyrus/mail
altnamespace: yes
unixhierarchysep: yes
lmtp_downcase_rcpt: yes
admins: cyrus
allowanonymouslogin: no
popminpoll: 0
maxlogins_per_host: 0
maxlogins_per_user: 0
autocreate_quota: 0
autocreate_post: yes
umask: 077
hashimapspool: true
virtdomains: off
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /etc/sasldb2
sasl_auto_transition: no
tls_server_cert: /etc/imapd.pem
tls_server_key: /etc/imapd.pem
lmtpsocket: /run/cyrus/socket/lmtp
idlesocket: /run/cyrus/socket/idle
notifysocket: /run/cyrus/socket/notify
servername: mx.example.test
syslog_prefix: cyrus
";

const SERVICES: &str = "\
START {
  recover cmd=\"/usr/sbin/cyrus ctl_cyrusdb -r\"
}
DAEMON {
  idled cmd=\"idled\"
}
SERVICES {
  imap cmd=\"imapd -U 30\" listen=\"127.0.0.1:IMAP_PORT\" prefork=0 maxchild=20000
  imaps cmd=\"imapd -s -U 30\" listen=\"127.0.0.1:IMAPS_PORT\" prefork=0 maxchild=20000
  pop3 cmd=\"pop3d -U 30\" listen=\"127.0.0.1:POP_PORT\" prefork=0 maxchild=200
  lmtp cmd=\"lmtpd -a\" listen=\"127.0.0.1:LMTP_PORT\" prefork=0 maxchild=20
}
EVENTS {
  checkpoint cmd=\"/usr/sbin/cyrus ctl_cyrusdb -c\" period=30
}
";
