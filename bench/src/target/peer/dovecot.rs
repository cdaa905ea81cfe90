//! Dovecot's settings: Maildir or mdbox, accounts without a table, limits that let the sessions in.
//!
//! Never here: less of a sync than Dovecot's own default. That one syncs messages before OK; changed
//! flags it leaves to the kernel, and an EXPUNGE in a Maildir too, unless it is told to sync always.

use super::{Peer, Ports, Product, Syncs};
use crate::Outcome;
use crate::target::PASSWORD;

pub const START: &str = "/usr/sbin/dovecot -c /etc/dovecot/bench.conf";
/// Mail lies in the homes; what Dovecot knows of it beside it.
pub const FOLDERS: &[&str] = &["srv/mail"];

pub fn prepare(peer: &Peer) -> Outcome<()> {
    peer.inside(
        "getent passwd vmail > /dev/null || useradd -u 5000 -d /srv/mail -s /usr/sbin/nologin vmail
         mkdir -p /srv/mail
         chown vmail:vmail /srv/mail",
    )
}

pub fn configure(peer: &Peer, ports: &Ports) -> Outcome<()> {
    let location = match peer.product() {
        Product::Mdbox => "mdbox:~/mdbox",
        _ => "maildir:~/Maildir",
    };
    let syncs = match peer.syncs() {
        Syncs::Usual => "optimized",
        Syncs::All => "always",
    };
    let text = SETTINGS
        .replace("LOCATION", location)
        .replace("SYNCS", syncs)
        .replace("PASSWORD", PASSWORD)
        .replace("IMAPS_PORT", &ports.imaps.to_string())
        .replace("IMAP_PORT", &ports.imap.to_string())
        .replace("POP_PORT", &ports.pop.to_string())
        .replace("LMTP_PORT", &ports.lmtp.to_string());
    peer.write("etc/dovecot/bench.conf", &text)?;
    // One that was killed left it.
    peer.inside("rm -rf /run/dovecot-bench")
}

pub fn wipe(peer: &Peer) -> Outcome<()> {
    peer.throw_away(FOLDERS)?;
    peer.inside(
        "rm -rf /var/lib/dovecot/* /var/log/dovecot.log
         mkdir -p /srv/mail
         chown vmail:vmail /srv/mail",
    )
}

const SETTINGS: &str = "\
base_dir = /run/dovecot-bench
state_dir = /var/lib/dovecot
log_path = /var/log/dovecot.log
listen = 127.0.0.1
protocols = imap pop3 lmtp
ssl = yes
ssl_cert = </etc/dovecot/private/dovecot.pem
ssl_key = </etc/dovecot/private/dovecot.key
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 5000
mail_location = LOCATION
auth_username_format = %Ln
default_process_limit = 20000
default_client_limit = 40000
default_vsz_limit = 2 G
mail_fsync = SYNCS
passdb {
  driver = static
  args = password=PASSWORD
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/mail/%n
}
service imap-login {
  inet_listener imap {
    port = IMAP_PORT
  }
  inet_listener imaps {
    port = IMAPS_PORT
    ssl = yes
  }
  service_count = 0
  process_min_avail = 2
  client_limit = 4000
}
service pop3-login {
  inet_listener pop3 {
    port = POP_PORT
  }
  inet_listener pop3s {
    port = 0
  }
  service_count = 0
}
service imap {
  process_limit = 20000
}
service pop3 {
  process_limit = 2000
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = LMTP_PORT
  }
}
protocol imap {
  mail_max_userip_connections = 1000
}
protocol pop3 {
  mail_max_userip_connections = 1000
}
namespace inbox {
  inbox = yes
}
";
