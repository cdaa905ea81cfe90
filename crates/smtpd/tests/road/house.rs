//! A server of the simulated network: its rooms, its doors, its queue.

use crate::client::Client;
use addr::{Charset, Host};
use mail::{
    Access, AccountChange, Admin, AliasTo, Argon2Cost, Cursor, DkimKey, Existing, Flags,
    KeyAlgorithm, KeyState, Mail, MailSettings, MailboxName, Message, NewMessage, Want,
    WeakPasswords,
};
use net::time::{Duration, sleep};
use net::{Bounds, Clock, Conn, Dialer, Listener, Random, Resolver, SimDns, SimNet, Stop, Time};
use post::customer::{Customer, Customers};
use post::queue::{EntryNumber, EntryRecord, Queue, QueueSettings, keys};
use post::road::route::{Demand, Next, Protocol, Route, Routes, Server, Sources};
use post::road::{Outside, Road, RoadSettings};
use post::{Post, PostSettings};
use smtpd::{ClearText, Door, Role, Settings};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use store::Db;

/// Name and address of a server.
#[derive(Clone, Copy)]
pub struct Site(pub &'static str, pub &'static str);

/// From alice to bob.
pub const LETTER: &str =
    "From: alice@a.example\r\nTo: bob@b.example\r\nSubject: across\r\n\r\n.hello\r\n";

pub const A: Site = Site("a.example", "192.0.2.1");
pub const B: Site = Site("b.example", "192.0.2.2");

/// So much later; whatever is due meanwhile happens.
pub async fn later(by: Duration) {
    sleep(by).await;
}

pub struct World {
    /// Of the first server.
    pub customers: Vec<Customer>,
    net: SimNet,
    dns: SimDns,
    clock: Clock,
}

impl World {
    pub fn new() -> World {
        let dns = SimDns::new(1);
        for Site(domain, address) in [A, B] {
            let host = format!("mail.{domain}");
            dns.add_mx(domain, 10, &host);
            dns.add_address(&host, address.parse().unwrap());
            // the tests' own clients come from this machine
            dns.add_txt(domain, "v=spf1 mx ip4:127.0.0.1 -all");
        }
        World {
            customers: Vec::new(),
            net: SimNet::new(1),
            dns,
            clock: Clock::following_tokio(Time::from_seconds(1_795_396_809)),
        }
    }

    pub fn set_clock_back(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.clock.jump(-micros);
    }

    pub async fn house(&self, site: Site) -> House {
        self.house_with_room_for(site, 1_000).await
    }

    /// The first server, which sends.
    pub async fn sender(&self) -> House {
        let a = self.house(A).await;
        a.sends().await;
        a
    }

    /// The first server, which sends, and the second, which does not listen yet.
    pub async fn pair(&self) -> (House, House) {
        (self.sender().await, self.house(B).await)
    }

    pub async fn house_with_room_for(&self, site: Site, entries: usize) -> House {
        let db = Db::memory();
        let house = House::over(self, site, entries, db).await;
        house.settle().await;
        house
    }
}

pub struct House {
    world: World,
    site: Site,
    entries: usize,
    db: Db,
    pub mail: Mail,
    post: Post,
    queue: Queue,
    stop: Stop,
}

impl House {
    async fn over(world: &World, site: Site, entries: usize, db: Db) -> House {
        let settings = MailSettings {
            argon2: Argon2Cost::LEAST,
            scram_verifier: false,
            weak_passwords: WeakPasswords::Allowed,
            hash_workers: 0,
            ..MailSettings::default()
        };
        let (clock, random) = (world.clock.clone(), Random::seeded(1));
        let mail = Mail::open(db.clone(), clock.clone(), random.clone(), settings);
        let mail = mail.await.unwrap();
        let hostname = format!("mail.{}", site.0);
        let customers = match site.0 == A.0 {
            true => world.customers.clone(),
            false => Vec::new(),
        };
        let queue = Queue::open(
            mail.clone(),
            clock.clone(),
            random.clone(),
            hostname.clone(),
            QueueSettings {
                max_entries: entries,
                ..QueueSettings::default()
            },
            Routes::default().with_customers(Customers::new(customers.clone())),
        );
        let queue = queue.await.unwrap();
        let settings = PostSettings {
            resolver: Some(Resolver::simulated(world.dns.clone())),
            ..PostSettings::new(hostname)
        };
        House {
            world: World {
                customers,
                net: world.net.clone(),
                dns: world.dns.clone(),
                clock: world.clock.clone(),
            },
            site,
            entries,
            db,
            post: Post::sending(mail.clone(), clock, random, settings, queue.clone()),
            mail,
            queue,
            stop: Stop::new(),
        }
    }

