//! The table of mechanisms, and the channel bindings that some of them use.

use crate::hash::Hash;

/// A mechanism that the server speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mechanism {
    /// RFC 7677
    ScramSha256Plus,
    /// RFC 5802
    ScramSha1Plus,
    /// RFC 7677
    ScramSha256,
    /// RFC 5802
    ScramSha1,
    /// RFC 2195, for on-demand mail relay (RFC 2645) and nothing else
    CramMd5,
    /// RFC 4422 appendix A
    External,
    /// RFC 7628
    OAuthBearer,
    /// Google's form of the same, older and widely used
    XOAuth2,
    /// RFC 4616
    Plain,
    /// draft-murchison-sasl-login, obsolete and widely used
    Login,
}

/// What must be there before a mechanism can lead to a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// A password.
    Password,
    /// Keys of SCRAM, which are kept of each password.
    Keys(Hash),
    /// Keys, and TLS to bind the exchange to.
    KeysAndBinding(Hash),
    /// A key of CRAM-MD5, which is kept only for accounts that ask for it.
    SharedKey,
    /// A certificate that the client showed in the TLS handshake.
    Certificate,
    /// Somebody whose tokens are believed.
    Issuer,
}

/// Who says the first thing of an exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beginner {
    Client,
    Server,
}

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    pub mechanism: Mechanism,
    pub name: &'static str,
    pub needs: Needs,
}

const fn row(mechanism: Mechanism, name: &'static str, needs: Needs) -> Row {
    Row {
        mechanism,
        name,
        needs,
    }
}

/// All mechanisms, in the order in which they are offered: what shows least comes first. Those
/// that show the password or the token come last, and none runs where others can listen
/// [rfc4616 6] [rfc7628 3].
pub const MECHANISMS: &[Row] = &[
    row(
        Mechanism::ScramSha256Plus,
        "SCRAM-SHA-256-PLUS",
        Needs::KeysAndBinding(Hash::Sha256),
    ),
    row(
        Mechanism::ScramSha1Plus,
        "SCRAM-SHA-1-PLUS",
        Needs::KeysAndBinding(Hash::Sha1),
    ),
    row(
        Mechanism::ScramSha256,
        "SCRAM-SHA-256",
        Needs::Keys(Hash::Sha256),
    ),
    row(Mechanism::ScramSha1, "SCRAM-SHA-1", Needs::Keys(Hash::Sha1)),
    row(Mechanism::CramMd5, "CRAM-MD5", Needs::SharedKey),
    row(Mechanism::External, "EXTERNAL", Needs::Certificate),
    row(Mechanism::OAuthBearer, "OAUTHBEARER", Needs::Issuer),
    row(Mechanism::XOAuth2, "XOAUTH2", Needs::Issuer),
    row(Mechanism::Plain, "PLAIN", Needs::Password),
    row(Mechanism::Login, "LOGIN", Needs::Password),
];

impl Mechanism {
    /// In the order in which they are offered.
    pub fn all() -> impl Iterator<Item = Mechanism> {
        MECHANISMS.iter().map(|row| row.mechanism)
    }

    /// By name, in any case: RFC 4422 section 3.1 leaves case to the protocols, and ours ignore it.
    pub fn from_name(name: &[u8]) -> Option<Mechanism> {
        let row = MECHANISMS
            .iter()
            .find(|row| row.name.as_bytes().eq_ignore_ascii_case(name));
        row.map(|row| row.mechanism)
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn needs(self) -> Needs {
        self.row().needs
    }

    /// Where the server begins, there is nothing that a client could say with its command
    /// [rfc4959 3]; protocols differ in whether they let it all the same.
    pub fn begun_by(self) -> Beginner {
        match self {
            Mechanism::Login | Mechanism::CramMd5 => Beginner::Server,
            _ => Beginner::Client,
        }
    }

    fn row(self) -> &'static Row {
        let row = MECHANISMS.iter().find(|row| row.mechanism == self);
        row.expect("because every mechanism has a row, as a test shows")
    }
}

/// What of this TLS connection both ends know and nobody between them can have: the data of each
/// type of channel binding that is there. None at all without TLS.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Bindings {
    /// `tls-exporter` [rfc9266 2]
    pub exporter: Option<Vec<u8>>,
    /// `tls-server-end-point` [rfc5929 4.1]
    pub server_end_point: Option<Vec<u8>>,
}

impl Bindings {
    pub fn is_empty(&self) -> bool {
        self.exporter.is_none() && self.server_end_point.is_none()
    }

    /// The data of the type that a client names.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        match name {
            "tls-exporter" => self.exporter.as_deref(),
            "tls-server-end-point" => self.server_end_point.as_deref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mechanism_has_a_row_and_is_found_by_name_in_any_case() {
        use Mechanism::*;
        let all = [
            ScramSha256Plus,
            ScramSha1Plus,
            ScramSha256,
            ScramSha1,
            CramMd5,
            External,
            OAuthBearer,
            XOAuth2,
            Plain,
            Login,
        ];
        for mechanism in all {
            let lower = mechanism.name().to_lowercase();
            assert_eq!(Mechanism::from_name(lower.as_bytes()), Some(mechanism));
            assert!(mechanism.name().len() <= 20, "RFC 4422 section 3.1");
        }
        assert_eq!(MECHANISMS.len(), all.len());
        assert_eq!(Mechanism::from_name(b"DIGEST-MD5"), None);
        assert_eq!(Mechanism::from_name(b""), None);
    }

    #[test]
    fn what_shows_a_password_or_a_token_is_offered_last() {
        // [rfc4616 6] [rfc7628 3]
        let shows = |row: &Row| matches!(row.needs, Needs::Password | Needs::Issuer);
        let first = MECHANISMS.iter().position(shows).expect("there are some");
        assert!(MECHANISMS[first..].iter().all(shows));
    }
}
