//! Telling a sender that a message could not be taken for some recipients, where nobody waits for an
//! answer: what lies in a folder until it is looked at was handed in by a program that has ended.
//!
//! Who brings mail by a dialogue is refused, and tells his sender himself. What never happens here: a
//! decision whether mail is taken.

use crate::accept::Post;
use crate::confirm::TOKEN_LETTERS;
use crate::dropped::Note;
use crate::envelope::MessageId;
use crate::limits::{RETURNED_HEADER_BYTES, UNREADABLE_LETTERS};
use crate::report::{
    self, Action, Fate, Happened, Named, Reporter, Returned, Said, SenderProof, Subject, Tell,
};
use addr::{Address, Charset, ForwardPath, ReversePath};
use smtp::{MailParameters, RcptParameters, Status};
use store::Fault;
use tally::Metric;

/// A recipient who does not get it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Untaken {
    pub to: Meant,
    pub parameters: RcptParameters,
    pub status: Status,
    /// For people.
    pub why: String,
}

/// Who was meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Meant {
    Path(ForwardPath),
    /// What stood where an address should, in octets that a header may have.
    Unreadable(String),
}

impl Meant {
    /// What a command says behind its verb, cut to a line.
    pub fn unreadable(text: &[u8]) -> Meant {
        let text = String::from_utf8_lossy(text);
        let is_plain = |c: char| c.is_ascii() && !c.is_ascii_control();
        let plain = text.trim().chars().take(UNREADABLE_LETTERS);
        Meant::Unreadable(plain.map(|c| if is_plain(c) { c } else { '?' }).collect())
    }

    fn named(&self) -> Named<'_> {
        match self {
            Meant::Path(path) => Named::Path(path),
            Meant::Unreadable(text) => Named::Unreadable(text),
        }
    }
}

/// The message of which some do not get it.
#[derive(Clone, Copy, Debug)]
pub struct Remains<'a> {
    pub id: &'a MessageId,
    /// Who is told.
    pub sender: &'a ReversePath,
    pub parameters: &'a MailParameters,
    /// How the content begins.
    pub head: &'a [u8],
}

impl Post {
    /// Tells the sender, if he wants to hear of it. The note is written in any case: by the commit of
    /// the report, if there is one.
    pub async fn tell_untaken(
        &self,
        remains: &Remains<'_>,
        untaken: &[Untaken],
        note: &Note,
    ) -> Result<(), Fault> {
        let wants = |one: &&Untaken| {
            let notify = one.parameters.notify.as_ref();
            let tell = report::tell(remains.sender, SenderProof::Known, notify, Happened::Failed);
            matches!(tell, Tell::Sender(_))
        };
        let told: Vec<&Untaken> = untaken.iter().filter(wants).collect();
        let Some(sender) = remains.sender.address().filter(|_| !told.is_empty()) else {
            return self.note(note).await;
        };
        let at = self.inner.clock.now();
        let compose = |place| Ok(self.report_of(remains, sender, &told, place, at));
        let when = (at, remains.parameters.protection);
        match self.report_to(sender, when, Some(note), compose).await? {
            true => {
                for _ in &told {
                    let action = Action::Failed.word();
                    self.tally().count(Metric::Reports, &[action]);
                }
                Ok(())
            }
            false => self.note(note).await,
        }
    }

    fn report_of(
        &self,
        remains: &Remains<'_>,
        sender: &Address,
        told: &[&Untaken],
        place: report::SenderPlace,
        at: net::Time,
    ) -> report::Report {
        let token = self.inner.random.token(TOKEN_LETTERS);
        let postmaster = self.postmaster(sender, place);
        let reporter = Reporter {
            hostname: &self.inner.hostname,
            postmaster: &postmaster,
            at,
            token: &token,
        };
        let end = remains.head.len().min(RETURNED_HEADER_BYTES);
        let id = remains.id.to_string();
        let subject = Subject {
            id: &id,
            sender,
            envid: remains.parameters.envid.as_ref(),
            arrived: at,
            deliver_by: None,
            hold: None,
            header: &remains.head[..end],
        };
        let charset = report::charset(sender, remains.parameters.charset, place);
        let fates = told.iter().map(|one| Fate {
            recipient: one.to.named(),
            original: one.parameters.orcpt.as_ref(),
            action: Action::Failed,
            status: one.status,
            said: Said::Ours(&one.why),
            last_attempt: Some(at),
            retry_until: None,
        });
        let fates: Vec<Fate<'_>> = fates.collect();
        let original = match remains.head[..end].is_ascii() {
            true => Charset::Ascii,
            false => remains.parameters.charset,
        };
        report::compose(
            &reporter,
            &subject,
            &fates,
            Returned::Header,
            charset,
            original,
        )
    }
}
