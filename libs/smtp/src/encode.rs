//! Commands as they stand on the wire, for the client: the inverse of `parse_command`.
//!
//! What a value holds is written in one way: words in upper case, one space, no source route. What
//! never happens here: a parameter that the value does not have, a choice.

use crate::command::{BodyType, ChunkPlace, Command, MailParameters, Protection, RcptParameters};
use crate::dsn::to_xtext;
use crate::hold::{Hold, date_time};
use addr::Charset;
use std::fmt::{self, Write};

impl Command {
    /// Appends the command with its CRLF. [rfc5321 2.3.8]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut line = String::new();
        self.write(&mut line)
            .expect("because a String takes all that is written");
        debug_assert!(!line.contains(['\r', '\n']), "a command of two lines");
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        out.push_str(self.verb().word());
        match self {
            Command::Ehlo(name) | Command::Helo(name) | Command::Lhlo(name) => {
                write!(out, " {}", name.as_str())
            }
            Command::Mail {
                from, parameters, ..
            } => {
                write!(out, " FROM:{from}")?;
                parameters.write(out)
            }
            Command::Rcpt { to, parameters, .. } => {
                write!(out, " TO:{to}")?;
                parameters.write(out)
            }
            Command::Bdat { bytes, place } => {
                let last = match place {
                    ChunkPlace::More => "",
                    ChunkPlace::Last => " LAST",
                };
                write!(out, " {bytes}{last}")
            }
            Command::Vrfy(text) | Command::Help(Some(text)) => write!(out, " {text}"),
            Command::Etrn(node) => write!(out, " {node}"),
            Command::Atrn(domains) => {
                let mut between = ' ';
                domains.iter().try_for_each(|domain| {
                    let mark = std::mem::replace(&mut between, ',');
                    write!(out, "{mark}{domain}")
                })
            }
            Command::Auth {
                mechanism,
                initial_response,
            } => {
                write!(out, " {mechanism}")?;
                match initial_response {
                    Some(response) => write!(out, " {}", String::from_utf8_lossy(response)),
                    None => Ok(()),
                }
            }
            Command::Data
            | Command::Rset
            | Command::Noop
            | Command::Quit
            | Command::StartTls
            | Command::Help(None) => Ok(()),
        }
    }
}

impl MailParameters {
    fn write(&self, out: &mut String) -> fmt::Result {
        if let Some(size) = self.size_bytes {
            write!(out, " SIZE={size}")?;
        }
        if let Some(body) = self.body {
            write!(out, " BODY={}", body.word())?;
        }
        if self.charset == Charset::Utf8 {
            out.push_str(" SMTPUTF8");
        }
        if let Some(auth) = &self.auth {
            write!(out, " AUTH={}", to_xtext(auth.as_bytes()))?;
        }
        if let Some(ret) = self.ret {
            write!(out, " RET={}", ret.word())?;
        }
        if let Some(envid) = &self.envid {
            write!(out, " ENVID={}", envid.as_str())?;
        }
        if self.protection == Protection::Required {
            out.push_str(" REQUIRETLS");
        }
        match self.hold {
            None => {}
            Some(Hold::For(seconds)) => write!(out, " HOLDFOR={seconds}")?,
            Some(Hold::Until(at)) => write!(out, " HOLDUNTIL={}", date_time(at))?,
        }
        if let Some(by) = self.by {
            write!(out, " BY={by}")?;
        }
        if let Some(priority) = self.priority {
            write!(out, " MT-PRIORITY={priority}")?;
        }
        Ok(())
    }
}

impl RcptParameters {
    fn write(&self, out: &mut String) -> fmt::Result {
        if let Some(notify) = &self.notify {
            write!(out, " NOTIFY={notify}")?;
        }
        if let Some(orcpt) = &self.orcpt {
            write!(out, " ORCPT={}", orcpt.as_str())?;
        }
        Ok(())
    }
}

impl BodyType {
    /// The word as it is written on the wire. [rfc6152 2] [rfc3030 3]
    pub fn word(self) -> &'static str {
        match self {
            BodyType::SevenBit => "7BIT",
            BodyType::EightBitMime => "8BITMIME",
            BodyType::BinaryMime => "BINARYMIME",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{By, ByMode, Priority, parse_command};
    use proptest::option::of;
    use proptest::prelude::*;

    /// Read, written and read again.
    fn check(line: &str) {
        let command = parse_command(line.as_bytes()).expect("a command");
        let mut wire = Vec::new();
        command.encode(&mut wire);
        assert_eq!(
            String::from_utf8(wire).expect("text"),
            format!("{line}\r\n")
        );
    }

    #[test]
    fn every_command_is_written_as_it_is_read() {
        // [rfc5321 4.1.1] [rfc3030 2] [rfc3461 4.4] [rfc4865 3] [rfc2852 4] [rfc6710 3]
        for line in [
            "EHLO mx.example.test",
            "HELO [192.0.2.1]",
            "LHLO [IPv6:2001:db8::1]",
            "MAIL FROM:<>",
            "MAIL FROM:<bob@example.test> SIZE=17 BODY=8BITMIME SMTPUTF8 AUTH=a+2Bb+3D RET=HDRS ENVID=a+20b",
            "MAIL FROM:<\"b b\"@example.test> BODY=BINARYMIME",
            "MAIL FROM:<bob@example.test> ENVID=a REQUIRETLS",
            "MAIL FROM:<bob@example.test> HOLDFOR=60 BY=120;RT MT-PRIORITY=-4",
            "MAIL FROM:<bob@example.test> HOLDUNTIL=2026-11-23T01:20:09Z BY=-5;N",
            "RCPT TO:<postmaster>",
            "RCPT TO:<jürgen@example.test> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;jürgen@example.test",
            "RCPT TO:<a@[192.0.2.1]> NOTIFY=NEVER ORCPT=rfc822;a+2Bb@example.test",
            "DATA",
            "BDAT 10",
            "BDAT 0 LAST",
            "RSET",
            "NOOP",
            "VRFY bob",
            "HELP",
            "HELP MAIL",
            "QUIT",
            "STARTTLS",
            "AUTH LOGIN",
            "AUTH PLAIN AGEAYg==",
        ] {
            check(line);
        }
    }

    fn wishes() -> impl Strategy<Value = MailParameters> {
        let hold = of(prop_oneof![
            (1..1_000_000_000_u32).prop_map(Hold::For),
            (-62_135_596_800_i64..253_402_300_800).prop_map(Hold::Until),
        ]);
        let by = of((
            -999_999_999..1_000_000_000_i32,
            any::<bool>(),
            any::<bool>(),
        ));
        (hold, by, of(-9..=9_i8)).prop_map(|(hold, by, priority)| MailParameters {
            hold,
            by: by.map(|(seconds, returns, trace)| By {
                seconds,
                mode: match returns && seconds > 0 {
                    true => ByMode::Return,
                    false => ByMode::Notify,
                },
                trace,
            }),
            priority: priority.and_then(Priority::new),
            ..MailParameters::default()
        })
    }

    proptest! {
        #[test]
        fn every_wish_is_read_as_it_is_written(parameters in wishes()) {
            // [rfc4865 3] [rfc2852 4] [rfc6710 7]
            let command = Command::Mail {
                from: addr::ReversePath::Null,
                written_in: Charset::Ascii,
                parameters,
            };
            let mut wire = Vec::new();
            command.encode(&mut wire);
            let line = wire.strip_suffix(b"\r\n").expect("a line");
            prop_assert_eq!(parse_command(line), Ok(command));
        }
    }
}
