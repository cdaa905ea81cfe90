//! The server's process: the store over the simulated disk, mail, post, and the doors on the
//! simulated network, put together as `whimbrel` does it.

use crate::world::{DOMAIN, SERVER, World};
use mail::{Admin, Argon2Cost, Mail, MailSettings, WeakPasswords};
use net::time::Duration;
use net::{Bounds, Clock, Conn, Dialer, Listener, Random, Resolver, Stop};
use post::queue::{Queue, QueueSettings};
use post::road::failure::Backoff;
use post::road::route::Routes;
use post::road::{Outside, Road, RoadSettings};
use post::{Post, PostSettings};
use std::net::SocketAddr;
use std::sync::Arc;
use store::{Db, Files};
use tokio::task::JoinSet;

pub const SMTP: u16 = 25;
pub const SUBMISSION: u16 = 587;
pub const IMAP: u16 = 143;
pub const POP3: u16 = 110;

const BOUNDS: Bounds = Bounds {
    total: 1_000,
    per_address: 1_000,
};

/// A running server. Dropped: every task of it is dropped.
pub struct House {
    pub inside: Inside,
    stop: Stop,
    tasks: JoinSet<()>,
}

/// What lies behind the doors.
#[derive(Clone)]
pub struct Inside {
    pub db: Db,
    pub mail: Mail,
    pub queue: Queue,
}

impl Inside {
    pub fn admin(&self) -> Admin {
        Admin::owner_of(&self.db)
    }
}

pub fn at(port: u16) -> SocketAddr {
    SocketAddr::new(SERVER, port)
}

/// Small files and little memory, so that a short run meets every turn of the store.
fn store_settings(world: &World) -> store::Settings {
    let dice = world.dice("store settings");
    store::Settings {
        reserve_bytes: 1 << 20,
        log_file_bytes: dice.between(4, 64) << 10,
        body_inline_bytes: (dice.between(1, 8) << 10) as usize,
        index_memory_bytes: dice.between(4, 96) << 10,
        ..store::Settings::default()
    }
}

fn mail_settings() -> MailSettings {
    MailSettings {
        argon2: Argon2Cost::LEAST,
        scram_verifier: false,
        weak_passwords: WeakPasswords::Allowed,
        hash_workers: 0,
        ..MailSettings::default()
    }
}

/// How long mail is tried: in some runs, however the clock is set, nothing expires.
const LIFETIMES: [Duration; 3] = [
    Duration::from_secs(365 * 24 * 3_600),
    Duration::from_secs(600),
    Duration::from_secs(45),
];
/// After what time a sender hears of a delay.
const DELAY_NOTICES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(20),
    Duration::from_secs(120),
];
/// Retries come soon, so that a short run sees many.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    most: Duration::from_secs(60),
};

async fn queue(world: &World, mail: Mail, random: &Random) -> Result<Queue, String> {
    let dice = world.dice("queue settings");
    let settings = QueueSettings {
        lifetime: *dice.pick(&LIFETIMES),
        delay_notice: *dice.pick(&DELAY_NOTICES),
        longest_wait: 2 * BACKOFF.most,
        ..QueueSettings::default()
    };
    // a report to a stranger may grow too old as well
    world.ledger().reports_may_be_lost |= settings.lifetime < LIFETIMES[0];
    let (clock, random) = (world.clock.clone(), random.clone());
    let queue = Queue::open(mail, clock, random, DOMAIN, settings, Routes::default());
    queue.await.map_err(|fault| fault.to_string())
}

fn road(world: &World, random: &Random) -> Road {
    let mut settings = RoadSettings::new(DOMAIN.parse().expect("because it is a domain"));
    settings.backoff = BACKOFF;
    settings.lanes.closed_first = BACKOFF.first;
    settings.lanes.closed_most = BACKOFF.most;
    let outside = Outside {
        dialer: Dialer::simulated(world.net.clone(), SERVER),
        resolver: Resolver::simulated(world.dns.clone()),
        clock: world.clock.clone(),
        random: random.clone(),
    };
    Road::new(settings, outside)
}

