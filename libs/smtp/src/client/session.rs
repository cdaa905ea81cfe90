//! Greeting, EHLO, STARTTLS, AUTH and QUIT: all that is said outside of transactions.
//!
//! What never happens here: a look into a challenge.

use crate::client::capabilities::Capabilities;
use crate::client::{Awaited, Client, Event, Protocol, State};
use crate::command::Command;
use crate::limits::AUTH_COMMAND_BYTES;
use crate::reply::{Class, Reply};

impl Client {
    /// [rfc5321 4.1.1.1] [rfc2033 4.1]
    pub(super) fn hello(&mut self) {
        self.capabilities = Capabilities::default();
        let command = match self.protocol {
            Protocol::Smtp => Command::Ehlo(self.name.clone()),
            Protocol::Lmtp => Command::Lhlo(self.name.clone()),
        };
        self.command(&command, Awaited::Hello);
    }

    /// An initial response that does not fit into the command follows as a line. [rfc4954 4]
    pub(super) fn auth(&mut self, mechanism: String, initial_response: Option<String>) {
        let mut command = Command::Auth {
            mechanism,
            initial_response: initial_response.clone().map(String::into_bytes),
        };
        let mut line = Vec::new();
        command.encode(&mut line);
        if let (
            Command::Auth {
                initial_response: part,
                ..
            },
            true,
        ) = (&mut command, line.len() > AUTH_COMMAND_BYTES)
        {
            *part = None;
            self.response = initial_response;
        }
        self.command(&command, Awaited::Auth);
    }

    pub(super) fn auth_line(&mut self, line: &str, awaited: Awaited) {
        debug_assert!(line.bytes().all(|b| b.is_ascii_graphic()), "no base64");
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.awaited.push_back(awaited);
    }

    /// Outside of transactions.
    pub(super) fn take_alone(&mut self, awaited: Awaited, reply: Reply) {
        let done = reply.class() == Class::Completion;
        let event = match awaited {
            Awaited::Greeting => Event::Greeting(reply),
            // who does not know EHLO knows HELO [rfc5321 3.2] [rfc5321 4.1.4]
            Awaited::Hello
                if reply.class() == Class::Permanent && self.protocol == Protocol::Smtp =>
            {
                return self.command(&Command::Helo(self.name.clone()), Awaited::Helo);
            }
            Awaited::Hello | Awaited::Helo => Event::Hello(reply),
            Awaited::StartTls => {
                if done {
                    // what stands behind it came in clear text [rfc3207 4.2]
                    self.state = State::Tls;
                    self.replies.clear();
                }
                Event::StartTls(reply)
            }
            Awaited::Auth if reply.class() == Class::Intermediate => {
                if let Some(response) = self.response.take() {
                    return self.auth_line(&response, Awaited::Auth);
                }
                self.state = State::Challenged;
                let text = reply.lines().first().cloned().unwrap_or_default();
                Event::Challenge(text.into_bytes())
            }
            Awaited::Auth | Awaited::CancelledAuth => {
                self.response = None;
                Event::Auth(reply)
            }
            Awaited::Quit => {
                self.close();
                Event::Quit(reply)
            }
            _ if reply.code() == 421 => Event::Closing(reply),
            // the rest of a transaction that has ended
            _ => return,
        };
        self.events.push_back(event);
    }
}
