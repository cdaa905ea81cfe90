//! The commands of administration: arguments become requests, answers become text or JSON.
//!
//! What never happens here: doing a request; a password on the command line.

use super::arguments::{
    AccountArguments, AccountCommand, AccountSettings, AliasArguments, AliasCommand, Common,
    DomainArguments, DomainCommand, Entries, EntryFilter, HostArguments, HostCommand, LogArguments,
    LogCommand, MailboxArguments, MailboxCommand, PasswordFrom, QueueArguments, QueueCommand,
    QuotaArguments, QuotaCommand, SessionArguments, SessionCommand, Sure, WhyArguments,
};
use super::client::Way;
use super::request::{
    Answer, Change, Filter, Keys, MailboxChange, Owner, QuotaWord, Refused, Reply, Request, Second,
    Secret,
};
use super::road::{Action, Selection};
use super::{measure, road, terminal, words};
use crate::Outcome;
use crate::arguments::DATA;
use crate::settings_file::SettingsFile;
use net::Random;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Letters of a password that is made here: about 100 bits.
const PASSWORD_LETTERS: usize = 20;

/// One command, ready to be done.
pub(super) struct Job {
    common: Common,
    request: Request,
    /// What is looked at first, to ask whether it is meant.
    question: Option<Question>,
    /// A password that was made here and has to be told.
    made: Option<Secret>,
}

/// What is asked before something is destroyed.
struct Question {
    look: Request,
    sure: Sure,
}

impl Job {
    pub(super) fn new(common: Common, request: Request) -> Job {
        Job {
            common,
            request,
            question: None,
            made: None,
        }
    }

    pub(super) fn asking(mut self, look: Request, sure: Sure) -> Job {
        self.question = Some(Question { look, sure });
        self
    }

    pub(super) async fn run(self) -> Outcome<ExitCode> {
        let mut way = find(&self.common).await?;
        let outcome = self.run_on(&mut way).await;
        way.close().await;
        outcome
    }

