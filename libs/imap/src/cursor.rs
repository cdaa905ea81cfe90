//! Reads words from the text of one command. Never here: what a word means.

/// `ATOM-CHAR`: no CTL, 8-bit, SP, `( ) { % * " \ ]`. [rfc3501 9]
pub fn is_atom_char(byte: u8) -> bool {
    byte > 0x20 && byte < 0x7f && !b"(){%*\"\\]".contains(&byte)
}

/// `ASTRING-CHAR = ATOM-CHAR / "]"`
pub fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}
