//! `whimbrel try`: a complete server on loopback, from the start to the clean end.
//!
//! What never happens here: listening on anything but 127.0.0.1; `try` takes passwords without TLS.

use crate::arguments::TryArguments;
use crate::doors::Tls;
use crate::instructions;
use crate::listeners::{self, Addresses, Kind, Row};
use crate::log::Hub;
use crate::own_files::{Folder, remove_if_there, write_json};
use crate::ready_file::ReadyFile;
use crate::server::{self, House, Inside, Server};
use crate::settings::{At, Cleartext, Settings};
use crate::signals::Signals;
use crate::{Outcome, accounts};
use mail::WeakPasswords;
use net::{Bounds, TlsServer};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Of each listener. On loopback all connections come from one address, so only their number
/// counts. What they may cost in memory is added up in docs/safety.md.
const CONNECTIONS: Bounds = Bounds {
    total: 20_000,
    per_address: 20_000,
};

/// Names that a program on this machine may know the server by.
const CERTIFICATE_NAMES: &[&str] = &[
    "example.test",
    "mail.example.test",
    "localhost",
    "127.0.0.1",
];

pub async fn run(arguments: TryArguments, hub: Hub) -> Outcome<ExitCode> {
    let mut signals = Signals::listen()?;
    if let Some(file) = &arguments.ready_file {
        remove_if_there(file)?;
    }
    server::allow_many_connections();
    let settings = settings(&arguments)?;
    let bound = listeners::bind(&settings, Vec::new(), advice)?;
    let addresses = Addresses::of(&bound);
    let folder = Folder::make(&arguments.data)?;
    folder.make_drop()?;
    let house = House::open(&folder.store(), &settings).await?;
    let shown = folder.certificate_for(CERTIFICATE_NAMES, &house.clock)?;
    let tls = TlsServer::new(shown).map_err(|error| error.to_string())?;
    let known = accounts::prepare(
        &house.mail,
        &house.admin,
        &folder,
        &house.random,
        &arguments,
    )
    .await?;
    let tls = Tls {
        exchange: tls.clone(),
        logins: tls,
    };
    let inside = Inside {
        data: &arguments.data,
        hub,
    };
    let server = Server::start(house, bound, &tls, &settings, inside).await?;
    if let Some(file) = &arguments.ready_file {
        write_json(file, &ReadyFile::new(&addresses, &known))?;
    }
    print!(
        "{}",
        instructions::text(&arguments.data, &folder.certificate(), &addresses, &known)
    );

    let wish = signals.wish().await;
    tracing::info!(by = wish, "stopping");
    server.end(&mut signals).await;
    if let Some(file) = &arguments.ready_file {
        remove_if_there(file)?;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A server's usual settings, moved to loopback and to ports that nobody needs to be root for.
fn settings(arguments: &TryArguments) -> Outcome<Settings> {
    let mut settings = Settings::new(accounts::DOMAIN);
    settings.cleartext = Cleartext::Always;
    // Nothing leaves this machine by accident.
    settings.sending.is_on = arguments.smarthost.is_some();
    settings.sending.smarthost = arguments.smarthost.clone();
    // Only this machine can come, and passwords of tests are short.
    settings.mail.weak_passwords = WeakPasswords::Allowed;
    // In full, so that what is printed holds in every folder.
    settings.process.data = absolute(&arguments.data)?;
    for listen in &mut settings.listen {
        listen.bounds = CONNECTIONS;
        let usual = match arguments.any_port {
            true => 0,
            false => listeners::row(listen.kind).try_port,
        };
        let loopback = |port| At::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let at = match (
            arguments.ports.of(listen.kind),
            &arguments.ports.lmtp_socket,
        ) {
            (Some(port), _) => loopback(port),
            (None, Some(path)) if listen.kind == Kind::Lmtp => At::Unix(absolute(path)?),
            // In the data folder, as usual.
            (None, _) if listen.kind == Kind::Submit => continue,
            (None, None) if listen.kind == Kind::Lmtp => continue,
            (None, _) => loopback(usual),
        };
        listen.addresses = vec![at];
    }
    Ok(settings)
}

fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What to do when a port cannot be had.
pub fn advice(row: &Row) -> String {
    let name = row.name;
    if row.kind == Kind::Lmtp {
        return "choose another place with --lmtp-socket PATH, such as \
                $XDG_RUNTIME_DIR/whimbrel-lmtp, or a port with --lmtp-port PORT"
            .to_owned();
    }
    if row.kind == Kind::Submit {
        return "choose another folder with --data DIR".to_owned();
    }
    format!("choose another port with --{name}-port PORT, or let --any-port pick free ones for all")
}
