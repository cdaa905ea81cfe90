//! Rows of `road.customer`: how each is read from TOML, written back, and made a customer.
//!
//! What never happens here: reading a file.

use super::units::Unit;
use addr::Address;
use net::Network;
use post::customer::{Customer, Holds};
use post::queue::Amount;
use post::road::route::DomainPattern;
use std::time::Duration;
use toml::de::DeValue;

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomerRow {
    pub who: Customer,
    pub login: Option<Address>,
    pub networks: Vec<Network>,
}

/// What a row must be, as the end of “must be …”.
pub const ASKED: &str = "a list of { name = \"NAME\", domains = [\"DOMAIN\"], login = \"ADDRESS\" } and \
                         more, as the manual has it";

/// What may wait for one customer, if he has no bounds of his own.
const MOST: Amount = Amount {
    count: 10_000,
    bytes: 1 << 30,
};

const HOLDS: &[(&str, Holds)] = &[
    ("atrn", Holds::UntilAtrn),
    ("etrn", Holds::UntilEtrn),
    ("none", Holds::Nothing),
];

/// Reads all rows; the error is what is wrong with the first that is.
pub fn take(value: &DeValue<'_>) -> Result<Vec<CustomerRow>, String> {
    let must = || format!("must be {ASKED}");
    let mut all: Vec<CustomerRow> = Vec::new();
    for item in value.as_array().ok_or_else(must)?.iter() {
        let row = row(item.get_ref())?;
        for other in &all {
            other.does_not_clash(&row)?;
        }
        all.push(row);
    }
    Ok(all)
}

fn row(item: &DeValue<'_>) -> Result<CustomerRow, String> {
    let must = || format!("must be {ASKED}");
    let mut row = CustomerRow {
        who: Customer {
            name: "".into(),
            domains: Vec::new(),
            holds: Holds::default(),
            most: MOST,
            lifetime: None,
        },
        login: None,
        networks: Vec::new(),
    };
    for (key, value) in item.as_table().ok_or_else(must)?.iter() {
        let (key, value) = (key.get_ref().as_ref(), value.get_ref());
        let text = || {
            let text = value.as_str().filter(|text| !text.is_empty());
            text.ok_or_else(|| format!("needs a text in quotes for `{key}`"))
        };
        match key {
            "name" => row.who.name = name(text()?)?.into(),
            "domains" => row.who.domains = each(key, value, pattern)?,
            "login" => row.login = Some(login(text()?)?),
            "networks" => row.networks = each(key, value, network)?,
            "hold" => row.who.holds = holds(text()?)?,
            "lifetime" => row.who.lifetime = Some(lifetime(text()?)?),
            "entries" => row.who.most.count = entries(value)?,
            "size" => row.who.most.bytes = size(text()?)?,
            other => return Err(format!("knows no `{other}`; it {}", must())),
        }
    }
    row.is_whole().map(|()| row)
}

impl CustomerRow {
    /// Whether it says all that is needed.
    fn is_whole(&self) -> Result<(), String> {
        let name = &self.who.name;
        let why = if name.is_empty() {
            "needs a `name` for each customer".to_owned()
        } else if self.who.domains.is_empty() {
            format!("needs `domains` for \"{name}\"")
        } else if self.who.holds == Holds::UntilAtrn && self.login.is_none() {
            format!("needs a `login` for \"{name}\": ATRN is only for those who log in")
        } else if self.login.is_none() && self.networks.is_empty() {
            format!("says of \"{name}\" nobody who may ask: `login` or `networks`")
        } else {
            return Ok(());
        };
        Err(why)
    }

    fn does_not_clash(&self, other: &CustomerRow) -> Result<(), String> {
        let (one, two) = (&self.who, &other.who);
        if one.name == two.name {
            return Err(format!("has two customers \"{}\"", one.name));
        }
        let both = |customer: &Customer| customer.holds == Holds::UntilAtrn;
        if self.login.is_some() && self.login == other.login && both(one) && both(two) {
            return Err(format!(
                "has one `login` for \"{}\" and \"{}\": ATRN cannot tell them apart",
                one.name, two.name
            ));
        }
        match one
            .domains
            .iter()
            .find(|domain| two.domains.contains(domain))
        {
            Some(domain) => Err(format!(
                "gives {domain} to \"{}\" and to \"{}\"",
                one.name, two.name
            )),
            None => Ok(()),
        }
    }

    /// The row in TOML; `quoted` makes a string of it.
    pub fn show(&self, quoted: impl Fn(&str) -> String) -> String {
        let who = &self.who;
        let list = |all: Vec<String>| {
            let all: Vec<String> = all.iter().map(|text| quoted(text)).collect();
            format!("[{}]", all.join(", "))
        };
        let domains = who.domains.iter().map(ToString::to_string).collect();
        let mut words = vec![
            format!("name = {}", quoted(&who.name)),
            format!("domains = {}", list(domains)),
        ];
        if let Some(login) = &self.login {
            words.push(format!("login = {}", quoted(&login.to_string())));
        }
        if !self.networks.is_empty() {
            let networks = self.networks.iter().map(ToString::to_string).collect();
            words.push(format!("networks = {}", list(networks)));
        }
        let usual = who.holds == Holds::default();
        let row = HOLDS.iter().find(|row| row.1 == who.holds && !usual);
        words.extend(row.map(|row| format!("hold = {}", quoted(row.0))));
        if let Some(lifetime) = who.lifetime {
            let text = Unit::Time.write(lifetime.as_secs());
            words.push(format!("lifetime = {}", quoted(&text)));
        }
        if who.most.count != MOST.count {
            words.push(format!("entries = {}", who.most.count));
        }
        if who.most.bytes != MOST.bytes {
            let text = Unit::Size.write(who.most.bytes);
            words.push(format!("size = {}", quoted(&text)));
        }
        format!("{{ {} }}", words.join(", "))
    }
}