    async fn run_on(self, way: &mut Way) -> Outcome<ExitCode> {
        if let Some(question) = &self.question {
            match way.ask(&question.look).await? {
                Reply::Refused(refused) => return Ok(say_refused(&self.common, &refused)),
                Reply::Answer(found)
                    if !question.sure.yes && !terminal::confirm(&warning(&found))? =>
                {
                    return Err("nothing was changed".to_owned());
                }
                _ => {}
            }
        }
        match way.ask(&self.request).await? {
            Reply::Answer(answer) => self.say(&answer),
            Reply::Refused(refused) => return Ok(say_refused(&self.common, &refused)),
            Reply::Line(_) | Reply::Lost(_) => return Err("the server answers wildly".to_owned()),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, answer: &Answer) {
        if self.common.json {
            let mut value = json!(answer);
            if let (Some(made), Value::Object(fields)) = (&self.made, &mut value) {
                fields.insert("password".to_owned(), made.0.clone().into());
            }
            println!("{value}");
            return;
        }
        print!("{}", words::of(answer));
        if let Some(made) = &self.made {
            println!("password: {}", made.0);
        }
    }
}

/// The server or store of the data folder that is meant.
pub(super) async fn find(common: &Common) -> Outcome<Way> {
    let file = SettingsFile::find(common.config.as_deref())?;
    let is_set = common.config.is_some() || file.path().exists();
    let settings = file.read()?;
    let data = match (&common.data, is_set) {
        (Some(data), _) => data.clone(),
        (None, true) => settings.process.data.clone(),
        (None, false) => DATA.into(),
    };
    let hostname = is_set.then(|| settings.hostname.clone());
    Way::find(&data, &settings, hostname).await
}

pub(super) fn say_refused(common: &Common, refused: &Refused) -> ExitCode {
    match common.json {
        true => println!("{}", json!({ "refused": refused })),
        false => eprintln!("whimbrel: {}", refused.text),
    }
    ExitCode::FAILURE
}

/// What would be destroyed.
fn warning(found: &Answer) -> String {
    match found {
        Answer::Account(one) => format!(
            "this removes the account {} with {} messages ({}); they are kept as long as the \
             history is, and mail to it is refused from now on. Remove it?",
            one.account,
            one.messages,
            measure::bytes(one.bytes)
        ),
        Answer::Domain(one) => format!(
            "mail for {} will be refused from now on. Remove the domain?",
            one.domain
        ),
        Answer::Alias(one) => format!(
            "mail for {} will not go to {} any more. Remove the alias?",
            one.alias,
            one.targets.join(", ")
        ),
        Answer::Hosts(all) => {
            let names: Vec<_> = all.iter().map(|one| one.host.as_str()).collect();
            format!(
                "mail for {} will be refused from now on; what came stays in the account. Go on?",
                names.join(", ")
            )
        }
        Answer::Mailbox(one) => format!(
            "this removes the mailbox {} with {} messages ({}); the history keeps them for its \
             time. Remove it?",
            one.mailbox,
            one.messages,
            measure::bytes(one.bytes)
        ),
        Answer::DkimRecords(keys) => {
            let names: Vec<_> = keys.iter().map(|key| key.selector.as_str()).collect();
            format!("{} will never sign again. Retire it?", names.join(", "))
        }
        Answer::Queue(queue) => match queue.entries.len() + queue.left_out {
            0 => "nothing in the queue is meant. Go on?".to_owned(),
            1 => {
                "this takes 1 entry out of the queue for good; without --return the sender is not \
                  told. Remove it?"
                    .to_owned()
            }
            many => format!(
                "this takes {many} entries out of the queue for good; without --return no sender is \
                 told. Remove them?"
            ),
        },
        Answer::Damaged(damaged) => format!(
            "{}this takes them out for good; what of a message can go stays. Remove them?",
            road::words::damaged(damaged)
        ),
        _ => "go on?".to_owned(),
    }
}

pub async fn domain(arguments: DomainArguments) -> Outcome<ExitCode> {
    let DomainArguments { common, command } = arguments;
    let job = match command {
        DomainCommand::Add {
            domain,
            hostname,
            no_dkim,
        } => {
            let keys = if no_dkim { Keys::None } else { Keys::Made };
            let request = Request::DomainAdd {
                domain,
                hostname,
                keys,
            };
            Job::new(common, request)
        }
        DomainCommand::List => Job::new(common, Request::DomainList),
        DomainCommand::Show { domain, hostname } => {
            Job::new(common, Request::DomainShow { domain, hostname })
        }
        DomainCommand::Set {
            domain, catch_all, ..
        } => Job::new(common, Request::DomainSet { domain, catch_all }),
        DomainCommand::Remove { domain, sure } => {
            let look = Request::DomainShow {
                domain: domain.clone(),
                hostname: None,
            };
            Job::new(common, Request::DomainRemove { domain }).asking(look, sure)
        }
    };
    job.run().await
}

pub async fn account(arguments: AccountArguments) -> Outcome<ExitCode> {
    let AccountArguments { common, command } = arguments;
    let job = match command {
        AccountCommand::Add {
            account,
            from,
            no_password,
            settings,
        } => {
            let asked = if no_password { Ask::No } else { Ask::Yes };
            let (password, made) = password(from, asked)?;
            let change = change(settings, password);
            let job = Job::new(common, Request::AccountAdd { account, change });
            Job { made, ..job }
        }
        AccountCommand::List { domain } => Job::new(common, Request::AccountList { domain }),
        AccountCommand::Show { account } => Job::new(common, Request::AccountShow { account }),
        AccountCommand::Set {
            account,
            from,
            password: wanted,
            settings,
        } => {
            let asked = if wanted { Ask::Yes } else { Ask::No };
            let (password, made) = password(from, asked)?;
            let change = change(settings, password);
            if change.is_empty() {
                let text = "nothing is to be changed: say --password, --generate, --name, --quota, \
                            --login, --mail, --cram-md5 or --apop";
                return Err(text.to_owned());
            }
            let job = Job::new(common, Request::AccountSet { account, change });
            Job { made, ..job }
        }
        AccountCommand::Remove { account, sure } => {
            let look = Request::AccountShow {
                account: account.clone(),
            };
            Job::new(common, Request::AccountRemove { account }).asking(look, sure)
        }
        AccountCommand::Restore { account } => {
            Job::new(common, Request::AccountRestore { account })
        }
    };
    job.run().await
}

/// Whether the terminal is asked for a password that no option gives.
#[derive(PartialEq, Eq)]
enum Ask {
    Yes,
    No,
}

/// The new password, and the same again if it was made here.
fn password(from: PasswordFrom, asked: Ask) -> Outcome<(Option<Secret>, Option<Secret>)> {
    if from.password_stdin {
        return Ok((Some(terminal::password_from_input()?), None));
    }
    if from.generate {
        let made = Secret(Random::system().token(PASSWORD_LETTERS));
        return Ok((Some(made.clone()), Some(made)));
    }
    match asked {
        Ask::Yes => Ok((Some(terminal::new_password()?), None)),
        Ask::No => Ok((None, None)),
    }
}

fn change(settings: AccountSettings, password: Option<Secret>) -> Change {
    let AccountSettings {
        name,
        quota,
        login,
        mail,
        cram_md5,
        apop,
    } = settings;
    Change {
        password,
        name,
        quota,
        login,
        mail,
        cram_md5,
        apop,
    }
}

pub async fn alias(arguments: AliasArguments) -> Outcome<ExitCode> {
    let AliasArguments { common, command } = arguments;
    let job = match command {
        AliasCommand::Add {
            alias,
            targets,
            owner,
        } => {
            let request = Request::AliasAdd {
                alias,
                targets,
                owner,
            };
            Job::new(common, request)
        }
        AliasCommand::List { domain } => Job::new(common, Request::AliasList { domain }),
        AliasCommand::Show { alias } => Job::new(common, Request::AliasShow { alias }),
        AliasCommand::Set {
            alias,
            targets,
            owner,
            no_owner,
        } => {
            let owner = match (owner, no_owner) {
                (Some(owner), _) => Owner::Is(owner),
                (None, true) => Owner::Nobody,
                (None, false) => Owner::Kept,
            };
            let request = Request::AliasSet {
                alias,
                targets,
                owner,
            };
            Job::new(common, request)
        }
        AliasCommand::Remove { alias, sure } => {
            let look = Request::AliasShow {
                alias: alias.clone(),
            };
            Job::new(common, Request::AliasRemove { alias }).asking(look, sure)
        }
    };
    job.run().await
}

pub async fn host(arguments: HostArguments) -> Outcome<ExitCode> {
    let HostArguments { common, command } = arguments;
    let job = match command {
        HostCommand::Add {
            host,
            account,
            from,
        } => {
            let (second, made) = password(from, Ask::No)?;
            let request = Request::HostAdd {
                host,
                account,
                second,
            };
            let job = Job::new(common, request);
            Job { made, ..job }
        }
        HostCommand::Set {
            host,
            account,
            from,
            password: wanted,
            no_second,
        } => {
            let asked = if wanted { Ask::Yes } else { Ask::No };
            let (second, made) = password(from, asked)?;
            let second = match second {
                Some(secret) => Second::Set(secret),
                None if no_second => Second::Goes,
                None => Second::Stays,
            };
            if account.is_none() && second == Second::Stays {
                let text = "nothing is to be changed: say --account, --password, --password-stdin, \
                            --generate or --no-second";
                return Err(text.to_owned());
            }
            let request = Request::HostSet {
                host,
                account,
                second,
            };
            let job = Job::new(common, request);
            Job { made, ..job }
        }
        HostCommand::List => Job::new(common, Request::HostList),
        HostCommand::Show { host } => Job::new(common, Request::HostShow { host }),
        HostCommand::Remove { host, sure } => {
            let look = Request::HostShow { host: host.clone() };
            Job::new(common, Request::HostRemove { host }).asking(look, sure)
        }
    };
    job.run().await
}

pub async fn mailbox(arguments: MailboxArguments) -> Outcome<ExitCode> {
    let MailboxArguments { common, command } = arguments;
    let job = match command {
        MailboxCommand::Add {
            account,
            mailbox,
            special_use,
        } => {
            let request = Request::MailboxAdd {
                account,
                mailbox,
                special_use,
            };
            Job::new(common, request)
        }
        MailboxCommand::List { account } => Job::new(common, Request::MailboxList { account }),
        MailboxCommand::Show { account, mailbox } => {
            Job::new(common, Request::MailboxShow { account, mailbox })
        }
        MailboxCommand::Set {
            account,
            mailbox,
            special_use,
            subscribe,
            unsubscribe,
        } => {
            let change = MailboxChange {
                special_use,
                subscribed: (subscribe || unsubscribe).then_some(subscribe),
            };
            if change.is_empty() {
                let text = "nothing is to be changed: say --special-use, --subscribe or \
                            --unsubscribe; `whimbrel mailbox rename` gives another name";
                return Err(text.to_owned());
            }
            let request = Request::MailboxSet {
                account,
                mailbox,
                change,
            };
            Job::new(common, request)
        }
        MailboxCommand::Rename {
            account,
            mailbox,
            to,
        } => {
            let request = Request::MailboxRename {
                account,
                mailbox,
                to,
            };
            Job::new(common, request)
        }
        MailboxCommand::Remove {
            account,
            mailbox,
            sure,
        } => {
            let look = Request::MailboxShow {
                account: account.clone(),
                mailbox: mailbox.clone(),
            };
            Job::new(common, Request::MailboxRemove { account, mailbox }).asking(look, sure)
        }
    };
    job.run().await
}

pub async fn quota(arguments: QuotaArguments) -> Outcome<ExitCode> {
    let QuotaArguments { common, command } = arguments;
    let request = match command {
        QuotaCommand::List { domain } => Request::QuotaList { domain },
        QuotaCommand::Show { account } => Request::QuotaShow { account },
        QuotaCommand::Add { account, quota } => Request::QuotaAdd { account, quota },
        QuotaCommand::Set { account, quota } => Request::QuotaSet { account, quota },
        QuotaCommand::Remove { account } => Request::QuotaSet {
            account,
            quota: QuotaWord::Default,
        },
    };
    Job::new(common, request).run().await
}

pub async fn session(arguments: SessionArguments) -> Outcome<ExitCode> {
    let SessionArguments { common, command } = arguments;
    let request = match command {
        SessionCommand::List { account } => Request::SessionList { account },
        SessionCommand::End { id: Some(id), .. } => Request::SessionEnd { id },
        SessionCommand::End { account, .. } => Request::SessionEndAll {
            account: account.unwrap_or_default(),
        },
    };
    Job::new(common, request).run().await
}

pub async fn queue(arguments: QueueArguments) -> Outcome<ExitCode> {
    let QueueArguments { common, command } = arguments;
    let change = |action, entries| {
        let selection = selected(entries);
        Request::QueueChange { action, selection }
    };
    let job = match command {
        QueueCommand::List { filter, limit } => {
            let selection = selection(Vec::new(), filter);
            let limit = limit.and_then(|limit| usize::try_from(limit).ok());
            Job::new(common, Request::QueueList { selection, limit })
        }
        QueueCommand::Show { id } => Job::new(common, Request::QueueShow { id }),
        QueueCommand::Retry { entries } => Job::new(common, change(Action::Retry, entries)),
        QueueCommand::Hold { entries } => Job::new(common, change(Action::Hold, entries)),
        QueueCommand::Release { entries } => Job::new(common, change(Action::Release, entries)),
        QueueCommand::Damaged { ids, remove, sure } => {
            let look = Request::QueueDamaged { ids: ids.clone() };
            match remove {
                true => Job::new(common, Request::QueueClear { ids }).asking(look, sure),
                false => Job::new(common, look),
            }
        }
        QueueCommand::Remove {
            entries,
            returned,
            sure,
        } => {
            let look = Request::QueueList {
                selection: selected(entries.clone()),
                limit: Some(1),
            };
            let action = match returned {
                true => Action::Return,
                false => Action::Remove,
            };
            Job::new(common, change(action, entries)).asking(look, sure)
        }
    };
    job.run().await
}

fn selected(entries: Entries) -> Selection {
    selection(entries.ids, entries.filter)
}

fn selection(ids: Vec<String>, filter: EntryFilter) -> Selection {
    let EntryFilter {
        domain,
        sender,
        older,
    } = filter;
    Selection {
        ids,
        domain,
        sender,
        older_s: older,
    }
}

pub async fn why(arguments: WhyArguments) -> Outcome<ExitCode> {
    let WhyArguments {
        common,
        about,
        limit,
    } = arguments;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    Job::new(common, Request::Why { about, limit }).run().await
}

pub async fn log(arguments: LogArguments) -> Outcome<ExitCode> {
    let LogArguments { common, command } = arguments;
    let LogCommand::Follow {
        account,
        session,
        message,
        level,
    } = command;
    let filter = Filter {
        level,
        account,
        session,
        message,
    };
    let mut way = find(&common).await?;
    let outcome = follow(&common, &mut way, filter).await;
    way.close().await;
    outcome
}

async fn follow(common: &Common, way: &mut Way, filter: Filter) -> Outcome<ExitCode> {
    let mut reply = Some(way.ask(&Request::LogFollow(filter)).await?);
    while let Some(told) = reply {
        match (told, common.json) {
            (Reply::Line(line), true) => println!("{line}"),
            (Reply::Line(line), false) => println!("{}", line_words(&line)),
            (Reply::Lost(lines), true) => println!("{}", json!({ "lost": lines })),
            (Reply::Lost(lines), false) => println!("… {lines} lines were lost"),
            (Reply::Refused(refused), _) => return Ok(say_refused(common, &refused)),
            (Reply::Answer(_), _) => return Err("the server answers wildly".to_owned()),
        }
        reply = match way {
            Way::Server(line) => line.hear().await?,
            Way::Store(..) => None,
        };
    }
    eprintln!("whimbrel: the server has ended");
    Ok(ExitCode::SUCCESS)
}

/// `2026-11-23T04:40:06.000000Z info post: accepted session=7 message_id=…`
fn line_words(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let head = ["time", "level", "target", "message"];
    let [time, level, target, message] = head.map(text);
    let mut words = format!("{time} {level:<5} {target}: {message}");
    let fields = line.as_object().into_iter().flatten();
    for (name, value) in fields.filter(|(name, _)| !head.contains(&name.as_str())) {
        words.push_str(&format!(" {name}={value}"));
    }
    words
}
