//! The keys that domains sign with: made, shown with the records that the DNS needs, exchanged.
//!
//! What never happens here: a change of the DNS.

use super::{Answered, Office, done, fault, of_directory};
use crate::admin::request::{self, Algorithm, Answer, Kind, Refused};
use crate::admin::{dns, measure, nearest};
use addr::Domain;
use mail::{DirectoryError, DkimKey, KeyAlgorithm, KeyState};
use net::{Answer as DnsAnswer, Resolver, Time};
use std::time::Duration;

/// How long the record of a key stays in the DNS that signs no more: longer than mail is on the road.
const KEPT_IN_DNS: Duration = Duration::from_secs(7 * 86_400);

/// Names that are tried for a new key.
const SELECTORS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

impl Office {
    pub(super) fn dkim_list(&self, domain: Option<&str>) -> Answered {
        let domains = match domain {
            Some(text) => vec![self.hosted(text)?],
            None => {
                let all = self.directory().domains(&self.admin).map_err(fault)?;
                all.into_iter().map(|info| info.name).collect()
            }
        };
        let mut all = Vec::new();
        for domain in &domains {
            let keys = self.directory().dkim_keys(domain).map_err(fault)?;
            all.extend(keys.iter().map(|key| shown(domain, key)));
        }
        Ok(Answer::DkimKeys(all))
    }

    pub(super) fn dkim_show(&self, domain: &str, selector: Option<&str>) -> Answered {
        let domain = self.hosted(domain)?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        let wanted = selector.map(|text| self.selector(&domain, text));
        let wanted = wanted.transpose()?;
        let is_wanted = |key: &&DkimKey| wanted.as_ref().is_none_or(|name| key.selector == *name);
        let shown = keys
            .iter()
            .filter(is_wanted)
            .map(|key| with_record(&domain, key));
        Ok(Answer::DkimRecords(shown.collect()))
    }

    pub(super) async fn dkim_add(
        &self,
        domain: &str,
        algorithm: Algorithm,
        selector: Option<&str>,
    ) -> Answered {
        let domain = self.hosted(domain)?;
        let algorithm = match algorithm {
            Algorithm::Rsa => KeyAlgorithm::Rsa,
            Algorithm::Ed25519 => KeyAlgorithm::Ed25519,
        };
        let selector = selector.map(read_selector).transpose()?;
        let made = self.make_keys(&domain, vec![(algorithm, selector, None)]);
        let made = made.await?;
        Ok(records(&domain, &made))
    }

    /// The first two keys of a domain.
    pub(super) async fn first_keys(&self, domain: &Domain) -> Result<(), Refused> {
        let both = [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519];
        let wanted = both.map(|algorithm| (algorithm, None, None));
        self.make_keys(domain, wanted.into()).await.map(drop)
    }

    /// A successor for every key that signs and has none; those that wait already are shown again.
    pub(super) async fn dkim_rotate(&self, domain: &str) -> Answered {
        let domain = self.hosted(domain)?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        let waiting = |key: &&DkimKey| key.state == KeyState::Waiting;
        let has_successor = |active: &DkimKey| {
            let mut waiting = keys.iter().filter(waiting);
            waiting.any(|key| key.replaces.as_ref() == Some(&active.selector))
        };
        let active = keys.iter().filter(|key| key.state == KeyState::Active);
        let mut wanted: Vec<_> = active
            .filter(|key| !has_successor(key))
            .map(|key| (key.algorithm, None, Some(key.selector.clone())))
            .collect();
        if wanted.is_empty() && !keys.iter().any(|key| waiting(&key)) {
            wanted.extend([KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519].map(|a| (a, None, None)));
        }
        let mut all: Vec<_> = keys.iter().filter(waiting).cloned().collect();
        all.extend(self.make_keys(&domain, wanted).await?);
        Ok(records(&domain, &all))
    }

    /// Looks whether the DNS shows the keys that wait; those that it does sign from now on.
    pub(super) async fn dkim_look(&self, domain: &str) -> Answered {
        let domain = self.hosted(domain)?;
        let looked = self.look_for_keys(&domain).await?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        let with_dns = |key: &DkimKey| {
            let seen = looked
                .iter()
                .find(|(selector, _)| *selector == key.selector);
            request::DkimKey {
                dns: seen.map(|(_, seen)| seen.clone()),
                ..shown(&domain, key)
            }
        };
        Ok(Answer::DkimKeys(keys.iter().map(with_dns).collect()))
    }

