//! `whimbrel dkim`: the keys that domains sign with.
//!
//! What never happens here: making or keeping a key (`office`).

use super::arguments::{Common, DkimArguments, DkimCommand};
use super::client::Way;
use super::commands::{Job, find, say_refused};
use super::request::{Answer, DkimKey, Refused, Reply, Request, State};
use super::words;
use crate::Outcome;
use net::time::{Duration, sleep};
use serde_json::json;
use std::process::ExitCode;

/// Between two looks into the DNS.
const LOOK: Duration = Duration::from_secs(10);

pub async fn run(arguments: DkimArguments) -> Outcome<ExitCode> {
    let DkimArguments { common, command } = arguments;
    let job = match command {
        DkimCommand::List { domain } => Job::new(common, Request::DkimList { domain }),
        DkimCommand::Show { domain, selector } => {
            Job::new(common, Request::DkimShow { domain, selector })
        }
        DkimCommand::Add {
            domain,
            algorithm,
            selector,
            now,
        } => {
            let made = Request::DkimAdd {
                domain: domain.clone(),
                algorithm,
                selector,
            };
            let then = if now { Then::Switch } else { Then::Leave };
            return Exchange::new(common, domain, then).run(made).await;
        }
        DkimCommand::Rotate {
            domain,
            now,
            no_wait,
        } => {
            let made = Request::DkimRotate {
                domain: domain.clone(),
            };
            let then = match (now, no_wait) {
                (true, _) => Then::Switch,
                (false, true) => Then::Leave,
                (false, false) => Then::Wait,
            };
            return Exchange::new(common, domain, then).run(made).await;
        }
        DkimCommand::Retire {
            domain,
            selector,
            sure,
        } => {
            let look = Request::DkimShow {
                domain: domain.clone(),
                selector: Some(selector.clone()),
            };
            Job::new(common, Request::DkimRetire { domain, selector }).asking(look, sure)
        }
        DkimCommand::Remove { domain, selector } => {
            Job::new(common, Request::DkimRemove { domain, selector })
        }
    };
    job.run().await
}

/// What happens once the keys are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing: a running server looks into the DNS from time to time.
    Leave,
    /// The DNS is looked at until it shows them.
    Wait,
    /// They sign at once.
    Switch,
}

/// New keys, from their making to their first signature.
struct Exchange {
    common: Common,
    domain: String,
    then: Then,
}

impl Exchange {
    fn new(common: Common, domain: String, then: Then) -> Exchange {
        Exchange {
            common,
            domain,
            then,
        }
    }

    async fn run(self, made: Request) -> Outcome<ExitCode> {
        let mut way = find(&self.common).await?;
        let outcome = self.run_on(&mut way, made).await;
        way.close().await;
        outcome
    }

    async fn run_on(&self, way: &mut Way, made: Request) -> Outcome<ExitCode> {
        let made = match ask(way, &made).await? {
            Ok(made) => made,
            Err(refused) => return Ok(say_refused(&self.common, &refused)),
        };
        let last = match self.then {
            Then::Leave => Ok(made),
            Then::Switch => {
                self.tell(&made);
                let domain = self.domain.clone();
                ask(way, &Request::DkimActivate { domain }).await?
            }
            Then::Wait => {
                self.tell(&made);
                self.wait(way).await?
            }
        };
        match last {
            Ok(answer) if self.common.json => println!("{}", json!(answer)),
            Ok(answer) => print!("{}", words::of(&answer)),
            Err(refused) => return Ok(say_refused(&self.common, &refused)),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is to be published, while the command goes on.
    fn tell(&self, made: &Answer) {
        match self.common.json {
            true => eprint!("{}", words::of(made)),
            false => print!("{}", words::of(made)),
        }
    }

    /// Says what changes from look to look, until nothing waits.
    async fn wait(&self, way: &mut Way) -> Outcome<Result<Answer, Refused>> {
        eprintln!(
            "\nwaiting until the DNS shows this; interrupted, `whimbrel dkim rotate` goes on"
        );
        let mut told: Vec<String> = Vec::new();
        loop {
            let domain = self.domain.clone();
            let answer = match ask(way, &Request::DkimLook { domain }).await? {
                Ok(answer) => answer,
                refused => return Ok(refused),
            };
            let Answer::DkimKeys(keys) = &answer else {
                return Err("the server answers wildly".to_owned());
            };
            let now: Vec<String> = keys
                .iter()
                .filter(|key| key.dns.is_some())
                .map(line)
                .collect();
            for line in now.iter().filter(|line| !told.contains(line)) {
                eprintln!("{line}");
            }
            told = now;
            if keys.iter().all(|key| key.state != State::Waiting) {
                return Ok(Ok(answer));
            }
            sleep(LOOK).await;
        }
    }
}

fn line(key: &DkimKey) -> String {
    format!("{}: {}", key.selector, words::dkim_state(key))
}

async fn ask(way: &mut Way, request: &Request) -> Outcome<Result<Answer, Refused>> {
    match way.ask(request).await? {
        Reply::Answer(answer) => Ok(Ok(answer)),
        Reply::Refused(refused) => Ok(Err(refused)),
        Reply::Line(_) | Reply::Lost(_) => Err("the server answers wildly".to_owned()),
    }
}
