//! `whimbrel serve`: a server as its settings say, from the first port to the clean end.
//!
//! Ports and keys first, as whoever started it; then root is given up; then threads, the store, the
//! doors. What never happens here: a setting's name (see `settings::table`), going on as root.

use crate::arguments::ServeArguments;
use crate::certificates::{self, Pem};
use crate::doors::Tls;
use crate::listeners::{self, Addresses, Bound, Kind, Row};
use crate::log::Log;
use crate::logins::Logins;
use crate::own_files::{self, Folder};
use crate::privileges::NewPrivileges;
use crate::sending::Renewal;
use crate::server::{self, House, Inside, Server};
use crate::settings::table::Taken;
use crate::settings::{At, Settings};
use crate::settings_file::SettingsFile;
use crate::signals::{Hangups, Signals};
use crate::{Outcome, log, privileges, service_manager};
use net::time::{Duration, sleep};
use net::{Certificates, Clock, TlsServer};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How often certificate files are looked at without being asked to.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(3_600);

pub fn run(arguments: &ServeArguments) -> Outcome<ExitCode> {
    let file = SettingsFile::find(arguments.config.as_deref())?;
    let settings = file.read()?;
    let log = log::start(&settings.process.log_level, settings.process.log_format)?;
    file.say_which();
    server::allow_many_connections();
    let bound = listeners::bind(&settings, service_manager::given()?, advice)?;
    let pem = Pem::read(&settings.certificates)?;
    let logins = Logins::read(&settings)?;
    let new_privileges = new_privileges(&settings);
    privileges::give_up(&settings.process, &sockets(&settings), new_privileges)?;
    let start = Start {
        file,
        settings,
        log,
        bound,
        pem,
        logins,
    };
    let ready_file = arguments.ready_file.as_deref();
    crate::in_runtime(async move { start.serve(ready_file).await })
}

/// Only `uux` needs any.
fn new_privileges(settings: &Settings) -> NewPrivileges {
    match settings.road.routes.iter().any(|row| row.form.is_some()) {
        true => NewPrivileges::ForUux,
        false => NewPrivileges::Forbidden,
    }
}

/// What to do when a port cannot be had.
fn advice(row: &Row) -> String {
    let name = row.name;
    format!("change the setting `listen.{name}.addresses`; `[]` is nowhere")
}

/// Folders of Unix sockets outside the data folder.
fn sockets(settings: &Settings) -> Vec<PathBuf> {
    let addresses = settings.listen.iter().flat_map(|listen| &listen.addresses);
    let folders = addresses.filter_map(|at| match at {
        At::Unix(path) => settings.socket(path).parent().map(Path::to_owned),
        At::Tcp(_) => None,
    });
    let data = &settings.process.data;
    folders.filter(|folder| folder != data).collect()
}

/// Everything that was gathered with the rights of whoever started the server.
struct Start {
    file: SettingsFile,
    settings: Settings,
    log: Log,
    bound: Vec<Bound>,
    pem: Pem,
    logins: Logins,
}