    /// The same for every domain; for the server's own upkeep.
    pub async fn look_for_all_keys(&self) -> Result<(), Refused> {
        let waiting = self.directory().waiting_dkim_keys(&self.admin);
        let mut domains: Vec<Domain> = waiting.map_err(fault)?.into_iter().map(|w| w.0).collect();
        domains.dedup();
        for domain in domains {
            self.look_for_keys(&domain).await?;
        }
        Ok(())
    }

    /// What the DNS shows for each key that waits.
    async fn look_for_keys(&self, domain: &Domain) -> Result<Vec<(Domain, String)>, Refused> {
        let Some(resolver) = &self.resolver else {
            let text = "the DNS cannot be asked: see `dns.servers` in docs/settings.md";
            return Err(Refused::new(Kind::Unavailable, text));
        };
        let keys = self.directory().dkim_keys(domain).map_err(fault)?;
        let (mut looked, mut there) = (Vec::new(), Vec::new());
        for key in keys.iter().filter(|key| key.state == KeyState::Waiting) {
            let (is_shown, seen) = look(resolver, domain, key).await;
            if is_shown {
                there.push(key.selector.clone());
            }
            looked.push((key.selector.clone(), seen));
        }
        if !there.is_empty() {
            self.activate(domain, &there).await?;
        }
        Ok(looked)
    }

    /// Lets all that wait sign, whatever the DNS shows.
    pub(super) async fn dkim_activate(&self, domain: &str) -> Answered {
        let domain = self.hosted(domain)?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        let waiting = keys
            .into_iter()
            .filter(|key| key.state == KeyState::Waiting);
        let selectors: Vec<Domain> = waiting.map(|key| key.selector).collect();
        if selectors.is_empty() {
            let text = format!("no key of {domain} waits; `whimbrel dkim rotate` makes new ones");
            return Err(Refused::new(Kind::NotFound, text));
        }
        self.activate(&domain, &selectors).await?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        Ok(Answer::DkimKeys(
            keys.iter().map(|key| shown(&domain, key)).collect(),
        ))
    }

    async fn activate(&self, domain: &Domain, selectors: &[Domain]) -> Result<(), Refused> {
        let directory = self.directory();
        let activated = directory.activate_dkim_keys(&self.admin, domain, selectors);
        let what = format!("cannot let keys of {domain} sign");
        activated
            .await
            .map_err(|error| of_directory(&what, &error))?;
        tracing::info!(%domain, keys = names(selectors), "keys sign from now on");
        Ok(())
    }

    pub(super) async fn dkim_retire(&self, domain: &str, selector: &str) -> Answered {
        let domain = self.hosted(domain)?;
        let selector = self.selector(&domain, selector)?;
        let keys = self.directory().dkim_keys(&domain).map_err(fault)?;
        let key = keys.iter().find(|key| key.selector == selector);
        let signed = key.is_some_and(|key| key.state == KeyState::Active);
        let retired = self
            .directory()
            .retire_dkim_key(&self.admin, &domain, &selector);
        let what = format!("cannot retire {selector} of {domain}");
        retired.await.map_err(|error| of_directory(&what, &error))?;
        if !signed {
            return done([format!("{selector} of {domain} never signed and is gone")]);
        }
        let until = measure::date(self.mail.clock().now().after(KEPT_IN_DNS));
        done([
            format!("{selector} of {domain} signs no more, and its secret is gone"),
            format!(
                "leave its record in the DNS until {until}: mail that it signed is on the road"
            ),
        ])
    }

    pub(super) async fn dkim_remove(&self, domain: &str, selector: &str) -> Answered {
        let domain = self.hosted(domain)?;
        let selector = self.selector(&domain, selector)?;
        let removed = self
            .directory()
            .remove_dkim_key(&self.admin, &domain, &selector);
        removed.await.map_err(|error| match error {
            DirectoryError::InUse => {
                let text = format!(
                    "{selector} of {domain} is not retired; `whimbrel dkim retire {domain} \
                     {selector}` does that"
                );
                Refused::new(Kind::InUse, text)
            }
            other => of_directory(&format!("cannot forget {selector} of {domain}"), &other),
        })?;
        done([format!(
            "{selector} of {domain} is forgotten; its record can leave the DNS"
        )])
    }

