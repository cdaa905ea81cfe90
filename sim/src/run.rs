//! One run: from the seed to the last look.

use crate::auditor::{self, Picture};
use crate::client::Lost;
use crate::dice::Dice;
use crate::house::{House, Inside};
use crate::imap::Session;
use crate::trace::{Broken, Trace};
use crate::world::{DOMAIN, ONWARD, ONWARD_TO, Phase, World};
use crate::{far, faults, imap, laws, pop, smtp};
use addr::Address;
use base64::Engine;
use mail::AccountId;
use net::time::{Duration, sleep, timeout};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// How a run ended.
pub struct Outcome {
    pub trace: Vec<String>,
    pub broken: Vec<Broken>,
}

/// Whose mail it is.
#[derive(Clone, Debug)]
pub struct Account {
    pub index: usize,
    pub id: AccountId,
    pub name: String,
    pub password: String,
    pub name_64: String,
    pub password_64: String,
}

/// After the storm everything that was begun must come to its end within this time.
const CALM: Duration = Duration::from_secs(3_600);

/// Runs one seed, in one thread, on a runtime whose time passes only when nobody has work to do.
pub fn run(seed: u64) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("because a runtime without I/O needs nothing of the system");
    let trace = runtime.block_on(async move {
        let trace = Trace::new();
        let world = World::new(seed, trace.clone());
        if let Err(why) = whole(&world).await {
            trace.broken("the server starts", why);
        }
        trace
    });
    drop(runtime);
    let (lines, broken) = trace.take();
    Outcome {
        trace: lines,
        broken,
    }
}

async fn whole(world: &Arc<World>) -> Result<(), String> {
    let dice = world.dice("run");
    far::start(world)?;
    let house = House::open(world, world.disk.reopen(), 0).await?;
    let accounts = move_in(&house.inside, &dice).await?;
    let deaths = world.deaths.subscribe();
    let keeper = Arc::new(Keeper {
        world: world.clone(),
        accounts: accounts.clone(),
        house: Mutex::new(Some(house)),
        deaths,
    });
    let keeping = tokio::spawn(keeper.clone().run());
    let auditing = tokio::spawn(keeper.clone().audit());
    let renaming = tokio::spawn(faults::at_renamings(world.clone()));
    let failing = tokio::spawn(faults::run(world.clone()));
    let mut clients = start_clients(world, &accounts, &dice);
    let storm = Duration::from_secs(dice.between(120, 700));
    tokio::select! {
        biased;
        () = world.trace.over() => {}
        () = sleep(storm) => {}
    }
    world.phase.send_replace(Phase::Calm);
    world.trace.note("calm");
    let all = async { while clients.join_next().await.is_some() {} };
    let ended = tokio::select! {
        biased;
        () = world.trace.over() => Ok(()),
        ended = timeout(CALM, all) => ended,
    };
    if ended.is_err() {
        world.trace.broken(
            "everything comes to its end when faults stop",
            format!("after {} s of calm some clients still try", CALM.as_secs()),
        );
    }
    drop(clients);
    let _ = tokio::join!(renaming, failing);
    auditing.abort();
    if !world.trace.is_over() {
        last_looks(world, &keeper, &accounts).await?;
    }
    keeping.abort();
    let counts = world.ledger().counts.clone();
    world.trace.note(format!("{counts:?}"));
    Ok(())
}

