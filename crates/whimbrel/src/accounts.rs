//! The domain and accounts of `try`: made at the first start, found again at the next.
//!
//! What never happens here: a password of anybody but `try`'s own accounts.

use crate::Outcome;
use crate::arguments::TryArguments;
use crate::own_files::{Folder, KnownAccount, TryFile};
use crate::welcome;
use addr::Address;
use mail::{Admin, Directory, DirectoryError, Mail, NewPassword};
use net::Random;
use std::collections::{BTreeMap, HashSet};
use tokio::task::JoinSet;

pub const DOMAIN: &str = "example.test";
const PEOPLE: &[&str] = &["alice", "bob"];
const PASSWORD_LEN: usize = 16;
/// Accounts made at one time, so that one sync of the disk serves many.
const MADE_AT_ONCE: usize = 64;

/// Makes what is missing and returns all accounts whose passwords are known, alice and bob first.
pub async fn prepare(
    mail: &Mail,
    admin: &Admin,
    folder: &Folder,
    random: &Random,
    arguments: &TryArguments,
) -> Outcome<Vec<KnownAccount>> {
    let before = folder.read_passwords()?;
    let wanted = wanted(&before, random, arguments);
    if wanted != before {
        // Before the accounts, so that no account is ever without its known password.
        folder.write_passwords(&wanted)?;
    }
    let directory = mail.directory();
    let domain = DOMAIN
        .parse()
        .map_err(|error| format!("{DOMAIN}: {error}"))?;
    match directory.add_domain(admin, &domain).await {
        Ok(()) | Err(DirectoryError::Exists) => {}
        Err(error) => return Err(format!("cannot make the domain {DOMAIN}: {error:?}")),
    }
    let known = directory
        .accounts(admin)
        .map_err(|fault| fault.to_string())?;
    let there: HashSet<String> = known
        .iter()
        .map(|account| account.address.to_string())
        .collect();
    let changed = changed(&before, &wanted);
    let mut hashes = Hashes::default();
    let mut making = JoinSet::new();
    for account in &wanted.accounts {
        let is_there = there.contains(&account.address);
        if is_there && !changed.contains(account.address.as_str()) {
            continue;
        }
        let password = hashes.of(mail, &account.password).await?;
        if making.len() == MADE_AT_ONCE {
            joined(making.join_next().await)?;
        }
        making.spawn(make(
            directory.clone(),
            admin.clone(),
            account.address.clone(),
            password,
        ));
    }
    while let Some(made) = making.join_next().await {
        joined(Some(made))?;
    }
    for name in PEOPLE {
        welcome::greet(mail, admin, &address(name)?).await?;
    }
    Ok(wanted.accounts)
}

/// The accounts of earlier starts, with alice, bob and the numbered ones that are asked for.
fn wanted(before: &TryFile, random: &Random, arguments: &TryArguments) -> TryFile {
    let mut passwords: BTreeMap<&str, &str> = before
        .accounts
        .iter()
        .map(|a| (a.address.as_str(), a.password.as_str()))
        .collect();
    let mut accounts = Vec::new();
    for name in PEOPLE {
        let address = format!("{name}@{DOMAIN}");
        let kept = passwords.remove(address.as_str()).map(str::to_owned);
        let password = kept.unwrap_or_else(|| random.token(PASSWORD_LEN));
        accounts.push(KnownAccount { address, password });
    }
    for number in 1..=arguments.accounts {
        let address = format!("user{number}@{DOMAIN}");
        passwords.remove(address.as_str());
        accounts.push(KnownAccount {
            address,
            password: arguments.password.clone().unwrap_or_default(),
        });
    }
    // In the order of the file: user2 stays before user10.
    let others = before
        .accounts
        .iter()
        .filter(|a| passwords.contains_key(a.address.as_str()));
    accounts.extend(others.cloned());
    TryFile { accounts }
}