    /// Makes keys with their selectors, or with names that are free, and what each replaces.
    async fn make_keys(
        &self,
        domain: &Domain,
        wanted: Vec<(KeyAlgorithm, Option<Domain>, Option<Domain>)>,
    ) -> Result<Vec<DkimKey>, Refused> {
        let known = self.directory().dkim_keys(domain).map_err(fault)?;
        let since = self.mail.clock().now();
        let mut keys: Vec<DkimKey> = Vec::new();
        for (algorithm, selector, replaces) in wanted {
            let made = tokio::task::spawn_blocking(move || post::make_key(algorithm)).await;
            let made = made
                .map_err(|error| error.to_string())
                .and_then(|made| made);
            let made = made.map_err(|why| {
                Refused::new(Kind::Unavailable, format!("cannot make a key: {why}"))
            })?;
            let taken = known.iter().chain(&keys).map(|key| &key.selector);
            let taken: Vec<&Domain> = taken.collect();
            let selector = match selector {
                Some(selector) => selector,
                None => free_selector(since, algorithm, &taken)?,
            };
            keys.push(DkimKey {
                selector,
                algorithm,
                public: made.public,
                secret: Some(made.secret),
                replaces,
                state: KeyState::Waiting,
                since,
            });
        }
        let added = self
            .directory()
            .add_dkim_keys(&self.admin, domain, keys.clone());
        let what = format!("cannot add keys to {domain}");
        added.await.map_err(|error| match error {
            DirectoryError::Exists => {
                let text = format!("{domain} has a key with this selector already");
                Refused::new(Kind::Exists, text)
            }
            other => of_directory(&what, &other),
        })?;
        Ok(keys)
    }

    /// A selector of the domain's keys.
    fn selector(&self, domain: &Domain, text: &str) -> Result<Domain, Refused> {
        let wanted = read_selector(text)?;
        let keys = self.directory().dkim_keys(domain).map_err(fault)?;
        if keys.iter().any(|key| key.selector == wanted) {
            return Ok(wanted);
        }
        let names = || keys.iter().map(|key| key.selector.as_str());
        let here = match keys.is_empty() {
            true => format!("{domain} has no keys"),
            false => format!("keys of {domain}: {}", nearest::listed(names())),
        };
        let hint = nearest::hint(text, names());
        let text = format!("there is no key {wanted}; {here}{hint}");
        Err(Refused::new(Kind::NotFound, text))
    }
}

/// Whether the DNS shows a key, and what it shows in words that follow “the DNS”.
async fn look(resolver: &Resolver, domain: &Domain, key: &DkimKey) -> (bool, String) {
    let name = format!("{}._domainkey.{domain}", key.selector);
    match resolver.txt(&name).await {
        DnsAnswer::Found { value, .. } => {
            match value.iter().any(|one| post::record_shows(one, key)) {
                true => (true, "shows it".to_owned()),
                false => (false, "shows something else there".to_owned()),
            }
        }
        DnsAnswer::NoData { .. } | DnsAnswer::NoName { .. } => {
            (false, "does not show it yet".to_owned())
        }
        DnsAnswer::Failed(why) => (false, format!("cannot be asked now: {why}")),
    }
}

fn read_selector(text: &str) -> Result<Domain, Refused> {
    text.parse().map_err(|why| {
        let text = format!("“{text}” is no selector: {why}");
        Refused::new(Kind::Invalid, text)
    })
}

/// The day and the algorithm, and a letter where that is not enough: `20261123r`, `20261123rb`.
fn free_selector(at: Time, algorithm: KeyAlgorithm, taken: &[&Domain]) -> Result<Domain, Refused> {
    let day = at.civil();
    let kind = match algorithm {
        KeyAlgorithm::Rsa => "r",
        KeyAlgorithm::Ed25519 => "e",
    };
    let stem = format!("{:04}{:02}{:02}{kind}", day.year, day.month, day.day);
    let letters = SELECTORS.iter().skip(1).map(|&letter| char::from(letter));
    let names =
        std::iter::once(stem.clone()).chain(letters.map(|letter| format!("{stem}{letter}")));
    let mut free = names
        .filter_map(|name| name.parse::<Domain>().ok())
        .filter(|name| !taken.contains(&name));
    free.next().ok_or_else(|| {
        let text = "so many keys were made today that names for them run out: say --selector";
        Refused::new(Kind::Invalid, text)
    })
}

