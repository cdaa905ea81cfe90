//! Any octets through the encoder of binary parts: no panic, bounded memory, the same however they are
//! cut, no NUL left, and a message that needs no change again.
#![no_main]

use mail::{BinaryEncoder, NulOutsideBinary, Survey};

fn encode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, NulOutsideBinary> {
    let mut encoder = BinaryEncoder::new();
    let mut out = Vec::new();
    for piece in pieces {
        encoder.piece(piece, &mut out)?;
    }
    encoder.end(&mut out)?;
    Ok(out)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&cut, message)) = data.split_first() else {
        return;
    };
    let whole = encode(std::iter::once(message));
    assert_eq!(whole, encode(message.chunks(usize::from(cut) + 1)));
    let Ok(encoded) = whole else {
        return;
    };
    assert!(!encoded.contains(&0));
    assert_eq!(encode(std::iter::once(&*encoded)).as_ref(), Ok(&encoded));
    let _ = Survey::of(&encoded);
});
