//! Sending to other servers, as the settings have it: the queue, the road, and who works on them.
//!
//! What never happens here: reading a settings file, an attempt.

use crate::server::House;
use crate::settings::{At, Settings, Smarthost};
use crate::{Outcome, own_files};
use addr::Domain;
use net::{Authorities, Dialer, HttpClient, Stop};
use post::customer::Customers;
use post::queue::{Queue, QueueSettings};
use post::road::policy::{Policies, PolicySettings};
use post::road::route::{Demand, Next, Own, Route, Routes, Server, Sources};
use post::road::tls_report::{TlsReports, TlsTally};
use post::road::{LaneSettings, Outside, Road, RoadSettings};
use post::trail;
use smtp::client::Protocol;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The port of submission that begins with TLS.
const SUBMISSIONS_PORT: u16 = 465;
/// Between two looks at trails that may be forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3_600);
/// Between two looks at policies that may be old.
const RENEW_INTERVAL: Duration = Duration::from_secs(3_600);

/// Where the operator wants mail to go.
pub fn routes(settings: &Settings) -> Outcome<Routes> {
    let mut rows = Vec::new();
    for row in &settings.road.routes {
        let password = row.password.as_deref().map(password).transpose()?;
        let route = row.route(password, &settings.uucp_name());
        rows.push(route.map_err(|wrong| format!("a row of `road.route` {wrong}"))?);
    }
    rows.extend(smarthost(settings)?);
    let customers = settings.road.customers.iter().map(|row| row.who.clone());
    let customers = Customers::new(customers.collect());
    Ok(Routes::new(rows).with_customers(customers))
}

/// Where everything else goes, if not where the DNS says.
fn smarthost(settings: &Settings) -> Outcome<Option<Route>> {
    let sending = &settings.sending;
    let Some(Smarthost { host, port }) = &sending.smarthost else {
        return Ok(None);
    };
    let login = match (&sending.smarthost_user, &sending.smarthost_password) {
        (None, _) => None,
        (Some(_), None) => {
            return Err("`queue.smarthost_user` needs `queue.smarthost_password`".to_owned());
        }
        (Some(name), Some(file)) => Some(sasl::Credentials {
            name: name.clone(),
            password: password(file)?,
        }),
    };
    let tls = match (*port, &login) {
        (SUBMISSIONS_PORT, _) => Demand::AtOnce,
        (_, Some(_)) => Demand::Verified,
        (_, None) => Demand::WhereOffered,
    };
    let server = Server {
        host: host.clone(),
        port: *port,
        protocol: Protocol::Smtp,
        tls,
        login,
    };
    Ok(Some(Route {
        to: None,
        from: None,
        next: Next::Server(Arc::new(server)),
        sources: Sources::default(),
    }))
}

/// The first line of a file.
fn password(file: &Path) -> Outcome<Vec<u8>> {
    let text = own_files::read(file)?;
    match text.lines().next() {
        // servers compare with what they prepared in the same way [rfc5802 5.1]
        Some(line) if !line.is_empty() => Ok(mail::prepared_password(line.as_bytes())),
        _ => Err(format!(
            "{} has no password in its first line",
            file.display()
        )),
    }
}

/// The queue of a store that was opened.
pub async fn queue(house: &House, settings: &Settings) -> Outcome<Queue> {
    let queue = Queue::open(
        house.mail.clone(),
        house.clock.clone(),
        house.random.clone(),
        settings.hostname.clone(),
        queue_settings(settings),
        routes(settings)?,
    );
    queue.await.map_err(|fault| fault.to_string())
}

fn queue_settings(settings: &Settings) -> QueueSettings {
    QueueSettings {
        // an eighth of each wait is by chance
        longest_wait: settings.sending.backoff.most.saturating_mul(2),
        ..settings.sending.queue.clone()
    }
}

/// The queue of a store that no server has.
pub async fn queue_at_rest(house: &House) -> Outcome<Queue> {
    let (mail, clock, random) = (
        house.mail.clone(),
        house.clock.clone(),
        house.random.clone(),
    );
    let settings = QueueSettings::default();
    let queue = Queue::open(
        mail,
        clock,
        random,
        "localhost",
        settings,
        Routes::default(),
    );
    queue.await.map_err(|fault| fault.to_string())
}

/// The queue of a server, and who works on it.
pub struct Sending {
    pub tasks: JoinSet<()>,
    queue: Queue,
    /// None where nothing is sent.
    road: Option<Road>,
}

/// What a reload gives to the queue and the road, looked at.
pub struct Renewal<'a> {
    settings: &'a Settings,
    hostname: Domain,
    routes: Routes,
}

