//! The sessions that run, and their end.
//!
//! What never happens here: the goodbye itself; each door says its own.

use super::{Answered, Office, done, not_running};
use crate::admin::measure;
use crate::admin::request::{self, Answer, Kind, Refused};
use net::{SessionInfo, Sessions};

impl Office {
    fn running(&self) -> Result<&Sessions, Refused> {
        self.sessions.as_ref().ok_or_else(not_running)
    }

    pub(super) fn session_list(&self, account: Option<&str>) -> Answered {
        let sessions = self.running()?;
        let account = account.map(|text| self.found(text)).transpose()?;
        let account = account.map(|(_, address)| address.to_string());
        let is_wanted = |info: &SessionInfo| account.is_none() || info.account == account;
        let now = self.mail.clock().now();
        let list = sessions.list();
        let wanted = list.iter().filter(|info| is_wanted(info));
        let shown = wanted.map(|info| {
            let age_s = info.age.as_secs();
            let since = now
                .seconds()
                .saturating_sub(i64::try_from(age_s).unwrap_or(i64::MAX));
            request::Session {
                id: info.id,
                listener: info.listener.to_owned(),
                peer: info.peer.to_string(),
                account: info.account.clone(),
                since: measure::date(net::Time::from_seconds(since)),
                age_s,
                tls: info
                    .tls
                    .as_ref()
                    .map(|tls| format!("{} {}", tls.version, tls.cipher)),
                bytes_in: info.bytes_in,
                bytes_out: info.bytes_out,
                commands: info.commands,
            }
        });
        Ok(Answer::Sessions(shown.collect()))
    }

    pub(super) fn session_end(&self, id: u64) -> Answered {
        if self.running()?.end(id) {
            return done([format!("session {id} was told to end")]);
        }
        let text =
            format!("there is no session {id}; `whimbrel session list` shows those that run");
        Err(Refused::new(Kind::NotFound, text))
    }

    pub(super) fn session_end_all(&self, account: &str) -> Answered {
        self.running()?;
        let (_, address) = self.found(account)?;
        let address = address.to_string();
        let nobody = format!("{address} has no session");
        done([self.end_sessions_of(&address).unwrap_or(nobody)])
    }

    /// Says what was done, if anything was.
    pub(super) fn end_sessions_of(&self, address: &str) -> Option<String> {
        let ended = self.sessions.as_ref()?.end_account(address);
        match ended.len() {
            0 => None,
            1 => Some(format!("1 session of {address} was told to end")),
            many => Some(format!("{many} sessions of {address} were told to end")),
        }
    }
}