    /// The domain with `alice` and `bob`.
    async fn settle(&self) {
        let (directory, admin) = (self.mail.directory(), Admin::upkeep());
        let domain = self.site.0.parse().unwrap();
        directory.add_domain(&admin, &domain).await.unwrap();
        for name in ["alice", "bob"] {
            let hashed = self.mail.auth().new_password(b"secret").await.unwrap();
            let address = format!("{name}@{}", self.site.0).parse().unwrap();
            let added = directory.add_account(&admin, &address, Some(&hashed)).await;
            added.unwrap();
        }
    }

    /// An alias; with an owner it is a list.
    pub async fn leads(&self, name: &str, to: &[&str], owner: Option<&str>) {
        let alias = format!("{name}@{}", self.site.0).parse().unwrap();
        let to = AliasTo {
            targets: to.iter().map(|target| target.parse().unwrap()).collect(),
            owner: owner.map(|owner| owner.parse().unwrap()),
        };
        let (directory, admin) = (self.mail.directory(), Admin::upkeep());
        let set = directory.set_alias(&admin, &alias, to, Existing::Replaced);
        set.await.unwrap();
    }

    /// From now on its domain says that nobody sends for it.
    pub fn sends_nothing(&self) {
        let (dns, domain) = (&self.world.dns, self.site.0);
        dns.remove(domain);
        dns.add_mx(domain, 10, &format!("mail.{domain}"));
        dns.add_txt(domain, "v=spf1 -all");
    }

    /// From now on its domain has a key, which the DNS shows.
    pub async fn signs(&self) {
        let (directory, admin) = (self.mail.directory(), Admin::upkeep());
        let made = post::make_key(KeyAlgorithm::Ed25519).unwrap();
        let key = DkimKey {
            selector: "s1".parse().unwrap(),
            algorithm: KeyAlgorithm::Ed25519,
            public: made.public,
            secret: Some(made.secret),
            replaces: None,
            state: KeyState::Active,
            since: Time::from_seconds(0),
        };
        let name = format!("s1._domainkey.{}", self.site.0);
        self.world.dns.add_txt(&name, &post::key_record(&key));
        let domain = self.site.0.parse().unwrap();
        let added = directory.add_dkim_keys(&admin, &domain, vec![key]);
        added.await.unwrap();
    }

    /// The same server after its end and another start.
    pub async fn restarted(self) -> House {
        self.stop.stop();
        later(Duration::from_secs(2)).await;
        House::over(&self.world, self.site, self.entries, self.db.clone()).await
    }

    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// From now on everything goes to this server, or where the DNS says.
    pub fn goes_by(&self, smarthost: Option<&str>) {
        let row = smarthost.map(|host| Route {
            to: None,
            from: None,
            next: Next::Server(Arc::new(Server {
                host: Host::parse(format!("[{host}]").as_bytes(), Charset::Ascii).unwrap(),
                port: 25,
                protocol: Protocol::Smtp,
                tls: Demand::WhereOffered,
                login: None,
            })),
            sources: Sources::default(),
        });
        self.renew(Routes::new(row.into_iter().collect()));
    }

    /// From now on these are the customers.
    pub fn keeps(&self, customers: Vec<Customer>) {
        self.renew(Routes::default().with_customers(Customers::new(customers)));
    }

    fn renew(&self, routes: Routes) {
        let name = format!("mail.{}", self.site.0);
        let renewed = self.queue.renew(name, QueueSettings::default(), routes);
        renewed.unwrap();
    }

