//! Return addresses for mail that an alias sends on to another server: the Sender Rewriting Scheme.
//!
//! A server that we hand a stranger's mail to asks the stranger's domain whether we may send it (SPF)
//! and hears no. So the envelope's sender becomes an address of ours that holds the stranger's, and a
//! bounce that comes to it is sent back to him. A tag proves that the address was made here, and a
//! day that it is not old: else it would be a way to send through us. What never happens here: I/O, a
//! clock, a decision who may use it.
//!
//! ```abnf
//! srs0 = "SRS0=" tag "=" day "=" domain "=" local       ; of the sender
//! srs1 = "SRS1=" tag "=" domain "=" rest                ; of whoever rewrote before us: what stands
//!                                                       ; behind its "SRS0", separator included
//! tag  = 8base32                                        ; HMAC-SHA256, 40 bits
//! day  = 2base32                                        ; days since 1970, modulo 1024
//! ```

use addr::{Address, Domain, Host, LocalPart};
use mail::{Directory, Fault};
use net::{Random, Time};
use ring::hmac;

/// What the secret of return addresses is derived for.
const PURPOSE: &str = "whimbrel 2026-11-23 return addresses of forwarded mail";
/// How long a return address holds: longer than any queue keeps mail.
const DAYS: u64 = 21;
/// Return addresses of ours within each other: SRS1 holds SRS0, and no more.
const REWRITES: usize = 3;
const DAY_S: u64 = 86_400;
/// Days after which a day's letters come again.
const CYCLE: u64 = 1_024;
const TAG_LETTERS: usize = 8;
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Between a first rewriter's `SRS0` and the rest: this one is ours, the others are known.
const SEPARATORS: [char; 3] = ['=', '+', '-'];

/// Why an address of this form leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotOurs {
    /// It was not made here, or it was changed.
    Forged,
    TooOld,
}

/// Makes and reads return addresses.
pub(crate) struct Srs {
    key: hmac::Key,
}

/// Whether an address has the form of a return address, whoever made it.
pub(crate) fn has_form(address: &Address) -> bool {
    form(address.local().as_str()).is_some()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// Holds a sender.
    Srs0,
    /// Holds another's return address.
    Srs1,
}

/// The form, and what stands behind its name, the separator first.
fn form(local: &str) -> Option<(Form, &str)> {
    let (name, rest) = local.split_at_checked(4)?;
    let form = match () {
        () if name.eq_ignore_ascii_case("SRS0") => Form::Srs0,
        () if name.eq_ignore_ascii_case("SRS1") => Form::Srs1,
        () => return None,
    };
    rest.starts_with(SEPARATORS).then_some((form, rest))
}

impl Srs {
    /// With the secret of this house.
    pub async fn of(directory: &Directory, random: &Random) -> Result<Srs, Fault> {
        let secret = directory.derived_secret(random, PURPOSE).await?;
        Ok(Srs::new(&secret))
    }

