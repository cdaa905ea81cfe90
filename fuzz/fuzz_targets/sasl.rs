//! SASL exchanges: lines of a client, as they stand on the wire, for each mechanism.
#![no_main]

use sasl::{Exchange, MECHANISMS, Step};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for row in MECHANISMS {
        for has_initial in [false, true] {
            let mut lines = data.split(|&octet| octet == b'\n');
            let initial = if has_initial { lines.next() } else { None };
            let (mut exchange, mut step) = Exchange::start_line(row.mechanism, initial);
            for line in lines {
                match &step {
                    Step::Credentials(c) => {
                        assert!(c.authzid.is_empty() || c.authzid == c.authcid);
                        assert!(!c.authcid.is_empty() && !c.password.is_empty());
                    }
                    Step::Challenge(_) | Step::Failed(_) => {}
                }
                let over = !matches!(step, Step::Challenge(_));
                step = exchange.respond_line(line);
                assert!(!over || matches!(step, Step::Failed(_)));
            }
        }
    }
});
