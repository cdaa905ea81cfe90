//! Answers in words, for people.
//!
//! What never happens here: JSON (that is the answer itself).

use super::measure;
use super::request::{
    Account, Algorithm, Alias, Answer, DkimKey, DnsRecord, Domain, Mailbox, Quota, Session, State,
};
use super::road;

/// What is printed, with the end of its last line.
pub fn of(answer: &Answer) -> String {
    match answer {
        Answer::Domains(all) => table(
            &["DOMAIN", "ACCOUNTS", "ALIASES", "CATCH-ALL"],
            all.iter().map(domain_cells),
            "no domain is hosted; add one with `whimbrel domain add DOMAIN`",
        ),
        Answer::Domain(one) => domain(one),
        Answer::Accounts(all) => table(
            &[
                "ACCOUNT", "NAME", "LOGIN", "MAIL", "MESSAGES", "SIZE", "QUOTA",
            ],
            all.iter().map(account_cells),
            "no accounts",
        ),
        Answer::Account(one) => account(one),
        Answer::Aliases(all) => table(
            &["ALIAS", "LEADS TO"],
            all.iter().map(alias_cells),
            "no aliases",
        ),
        Answer::Alias(one) => {
            let [alias, targets] = alias_cells(one);
            format!("{alias} leads to {targets}\n")
        }
        Answer::Hosts(all) => table(
            &["HOST", "ACCOUNT", "PASSWORDS"],
            all.iter().map(|one| {
                [
                    one.host.clone(),
                    one.account.clone(),
                    one.passwords.to_string(),
                ]
            }),
            "no hosts",
        ),
        Answer::DkimKeys(all) => table(
            &["DOMAIN", "SELECTOR", "ALGORITHM", "STATE", "SINCE"],
            all.iter().map(dkim_cells),
            "no keys; `whimbrel dkim rotate DOMAIN` makes some",
        ),
        Answer::DkimRecords(all) => dkim_records(all),
        Answer::Mailboxes(all) => mailboxes(all),
        Answer::Mailbox(one) => mailboxes(std::slice::from_ref(one)),
        Answer::Quotas(all) => quotas(all),
        Answer::Quota(one) => quotas(std::slice::from_ref(one)),
        Answer::Sessions(all) => table(
            &[
                "ID", "LISTENER", "PEER", "ACCOUNT", "SINCE", "TLS", "IN", "OUT", "COMMANDS",
            ],
            all.iter().map(session_cells),
            "no sessions",
        ),
        Answer::Queue(queue) => road::words::queue(queue),
        Answer::Damaged(damaged) => road::words::damaged(damaged),
        Answer::Story(story) => road::words::story(story),
        Answer::Done(lines) => lines.iter().map(|line| format!("{line}\n")).collect(),
    }
}

