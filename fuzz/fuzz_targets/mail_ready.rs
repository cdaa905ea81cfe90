//! Message octets to what is kept of them: never a panic, parts in order within their parents,
//! every section within the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::{Section, Survey};

fuzz_target!(|message: &[u8]| {
    let survey = Survey::of(message);
    let parts = survey.parts.parts();
    assert_eq!(survey.parts.root().body.end, message.len() as u64);
    for part in parts {
        assert!(part.header.start <= part.header.end && part.header.end == part.body.start);
        assert!(part.body.start <= part.body.end);
        if let Some(parent) = part.parent {
            let outer = &parts[parent].body;
            assert!(outer.start <= part.header.start && part.body.end <= outer.end);
        }
    }
    for path in [&[][..], &[1], &[2], &[1, 1], &[2, 1]] {
        for section in [
            Section::Whole,
            Section::Header,
            Section::Text,
            Section::Mime,
        ] {
            if let Some(range) = survey.parts.locate(path, section) {
                assert!(range.start <= range.end && range.end <= message.len() as u64);
            }
        }
    }
    assert!(imap::body_from_bodystructure(&survey.bodystructure).is_some());
});
