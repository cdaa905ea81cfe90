//! Debian's Exim: takes mail for its domain into Maildirs, relays for the test, and finds its way by
//! MX with DANE.
//!
//! What never happens here: a service of the machine; it runs in a root of its own.

use crate::authority::Shown;
use crate::namespaces::{Host, TESTER};
use crate::peer::Peer;
use crate::root::Root;
use crate::world::World;

const PREPARE: &str = "\
grep -q '^Debian-exim:' /etc/group || echo 'Debian-exim:x:9100:' >> /etc/group
grep -q '^Debian-exim:' /etc/passwd || echo 'Debian-exim:x:9100:9100::/var/spool/exim4:/bin/false' >> /etc/passwd
mkdir -p /var/spool/exim4 /share/mail
chown Debian-exim:Debian-exim /var/spool/exim4 /share
chown mail:mail /share/mail
chown Debian-exim:Debian-exim /etc/exim4/key.pem
chmod 600 /etc/exim4/key.pem
chmod 644 /etc/exim4/exim4.conf
";

/// Everything is tried again after a second.
const REST: &str = "\
spool_directory = /var/spool/exim4
log_file_path = /share/%slog
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
dns_dnssec_ok = 1
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
queue_run_max = 2
keep_environment =
begin acl
acl_rcpt:
  accept hosts = +testers
         control = submission/sender_retain
  require domains = +ours
          message = relay not permitted
  require verify = recipient
  accept
acl_data:
  accept
begin routers
boxes:
  driver = accept
  domains = +ours
  local_parts = ann : ben
  transport = maildir
road:
  driver = dnslookup
  domains = ! +ours
  dnssec_request_domains = *
  transport = road
  no_more
begin transports
maildir:
  driver = appendfile
  directory = /share/mail/$local_part_data
  maildir_format
  create_directory
  user = mail
  group = mail
  delivery_date_add
  return_path_add
road:
  driver = smtp
  hosts_try_dane = *
  tls_verify_certificates = /etc/exim4/authority.pem
  tls_try_verify_hosts = *
begin retry
* * F,1h,1s
";

/// Serves `NAME.example` with the boxes `ann` and `ben`. With a certificate it offers STARTTLS.
pub fn start(world: &World, host: &Host, certificate: Option<&Shown>) -> Peer {
    let root = Root {
        host,
        folder: world.folder(host),
        packages: "exim",
        prepare: PREPARE,
    };
    let name = &host.name;
    let tls = match certificate {
        Some(shown) => {
            root.etc("exim4/chain.pem", &shown.chain);
            root.etc("exim4/key.pem", &shown.key);
            "tls_advertise_hosts = *\ntls_certificate = /etc/exim4/chain.pem\n\
             tls_privatekey = /etc/exim4/key.pem\n"
        }
        None => {
            root.etc("exim4/key.pem", "");
            "tls_advertise_hosts =\n"
        }
    };
    let settings = format!(
        "primary_hostname = mx.{name}.example\nqualify_domain = {name}.example\n\
         domainlist ours = {name}.example\nhostlist testers = 127.0.0.1 : {TESTER}\n{tls}{REST}"
    );
    root.etc("exim4/exim4.conf", &settings);
    root.etc("exim4/authority.pem", &world.authority.pem());
    root.etc("resolv.conf", &world.resolv_conf());
    Peer::start(root, &["exim4", "-bdf", "-q1s"])
}