    /// From now on what is due is sent.
    pub async fn sends(&self) {
        let address: IpAddr = self.site.1.parse().unwrap();
        let hostname = format!("mail.{}", self.site.0).parse().unwrap();
        let outside = Outside {
            dialer: Dialer::simulated(self.world.net.clone(), address),
            resolver: Resolver::simulated(self.world.dns.clone()),
            clock: self.world.clock.clone(),
            random: Random::seeded(2),
        };
        let road = Road::new(RoadSettings::new(hostname), outside);
        let (queue, stop) = (self.queue.clone(), self.stop.clone());
        tokio::spawn(async move { queue.run(&road, &stop).await });
    }

    /// From now on mail is taken at port 25.
    pub fn listens(&self) {
        let at = SocketAddr::new(self.site.1.parse().unwrap(), 25);
        let listener = Listener::simulated(&self.world.net, at).unwrap();
        let (door, stop) = (self.door(Role::Exchange), self.stop.clone());
        let bounds = || Bounds {
            total: 100,
            per_address: 100,
        };
        let each = stop.clone();
        let session = move |conn: Conn| smtpd::session(conn, door.clone(), each.clone());
        let word = smtpd::TURN_AWAY;
        tokio::spawn(net::serve(listener, None, bounds, word, stop, session));
    }

    fn door(&self, role: Role) -> Arc<Door> {
        let settings = Settings {
            clear_text: ClearText::Allowed,
            customers: self.world.customers.iter().map(asked_by_alice).collect(),
            ..Settings::new(format!("mail.{}", self.site.0), role)
        };
        let door = Door::new(self.post.clone(), self.mail.clone(), None, settings);
        Arc::new(door)
    }

    async fn client(&self, role: Role) -> Client {
        let (client, server) = Conn::pipe(4_096);
        tokio::spawn(smtpd::session(server, self.door(role), self.stop.clone()));
        let mut client = Client::new(client);
        client.expect("220").await;
        client
    }

    /// As another server.
    pub async fn exchange(&self) -> Client {
        self.client(Role::Exchange).await
    }

    /// As a customer's server that has logged in as alice.
    pub async fn on_demand(&self) -> Client {
        let mut client = self.client(Role::OnDemand).await;
        client.ask("EHLO site.example", "250").await;
        let login = "AUTH PLAIN AGFsaWNlQGEuZXhhbXBsZQBzZWNyZXQ=";
        client.ask(login, "235").await;
        client
    }

    /// As a user's program that has not logged in.
    pub async fn submission(&self) -> Client {
        self.client(Role::Submission).await
    }

    /// As alice of the first server.
    pub async fn submit(&self) -> Client {
        self.submit_by("AGFsaWNlQGEuZXhhbXBsZQBzZWNyZXQ=").await
    }

    /// As bob of the second server.
    pub async fn submit_as_bob(&self) -> Client {
        self.submit_by("AGJvYkBiLmV4YW1wbGUAc2VjcmV0").await
    }

    async fn submit_by(&self, login: &str) -> Client {
        let mut client = self.submission().await;
        client.ask("EHLO pc.a.example", "250").await;
        client.ask(&format!("AUTH PLAIN {login}"), "235").await;
        client
    }

    fn account(&self, name: &str) -> mail::Account {
        let admin = Admin::upkeep();
        let address = format!("{name}@{}", self.site.0).parse().unwrap();
        let id = self.mail.directory().account_of(&admin, &address);
        self.mail.account_as_admin(&admin, id.unwrap().unwrap())
    }

    /// All messages of an INBOX as they would be read.
    pub async fn texts(&self, name: &str) -> Vec<String> {
        let account = self.account(name);
        let inbox = MailboxName::inbox();
        let view = account.select(&inbox, Access::ReadOnly).await.unwrap();
        let mut cursor = Cursor::start();
        let all = view.fetch(view.uids(), Want::Ready, &mut cursor, 1_000);
        let text = |message: &Message| {
            let content = message.ready.as_ref().unwrap().content();
            let len = usize::try_from(content.len()).unwrap();
            String::from_utf8(content.read(0, len).unwrap().to_vec()).unwrap()
        };
        all.unwrap().iter().map(text).collect()
    }

    /// The one message of an INBOX.
    pub async fn only(&self, name: &str) -> String {
        let mut texts = self.texts(name).await;
        assert_eq!(texts.len(), 1, "{name} has {texts:?}");
        texts.remove(0)
    }

