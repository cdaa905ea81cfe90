//! Who is on the line. Values only.

use addr::{AddressLiteral, Charset};
use mail::Login;
use std::net::{IpAddr, SocketAddr};

/// What a listener is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Other servers bring mail for us (port 25).
    Exchange,
    /// Our own users send (587, 465): nothing without a login. [rfc6409 4.3]
    Submission,
    /// A program on this machine brings mail for us and asks about each recipient by itself
    /// (LMTP). Trusted to be that program, with nothing else.
    Lmtp,
}

/// How the client said hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Greeting {
    Helo,
    Ehlo,
    Lhlo,
}

/// Who is on the line, as far as it is known.
#[derive(Clone, Debug)]
pub struct Client {
    pub peer: SocketAddr,
    /// The name it gave itself; nobody checked it.
    pub helo: Option<(Greeting, String)>,
    /// What TLS agreed on (`TLSv1.3 TLS_AES_256_GCM_SHA384`); None without TLS.
    pub tls: Option<String>,
    pub login: Option<Login>,
    pub role: Role,
}

impl Client {
    /// The address as it stands in a Received field: `[192.0.2.1]`. [rfc5321 4.1.3]
    pub fn address_literal(&self) -> String {
        match self.peer.ip() {
            IpAddr::V4(ip) => AddressLiteral::V4(ip).to_string(),
            IpAddr::V6(ip) => AddressLiteral::V6(ip).to_string(),
        }
    }

    /// The name of the protocol in a Received field. [rfc3848 2] [rfc6531 4.3]
    pub fn protocol(&self, charset: Charset) -> &'static str {
        let names = match &self.helo {
            Some((Greeting::Ehlo, _)) => &ESMTP,
            Some((Greeting::Lhlo, _)) => &LMTP,
            Some((Greeting::Helo, _)) | None => return "SMTP",
        };
        let row = match charset {
            Charset::Ascii => &names[0],
            Charset::Utf8 => &names[1],
        };
        row[usize::from(self.tls.is_some()) + 2 * usize::from(self.login.is_some())]
    }
}

/// Without anything, with TLS, with a login, with both; below the same with SMTPUTF8.
type Names = [[&'static str; 4]; 2];
const ESMTP: Names = [
    ["ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"],
    ["UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"],
];
const LMTP: Names = [
    ["LMTP", "LMTPS", "LMTPA", "LMTPSA"],
    ["UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_protocol_by_what_was_used() {
        // [rfc3848 2] [rfc6531 4.3]
        let client = |greeting, tls: Option<&str>| Client {
            peer: "[2001:db8::1]:25000".parse().unwrap(),
            helo: Some((greeting, "x".to_owned())),
            tls: tls.map(str::to_owned),
            login: None,
            role: Role::Exchange,
        };
        let tls = Some("TLSv1.3");
        assert_eq!(
            client(Greeting::Helo, None).protocol(Charset::Ascii),
            "SMTP"
        );
        assert_eq!(
            client(Greeting::Ehlo, None).protocol(Charset::Ascii),
            "ESMTP"
        );
        assert_eq!(
            client(Greeting::Ehlo, tls).protocol(Charset::Ascii),
            "ESMTPS"
        );
        assert_eq!(
            client(Greeting::Ehlo, None).protocol(Charset::Utf8),
            "UTF8SMTP"
        );
        assert_eq!(
            client(Greeting::Ehlo, tls).protocol(Charset::Utf8),
            "UTF8SMTPS"
        );
        assert_eq!(
            client(Greeting::Lhlo, None).protocol(Charset::Ascii),
            "LMTP"
        );
        assert_eq!(
            client(Greeting::Lhlo, tls).protocol(Charset::Utf8),
            "UTF8LMTPS"
        );
        assert_eq!(
            client(Greeting::Ehlo, None).address_literal(),
            "[IPv6:2001:db8::1]"
        );
    }
}