    pub fn new(secret: &[u8; 32]) -> Srs {
        Srs {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// The address at our domain that stands for the sender. `None`: it would be too long, or the
    /// sender has no domain.
    pub fn forward(&self, sender: &Address, ours: &Domain, at: Time) -> Option<Address> {
        let local = sender.local().as_str();
        let host = sender.domain()?.as_str();
        let content = match form(local) {
            None => {
                let day = letters(day(at), 2);
                let tag = self.tag(&["0", &day, host, local]);
                format!("SRS0={tag}={day}={host}={local}")
            }
            Some((Form::Srs0, rest)) => {
                let tag = self.tag(&["1", host, rest]);
                format!("SRS1={tag}={host}={rest}")
            }
            // whoever made the first one is named in it; those between need not be asked
            Some((Form::Srs1, rest)) => {
                let (_, first) = rest.get(1..)?.split_once('=')?;
                let (host, rest) = first.split_once('=')?;
                let tag = self.tag(&["1", host, rest]);
                format!("SRS1={tag}={host}={rest}")
            }
        };
        let local = LocalPart::from_content(&content).ok()?;
        Address::new(local, Host::Name(ours.clone())).ok()
    }

    /// Whom a return address of this house stands for, also where it stands for another one of ours:
    /// mail that goes in circles is rewritten each time. `None`: it is no return address of ours.
    pub fn origin(
        &self,
        directory: &Directory,
        to: &Address,
        at: Time,
    ) -> Result<Option<Result<Address, NotOurs>>, Fault> {
        let mut found: Option<Address> = None;
        for _ in 0..REWRITES {
            let address = found.as_ref().unwrap_or(to);
            match address.domain() {
                Some(domain) if directory.hosts(domain)? => {}
                _ => break,
            }
            match self.back(address, at) {
                Some(Ok(next)) => found = Some(next),
                Some(Err(why)) => return Ok(Some(Err(why))),
                None => break,
            }
        }
        Ok(found.map(Ok))
    }

    /// Whom a bounce to this address is for. `None`: it is no return address.
    pub fn back(&self, to: &Address, at: Time) -> Option<Result<Address, NotOurs>> {
        let (form, rest) = form(to.local().as_str())?;
        let rest = rest.strip_prefix('=');
        Some(rest.ok_or(NotOurs::Forged).and_then(|rest| match form {
            Form::Srs0 => self.sender(rest, at),
            Form::Srs1 => self.first(rest),
        }))
    }

    fn sender(&self, rest: &str, at: Time) -> Result<Address, NotOurs> {
        let mut parts = rest.splitn(4, '=');
        let mut next = || parts.next().ok_or(NotOurs::Forged);
        let (tag, made, host, local) = (next()?, next()?, next()?, next()?);
        self.check(tag, &["0", made, host, local])?;
        let made = number(made).ok_or(NotOurs::Forged)?;
        if (day(at) + CYCLE - made) % CYCLE > DAYS {
            return Err(NotOurs::TooOld);
        }
        address(local, host)
    }

    fn first(&self, rest: &str) -> Result<Address, NotOurs> {
        let mut parts = rest.splitn(3, '=');
        let mut next = || parts.next().ok_or(NotOurs::Forged);
        let (tag, host, rest) = (next()?, next()?, next()?);
        self.check(tag, &["1", host, rest])?;
        address(&format!("SRS0{rest}"), host)
    }

    fn check(&self, tag: &str, parts: &[&str]) -> Result<(), NotOurs> {
        // letters may have changed their case on the way
        let tag = tag.to_ascii_uppercase();
        let expect = self.tag(parts);
        let same = tag.len() == expect.len()
            && tag
                .bytes()
                .zip(expect.bytes())
                .fold(0, |differ, (a, b)| differ | (a ^ b))
                == 0;
        same.then_some(()).ok_or(NotOurs::Forged)
    }

    /// What proves the parts, the number of the form first, whatever the case of their letters.
    fn tag(&self, parts: &[&str]) -> String {
        let text = parts.join("=").to_lowercase();
        let signed = hmac::sign(&self.key, text.as_bytes());
        let octets = signed.as_ref().iter().take(8);
        let number = octets.fold(0, |number, octet| number << 8 | u64::from(*octet));
        letters(number, TAG_LETTERS)
    }
}

fn address(local: &str, host: &str) -> Result<Address, NotOurs> {
    let host: Domain = host.parse().map_err(|_| NotOurs::Forged)?;
    let local = LocalPart::from_content(local).map_err(|_| NotOurs::Forged)?;
    Address::new(local, Host::Name(host)).map_err(|_| NotOurs::Forged)
}

fn day(at: Time) -> u64 {
    u64::try_from(at.seconds()).unwrap_or(0) / DAY_S % CYCLE
}

/// The lowest bits of a number, five in a letter.
fn letters(number: u64, count: usize) -> String {
    let letter = |place: usize| {
        let bits = number >> (5 * (count - 1 - place)) & 31;
        char::from(LETTERS[usize::try_from(bits).unwrap_or(0)])
    };
    (0..count).map(letter).collect()
}

fn number(letters: &str) -> Option<u64> {
    let upper = letters.to_ascii_uppercase();
    if upper.len() != 2 {
        return None;
    }
    upper.bytes().try_fold(0, |number, letter| {
        let place = LETTERS.iter().position(|known| *known == letter)?;
        Some(number << 5 | u64::try_from(place).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400;

    fn srs() -> Srs {
        Srs::new(&[7; 32])
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn at(days: i64) -> Time {
        Time::from_seconds(days * DAY)
    }

    fn ours() -> Domain {
        "example.test".parse().unwrap()
    }

    #[test]
    fn a_bounce_finds_its_way_back_and_only_while_it_is_fresh() {
        let sender = address("carol@elsewhere.example");
        let made = srs().forward(&sender, &ours(), at(20_000)).unwrap();
        assert!(made.to_string().starts_with("SRS0="), "{made}");
        assert!(
            made.to_string()
                .ends_with("=elsewhere.example=carol@example.test"),
            "{made}"
        );
        let days = i64::try_from(DAYS).unwrap();
        let back = |days| srs().back(&made, at(20_000 + days));
        assert_eq!(back(0), Some(Ok(sender.clone())));
        assert_eq!(back(days), Some(Ok(sender)));
        assert_eq!(back(days + 1), Some(Err(NotOurs::TooOld)));
        // a clock that went back
        assert_eq!(back(-2), Some(Err(NotOurs::TooOld)));
        assert_eq!(srs().back(&address("carol@example.test"), at(1)), None);
    }

    #[test]
    fn what_was_not_made_here_leads_nowhere() {
        let sender = address("carol@elsewhere.example");
        let made = srs()
            .forward(&sender, &ours(), at(20_000))
            .unwrap()
            .to_string();
        let changed = [
            made.replace("carol", "karol"),
            made.replace("elsewhere", "nowhere"),
            made.replace("SRS0=", "SRS0=A"),
            made.replace("SRS0=", "SRS0+"),
            made.replace("SRS0", "SRS1"),
            "SRS0=@example.test".to_owned(),
            "SRS0=A=B=c@example.test".to_owned(),
            "SRS1=AAAAAAAA=first.example==x@example.test".to_owned(),
        ];
        for other in changed {
            let back = srs().back(&address(&other), at(20_000));
            assert_eq!(back, Some(Err(NotOurs::Forged)), "{other}");
        }
        let other = Srs::new(&[8; 32]).back(&address(&made), at(20_000));
        assert_eq!(other, Some(Err(NotOurs::Forged)));
        // on the way the case may change, which changes no mailbox that is in use
        let lower = address(&made.to_ascii_lowercase());
        assert_eq!(srs().back(&lower, at(20_000)), Some(Ok(sender)));
    }

    #[test]
    fn what_others_rewrote_goes_back_through_the_first_of_them() {
        for local in ["SRS0=HHH=TT=a.example=u", "SRS0+HHH=TT=a.example=u"] {
            let first = address(&format!("{local}@first.example"));
            let made = srs().forward(&first, &ours(), at(1)).unwrap();
            assert!(made.to_string().contains("=first.example="), "{made}");
            assert_eq!(srs().back(&made, at(1)), Some(Ok(first.clone())));
            // a third one leaves the second out
            let other = Srs::new(&[8; 32]);
            let second = other.forward(&first, &"second.example".parse().unwrap(), at(1));
            let third = srs().forward(&second.unwrap(), &ours(), at(1)).unwrap();
            assert_eq!(srs().back(&third, at(1)), Some(Ok(first)));
        }
    }

    #[test]
    fn a_sender_that_does_not_fit_stays_as_it_is() {
        let long = address(&format!("{}@elsewhere.example", "x".repeat(60)));
        assert_eq!(srs().forward(&long, &ours(), at(1)), None);
        assert_eq!(
            srs().forward(&address("u@[192.0.2.1]"), &ours(), at(1)),
            None
        );
    }

    proptest! {
        #[test]
        fn every_sender_that_fits_comes_back(local in "[a-zA-Z0-9=+.\"@ -]{1,30}", day in 0i64..3_000) {
            let Ok(local) = LocalPart::from_content(&local) else { return Ok(()) };
            let host: Domain = "a-b.example".parse().unwrap();
            let Ok(sender) = Address::new(local, Host::Name(host)) else { return Ok(()) };
            if let Some(made) = srs().forward(&sender, &ours(), at(day)) {
                let parsed = address(&made.to_string());
                // what looks like another's return address goes back as such
                let back = srs().back(&parsed, at(day)).unwrap().unwrap();
                prop_assert_eq!(back.key(), sender.key());
            }
        }

        #[test]
        fn nothing_breaks_it(local in "SRS[01][=+-][A-Za-z0-9=.]{0,50}", day in 0i64..3_000) {
            let Ok(local) = LocalPart::from_content(&local) else { return Ok(()) };
            let to = Address::new(local, Host::Name(ours())).unwrap();
            let _ = srs().back(&to, at(day));
            let _ = srs().forward(&to, &ours(), at(day));
        }
    }
}