/// It stands in log lines, in lists, and behind `ETRN #`.
fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text.len() <= 64 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "has a `name` \"{text}\" that is not of letters, digits, - _ . and at most 64 long"
        )),
    }
}

fn pattern(text: &str) -> Result<DomainPattern, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("has a domain \"{text}\" that is neither a domain nor *.DOMAIN"))
}

fn login(text: &str) -> Result<Address, String> {
    let parsed = text.parse();
    parsed.map_err(|error| format!("has a `login` \"{text}\" that is no address: {error}"))
}

fn network(text: &str) -> Result<Network, String> {
    let parsed = text.parse();
    parsed.map_err(|_| format!("has \"{text}\" among `networks`, which is none"))
}

fn holds(text: &str) -> Result<Holds, String> {
    let row = HOLDS.iter().find(|row| row.0 == text);
    let row = row.ok_or_else(|| "has a `hold` that is none of atrn, etrn, none".to_owned());
    row.map(|row| row.1)
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let seconds = Unit::Time.read(text).filter(|seconds| *seconds >= 60);
    let seconds = seconds.filter(|seconds| *seconds <= 100 * 24 * 3_600);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "needs a `lifetime` such as \"10 days\", of a minute to 100 days".to_owned())
}

fn entries(value: &DeValue<'_>) -> Result<usize, String> {
    let DeValue::Integer(digits) = value else {
        return Err("needs a number for `entries`".to_owned());
    };
    let number = usize::from_str_radix(digits.as_str(), digits.radix()).ok();
    number
        .filter(|number| *number > 0)
        .ok_or_else(|| "needs a number above 0 for `entries`".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let bytes = Unit::Size.read(text).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "needs a `size` such as \"1 GiB\", above 0".to_owned())
}

fn each<T>(
    key: &str,
    value: &DeValue<'_>,
    read: fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let must = || format!("needs a list of texts for `{key}`");
    let items = value.as_array().ok_or_else(must)?.iter();
    let read = |item: &toml::Spanned<DeValue<'_>>| {
        let text = item.get_ref().as_str().ok_or_else(must)?;
        read(text)
    };
    items.map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<CustomerRow>, String> {
        take(DeValue::parse(text).unwrap().get_ref())
    }

    #[test]
    fn a_customer_has_a_name_domains_and_somebody_who_may_ask() {
        let text = "[{ name = \"acme\", domains = [\"acme.example\", \"*.acme.example\"], \
                     login = \"acme@isp.example\", hold = \"atrn\", lifetime = \"10 d\", entries = 50, \
                     size = \"20 MiB\" }, \
                     { name = \"b\", domains = [\"b.example\"], networks = [\"192.0.2.0/24\"], hold = \"etrn\" }]";
        let rows = read(text).unwrap();
        assert_eq!(rows[0].who.domains.len(), 2);
        assert_eq!(rows[0].who.lifetime, Some(Duration::from_secs(864_000)));
        assert_eq!(rows[0].who.most.bytes, 20 << 20);
        assert_eq!(
            (rows[1].who.holds, rows[1].who.most),
            (Holds::UntilEtrn, MOST)
        );
        let shown: Vec<String> = rows
            .iter()
            .map(|row| row.show(|text| format!("\"{text}\"")))
            .collect();
        assert_eq!(read(&format!("[{}]", shown.join(", "))).unwrap(), rows);
    }

    #[test]
    fn what_cannot_be_a_customer_is_told() {
        const A: &str = "name = \"a\", domains = [\"a.example\"], login = \"a@isp.example\"";
        for (rows, wrong) in [
            ("{ domains = [\"a.example\"] }".to_owned(), "needs a `name`"),
            ("{ name = \"a b\" }".to_owned(), "a b"),
            (
                "{ name = \"a\", login = \"a@isp.example\" }".to_owned(),
                "needs `domains`",
            ),
            (
                "{ name = \"a\", domains = [\"a..example\"] }".to_owned(),
                "a..example",
            ),
            (
                "{ name = \"a\", domains = [\"a.example\"] }".to_owned(),
                "needs a `login`",
            ),
            (
                "{ name = \"a\", domains = [\"a.example\"], hold = \"etrn\" }".to_owned(),
                "nobody who may ask",
            ),
            (format!("{{ {A}, hold = \"pop\" }}"), "none of atrn"),
            (format!("{{ {A}, networks = [\"x\"] }}"), "which is none"),
            (format!("{{ {A}, lifetime = \"1 s\" }}"), "lifetime"),
            (format!("{{ {A}, entries = 0 }}"), "above 0"),
            (format!("{{ {A}, size = \"0\" }}"), "size"),
            (format!("{{ {A}, network = \"x\" }}"), "knows no `network`"),
            (format!("{{ {A} }}, {{ {A} }}"), "two customers"),
            (
                format!(
                    "{{ {A} }}, {{ name = \"b\", domains = [\"b.example\"], login = \"a@isp.example\" }}"
                ),
                "cannot tell them apart",
            ),
            (
                format!(
                    "{{ {A} }}, {{ name = \"b\", domains = [\"a.example\"], login = \"b@isp.example\" }}"
                ),
                "gives a.example",
            ),
        ] {
            let told = read(&format!("[{rows}]")).unwrap_err();
            assert!(told.contains(wrong), "{rows}: {told}");
        }
    }
}
