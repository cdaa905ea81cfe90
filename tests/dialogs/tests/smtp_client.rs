//! The dialogue files of `smtp-client`, against the bare machine.

use dialogs::turned::{Pieces, play};

fn every_dialogue_holds(pieces: Pieces) {
    let files = dialogs::texts("smtp-client");
    assert!(!files.is_empty(), "no dialogue file");
    let failures: Vec<String> = files
        .iter()
        .filter_map(|(name, text)| Some(format!("{name}: {}", play(text, pieces).err()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_dialogue_holds_line_by_line() {
    every_dialogue_holds(Pieces::Steps);
}

#[test]
fn every_dialogue_holds_octet_by_octet() {
    every_dialogue_holds(Pieces::Octets);
}