impl House {
    /// Starts the server on what the disk holds.
    pub async fn open(world: &World, files: Files, start: u64) -> Result<House, String> {
        let db = Db::open(files, store_settings(world)).map_err(|error| error.to_string())?;
        for damage in &db.open_report().damage {
            world.trace.broken("nothing is damaged", damage.clone());
        }
        let random = Random::seeded(world.dice("server").number() ^ start);
        let mail = Mail::open(
            db.clone(),
            world.clock.clone(),
            random.clone(),
            mail_settings(),
        );
        let mail = mail.await;
        let mail = mail.map_err(|fault| fault.to_string())?;
        let queue = queue(world, mail.clone(), &random).await?;
        let inside = Inside { db, mail, queue };
        world.set_inside(inside.clone());
        let mut house = House {
            inside,
            stop: Stop::new(),
            tasks: JoinSet::new(),
        };
        house.open_doors(world, &world.clock, &random)?;
        let (mail, stop) = (house.inside.mail.clone(), house.stop.clone());
        house.tasks.spawn(async move { mail.upkeep(stop).await });
        let (queue, stop) = (house.inside.queue.clone(), house.stop.clone());
        let road = road(world, &random);
        house
            .tasks
            .spawn(async move { queue.run(&road, &stop).await });
        Ok(house)
    }

    fn open_doors(&mut self, world: &World, clock: &Clock, random: &Random) -> Result<(), String> {
        let post = Post::sending(
            self.inside.mail.clone(),
            clock.clone(),
            random.clone(),
            PostSettings {
                resolver: Some(Resolver::simulated(world.dns.clone())),
                ..PostSettings::new(DOMAIN)
            },
            self.inside.queue.clone(),
        );
        for (port, role) in [
            (SMTP, smtpd::Role::Exchange),
            (SUBMISSION, smtpd::Role::Submission),
        ] {
            let settings = smtpd::Settings {
                clear_text: smtpd::ClearText::Allowed,
                ..smtpd::Settings::new(DOMAIN, role)
            };
            let door = smtpd::Door::new(post.clone(), self.inside.mail.clone(), None, settings);
            let (door, stop) = (Arc::new(door), self.stop.clone());
            let session = move |conn: Conn| smtpd::session(conn, door.clone(), stop.clone());
            self.serve(world, port, smtpd::TURN_AWAY, session)?;
        }
        let settings = imapd::Settings {
            hostname: DOMAIN.to_owned(),
            allow_cleartext_login: true,
            ..imapd::Settings::default()
        };
        let door = Arc::new(imapd::Door::new(self.inside.mail.clone(), settings));
        let stop = self.stop.clone();
        let session = move |conn: Conn| imapd::session(conn, door.clone(), stop.clone());
        self.serve(world, IMAP, b"* BYE too many\r\n", session)?;
        let settings = popd::Settings {
            clear_text: popd::ClearText::Allowed,
            ..popd::Settings::new(DOMAIN)
        };
        let door = Arc::new(popd::Door::new(self.inside.mail.clone(), None, settings));
        let stop = self.stop.clone();
        let session = move |conn: Conn| popd::session(conn, door.clone(), stop.clone());
        self.serve(world, POP3, popd::TURN_AWAY, session)
    }

    fn serve<F, Fut>(
        &mut self,
        world: &World,
        port: u16,
        turn_away: &'static [u8],
        session: F,
    ) -> Result<(), String>
    where
        F: Fn(Conn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = Listener::simulated(&world.net, at(port)).map_err(|e| e.to_string())?;
        let stop = self.stop.clone();
        self.tasks.spawn(net::serve(
            listener,
            None,
            || BOUNDS,
            turn_away,
            stop,
            session,
        ));
        Ok(())
    }

    /// An orderly end, as by SIGTERM.
    pub async fn close(mut self) {
        self.stop.stop();
        while self.tasks.join_next().await.is_some() {}
        self.inside.db.close().await;
    }
}
