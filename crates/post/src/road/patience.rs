//! How long another server is waited for.
//!
//! What never happens here: a clock, a connection.

use net::time::Duration;
use smtp::client::Stage;

/// How long a connection may take, and each answer on it. [rfc5321 4.5.3.2]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The RFC has no number; the next host may be faster.
    pub connect: Duration,
    pub greeting: Duration,
    /// To EHLO, MAIL, RCPT and whatever else is said before the content.
    pub reply: Duration,
    /// To DATA.
    pub data: Duration,
    /// For each piece of the content to be taken.
    pub content: Duration,
    /// To the end of the content: who gives up too early sends twice.
    pub content_end: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let of = |stage: Stage| Duration::from_secs(stage.timeout_s());
        Patience {
            connect: Duration::from_secs(30),
            greeting: of(Stage::Greeting),
            reply: of(Stage::Mail),
            data: of(Stage::Data),
            content: of(Stage::Content),
            content_end: of(Stage::ContentEnd),
        }
    }
}

impl Patience {
    /// With the server, where it is now.
    pub(crate) fn at(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Greeting => self.greeting,
            Stage::Hello | Stage::StartTls | Stage::Auth | Stage::Mail | Stage::Rcpt => self.reply,
            Stage::Data => self.data,
            Stage::Content => self.content,
            Stage::ContentEnd => self.content_end,
            // nothing depends on it
            Stage::Quit => Duration::from_secs(stage.timeout_s()).min(self.reply),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_up_earlier_than_the_rfc_says() {
        // [rfc5321 4.5.3.2]
        let usual = Patience::default();
        let minutes = |stage| usual.at(stage).as_secs() / 60;
        use Stage::{Content, ContentEnd, Data, Greeting, Hello, Mail, Rcpt};
        let all = [Greeting, Hello, Mail, Rcpt, Data, Content, ContentEnd];
        assert_eq!(all.map(minutes), [5, 5, 5, 5, 2, 3, 10]);
    }
}