impl Start {
    async fn serve(self, ready_file: Option<&Path>) -> Outcome<ExitCode> {
        let (mut signals, mut hangups) = (Signals::listen()?, Hangups::listen()?);
        if let Some(file) = ready_file {
            own_files::remove_if_there(file)?;
        }
        let mut settings = self.settings;
        settings.mail.issuer = self.logins.issuer.clone();
        let folder = Folder::make_for_users(&settings.process.data)?;
        let shown = shown(&self.pem, &folder, &settings)?;
        let tls = TlsServer::new(shown).map_err(|error| error.to_string())?;
        let both = Tls {
            exchange: tls.clone(),
            logins: self.logins.tls(&tls)?,
        };
        folder.make_drop()?;
        let house = House::open(&folder.store(), &settings).await?;
        say_what_is_missing(&house, &settings)?;
        let addresses = Addresses::of(&self.bound);
        let inside = Inside {
            data: &settings.process.data,
            hub: self.log.hub(),
        };
        let server = Server::start(house, self.bound, &both, &settings, inside).await?;
        let mut running = Running {
            file: self.file,
            settings,
            log: self.log,
            pem: self.pem,
            folder,
            tls,
            server,
            hands_over: addresses.first(Kind::Odmr).is_some(),
        };
        if let Some(file) = ready_file {
            own_files::write_json(file, &ReadyFile::new(&addresses))?;
        }
        running.say_ready(&addresses);
        let wish = running.until_wish(&mut signals, &mut hangups).await;
        tracing::info!(by = wish, "stopping");
        service_manager::tell_stopping();
        running.server.end(&mut signals).await;
        if let Some(file) = ready_file {
            own_files::remove_if_there(file)?;
        }
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// A server that serves, with what a reload needs.
struct Running {
    file: SettingsFile,
    settings: Settings,
    log: Log,
    pem: Pem,
    folder: Folder,
    tls: TlsServer,
    server: Server,
    /// Whether a port is open where customers pick up their mail.
    hands_over: bool,
}

impl Running {
    fn say_ready(&self, addresses: &Addresses) {
        for (row, at) in addresses.iter() {
            tracing::info!(%at, "serving {}", row.title);
        }
        let hostname = &self.settings.hostname;
        tracing::info!(version = env!("CARGO_PKG_VERSION"), hostname, "ready");
        self.say_what_is_forbidden();
        service_manager::tell_ready(&format!("serving as {hostname}"));
    }

    async fn until_wish(&mut self, signals: &mut Signals, hangups: &mut Hangups) -> &'static str {
        loop {
            tokio::select! {
                biased;
                wish = signals.wish() => return wish,
                () = hangups.next() => {
                    service_manager::tell_reloading();
                    match self.reload() {
                        Ok(()) => tracing::info!("reloaded"),
                        Err(reason) => {
                            for line in reason.lines() {
                                tracing::error!("{line}");
                            }
                            tracing::error!("not reloaded: everything stays as it was");
                        }
                    }
                    let hostname = &self.settings.hostname;
                    service_manager::tell_ready(&format!("serving as {hostname}"));
                }
                () = sleep(CERTIFICATE_LOOK) => self.look_at_certificates(),
            }
        }
    }

    /// All that can be refused is looked at before anything is changed.
    fn reload(&mut self) -> Outcome<()> {
        let wanted = self.file.read()?;
        let (settings, changes) = taken(&self.settings, &wanted);
        let renewal = Renewal::of(&settings)?;
        let pem = match Pem::read(&settings.certificates) {
            Ok(pem) => Some(pem),
            // Keys that only root may read were read before root was given up.
            Err(error) if settings.certificates == self.settings.certificates => {
                tracing::warn!("keeping the certificates that are shown: {error}");
                None
            }
            Err(error) => return Err(error),
        };
        let pem = pem.filter(|pem| *pem != self.pem);
        let shown = match &pem {
            Some(pem) => Some(shown(pem, &self.folder, &settings)?),
            None => None,
        };
        self.log.set_level(&settings.process.log_level)?;
        if let (Some(pem), Some(shown)) = (pem, shown) {
            tracing::info!("showing other certificates");
            self.tls.show(shown);
            self.pem = pem;
        }
        self.server.doors.renew(&self.server.house, &settings);
        self.server.sending.renew(renewal);
        self.settings = settings;
        self.say_what_is_closed();
        self.say_what_is_forbidden();
        for change in changes {
            let Change {
                name,
                from,
                to,
                taken,
            } = change;
            match taken {
                Taken::AtReload => tracing::info!("changed {name} from {from} to {to}"),
                Taken::AtRestart => {
                    tracing::warn!("{name} is {from} until a restart; the file has {to}");
                }
            }
        }
        Ok(())
    }

    /// Ports are opened only at the start.
    fn say_what_is_closed(&self) {
        let is_wanted = !self.settings.listen(Kind::Odmr).addresses.is_empty();
        if self.settings.road.is_picked_up() && is_wanted && !self.hands_over {
            tracing::warn!(
                "customers pick up their mail at a port that opens at a restart: `listen.odmr.addresses`"
            );
        }
    }

    /// What was given up at the start, or is kept from us by whoever started us, is gone for good.
    fn say_what_is_forbidden(&self) {
        let given = privileges::new_privileges();
        if new_privileges(&self.settings) == NewPrivileges::ForUux && given != NewPrivileges::ForUux
        {
            tracing::warn!(
                "`uux` cannot become the user `uucp` here, so what `road.route` gives it may fail: start \
                 again with the route in the file, and with a unit that allows it (docs/uucp.md)"
            );
        }
    }

    fn look_at_certificates(&mut self) {
        match certificates::look_again(&mut self.pem, &self.tls) {
            Ok(true) => tracing::info!("the certificate files changed; showing the new ones"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "keeping the certificates that are shown"),
        }
    }
}

/// A setting that is another in the file now.
#[derive(PartialEq, Eq, Debug)]
struct Change {
    name: String,
    from: String,
    to: String,
    taken: Taken,
}

/// What holds after a reload, and what changed.
fn taken(now: &Settings, wanted: &Settings) -> (Settings, Vec<Change>) {
    let mut after = now.clone();
    let mut changes = Vec::new();
    for row in crate::settings::table::rows() {
        let (from, to) = (row.show(now), row.show(wanted));
        if from == to {
            continue;
        }
        if row.taken == Taken::AtReload {
            row.copy(wanted, &mut after);
        }
        changes.push(Change {
            name: row.name,
            from,
            to,
            taken: row.taken,
        });
    }
    (after, changes)
}

/// The certificates of the settings, or the self-made one.
fn shown(pem: &Pem, folder: &Folder, settings: &Settings) -> Outcome<Certificates> {
    if let Some(certificates) = pem.certificates()? {
        return Ok(certificates);
    }
    tracing::warn!(
        file = %folder.certificate().display(),
        "no certificate is set, so a self-signed one is shown and mail programs will complain; \
         see `tls.certificate` in docs/settings.md"
    );
    folder.certificate_for(&[&settings.hostname], &Clock::system())
}

/// A server without these runs, but not as its owner means it to.
fn say_what_is_missing(house: &House, settings: &Settings) -> Outcome<()> {
    let domains = house.mail.directory().domains(&house.admin);
    if domains.map_err(|fault| fault.to_string())?.is_empty() {
        tracing::warn!(
            "there is no domain yet, so no mail is taken for anybody: `whimbrel domain add`"
        );
    }
    if !settings.hostname.contains('.') {
        tracing::warn!(
            hostname = settings.hostname,
            "the hostname has no domain; other servers want a full name: set `hostname`"
        );
    }
    Ok(())
}

#[derive(Serialize)]
struct ReadyFile {
    listeners: BTreeMap<&'static str, Vec<String>>,
    pid: u32,
}

impl ReadyFile {
    fn new(addresses: &Addresses) -> ReadyFile {
        let mut listeners: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (row, at) in addresses.iter() {
            listeners.entry(row.name).or_default().push(at.to_string());
        }
        ReadyFile {
            listeners,
            pid: std::process::id(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_takes_what_it_can_and_tells_what_must_wait() {
        let now = Settings::new("mail.example.org");
        let mut wanted = now.clone();
        wanted.imap.autologout_s = 3_600;
        wanted.store.cache_bytes = 1 << 30;
        wanted.listen[0].bounds.per_address = 3;
        let (after, changes) = taken(&now, &wanted);
        assert_eq!(after.imap.autologout_s, 3_600);
        assert_eq!(after.listen[0].bounds.per_address, 3);
        assert_eq!(after.store.cache_bytes, now.store.cache_bytes);
        let told: Vec<_> = changes.iter().map(|c| (c.name.as_str(), c.taken)).collect();
        assert_eq!(
            told,
            [
                ("listen.smtp.connections_per_address", Taken::AtReload),
                ("imap.autologout", Taken::AtReload),
                ("store.cache", Taken::AtRestart),
            ]
        );
        assert_eq!(
            (changes[1].from.as_str(), changes[1].to.as_str()),
            ("\"30 min\"", "\"1 h\"")
        );
    }
}