    /// Nothing more fits into the account.
    pub async fn fill(&self, name: &str) {
        let mut body = self.mail.new_body().await.unwrap();
        body.write(&[b'x'; 2_000]).await.unwrap();
        let message = NewMessage {
            body: body.finish(b"").await.unwrap(),
            flags: Flags::default(),
            internal_date: None,
        };
        let account = self.account(name);
        account
            .append(&MailboxName::inbox(), vec![message])
            .await
            .unwrap();
        let directory = self.mail.directory();
        let admin = Admin::upkeep();
        let change = AccountChange {
            quota_bytes: Some(Some(2_000)),
            ..AccountChange::default()
        };
        let changed = directory.change_account(&admin, account.id(), change);
        changed.await.unwrap();
    }

    /// Entries of the queue to this address.
    pub fn waiting(&self, to: &str) -> Vec<EntryNumber> {
        let to = to.parse().unwrap();
        let mut found = Vec::new();
        for row in self.mail.road().below(keys::ENTRIES) {
            let (key, value) = row.unwrap();
            let entry: EntryRecord = mail::codec::decode(&key, &value).unwrap();
            if entry
                .recipients
                .iter()
                .any(|onward| onward.to.address() == Some(&to))
            {
                found.push(keys::entry_of(&key).unwrap());
            }
        }
        found
    }

    /// Nothing is left on the road, and all is in order.
    pub async fn is_clean(&self) {
        let report = self.mail.verify(&Admin::upkeep(), |_| {}).await.unwrap();
        assert_eq!((report.on_the_road, report.problems), (0, Vec::new()));
    }
}

fn asked_by_alice(customer: &Customer) -> smtpd::Customer {
    smtpd::Customer {
        who: Arc::new(customer.clone()),
        networks: Vec::new(),
        login: Some("alice@a.example".parse().unwrap()),
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

impl Client {
    /// Takes the part of the server after ATRN, until QUIT. With a number it goes away instead of
    /// answering the final dot of that message. Gives what came whole.
    pub async fn take_mail(&mut self, cut_at: Option<usize>) -> Vec<String> {
        let mut messages = Vec::new();
        self.send("220 site.example ready\r\n").await;
        loop {
            let line = self.line().await;
            let answer = match line.get(..4).unwrap_or_default() {
                "EHLO" => "250-site.example\r\n250 8BITMIME\r\n",
                "QUIT" => {
                    self.send("221 bye\r\n").await;
                    return messages;
                }
                "DATA" => {
                    self.send("354 go\r\n").await;
                    let mut text = String::new();
                    loop {
                        match self.line().await.as_str() {
                            "." => break,
                            line => text += &format!("{line}\r\n"),
                        }
                    }
                    messages.push(text);
                    if cut_at == Some(messages.len()) {
                        return messages;
                    }
                    "250 taken\r\n"
                }
                "MAIL" | "RCPT" | "RSET" => "250 ok\r\n",
                _ => panic!("not a command: {line}"),
            };
            self.send(answer).await;
        }
    }

    /// Sends a message; gives the id.
    pub async fn deliver(&mut self, from: &str, to: &[&str], content: &str) -> String {
        self.ask(&format!("MAIL FROM:<{from}>"), "250").await;
        self.deliver_begun(to, content).await
    }

    /// Sends alice's letter; gives the id.
    pub async fn write(&mut self, to: &[&str]) -> String {
        self.deliver("alice@a.example", to, LETTER).await
    }

    /// The same with parameters of MAIL.
    pub async fn write_with(&mut self, parameters: &str, to: &[&str]) -> String {
        let mail = format!("MAIL FROM:<alice@a.example> {parameters}");
        self.ask(&mail, "250").await;
        self.deliver_begun(to, LETTER).await
    }

    async fn deliver_begun(&mut self, to: &[&str], content: &str) -> String {
        for to in to {
            self.ask(&format!("RCPT TO:<{to}>"), "250").await;
        }
        self.ask("DATA", "354").await;
        for line in content.split_inclusive("\r\n") {
            let dot = if line.starts_with('.') { "." } else { "" };
            self.send(format!("{dot}{line}")).await;
        }
        let reply = self.ask(".", "250 2.0.0 ").await;
        reply.rsplit(' ').next().unwrap().to_owned()
    }
}
