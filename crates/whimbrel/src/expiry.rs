//! Certificates that end: a word in time, and one when it is too late.
//!
//! What never happens here: another certificate (see `certificates`), the log itself.

use net::time::{Duration, sleep};
use net::{Clock, Expiry, Time, TlsServer};
use tally::{Metric, Tally};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const DAY_S: i64 = 24 * 3_600;
/// Who renews by hand has time enough, and who lets a program do it hears that it did not.
const NOTICE_DAYS: i64 = 21;

/// Warns now and once a day, as long as there is something to warn of.
pub async fn watch(tls: TlsServer, clock: Clock, mut tell: impl FnMut(&str)) {
    loop {
        for warning in warnings(&tls.expiries(), clock.now()) {
            tell(&warning);
        }
        sleep(DAY).await;
    }
}

/// What is to be said of certificates that have ended or soon will.
fn warnings(expiries: &[Expiry], now: Time) -> Vec<String> {
    let say = |one: &Expiry| {
        let left_s = one.at.seconds() - now.seconds();
        let (name, at) = (&one.name, one.at.rfc5322());
        match left_s {
            ..=0 => Some(format!(
                "the certificate for {name} ended on {at}: mail programs refuse it; renew it"
            )),
            left_s if left_s <= NOTICE_DAYS * DAY_S => Some(format!(
                "the certificate for {name} ends in {} days, on {at}; renew it",
                left_s / DAY_S
            )),
            _ => None,
        }
    };
    expiries.iter().filter_map(say).collect()
}

/// Of those that have ended.
pub fn ended(expiries: &[Expiry], now: Time) -> Option<String> {
    let ended: Vec<Expiry> = expiries
        .iter()
        .filter(|one| one.at <= now)
        .cloned()
        .collect();
    (!ended.is_empty()).then(|| warnings(&ended, now).join("; "))
}

/// Counts when the first ends.
pub fn count(expiries: &[Expiry], tally: &Tally) {
    let first = expiries.iter().map(|one| one.at.seconds()).min();
    if let Some(first) = first.and_then(|seconds| u64::try_from(seconds).ok()) {
        tally.set(Metric::CertificateExpiry, &[], first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Shows a certificate that ends so many days after the begin of the clock.
    fn world(days: i64) -> (TlsServer, Clock) {
        let made = Time::from_seconds(1_700_000_000);
        let names = ["mail.example.org".to_owned()];
        let (chain, key) = net::self_signed(&names, made).unwrap();
        let tls = TlsServer::from_pem(&chain, &key).unwrap();
        let ends = tls.expiries()[0].at;
        let begin = Time::from_seconds(ends.seconds() - days * DAY_S);
        (tls, Clock::following_tokio(begin))
    }

    async fn told(days: i64, watched_days: u32) -> Vec<String> {
        let (tls, clock) = world(days);
        let told = RefCell::new(Vec::new());
        let watching = watch(tls, clock, |line| told.borrow_mut().push(line.to_owned()));
        let enough = DAY * watched_days + DAY / 2;
        let _ = net::time::timeout(enough, watching).await;
        told.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn says_nothing_until_three_weeks_before_and_then_something_each_day() {
        assert_eq!(told(60, 38).await, [] as [&str; 0]);
        let lines = told(60, 41).await;
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].contains("mail.example.org ends in 21 days"),
            "{lines:?}"
        );
        assert!(lines[2].contains("ends in 19 days"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn says_it_at_the_start_and_says_when_it_is_too_late() {
        let lines = told(1, 2).await;
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("ends in 1 days"), "{lines:?}");
        assert!(lines[1].contains("ended on"), "{lines:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_certificate_is_the_end_of_it() {
        let (tls, clock) = world(0);
        assert!(ended(&tls.expiries(), clock.now()).is_some());
        let (chain, key) = net::self_signed(&["a.example".to_owned()], clock.now()).unwrap();
        tls.show(net::Certificates::from_pem(&chain, &key).unwrap());
        assert_eq!(ended(&tls.expiries(), clock.now()), None);
        assert_eq!(warnings(&tls.expiries(), clock.now()), [] as [&str; 0]);
    }
}
