//! Any text through the IMAP command parser, and any bytes through the readers of single words: no
//! panic, and what is printed is read as the same value again.
#![no_main]

use imap::{
    Command, DateTime, ListPattern, Mailbox, MessageSet, NameEncoding, SearchKey, SequenceSet,
};

fn come_back(set: &SequenceSet) {
    assert_eq!(
        SequenceSet::parse(set.to_string().as_bytes()).as_ref(),
        Some(set)
    );
    let ranges = set.resolve(1_000);
    assert!(ranges.iter().all(|range| !range.is_empty()));
    assert!(
        ranges
            .windows(2)
            .all(|pair| pair[0].end() < pair[1].start())
    );
}

fn messages_come_back(set: &MessageSet) {
    match set {
        MessageSet::Numbers(set) => come_back(set),
        MessageSet::Saved => assert_eq!(set.to_string(), "$"),
    }
}

fn name_comes_back(mailbox: &Mailbox) {
    let wire = mailbox.to_wire(NameEncoding::ModifiedUtf7);
    assert!(wire.bytes().all(|octet| (b' '..=b'~').contains(&octet)));
    // What grew past the bound by its encoding is refused, not changed.
    if let Ok(again) = Mailbox::from_wire(wire.as_bytes(), NameEncoding::ModifiedUtf7) {
        assert_eq!(&again, mailbox);
    }
}

fn depth(key: &SearchKey) -> usize {
    match key {
        SearchKey::Not(key) => 1 + depth(key),
        SearchKey::Or(one, other) => 1 + depth(one).max(depth(other)),
        SearchKey::And(keys) => 1 + keys.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for names in [NameEncoding::ModifiedUtf7, NameEncoding::Utf8] {
        match imap::parse_command(data, names) {
            Err((_, refusal)) => assert!(refusal.at_octet <= data.len()),
            Ok((_, Command::Search(search))) => {
                assert!(depth(&search.key) <= 2 * imap::limits::SEARCH_DEPTH + 2);
            }
            Ok((_, Command::Fetch { set, .. })) => messages_come_back(&set),
            Ok((_, Command::Select { mailbox, params })) => {
                name_comes_back(&mailbox);
                let matches = params.resync.and_then(|resync| resync.matches);
                if let Some((numbers, uids)) = matches {
                    come_back(&numbers);
                    come_back(&uids);
                }
            }
            Ok((_, Command::List(list))) => {
                for pattern in &list.patterns {
                    pattern.within(&list.reference).matches("INBOX/a/b", '/');
                }
            }
            Ok(_) => {}
        }
    }
    if let Some(moment) = DateTime::parse(data) {
        assert_eq!(DateTime::parse(moment.to_string().as_bytes()), Some(moment));
    }
    if let Some((&len, rest)) = data.split_first() {
        let (pattern, name) = rest.split_at(usize::from(len).min(rest.len()));
        let pattern = ListPattern::new(&String::from_utf8_lossy(pattern));
        pattern.matches(&String::from_utf8_lossy(name), '/');
    }
    let _ = imap::body_from_bodystructure(data);
});