fn names(selectors: &[Domain]) -> String {
    let names: Vec<&str> = selectors.iter().map(Domain::as_str).collect();
    names.join(", ")
}

fn records(domain: &Domain, keys: &[DkimKey]) -> Answer {
    Answer::DkimRecords(keys.iter().map(|key| with_record(domain, key)).collect())
}

fn with_record(domain: &Domain, key: &DkimKey) -> request::DkimKey {
    request::DkimKey {
        record: Some(dns::dkim_record(domain.as_str(), key)),
        ..shown(domain, key)
    }
}

fn shown(domain: &Domain, key: &DkimKey) -> request::DkimKey {
    let state = match key.state {
        KeyState::Waiting => request::State::Waiting,
        KeyState::Active => request::State::Active,
        KeyState::Retired => request::State::Retired,
    };
    let is_retired = key.state == KeyState::Retired;
    request::DkimKey {
        domain: domain.to_string(),
        selector: key.selector.to_string(),
        algorithm: match key.algorithm {
            KeyAlgorithm::Rsa => Algorithm::Rsa,
            KeyAlgorithm::Ed25519 => Algorithm::Ed25519,
        },
        state,
        since: measure::date(key.since),
        replaces: key.replaces.as_ref().map(Domain::to_string),
        in_dns_until: is_retired.then(|| measure::date(key.since.after(KEPT_IN_DNS))),
        record: None,
        dns: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::{DnsFailure, SimDns};

    async fn office(dns: &SimDns) -> Office {
        crate::admin::office::tests::office(Some(Resolver::simulated(dns.clone()))).await
    }

    fn keys(answered: Answered) -> Vec<request::DkimKey> {
        match answered.unwrap() {
            Answer::DkimKeys(keys) | Answer::DkimRecords(keys) => keys,
            other => panic!("{other:?}"),
        }
    }

    /// What each key that waits is said to look like in the DNS.
    fn seen(answered: Answered) -> Vec<String> {
        let seen = keys(answered).into_iter().filter_map(|key| key.dns);
        seen.collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_signs_once_the_dns_shows_it_and_what_it_replaces_retires() {
        let dns = SimDns::new(1);
        let office = office(&dns).await;
        let domain: Domain = "example.org".parse().unwrap();
        let directory = office.directory();
        directory.add_domain(&office.admin, &domain).await.unwrap();
        let add =
            |name: &'static str| office.dkim_add("example.org", Algorithm::Ed25519, Some(name));
        add("old").await.unwrap();
        office.dkim_activate("example.org").await.unwrap();
        let made = keys(office.dkim_rotate("example.org").await);
        let [new] = made.as_slice() else {
            panic!("{made:?}")
        };
        assert_eq!(new.replaces.as_deref(), Some("old"));
        let name = format!("{}._domainkey.example.org", new.selector);
        let looked = seen(office.dkim_look("example.org").await);
        assert_eq!(looked, ["does not show it yet"]);
        dns.fail(&name, DnsFailure::TimedOut);
        let looked = seen(office.dkim_look("example.org").await);
        assert!(looked[0].starts_with("cannot be asked now"), "{looked:?}");
        dns.mend(&name);
        dns.add_txt(&name, "v=DKIM1; k=ed25519; p=AAAA");
        let looked = seen(office.dkim_look("example.org").await);
        assert_eq!(looked, ["shows something else there"]);
        let key = directory.dkim_keys(&domain).unwrap();
        let key = key.iter().find(|key| key.selector.as_str() == new.selector);
        dns.remove(&name);
        dns.add_txt(&name, &post::key_record(key.unwrap()));
        // as the server does by itself
        office.look_for_all_keys().await.unwrap();
        let states = keys(office.dkim_list(None)).into_iter();
        let states: Vec<_> = states.map(|key| (key.selector, key.state)).collect();
        let expect = [
            (new.selector.clone(), request::State::Active),
            ("old".to_owned(), request::State::Retired),
        ];
        assert_eq!(states, expect);
    }
}
