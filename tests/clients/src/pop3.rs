//! A plain POP3 client.
//!
//! What never happens here: TLS; the real programs do that.

use crate::wire::Wire;

pub struct Pop3(Wire);

impl Pop3 {
    /// Connected and logged in.
    pub fn open(address: &str, user: &str, password: &str) -> Pop3 {
        let mut pop3 = Pop3(Wire::connect(address));
        let greeting = pop3.0.text_line();
        assert!(greeting.starts_with("+OK"), "{greeting}");
        pop3.must(&format!("USER {user}"));
        pop3.must(&format!("PASS {password}"));
        pop3
    }

    pub fn command(&mut self, command: &str) -> String {
        self.0.send(format!("{command}\r\n").as_bytes());
        self.0.text_line()
    }

    /// A command that must be answered with +OK.
    pub fn must(&mut self, command: &str) -> String {
        let answer = self.command(command);
        assert!(answer.starts_with("+OK"), "{command}: {answer}");
        answer
    }

    /// How many messages there are.
    pub fn count(&mut self) -> usize {
        let answer = self.must("STAT");
        let word = answer.split_ascii_whitespace().nth(1);
        word.and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{answer}"))
    }

    /// The size that LIST says.
    pub fn size(&mut self, number: usize) -> usize {
        let answer = self.must(&format!("LIST {number}"));
        let word = answer.split_ascii_whitespace().nth(2);
        word.and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{answer}"))
    }

    /// A whole message, octet for octet.
    pub fn message(&mut self, number: usize) -> Vec<u8> {
        self.must(&format!("RETR {number}"));
        let mut message = Vec::new();
        loop {
            let line = self.0.line();
            if line == b"." {
                return message;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            message.extend_from_slice(b"\r\n");
        }
    }
}
