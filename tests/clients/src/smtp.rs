//! A plain SMTP client.
//!
//! What never happens here: TLS; the real programs do that.

use crate::wire::{Wire, stuffed};

pub struct Smtp {
    wire: Wire,
}

impl Smtp {
    /// Connected and greeted.
    pub fn connect(address: &str) -> Smtp {
        Smtp::try_connect(address).unwrap_or_else(|error| panic!("no session: {error}"))
    }

    /// Connected and greeted; an error when the connection was lost.
    pub fn try_connect(address: &str) -> std::io::Result<Smtp> {
        let mut smtp = Smtp {
            wire: Wire::try_connect(address)?,
        };
        let greeting = smtp.try_reply()?;
        assert!(greeting.starts_with("220 "), "{greeting}");
        smtp.wire.try_send(b"EHLO client.example.org\r\n")?;
        let answer = smtp.try_reply()?;
        assert!(answer.starts_with("250"), "{answer}");
        Ok(smtp)
    }

    /// All lines of one reply.
    pub fn reply(&mut self) -> String {
        self.try_reply()
            .unwrap_or_else(|error| panic!("no reply: {error}"))
    }

    pub fn try_reply(&mut self) -> std::io::Result<String> {
        let mut lines = Vec::new();
        loop {
            let line = self
                .wire
                .try_line()?
                .ok_or(std::io::ErrorKind::UnexpectedEof)?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if is_last {
                return Ok(lines.join("\n"));
            }
        }
    }

    pub fn command(&mut self, line: &str) -> String {
        self.wire.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// The same; an error when the connection was lost.
    pub fn try_command(&mut self, line: &str) -> std::io::Result<String> {
        self.wire.try_send(format!("{line}\r\n").as_bytes())?;
        self.try_reply()
    }

    /// The answer after the final dot, or the first refusal before it; an error when the connection
    /// was lost.
    pub fn try_mail(&mut self, from: &str, to: &[&str], message: &[u8]) -> std::io::Result<String> {
        let utf8 = if from.is_ascii() && to.iter().all(|to| to.is_ascii()) {
            ""
        } else {
            " SMTPUTF8"
        };
        let mut before = vec![format!("MAIL FROM:<{from}> BODY=8BITMIME{utf8}\r\n")];
        before.extend(to.iter().map(|to| format!("RCPT TO:<{to}>\r\n")));
        before.push("DATA\r\n".to_owned());
        for line in before {
            self.wire.try_send(line.as_bytes())?;
            let reply = self.try_reply()?;
            if !reply.starts_with('2') && !reply.starts_with('3') {
                self.wire.try_send(b"RSET\r\n")?;
                self.try_reply()?;
                return Ok(reply);
            }
        }
        self.wire.try_send(&stuffed(message))?;
        self.try_reply()
    }

    /// Sends a message that must be taken.
    pub fn mail(&mut self, from: &str, to: &[&str], message: &[u8]) {
        let reply = self
            .try_mail(from, to, message)
            .unwrap_or_else(|error| panic!("the message was not taken: {error}"));
        assert!(reply.starts_with("250 "), "{reply}");
    }
}
