//! Addresses, paths and the address lists of header fields: no octets make them panic, and what
//! was read comes back from its wire form.
#![no_main]

use addr::header::{Mailbox, parse_list};
use addr::{Address, Charset, Domain, ForwardPath, Host, ReversePath};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for charset in [Charset::Ascii, Charset::Utf8] {
        if let Ok(address) = Address::parse(data, charset) {
            assert_eq!(
                Address::parse(address.to_string().as_bytes(), charset),
                Ok(address.clone())
            );
            assert!(address.key().parse::<Address>().is_ok() || address.needs_utf8());
        }
        if let Ok(host) = Host::parse(data, charset) {
            assert_eq!(
                Host::parse(host.to_string().as_bytes(), Charset::Ascii),
                Ok(host)
            );
        }
        let _ = Domain::parse(data, charset).map(|domain| domain.to_unicode());
        if let Ok(taken) = ForwardPath::take(data, charset) {
            assert_eq!(data[taken.len - 1], b'>');
            let wire = taken.path.to_string();
            assert_eq!(ForwardPath::parse(wire.as_bytes(), charset), Ok(taken.path));
        }
        if let Ok(taken) = ReversePath::take(data, charset) {
            let wire = taken.path.to_string();
            assert_eq!(ReversePath::parse(wire.as_bytes(), charset), Ok(taken.path));
        }
    }
    for mailbox in parse_list(data).mailboxes() {
        let _ = Mailbox::address(mailbox);
    }
});
