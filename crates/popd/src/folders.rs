//! The folders of one login: the one that is selected, and those that wait for QUIT.
//!
//! A session begins in one mailbox; only POP4 leaves it. That one, and INBOX, keep their numbers for
//! the session [rfc1939]; another folder is looked at anew when it is selected, unless messages
//! are marked in it. Never here: wire words, and what the mailboxes hold.

use crate::Expire;
use crate::limits::MARKED_FOLDERS;
use crate::maildrop::{Maildrop, Totals, Whose};
use crate::reply::{self, Refused};
use crate::session::Speech;
use crate::text::Text;
use mail::{Account, Login, MailboxId, MailboxInfo, MailboxName};
use net::Time;
use pop::pop4::Folder;

pub(crate) struct Folders {
    account: Account,
    login: Login,
    /// The user of a host whose messages alone are shown.
    user: Option<String>,
    selected: Maildrop,
    /// Not selected now: INBOX, where the session began, and folders with marks.
    waiting: Vec<Maildrop>,
    /// Where the session began.
    home: MailboxId,
    speech: Speech,
    now: Time,
    session: u64,
}

impl Folders {
    /// With INBOX selected, or what the login named.
    pub async fn open(
        (account, login): (Account, Login),
        Named { user, folder }: Named,
        speech: Speech,
        (now, session): (Time, u64),
    ) -> Result<Folders, Refused> {
        let home = match &folder {
            Some(name) => MailboxName::try_from(name.as_str()),
            None => Ok(MailboxName::inbox()),
        };
        let home = home.map_err(|_| Refused::new(Text::FolderName))?;
        let opened = Maildrop::open(&account, &home, speech, whose(&user), (now, session));
        let selected = opened.await?;
        Ok(Folders {
            account,
            login,
            user,
            home: selected.id(),
            selected,
            waiting: Vec::new(),
            speech,
            now,
            session,
        })
    }

    pub fn selected(&mut self) -> &mut Maildrop {
        &mut self.selected
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Who has logged in.
    pub fn login(&self) -> &Login {
        &self.login
    }

    /// A mailbox of this account.
    pub fn find(&self, name: &MailboxName) -> Result<MailboxInfo, Refused> {
        let found = self.account.mailbox(name);
        found
            .map_err(|fault| reply::fault(&fault, self.session))?
            .ok_or_else(|| Refused::new(Text::NoSuchFolder))
    }

    /// A mailbox that can hold messages.
    pub fn find_open(&self, name: &MailboxName) -> Result<MailboxInfo, Refused> {
        let info = self.find(name)?;
        match info.selectable {
            true => Ok(info),
            false => Err(Refused::new(Text::FolderIsNameOnly)),
        }
    }

    /// What the selected folder is called now.
    pub fn selected_name(&self) -> Result<MailboxName, Refused> {
        let all = self.account.mailboxes();
        let all = all.map_err(|fault| reply::fault(&fault, self.session))?;
        let found = all.into_iter().find(|info| info.id == self.selected.id());
        found
            .map(|info| info.name)
            .ok_or_else(|| Refused::new(Text::FolderGone))
    }

    /// SFLD
    pub async fn select(&mut self, name: &MailboxName) -> Result<Totals, Refused> {
        let info = self.find_open(name)?;
        let keeps = self.keeps(&self.selected);
        if keeps && info.id == self.selected.id() {
            return self.selected.totals();
        }
        let waits = self.waiting.iter().position(|drop| drop.id() == info.id);
        let mut next = match waits {
            Some(at) => self.waiting.swap_remove(at),
            None if keeps && self.waiting.len() >= MARKED_FOLDERS => {
                return Err(Refused::new(Text::TooManyMarked));
            }
            None => {
                let when = (self.now, self.session);
                Maildrop::open(&self.account, name, self.speech, whose(&self.user), when).await?
            }
        };
        let totals = next.totals();
        let last = std::mem::replace(&mut self.selected, next);
        if keeps {
            self.waiting.push(last);
        }
        totals
    }

    fn keeps(&self, maildrop: &Maildrop) -> bool {
        maildrop.is_inbox() || maildrop.has_marks() || maildrop.id() == self.home
    }

    /// Takes all marks off, in all folders.
    pub fn unmark_all(&mut self) {
        self.selected.unmark_all();
        self.waiting.iter_mut().for_each(Maildrop::unmark_all);
        let home = self.home;
        self.waiting
            .retain(|drop| drop.is_inbox() || drop.id() == home);
    }

    /// The UPDATE state, in all folders: removes what is marked, and in INBOX what has expired;
    /// durable when this returns [rfc1939 6].
    pub async fn update(self, expire: Expire) -> Result<u64, Refused> {
        let (mut removed, mut refused) = (0, None);
        for maildrop in self.waiting.into_iter().chain([self.selected]) {
            let expire = match maildrop.is_inbox() {
                true => expire,
                false => Expire::Never,
            };
            match maildrop.update(expire).await {
                Ok(count) => removed += count,
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(refused) => Err(refused),
            None => Ok(removed),
        }
    }
}

/// What a login name says beyond the account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The user of a host whose messages alone are shown, in lower case.
    pub user: Option<String>,
    /// The mailbox in which the session begins.
    pub folder: Option<String>,
}

/// `user/folder`: the name to log in by, and the mailbox. Behind an `@` there is a domain, which has no
/// `/`; a bare name ends at the first one.
pub(crate) fn split_folder(name: &str) -> (&str, Option<&str>) {
    let from = name.rfind('@').unwrap_or(0);
    match name[from..].find('/') {
        Some(at) => (&name[..from + at], Some(&name[from + at + 1..])),
        None => (name, None),
    }
}

fn whose(user: &Option<String>) -> Whose<'_> {
    user.as_deref().map_or(Whose::Everybody, Whose::User)
}

/// The mailbox of a folder's name. A `/` within a level is in no name here.
pub(crate) fn mailbox_name(folder: &Folder) -> Result<MailboxName, Refused> {
    let impossible = || Refused::new(Text::FolderName);
    if folder.levels().iter().any(|level| level.contains('/')) {
        return Err(impossible());
    }
    let name = folder.levels().join("/");
    MailboxName::try_from(name.as_str()).map_err(|_| impossible())
}

/// A mailbox as POP4 names it.
pub(crate) fn folder_of(name: &MailboxName) -> String {
    let folder = Folder::of(name.spelling().split(MailboxName::SEPARATOR));
    folder.map_or_else(String::new, |folder| folder.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_behind_the_name() {
        for (name, expect) in [
            ("alice", ("alice", None)),
            ("alice/Work/New", ("alice", Some("Work/New"))),
            (
                "alice@example.test/Work",
                ("alice@example.test", Some("Work")),
            ),
            ("a/b@example.test", ("a/b@example.test", None)),
            ("a/b@example.test/c@d", ("a/b@example.test/c@d", None)),
            ("fred@xyz/Sent", ("fred@xyz", Some("Sent"))),
            ("alice/", ("alice", Some(""))),
        ] {
            assert_eq!(split_folder(name), expect, "{name}");
        }
    }

    #[test]
    fn names_go_both_ways_and_a_slash_within_a_level_is_none() {
        let folder = |levels: &[&str]| Folder::of(levels.iter().copied()).unwrap();
        let name = mailbox_name(&folder(&["inbox", "To do"])).unwrap();
        assert_eq!(name.as_str(), "INBOX/To do");
        assert_eq!(folder_of(&name), "INBOX/To%20do");
        assert!(mailbox_name(&folder(&["a/b"])).is_err());
        assert!(mailbox_name(&folder(&["a\n"])).is_err());
    }
}
