//! A simulated network: the engine of `net` that a simulation uses in place of sockets.
//!
//! Octets arrive late, in pieces of any size, and only as far as the other side has room; a
//! connection may be cut at any octet of either direction. All that is random comes from the seed,
//! and time is tokio's. What never happens here: a socket, a thread, another clock.

mod link;

use crate::conn::Conn;
use crate::random::Random;
use crate::sessions::SessionEntry;
use link::{End, Link};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

pub(crate) use link::SimStream;

/// How rough the network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Each piece takes up to this long.
    pub latency: Duration,
    /// No piece is longer.
    pub piece_bytes: usize,
    /// What one direction of a connection holds before its writer has to wait.
    pub window_bytes: usize,
    /// One connection in so many is cut at some octet; 0: none.
    pub cut_one_in: u64,
    /// A connection that is cut is cut within so many octets.
    pub cut_within_bytes: u64,
}

impl Default for Weather {
    fn default() -> Weather {
        Weather {
            latency: Duration::from_millis(20),
            piece_bytes: 1_460,
            window_bytes: 64 * 1024,
            cut_one_in: 0,
            cut_within_bytes: 8 * 1024,
        }
    }
}

/// The simulated network. Clones are the same network.
#[derive(Clone)]
pub struct SimNet(Arc<Mutex<World>>);

struct World {
    random: Random,
    weather: Weather,
    listeners: BTreeMap<SocketAddr, mpsc::UnboundedSender<SimStream>>,
    links: BTreeMap<u64, Link>,
    next_link: u64,
    /// What happened to connections, for the one who reads the trace.
    told: Vec<String>,
}

/// A listening end in the simulated network.
pub(crate) struct SimListener {
    net: SimNet,
    at: SocketAddr,
    queue: tokio::sync::Mutex<mpsc::UnboundedReceiver<SimStream>>,
}

impl fmt::Debug for SimListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimListener({})", self.at)
    }
}

impl World {
    fn below(&self, sides: u64) -> u64 {
        self.random.u64() % sides.max(1)
    }

    fn some_latency(&self) -> Duration {
        let most = u64::try_from(self.weather.latency.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(most.saturating_add(1)))
    }
}

impl SimNet {
    pub fn new(seed: u64) -> SimNet {
        SimNet(Arc::new(Mutex::new(World {
            random: Random::seeded(seed),
            weather: Weather::default(),
            listeners: BTreeMap::new(),
            links: BTreeMap::new(),
            next_link: 1,
            told: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on; connections that are there keep the fate they began with.
    pub fn set_weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    /// What happened to connections since this was last asked.
    pub fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().told)
    }

    pub(crate) fn listen(&self, at: SocketAddr) -> io::Result<SimListener> {
        let mut world = self.lock();
        if world.listeners.contains_key(&at) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, queue) = mpsc::unbounded_channel();
        world.listeners.insert(at, sender);
        Ok(SimListener {
            net: self.clone(),
            at,
            queue: tokio::sync::Mutex::new(queue),
        })
    }

    /// Connects; refused where nobody listens.
    pub async fn dial(&self, from: SocketAddr, to: SocketAddr) -> io::Result<Conn> {
        let latency = self.lock().some_latency();
        sleep(latency).await;
        let mut world = self.lock();
        let Some(listener) = world.listeners.get(&to).cloned() else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let id = world.next_link;
        world.next_link += 1;
        let link = Link::new(&world, from, to);
        world.links.insert(id, link);
        drop(world);
        let end = |end| SimStream::new(self.clone(), id, end);
        // A listener that is gone drops its end, which the client then finds closed.
        let _ = listener.send(end(End::Server));
        Ok(Conn::simulated(
            end(End::Client),
            (to, from),
            SessionEntry::apart(),
        ))
    }

    /// Whether a server still holds its end of the connection from this client's address.
    pub fn server_holds(&self, client: SocketAddr) -> bool {
        let world = self.lock();
        let mut links = world.links.values();
        links.any(|link| link.client == client && link.is_held(End::Server))
    }

    /// The processes of a host die at this instant: nothing of them is sent any more. What was sent
    /// before still arrives, then the connections end.
    pub fn kill(&self, host: IpAddr) {
        self.end_host(host, Link::server_died);
    }

    /// A host loses its power: what was on its way is lost as well, and clients learn of it only
    /// when the silence is over.
    pub fn power_off(&self, host: IpAddr) {
        let silence = {
            let world = self.lock();
            Duration::from_millis(1 + world.below(90_000))
        };
        let over = Instant::now() + silence;
        self.end_host(host, |link| link.server_vanished(over));
    }

    fn end_host(&self, host: IpAddr, end: impl Fn(&mut Link)) {
        let mut world = self.lock();
        world.listeners.retain(|at, _| at.ip() != host);
        let links = world.links.values_mut();
        links.filter(|link| link.server.ip() == host).for_each(end);
    }

    /// Cuts every connection of a client's host, both ways.
    pub fn cut(&self, client: IpAddr) {
        let mut world = self.lock();
        let links = world.links.values_mut();
        links
            .filter(|link| link.client.ip() == client)
            .for_each(Link::reset);
    }
}

impl SimListener {
    pub(crate) async fn accept(&self) -> io::Result<(SimStream, SocketAddr)> {
        let stream = self.queue.lock().await.recv().await;
        // Its host was killed: nobody will ever come.
        let Some(stream) = stream else {
            return std::future::pending().await;
        };
        let peer = stream.client();
        Ok((stream, peer))
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut queue = self.queue.try_lock();
        if let Ok(queue) = &mut queue {
            queue.close();
        }
        let mut world = self.net.lock();
        if world
            .listeners
            .get(&self.at)
            .is_some_and(|sender| sender.is_closed())
        {
            world.listeners.remove(&self.at);
        }
    }
}

#[cfg(test)]
mod tests;