/// Addresses that had no password before, or another one.
fn changed<'a>(before: &TryFile, after: &'a TryFile) -> HashSet<&'a str> {
    let old: HashSet<(&str, &str)> = before
        .accounts
        .iter()
        .map(|a| (a.address.as_str(), a.password.as_str()))
        .collect();
    let new = after.accounts.iter();
    new.filter(|a| !old.contains(&(a.address.as_str(), a.password.as_str())))
        .map(|a| a.address.as_str())
        .collect()
}

/// Each password is hashed once, however many accounts have it.
#[derive(Default)]
struct Hashes(BTreeMap<String, NewPassword>);

impl Hashes {
    async fn of(&mut self, mail: &Mail, password: &str) -> Outcome<NewPassword> {
        if let Some(known) = self.0.get(password) {
            return Ok(known.clone());
        }
        let hashed = mail.auth().new_password(password.as_bytes()).await;
        let hashed = hashed.map_err(|refusal| format!("cannot hash a password: {refusal:?}"))?;
        self.0.insert(password.to_owned(), hashed.clone());
        Ok(hashed)
    }
}

async fn make(
    directory: Directory,
    admin: Admin,
    name: String,
    password: NewPassword,
) -> Outcome<()> {
    let address: Address = name.parse().map_err(|error| format!("{name}: {error}"))?;
    let made = match directory
        .add_account(&admin, &address, Some(&password))
        .await
    {
        Err(DirectoryError::Exists) => {
            let id = directory
                .account_of(&admin, &address)
                .map_err(|fault| fault.to_string())?;
            let id = id.ok_or_else(|| format!("{name} is an alias, so it cannot be an account"))?;
            directory.set_password(&admin, id, Some(&password)).await
        }
        other => other.map(drop),
    };
    made.map_err(|error| format!("cannot make the account {name}: {error:?}"))
}

fn joined(made: Option<Result<Outcome<()>, tokio::task::JoinError>>) -> Outcome<()> {
    match made {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(format!("cannot make an account: {error}")),
        None => Ok(()),
    }
}

fn address(name: &str) -> Outcome<Address> {
    format!("{name}@{DOMAIN}")
        .parse()
        .map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> TryArguments {
        #[derive(clap::Parser)]
        struct Only {
            #[command(flatten)]
            arguments: TryArguments,
        }
        let words = ["try"].iter().chain(words);
        <Only as clap::Parser>::try_parse_from(words)
            .unwrap()
            .arguments
    }

    fn names(file: &TryFile) -> Vec<&str> {
        file.accounts
            .iter()
            .map(|a| a.address.trim_end_matches("@example.test"))
            .collect()
    }

    #[test]
    fn keeps_passwords_and_adds_what_is_asked_for() {
        let random = Random::seeded(1);
        let first = wanted(&TryFile::default(), &random, &arguments(&[]));
        assert_eq!(names(&first), ["alice", "bob"]);
        assert_ne!(first.accounts[0].password, first.accounts[1].password);
        let more = arguments(&["--accounts", "11", "--password", "secret"]);
        let second = wanted(&first, &random, &more);
        assert_eq!(second.accounts[..2], first.accounts[..]);
        assert_eq!(names(&second)[2..5], ["user1", "user2", "user3"]);
        // Later starts know them still, in the same order.
        assert_eq!(wanted(&second, &random, &arguments(&[])), second);
        assert!(changed(&second, &second).is_empty());
    }

    #[test]
    fn a_new_password_is_told_apart_from_the_old_one() {
        let random = Random::seeded(1);
        let before = wanted(
            &TryFile::default(),
            &random,
            &arguments(&["--accounts", "2", "--password", "old"]),
        );
        let after = wanted(
            &before,
            &random,
            &arguments(&["--accounts", "1", "--password", "new"]),
        );
        assert_eq!(
            changed(&before, &after),
            HashSet::from(["user1@example.test"])
        );
    }

    #[test]
    fn accounts_and_password_need_each_other() {
        use clap::Parser;
        for words in [vec!["--accounts", "3"], vec!["--password", "x"]] {
            let all = ["whimbrel", "try"].into_iter().chain(words);
            assert!(crate::Arguments::try_parse_from(all).is_err());
        }
        assert!(crate::Arguments::try_parse_from(["whimbrel", "try"]).is_ok());
    }
}
