//! What a neighbour by UUCP hands in: packed batches, what is in them, From_ lines and bang paths. Nothing makes them
//! panic, nothing unpacks beyond its bound, and every path ends somewhere.
#![no_main]

use smtp::Batch;
use smtp::batch::Event;
use uucp::{Compressor, FromLines, Systems, Unpacker};

const MOST: u64 = 1 << 20;

fn unpacked(input: &[u8]) -> Option<Vec<u8>> {
    let mut unpacker = Unpacker::new(input, MOST).ok()?;
    let mut all = Vec::new();
    while let Some(piece) = unpacker.piece().ok()? {
        all.extend(piece);
    }
    assert!(all.len() as u64 <= MOST);
    Some(all)
}

/// How a batch goes on, without the content's pieces.
fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let mut batch = Batch::new(MOST);
    let mut events = Vec::new();
    let mut octets = 0;
    for piece in pieces {
        batch.receive(piece);
        while let Some(event) = batch.next() {
            match event {
                Event::Data(content) => octets += content.len() as u64,
                event => events.push(event),
            }
        }
    }
    batch.end();
    while let Some(event) = batch.next() {
        events.push(event);
    }
    assert!(octets <= pieces.iter().map(|piece| 2 * piece.len() as u64).sum());
    events
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unpacked(data);
    let (front, back) = data.split_at(data.len() / 2);
    assert_eq!(events(&[data]), events(&[front, back]));
    let (mut packed, mut compressor) = (Vec::new(), Compressor::default());
    compressor.push(data, &mut packed);
    compressor.finish(&mut packed);
    assert_eq!(unpacked(&packed).as_deref(), Some(data));
    if let Ok(lines) = FromLines::read(data) {
        assert!(lines.len <= data.len());
        let _ = uucp::sender(&lines.path, Some("alpha"));
    }
    let systems = Systems {
        own: "beta".to_owned(),
        neighbours: vec!["alpha".to_owned()],
    };
    if let Some(address) = std::str::from_utf8(data)
        .ok()
        .and_then(|word| uucp::recipient(word).ok())
        && let Ok(end) = systems.resolve(&address)
    {
        assert_eq!(systems.resolve(&end), Ok(end.clone()));
        let _ = uucp::argument(&end);
    }
});