impl<'a> Renewal<'a> {
    /// Reads the passwords and finds what is wrong; nothing is changed by it.
    pub fn of(settings: &'a Settings) -> Outcome<Renewal<'a>> {
        Ok(Renewal {
            hostname: hostname(settings)?,
            routes: routes(settings)?,
            settings,
        })
    }
}

impl Sending {
    /// The routes first: an attempt that begins with the road's new settings knows its new way.
    pub fn renew(&self, renewal: Renewal<'_>) {
        let Renewal {
            settings,
            hostname,
            routes,
        } = renewal;
        let (name, wanted) = (settings.hostname.clone(), queue_settings(settings));
        if let Err(fault) = self.queue.renew(name, wanted, routes) {
            tracing::error!(%fault, "mail that waits finds its new way only when its turn comes");
        }
        if let Some(road) = &self.road {
            road.renew(|road| of_road(road, settings, hostname));
        }
    }
}

/// Works on the queue until `stop`. Nothing is sent where that is switched off; what waits then waits.
pub fn start(house: &House, queue: &Queue, settings: &Settings, stop: &Stop) -> Outcome<Sending> {
    let mut sending = None;
    let mut tasks = JoinSet::new();
    if let Some(Ways {
        road,
        policies,
        reports,
    }) = ways(house, queue, settings)?
    {
        sending = Some(road.clone());
        let (tended, until) = (road.clone(), stop.clone());
        tasks.spawn(async move { tended.tend(&until).await });
        let (queue, until) = (queue.clone(), stop.clone());
        tasks.spawn(async move { queue.run(&road, &until).await });
        let until = stop.clone();
        tasks.spawn(async move { renew(&policies, &until).await });
        if let Some(reports) = reports {
            let until = stop.clone();
            tasks.spawn(async move { reports.run(&until).await });
        }
    }
    let (mail, clock, until) = (house.mail.clone(), house.clock.clone(), stop.clone());
    tasks.spawn(async move {
        while !until.is_stopped() {
            let kept = i64::try_from(mail.history_s()).unwrap_or(i64::MAX);
            let before = clock.now().seconds().saturating_sub(kept);
            let before = net::Time::from_seconds(before);
            if let Err(fault) = trail::forget(&mail, before, &until).await {
                tracing::warn!(target: "upkeep", %fault, "the trails of old messages are not forgotten");
            }
            tokio::select! {
                biased;
                () = until.stopped() => {}
                () = net::time::sleep(FORGET_INTERVAL) => {}
            }
        }
    });
    Ok(Sending {
        tasks,
        queue: queue.clone(),
        road: sending,
    })
}

/// Renews what domains say of their TLS.
async fn renew(policies: &Policies, stop: &Stop) {
    while !stop.is_stopped() {
        tokio::select! {
            biased;
            () = stop.stopped() => return,
            () = net::time::sleep(RENEW_INTERVAL) => {}
        }
        tokio::select! {
            biased;
            () = stop.stopped() => return,
            renewed = policies.upkeep() => if let Err(fault) = renewed {
                tracing::warn!(target: "upkeep", %fault, "MTA-STS policies are not renewed");
            }
        }
    }
}

/// All that mail goes out by.
struct Ways {
    road: Road,
    policies: Policies,
    reports: Option<TlsReports>,
}

fn ways(house: &House, queue: &Queue, settings: &Settings) -> Outcome<Option<Ways>> {
    let sending = &settings.sending;
    let Some(resolver) = house.resolver.clone().filter(|_| sending.is_on) else {
        return Ok(None);
    };
    let hostname = hostname(settings)?;
    let authorities = match &sending.authorities {
        None => Authorities::of_the_web(),
        Some(file) => Authorities::from_pem(&own_files::read(file)?)
            .map_err(|error| format!("cannot use `queue.authorities`: {error}"))?,
    };
    let dialer = Dialer::system();
    let http = HttpClient::of_the_world(resolver.clone(), dialer.clone(), authorities.clone());
    let policies = Policies::new(
        house.mail.clone(),
        PolicySettings {
            http: http.clone(),
            resolver: resolver.clone(),
            clock: house.clock.clone(),
        },
    );
    let tally = sending.reports_tls.then(TlsTally::default);
    let reports = tally.clone().map(|tally| TlsReports {
        tally,
        post: crate::doors::post(house, Some(queue), settings),
        resolver: resolver.clone(),
        http,
    });
    let outside = Outside {
        dialer,
        resolver,
        clock: house.clock.clone(),
        random: house.random.clone(),
    };
    let mut road = RoadSettings::new(hostname.clone());
    of_road(&mut road, settings, hostname);
    road.authorities = authorities;
    road.policies = Some(policies.clone());
    road.tls_tally = tally;
    let road = Road::new(road, outside);
    Ok(Some(Ways {
        road,
        policies,
        reports,
    }))
}

/// What we call ourselves in EHLO.
fn hostname(settings: &Settings) -> Outcome<Domain> {
    let name = &settings.hostname;
    name.parse()
        .map_err(|error| format!("`hostname` cannot be said to other servers: {name}: {error}"))
}

/// What may change while the server runs.
fn of_road(road: &mut RoadSettings, settings: &Settings, hostname: Domain) {
    road.own = Own {
        names: vec![hostname.clone()],
        addresses: own_addresses(settings),
    };
    road.hostname = hostname;
    road.families = settings.road.families;
    road.backoff = settings.sending.backoff;
    road.patience = settings.road.patience;
    road.lanes = LaneSettings {
        most: settings.sending.connections,
        apart: settings.road.pause,
        ..road.lanes
    };
    // each of them may send another message at once
    road.pool.at_one_place = settings.sending.connections as usize;
}

/// Those of our SMTP listeners, as far as they are said, and those that the operator adds.
fn own_addresses(settings: &Settings) -> Vec<IpAddr> {
    let listen = settings.listen(crate::listeners::Kind::Smtp);
    let addresses = listen.addresses.iter().filter_map(|at| match at {
        At::Tcp(at) if !at.ip().is_unspecified() => Some(at.ip()),
        _ => None,
    });
    let added = settings.road.own_addresses.iter().copied();
    addresses.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::routes::RouteRow;

    #[test]
    fn a_smarthost_is_a_name_or_an_address_with_a_port() {
        let shown = |text: &str| text.parse::<Smarthost>().map(|found| found.to_string());
        assert_eq!(shown("mail.example.org").unwrap(), "mail.example.org:25");
        assert_eq!(
            shown("Mail.Example.org:587").unwrap(),
            "mail.example.org:587"
        );
        assert_eq!(shown("192.0.2.1:2525").unwrap(), "192.0.2.1:2525");
        assert_eq!(shown("[2001:db8::1]:25").unwrap(), "[2001:db8::1]:25");
        for bad in [
            "",
            "mail.example.org:",
            "mail.example.org:x",
            "a b:25",
            ":25",
            "x:99999",
        ] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_for_another_server_is_its_first_line_prepared() {
        // [rfc4013 2.1] [rfc4013 2.2] [rfc5802 5.1]
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "ﬁ\u{a0}x\u{ad}\nsecond").unwrap();
        assert_eq!(password(&file).unwrap(), b"fi x");
        std::fs::write(&file, "\n").unwrap();
        assert!(password(&file).is_err());
    }

    #[test]
    fn a_login_is_said_only_to_a_server_that_is_proven() {
        let mut settings = Settings::new("mail.example.org");
        settings.sending.smarthost = Some("relay.example.org:587".parse().unwrap());
        let demand = |settings: &Settings| {
            let routes = routes(settings)?;
            let sender = addr::ReversePath::Null;
            let to = addr::Host::Name("b.example".parse().unwrap());
            match routes.destination(&sender, &to).next {
                Next::Server(server) => Ok((server.tls, server.login.clone())),
                other => Err(format!("{other:?}")),
            }
        };
        assert_eq!(demand(&settings).unwrap(), (Demand::WhereOffered, None));
        settings.sending.smarthost_user = Some("ann".to_owned());
        assert!(demand(&settings).is_err(), "no password");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "secret\n").unwrap();
        settings.sending.smarthost_password = Some(file.path().to_owned());
        let (tls, login) = demand(&settings).unwrap();
        assert_eq!(
            (tls, login.unwrap().password),
            (Demand::Verified, b"secret".to_vec())
        );
    }

    #[test]
    fn rows_of_routes_come_before_the_smarthost_with_their_passwords() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "geheim\n").unwrap();
        let mut settings = Settings::new("mail.example.org");
        settings.sending.smarthost = Some("relay.example.org:587".parse().unwrap());
        settings.road.routes = vec![RouteRow {
            to: Some("b.example".to_owned()),
            via: Some("smtp://other.example.net:587".to_owned()),
            login: Some("ann".to_owned()),
            password: Some(file.path().to_owned()),
            ..RouteRow::default()
        }];
        let going = |to: &str| {
            let to = addr::Host::Name(to.parse().unwrap());
            let routes = routes(&settings).unwrap();
            routes.destination(&addr::ReversePath::Null, &to)
        };
        let row = going("b.example");
        assert_eq!(row.to_string(), "smtp://ann@other.example.net:587");
        let Next::Server(server) = &row.next else {
            panic!("{row}")
        };
        assert_eq!(server.login.as_ref().unwrap().password, b"geheim");
        assert_eq!(
            going("c.example").to_string(),
            "smtp://relay.example.org:587"
        );
        settings.road.routes[0].password = Some("/nowhere".into());
        assert!(routes(&settings).unwrap_err().contains("/nowhere"));
    }
}
