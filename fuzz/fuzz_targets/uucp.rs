//! What a neighbour by UUCP hands in: packed batches, From_ lines and bang paths. Nothing makes them
//! panic, nothing unpacks beyond its bound, and every path ends somewhere.
#![no_main]

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

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unpacked(data);
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
