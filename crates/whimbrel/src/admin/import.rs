//! Aliases of another system, taken in: each is made, or led to where it leads there.
//!
//! What never happens here: reading a file; an alias being removed.

use super::client::Way;
use super::request::{Answer, Owner, Reply, Request};
use crate::Outcome;
use crate::settings::Settings;
use addr::Domain;
use std::path::PathBuf;

/// An alias as it is to be. A name without a domain is one of the house's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    pub alias: String,
    pub targets: Vec<String>,
}

/// All that is to be taken in.
pub struct Import {
    pub data: PathBuf,
    pub settings: Settings,
    /// Whether the settings come from a file.
    pub is_set: bool,
    pub wanted: Vec<Wanted>,
}

/// What came of it, in lines for people.
#[derive(Debug, Default)]
pub struct Done {
    pub said: Vec<String>,
    pub refused: Vec<String>,
}

impl Import {
    pub async fn run(self) -> Outcome<Done> {
        let hostname = self.is_set.then(|| self.settings.hostname.clone());
        let mut way = Way::find(&self.data, &self.settings, hostname).await?;
        let done = self.take_in(&mut way).await;
        way.close().await;
        done
    }

    async fn take_in(&self, way: &mut Way) -> Outcome<Done> {
        let origin = self.origin(way).await?;
        let placed = |name: &str| match name.contains('@') {
            true => name.to_owned(),
            false => format!("{name}@{origin}"),
        };
        let mut done = Done::default();
        let mut left: Vec<&Wanted> = self.wanted.iter().collect();
        // one that leads to another must wait until that is there, wherever it stands
        loop {
            done.refused.clear();
            let mut refused = Vec::new();
            for one in &left {
                let alias = placed(&one.alias);
                let targets: Vec<String> = one.targets.iter().map(|name| placed(name)).collect();
                let line = format!("{alias} leads to {}", targets.join(", "));
                match take_in_one(way, alias.clone(), targets).await? {
                    None => done.said.push(line),
                    Some(why) => {
                        done.refused.push(format!("{alias}: {why}"));
                        refused.push(*one);
                    }
                }
            }
            if refused.is_empty() || refused.len() == left.len() {
                return Ok(done);
            }
            left = refused;
        }
    }

    /// The domain of names without one, as the server itself finds it.
    async fn origin(&self, way: &mut Way) -> Outcome<String> {
        if let Some(domain) = &self.settings.local.domain {
            return Ok(domain.to_string());
        }
        let Reply::Answer(Answer::Domains(hosted)) = way.ask(&Request::DomainList).await? else {
            return Err("the server does not say which domains it hosts".to_owned());
        };
        let host: Option<Domain> = self.settings.hostname.parse().ok();
        let host = host.map(|host| host.to_string()).unwrap_or_default();
        let above = |domain: &&str| host == **domain || host.ends_with(&format!(".{domain}"));
        let names: Vec<&str> = hosted.iter().map(|one| one.domain.as_str()).collect();
        let nearest = names.iter().copied().filter(|domain| above(domain));
        let nearest = nearest.max_by_key(|domain| domain.len());
        match (nearest, &names[..]) {
            (Some(domain), _) => Ok(domain.to_owned()),
            (None, [only]) => Ok((*only).to_owned()),
            (None, _) => {
                Err("say with the setting `local.domain` whose aliases these are".to_owned())
            }
        }
    }
}

/// Whatever the order is.
fn is_same(found: &[String], wanted: &[String]) -> bool {
    found.len() == wanted.len() && found.iter().all(|one| wanted.contains(one))
}

/// Why not, if it was refused.
async fn take_in_one(
    way: &mut Way,
    alias: String,
    targets: Vec<String>,
) -> Outcome<Option<String>> {
    let show = Request::AliasShow {
        alias: alias.clone(),
    };
    let request = match way.ask(&show).await? {
        Reply::Answer(Answer::Alias(found)) if is_same(&found.targets, &targets) => {
            return Ok(None);
        }
        Reply::Answer(_) => Request::AliasSet {
            alias,
            targets,
            owner: Owner::Kept,
        },
        _ => Request::AliasAdd {
            alias,
            targets,
            owner: None,
        },
    };
    Ok(match way.ask(&request).await? {
        Reply::Refused(refused) => Some(refused.text),
        _ => None,
    })
}