/// Columns as wide as their widest cell.
pub(super) fn table<const N: usize>(
    heads: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
    empty: &str,
) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    if rows.is_empty() {
        return format!("{empty}\n");
    }
    let heads: [String; N] = heads.map(str::to_owned);
    let mut text = String::new();
    let width = |column: usize| {
        let cells = rows
            .iter()
            .chain([&heads])
            .map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in [&heads].into_iter().chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

fn limit(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "none".to_owned(), measure::bytes)
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn domain_cells(one: &Domain) -> [String; 4] {
    [
        one.domain.clone(),
        one.accounts.to_string(),
        one.aliases.to_string(),
        or_dash(one.catch_all.as_deref()),
    ]
}

fn domain(one: &Domain) -> String {
    let mut text = format!(
        "{} is hosted here, with {} accounts and {} aliases\n",
        one.domain, one.accounts, one.aliases
    );
    match &one.catch_all {
        Some(target) => text.push_str(&format!("mail for unknown users goes to {target}\n")),
        None => text.push_str("mail for unknown users is refused\n"),
    }
    if let Some(records) = &one.records {
        text.push_str("\nIts DNS needs these records:\n\n");
        for record in records {
            text.push_str(&dns_record(record));
        }
    }
    text
}

fn dkim_cells(one: &DkimKey) -> [String; 5] {
    let algorithm = match one.algorithm {
        Algorithm::Rsa => "rsa-2048",
        Algorithm::Ed25519 => "ed25519",
    };
    [
        one.domain.clone(),
        one.selector.clone(),
        algorithm.to_owned(),
        dkim_state(one),
        one.since.clone(),
    ]
}

/// Where a key is in its life, and what follows from it.
pub fn dkim_state(one: &DkimKey) -> String {
    let mut text = match one.state {
        State::Waiting => "waiting".to_owned(),
        State::Active => "active".to_owned(),
        State::Retired => "retired".to_owned(),
    };
    if let Some(old) = &one.replaces {
        text.push_str(&format!(", to replace {old}"));
    }
    if let Some(until) = &one.in_dns_until {
        text.push_str(&format!("; its record stays in the DNS until {until}"));
    }
    if let Some(dns) = &one.dns {
        text.push_str(&format!("; the DNS {dns}"));
    }
    text
}

fn dkim_records(all: &[DkimKey]) -> String {
    if all.is_empty() {
        return "no keys; `whimbrel dkim rotate DOMAIN` makes some\n".to_owned();
    }
    let records = all.iter().filter_map(|one| one.record.as_ref());
    records.map(dns_record).collect()
}

fn dns_record(record: &DnsRecord) -> String {
    let DnsRecord {
        name,
        kind,
        value,
        why,
    } = record;
    format!("; {why}\n{name} IN {kind} {value}\n")
}

fn account_cells(one: &Account) -> [String; 7] {
    if let Some(until) = &one.kept_until {
        let name = format!("removed; kept until {until}");
        let dash = || "-".to_owned();
        return [
            one.account.clone(),
            name,
            dash(),
            dash(),
            dash(),
            dash(),
            dash(),
        ];
    }
    [
        one.account.clone(),
        or_dash(one.name.as_deref()),
        yes(one.login && one.has_password),
        yes(one.mail),
        one.messages.to_string(),
        measure::bytes(one.bytes),
        limit(one.quota_bytes),
    ]
}

fn account(one: &Account) -> String {
    let login = match (one.login, one.has_password) {
        (true, true) => "allowed",
        (true, false) => "allowed, but there is no password",
        (false, _) => "refused",
    };
    let own = if one.own_quota {
        "its own"
    } else {
        "the server's usual one"
    };
    let aliases = match one.aliases.is_empty() {
        true => "-".to_owned(),
        false => one.aliases.join(", "),
    };
    let rows = [
        ("account", one.account.clone()),
        ("number", one.id.to_string()),
        ("name", or_dash(one.name.as_deref())),
        ("made", one.created.clone()),
        (
            "login",
            [
                (true, login),
                (one.cram_md5, "for on-demand mail relay also by CRAM-MD5"),
                (one.apop, "by POP3 also by APOP"),
            ]
            .into_iter()
            .filter_map(|(is_so, text)| is_so.then_some(text))
            .collect::<Vec<_>>()
            .join(", "),
        ),
        (
            "mail",
            if one.mail { "taken" } else { "refused" }.to_owned(),
        ),
        (
            "holds",
            format!("{} messages, {}", one.messages, measure::bytes(one.bytes)),
        ),
        ("quota", format!("{} ({own})", limit(one.quota_bytes))),
        ("aliases", aliases),
    ];
    rows.iter()
        .map(|(name, value)| format!("{name:<8} {value}\n"))
        .collect()
}

fn alias_cells(one: &Alias) -> [String; 2] {
    let owner = one.owner.as_ref();
    let of = owner.map_or_else(String::new, |owner| format!(" (list of {owner})"));
    [one.alias.clone(), one.targets.join(", ") + &of]
}

fn mailboxes(all: &[Mailbox]) -> String {
    let cells = |one: &Mailbox| {
        let count = |number: u64| match one.selectable {
            true => number.to_string(),
            false => "-".to_owned(),
        };
        [
            one.mailbox.clone(),
            or_dash(one.special_use.as_deref()),
            count(one.messages),
            count(one.unseen),
            measure::bytes(one.bytes),
            yes(one.subscribed),
        ]
    };
    table(
        &["MAILBOX", "USE", "MESSAGES", "UNSEEN", "SIZE", "SUBSCRIBED"],
        all.iter().map(cells),
        "no mailboxes",
    )
}

fn quotas(all: &[Quota]) -> String {
    let cells = |one: &Quota| {
        let part = match one.quota_bytes {
            Some(limit) if limit > 0 => {
                format!("{} %", u128::from(one.bytes) * 100 / u128::from(limit))
            }
            _ => "-".to_owned(),
        };
        [
            one.account.clone(),
            measure::bytes(one.bytes),
            limit(one.quota_bytes),
            part,
            if one.own_quota { "own" } else { "usual" }.to_owned(),
            one.messages.to_string(),
        ]
    };
    table(
        &["ACCOUNT", "HOLDS", "QUOTA", "FULL", "WHOSE", "MESSAGES"],
        all.iter().map(cells),
        "no accounts",
    )
}

fn session_cells(one: &Session) -> [String; 9] {
    [
        one.id.to_string(),
        one.listener.clone(),
        one.peer.clone(),
        or_dash(one.account.as_deref()),
        measure::span(one.age_s),
        or_dash(one.tls.as_deref()),
        measure::bytes(one.bytes_in),
        measure::bytes(one.bytes_out),
        one.commands.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let alias = |alias: &str, target: &str| Alias {
            alias: alias.to_owned(),
            targets: vec![target.to_owned()],
            owner: None,
        };
        let all = vec![alias("a@b.c", "x@y.z"), alias("longer@b.c", "x@y.z")];
        let text = of(&Answer::Aliases(all));
        assert_eq!(
            text,
            "ALIAS       LEADS TO\na@b.c       x@y.z\nlonger@b.c  x@y.z\n"
        );
        assert_eq!(of(&Answer::Aliases(Vec::new())), "no aliases\n");
    }
}
