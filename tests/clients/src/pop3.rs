//! A plain POP3 client.
//!
//! What never happens here: TLS; the real programs do that.

use crate::wire::Wire;
use std::io::Result;

pub struct Pop3(Wire);

impl Pop3 {
    /// Connected and logged in.
    pub fn open(address: &str, user: &str, password: &str) -> Pop3 {
        Pop3::log_in(address, user, password).unwrap_or_else(|error| panic!("no session: {error}"))
    }

    /// Connected and logged in; an error when the connection was lost.
    pub fn log_in(address: &str, user: &str, password: &str) -> Result<Pop3> {
        let mut pop3 = Pop3(Wire::try_connect(address)?);
        let greeting = pop3.0.need_line()?;
        assert!(
            greeting.starts_with(b"+OK"),
            "{}",
            String::from_utf8_lossy(&greeting)
        );
        // else headers in UTF-8 would come as ASCII surrogates
        pop3.try_must("UTF8")?;
        pop3.try_must(&format!("USER {user}"))?;
        pop3.try_must(&format!("PASS {password}"))?;
        Ok(pop3)
    }

    pub fn command(&mut self, command: &str) -> String {
        self.try_command(command)
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// An error when the connection was lost.
    pub fn try_command(&mut self, command: &str) -> Result<String> {
        self.0.try_send(format!("{command}\r\n").as_bytes())?;
        let line = self.0.need_line()?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// A command that must be answered with +OK; an error when the connection was lost.
    pub fn try_must(&mut self, command: &str) -> Result<String> {
        let answer = self.try_command(command)?;
        assert!(answer.starts_with("+OK"), "{command}: {answer}");
        Ok(answer)
    }

    /// The lines that follow a +OK.
    pub fn try_lines(&mut self, command: &str) -> Result<Vec<Vec<u8>>> {
        self.try_must(command)?;
        let mut lines = Vec::new();
        loop {
            let line = self.0.need_line()?;
            if line == b"." {
                return Ok(lines);
            }
            lines.push(line.strip_prefix(b".").unwrap_or(&line).to_vec());
        }
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
        let lines = self
            .try_lines(&format!("RETR {number}"))
            .unwrap_or_else(|error| panic!("RETR {number}: {error}"));
        let mut message = Vec::new();
        for line in lines {
            message.extend(line);
            message.extend_from_slice(b"\r\n");
        }
        message
    }
}
