//! `whimbrel try`: a complete server on loopback, from the start to the clean end.
//!
//! What never happens here: listening on anything but 127.0.0.1; `try` takes passwords without TLS.

use crate::doors::Doors;
use crate::instructions;
use crate::listeners::{self, Addresses};
use crate::ready_file::ReadyFile;
use crate::settings::TryArguments;
use crate::signals::Signals;
use crate::try_files::{Folder, remove_if_there, write_json};
use crate::{Outcome, accounts};
use mail::{Admin, Mail, MailSettings};
use net::{Clock, Random, Stop};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;
use std::time::Duration;
use store::{Db, Files};

/// All in all a stop takes less than two seconds.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(400);

pub async fn run(arguments: TryArguments) -> Outcome<ExitCode> {
    let mut signals = Signals::listen()?;
    if let Some(file) = &arguments.ready_file {
        remove_if_there(file)?;
    }
    allow_many_connections();
    let bound = listeners::bind(&arguments).await?;
    let addresses = Addresses::of(&bound);
    let (clock, random) = (Clock::system(), Random::system());
    let folder = Folder::make(&arguments.data)?;
    let db = open_store(&folder)?;
    let admin = Admin::owner_of(&db);
    let mail = Mail::open(
        db.clone(),
        clock.clone(),
        random.clone(),
        MailSettings::default(),
    );
    let mail = mail.await.map_err(|fault| fault.to_string())?;
    let tls = folder.tls(&clock)?;
    let known = accounts::prepare(&mail, &admin, &folder, &random, &arguments).await?;

    let stop = Stop::new();
    let doors = Doors::open(bound, &mail, &clock, &random, &tls, &stop);
    let upkeep = {
        let (mail, stop) = (mail.clone(), stop.clone());
        tokio::spawn(async move { mail.upkeep(stop).await })
    };
    if let Some(file) = &arguments.ready_file {
        write_json(file, &ReadyFile::new(&addresses, &known))?;
    }
    print!(
        "{}",
        instructions::text(&arguments.data, &folder.certificate(), &addresses, &known)
    );

    let wish = signals.wish().await;
    tracing::info!(by = wish, "stopping");
    stop.stop();
    tokio::select! {
        biased;
        () = doors.closed() => {}
        _ = signals.wish() => tracing::warn!("stopping at once"),
    }
    upkeep.abort();
    if tokio::time::timeout(CLOSE_TIMEOUT, db.close())
        .await
        .is_err()
    {
        // Nothing is lost: what was acknowledged is in the log.
        tracing::warn!("the store did not close in time");
    }
    if let Some(file) = &arguments.ready_file {
        remove_if_there(file)?;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

fn open_store(folder: &Folder) -> Outcome<Db> {
    let files = Files::real(folder.store()).map_err(|error| error.to_string())?;
    let db = Db::open(files, store::Settings::default()).map_err(|error| error.to_string())?;
    let report = db.open_report();
    for damage in &report.damage {
        tracing::error!(%damage, "the data folder is damaged; run `whimbrel verify`");
    }
    if report.torn_tail_bytes > 0 {
        let bytes = report.torn_tail_bytes;
        tracing::info!(bytes, "left out a last commit that was never acknowledged");
    }
    Ok(db)
}

/// Every connection needs a file descriptor, and the usual soft limit of 1,024 is soon reached.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the number of open files");
    }
}
