//! The whole run: targets are started, groups of rows follow each other, the report is written.
//!
//! Never here: what a row does.

mod machine;

use crate::Outcome;
use crate::report::{Report, Setting};
use crate::target::{Kind, Peer, Target};
use crate::work::sending::Around;
use crate::work::{self, Length, Plan};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Args)]
pub struct RunArguments {
    /// Only these groups of rows.
    rows: Vec<String>,
    /// The peers' folder, as `install` made it.
    #[arg(long, default_value = crate::PEERS)]
    peers: PathBuf,
    /// A quarter of an hour: one round of each row, smaller mailboxes.
    #[arg(long)]
    quick: bool,
    /// Only to see that everything works; the figures say nothing.
    #[arg(long, conflicts_with = "quick")]
    moment: bool,
    /// Rounds of each row, instead of at least three and more where they scatter; the median is told.
    #[arg(long)]
    rounds: Option<usize>,
    /// Where the tables go; plots go into a folder of that name beside it.
    #[arg(long, value_name = "FILE", default_value = "benchmarks.md")]
    out: PathBuf,
    /// Where they go instead after a whole run beside peers.
    #[arg(long, value_name = "FILE", hide = true)]
    document: Option<PathBuf>,
    /// Whimbrel's release build; what lies beside this program if not said.
    #[arg(long, value_name = "FILE")]
    whimbrel: Option<PathBuf>,
    /// Where Whimbrel keeps its data meanwhile; on the peers' disk if not said.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Whimbrel and the limits only.
    #[arg(long)]
    alone: bool,
}

#[derive(clap::Args)]
pub struct PeerArguments {
    /// `maildir`, `mdbox` or `cyrus`.
    name: String,
    /// The peers' folder, as `install` made it.
    #[arg(long, default_value = crate::PEERS)]
    peers: PathBuf,
}

/// One peer to look at by hand; its mail is emptied first.
pub async fn peer(arguments: PeerArguments) -> Outcome<()> {
    let mut all = Peer::installed(&arguments.peers).into_iter();
    let peer = all.find(|peer| peer.product().folder() == arguments.name);
    let peer = peer.ok_or_else(|| format!("no peer {} is installed", arguments.name))?;
    let target = Target::peer(peer)?;
    println!("{}: {}", target.name, target.version());
    println!(
        "SMTP {}, IMAP {}, POP3 {}",
        target.smtp, target.imap, target.pop
    );
    let (user, password) = target.login(1);
    println!("{}: login {user}, password {password}", target.address(1));
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| error.to_string())
}