/// Domain, accounts, one address that stands for all, and one that leads away.
async fn move_in(house: &Inside, dice: &Dice) -> Result<Vec<Account>, String> {
    let text = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let (admin, directory) = (house.admin(), house.mail.directory());
    let domain = DOMAIN.parse().map_err(|e| text(&e))?;
    directory
        .add_domain(&admin, &domain)
        .await
        .map_err(|e| text(&e))?;
    let names = ["alice", "bob", "carol"];
    let mut accounts = Vec::new();
    let mut targets = Vec::new();
    for (index, name) in names.iter().take(dice.between(2, 3) as usize).enumerate() {
        let password = format!("secret{index}");
        let hashed = house.mail.auth().new_password(password.as_bytes()).await;
        let address: Address = format!("{name}@{DOMAIN}").parse().map_err(|e| text(&e))?;
        let hashed = hashed.map_err(|e| text(&e))?;
        let id = directory
            .add_account(&admin, &address, Some(&hashed))
            .await
            .map_err(|e| text(&e))?;
        let encode = |word: &str| base64::engine::general_purpose::STANDARD.encode(word);
        accounts.push(Account {
            index,
            id,
            name: (*name).to_owned(),
            name_64: encode(name),
            password_64: encode(&password),
            password,
        });
        targets.push(address);
    }
    let team: Address = format!("team@{DOMAIN}").parse().map_err(|e| text(&e))?;
    directory
        .add_alias(&admin, &team, targets)
        .await
        .map_err(|e| text(&e))?;
    let away: Address = format!("{ONWARD}@{DOMAIN}").parse().map_err(|e| text(&e))?;
    let onward = ONWARD_TO.parse().map_err(|e| text(&e))?;
    directory
        .add_alias(&admin, &away, vec![onward])
        .await
        .map_err(|e| text(&e))?;
    Ok(accounts)
}

fn start_clients(world: &Arc<World>, accounts: &[Account], dice: &Dice) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for number in 0..dice.between(2, 4) as u8 {
        let login = dice.one_in(3).then(|| dice.pick(accounts).clone());
        let sender = smtp::Sender {
            number,
            login,
            accounts: accounts.to_vec(),
        };
        clients.spawn(smtp::run(world.clone(), sender));
    }
    for number in 0..dice.between(2, 5) as u8 {
        let account = dice.pick(accounts).clone();
        clients.spawn(imap::user::run(world.clone(), number, account));
    }
    for number in 0..dice.between(0, 2) as u8 {
        let account = dice.pick(accounts).clone();
        clients.spawn(pop::run(world.clone(), number, account));
    }
    clients
}

/// Keeps the server running: starts it again whenever it has died, and looks at it from inside.
struct Keeper {
    world: Arc<World>,
    accounts: Vec<Account>,
    house: Mutex<Option<House>>,
    deaths: tokio::sync::watch::Receiver<u64>,
}

impl Keeper {
    fn house(&self) -> std::sync::MutexGuard<'_, Option<House>> {
        self.house.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(self: Arc<Keeper>) {
        let dice = self.world.dice("keeper");
        let mut deaths = self.deaths.clone();
        let mut starts = 0;
        while deaths.changed().await.is_ok() {
            drop(self.house().take());
            self.world.ledger().count("deaths of the server");
            starts += 1;
            if let Err(why) = self.start(&dice, starts).await {
                self.world.trace.broken("the server starts again", why);
                return;
            }
        }
    }