/// A group of rows.
struct Group {
    name: &'static str,
    /// Whether the null server takes part.
    null: WithNull,
    /// Minutes that a full run takes, roughly: for Whimbrel and the limits, and for each peer.
    minutes: (f64, f64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WithNull {
    Yes,
    No,
}

/// In the order in which they run: `download`, `reading` and `start` use the same mailboxes.
const GROUPS: &[Group] = &[
    Group {
        name: "limits",
        null: WithNull::No,
        minutes: (0.2, 0.0),
    },
    Group {
        name: "delivery",
        null: WithNull::Yes,
        minutes: (2.0, 3.5),
    },
    Group {
        name: "append",
        null: WithNull::Yes,
        minutes: (0.5, 0.5),
    },
    Group {
        name: "sending",
        null: WithNull::No,
        minutes: (0.3, 0.2),
    },
    Group {
        name: "mixed",
        null: WithNull::Yes,
        minutes: (0.2, 0.3),
    },
    Group {
        name: "download",
        null: WithNull::No,
        minutes: (0.2, 0.3),
    },
    Group {
        name: "reading",
        null: WithNull::No,
        minutes: (3.0, 1.5),
    },
    Group {
        name: "start",
        null: WithNull::No,
        minutes: (0.5, 0.5),
    },
    Group {
        name: "idle",
        null: WithNull::No,
        minutes: (2.0, 4.0),
    },
    Group {
        name: "disk",
        null: WithNull::No,
        minutes: (0.5, 1.2),
    },
];

impl Group {
    fn expected(&self, plan: &Plan, targets: &[Target]) -> Duration {
        let peers = targets.iter().filter(|target| target.kind == Kind::Peer);
        let minutes = self.minutes.0 + self.minutes.1 * peers.count() as f64;
        let rounds = plan.rounds.least as f64 / 3.0;
        let part = plan.pick(rounds.max(0.6), 0.3, 0.01);
        Duration::from_secs_f64(minutes * 60.0 * part)
    }
}

async fn work(
    name: &str,
    around: &Around<'_>,
    targets: &mut [Target],
    plan: &Plan,
    report: &mut Report,
) -> Outcome<()> {
    match name {
        // Postfix sends the same way whatever stands behind it: the first of the peers does it for all.
        "sending" => {
            let some = targets.len().min(2);
            work::sending::run(&mut targets[..some], plan, report, around).await
        }
        "limits" => work::limits::run(targets, plan, report).await,
        "delivery" => work::delivery::run(targets, plan, report).await,
        "append" => work::append::run(targets, plan, report).await,
        "mixed" => work::mixed::run(targets, plan, report).await,
        "reading" => work::reading::run(targets, plan, report).await,
        "download" => work::download::run(targets, plan, report).await,
        "idle" => work::idle::run(targets, plan, report).await,
        "start" => work::start::run(targets, plan, report).await,
        "disk" => work::disk::run(targets, plan, report).await,
        other => Err(format!("no rows {other}")),
    }
}

/// Runs until the end, Ctrl-C or another wish to end; either way no server is left behind.
pub async fn run(arguments: RunArguments) -> Outcome<()> {
    tokio::select! {
        biased;
        asked = asked_to_end() => Err(asked.map_or_else(|error| error, |()| "stopped".to_owned())),
        outcome = all(&arguments) => outcome,
    }
}

async fn asked_to_end() -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error: std::io::Error| error.to_string());
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

async fn all(arguments: &RunArguments) -> Outcome<()> {
    let groups = groups(&arguments.rows)?;
    let length = match (arguments.quick, arguments.moment) {
        (true, _) => Length::Quick,
        (_, true) => Length::Moment,
        _ => Length::Full,
    };
    allow_many_connections();
    let folder = folder(arguments)?;
    let plan = Plan::new(length, arguments.rounds, folder.path().to_owned());
    let mut failed = Vec::new();
    let binary = binary(arguments)?;
    let mut targets = targets(arguments, &binary, folder.path(), &mut failed)?;
    let around = Around {
        peers: &arguments.peers,
        whimbrel: &binary,
    };
    say_duration(&groups, &plan, &targets);
    let setting = machine::setting(&plan, &targets);
    let mut report = Report::new();
    for (number, group) in groups.into_iter().enumerate() {
        plan.progress.group(number);
        println!("[{}] {}", plan.progress, group.name);
        let count = match group.null {
            WithNull::Yes => targets.len(),
            // It is the last one.
            WithNull::No => targets.len() - 1,
        };
        let some = &mut targets[..count];
        let outcome = work(group.name, &around, some, &plan, &mut report).await;
        if let Err(error) = outcome {
            println!("  FAILED: {error}");
            failed.push(format!("{}: {error}", group.name));
        }
        // What is known is kept, should the run be stopped.
        write(&report, &setting, &arguments.out)?;
    }
    let has_peers = targets.iter().any(|target| target.kind == Kind::Peer);
    let is_whole = length == Length::Full && arguments.rows.is_empty() && has_peers;
    if let (Some(document), true) = (&arguments.document, is_whole) {
        write(&report, &setting, document)?;
        println!("written: {}", document.display());
    } else {
        println!("written: {}", arguments.out.display());
    }
    println!("{:.0} s", plan.progress.so_far().as_secs_f64());
    match failed.is_empty() && report.is_whole() {
        true => Ok(()),
        false => Err(format!("not all rows were measured: {}", failed.join("; "))),
    }
}

fn groups(names: &[String]) -> Outcome<Vec<&'static Group>> {
    let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no rows {name}; there are {}", known.join(", ")));
    }
    let wanted = |group: &&Group| names.is_empty() || names.iter().any(|name| name == group.name);
    Ok(GROUPS.iter().filter(wanted).collect())
}

/// Where Whimbrel keeps its data: on the disk of the peers, so that all write to the same one.
fn folder(arguments: &RunArguments) -> Outcome<tempfile::TempDir> {
    let parent = match &arguments.folder {
        Some(folder) => folder.clone(),
        None if arguments.peers.is_dir() => arguments.peers.clone(),
        None => std::env::current_dir().map_err(|error| error.to_string())?,
    };
    let made = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&parent);
    made.map_err(|error| format!("{}: {error}", parent.display()))
}

/// Whimbrel's release build.
fn binary(arguments: &RunArguments) -> Outcome<PathBuf> {
    match &arguments.whimbrel {
        Some(path) => Ok(path.clone()),
        None => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            Ok(own.with_file_name("whimbrel"))
        }
    }
}

/// Whimbrel first, the null server last; a peer that does not start is left out.
fn targets(
    arguments: &RunArguments,
    binary: &Path,
    folder: &Path,
    failed: &mut Vec<String>,
) -> Outcome<Vec<Target>> {
    let mut targets = vec![Target::whimbrel(binary, folder)?];
    for peer in peers(arguments) {
        let name = peer.product().name();
        println!("starting {name}");
        match Target::peer(peer) {
            Ok(target) => targets.push(target),
            Err(error) => failed.push(format!("{name} does not start: {error}")),
        }
    }
    targets.push(Target::null()?);
    Ok(targets)
}

/// Those that are installed, if they can be used; said otherwise.
fn peers(arguments: &RunArguments) -> Vec<Peer> {
    let folder = arguments.peers.display();
    let installed = Peer::installed(&arguments.peers);
    let missing = match (arguments.alone, installed.len()) {
        (true, _) => return Vec::new(),
        (_, 0) => format!("no peers found in {folder}: run `cargo xtask bench --install` as root"),
        _ if !rustix::process::geteuid().is_root() => {
            format!("the peers in {folder} are started by root only")
        }
        _ => return installed,
    };
    println!("{missing}; measuring Whimbrel and the limits alone");
    Vec::new()
}

fn say_duration(groups: &[&Group], plan: &Plan, targets: &[Target]) {
    let expected: Vec<Duration> = groups
        .iter()
        .map(|group| group.expected(plan, targets))
        .collect();
    let all: Duration = expected.iter().sum();
    plan.progress.expect(expected);
    println!(
        "{} groups of rows, {} servers: about {:.0} minutes",
        groups.len(),
        targets.len(),
        (all.as_secs_f64() / 60.0).ceil()
    );
}

fn write(report: &Report, setting: &Setting, out: &Path) -> Outcome<()> {
    let at = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let plots = out.with_extension("");
    std::fs::create_dir_all(&plots).map_err(|error| at(&plots, error))?;
    for (name, picture) in report.pictures() {
        let file = plots.join(name);
        std::fs::write(&file, picture).map_err(|error| at(&file, error))?;
    }
    let name = plots.file_name().unwrap_or_default().to_string_lossy();
    let text = report.markdown(setting, &name);
    std::fs::write(out, text).map_err(|error| at(out, error))?;
    Ok(())
}

/// As many open files as the system lets this process have.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    // Root may have more than it was given; others keep what they have.
    let more = Rlimit {
        current: Some(200_000),
        maximum: Some(200_000),
    };
    if now.maximum.is_some_and(|maximum| maximum >= 200_000)
        || setrlimit(Resource::Nofile, more).is_err()
    {
        let _ = setrlimit(Resource::Nofile, most);
    }
}