    /// A start may die as well; the last try is left in peace.
    async fn start(&self, dice: &Dice, starts: u64) -> Result<(), String> {
        for attempt in 0.. {
            sleep(Duration::from_millis(dice.between(1, 20_000))).await;
            self.world.disk.forgive();
            let files = self.world.disk.reopen();
            let deaths = *self.world.deaths.borrow();
            if attempt < 3 && dice.one_in(3) && self.world.phase() == Phase::Storm {
                let operation = self.world.disk.operations() + dice.between(1, 8);
                let how = *dice.pick(&[
                    store::SimFailure::Crash,
                    store::SimFailure::Kill,
                    store::SimFailure::InputOutput,
                ]);
                self.world.disk.fail_at(operation, how);
            }
            let opened = House::open(&self.world, files, starts * 16 + attempt).await;
            let died = *self.world.deaths.borrow() != deaths;
            match opened {
                Ok(house) if !died => {
                    self.world.trace.note("server: runs");
                    *self.house() = Some(house);
                    return Ok(());
                }
                Ok(_) | Err(_) if attempt < 4 => {
                    self.world.trace.note("server: did not start");
                }
                Ok(_) => return Ok(()),
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    async fn until_running(&self) {
        // A death that has just been is dealt with first.
        sleep(Duration::from_millis(1)).await;
        while self.house().is_none() && !self.world.trace.is_over() {
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Looks at all accounts now and then, and compares with the last look.
    async fn audit(self: Arc<Keeper>) {
        let dice = self.world.dice("auditor");
        let mut last: Vec<Option<Picture>> = vec![None; self.accounts.len()];
        loop {
            sleep(Duration::from_millis(dice.between(1, 4_000))).await;
            if !self.world.is_read_only() {
                self.world.ledger().no_more_doubt();
            }
            self.audit_once(&mut last).await;
        }
    }

    async fn audit_once(&self, last: &mut [Option<Picture>]) {
        let inside = self.house().as_ref().map(|house| house.inside.clone());
        let Some(house) = inside else { return };
        for (account, last) in self.accounts.iter().zip(last) {
            let Some(picture) = auditor::look(&house, account).await else {
                continue;
            };
            auditor::counts_agree(&self.world, &house, account, &picture);
            if let Some(then) = last {
                auditor::follows(&self.world, &house, account, then, &picture);
            }
            *last = Some(picture);
        }
    }
}

/// When all is quiet: every mailbox is looked at by a fresh session; then once more after a crash.
async fn last_looks(
    world: &Arc<World>,
    keeper: &Arc<Keeper>,
    accounts: &[Account],
) -> Result<(), String> {
    keeper.until_running().await;
    until_drained(world, keeper).await;
    world.trace.note("last looks");
    let mut last = vec![None; accounts.len()];
    keeper.audit_once(&mut last).await;
    for account in accounts {
        look_at_all(world, account, "last").await?;
    }
    laws::road::delivered_or_told(world);
    world.trace.note("last crash");
    world.disk.crash();
    keeper.until_running().await;
    keeper.audit_once(&mut last).await;
    for account in accounts {
        look_at_all(world, account, "after").await?;
    }
    let house = keeper.house().take();
    if let Some(house) = house {
        auditor::verify_finds_nothing(world, &house.inside).await;
        house.close().await;
    }
    Ok(())
}

/// The queue drains once faults stop.
async fn until_drained(world: &Arc<World>, keeper: &Arc<Keeper>) {
    let drained = async {
        loop {
            let queue = keeper
                .house()
                .as_ref()
                .map(|house| house.inside.queue.clone());
            if queue.is_some_and(|queue| queue.is_empty()) {
                return;
            }
            sleep(Duration::from_secs(5)).await;
        }
    };
    if timeout(CALM, drained).await.is_err() {
        world.trace.broken(
            "the queue drains when faults stop",
            format!("after {} s of calm something still waits", CALM.as_secs()),
        );
    }
}

async fn look_at_all(world: &Arc<World>, account: &Account, who: &str) -> Result<(), String> {
    let places: Vec<_> = {
        let mut ledger = world.ledger();
        // somebody whom nobody wrote to may have got a report
        ledger.book(&(account.index, "INBOX".to_owned()));
        let of_account = ledger.books().map(|(place, _)| place.clone());
        of_account
            .filter(|place| place.0 == account.index)
            .collect()
    };
    let who = format!("{who}{}", account.index);
    let looked = async {
        let Some(mut session) = Session::open(world, &who, 120, account).await? else {
            return Err(Lost);
        };
        for place in &places {
            // A mailbox with an unknown fate may be gone.
            if session.select(&place.1).await? {
                session.look().await?;
            }
        }
        Ok(())
    };
    match looked.await {
        Ok(()) => Ok(()),
        Err(Lost) => Err(format!("{who} was lost or refused in calm weather")),
    }
}
