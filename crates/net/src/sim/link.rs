//! One simulated connection: two lanes of octets on their way, and how it ends.
//!
//! What never happens here: the choice of what is cut (made once, when the connection begins).

use super::{SimNet, World};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Which end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Client,
    Server,
}

impl End {
    fn other(self) -> End {
        match self {
            End::Client => End::Server,
            End::Server => End::Client,
        }
    }
}

/// How a cut connection shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Style {
    /// Both ends learn at once.
    Reset,
    /// The reader of the lane that is cut learns at once; the other end still gets what is on its
    /// way to it, and what it writes vanishes.
    OneWay,
    /// Nothing arrives any more, either way, for so long; then both ends learn.
    Silence(Duration),
}

/// The octets on their way to one end.
#[derive(Default)]
struct Lane {
    pieces: VecDeque<(Instant, Bytes)>,
    queued_bytes: usize,
    last_at: Option<Instant>,
    delivered_bytes: u64,
    cut: Option<(u64, Style)>,
    /// No more comes; what is on its way still arrives.
    ended: bool,
    /// What is written vanishes.
    vanishing: bool,
    /// Reading fails.
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub(super) struct Link {
    pub client: SocketAddr,
    pub server: SocketAddr,
    to_server: Lane,
    to_client: Lane,
    client_held: bool,
    server_held: bool,
    /// The server's process is gone, whatever of its tasks still runs.
    server_dead: bool,
    /// Nothing arrives before; then the connection is broken.
    silent_until: Option<Instant>,
}

impl Lane {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }

    fn break_off(&mut self) {
        self.pieces.clear();
        self.queued_bytes = 0;
        self.broken = true;
        self.vanishing = true;
        self.wake();
    }

    fn end(&mut self) {
        self.ended = true;
        self.wake();
    }
}

impl Link {
    pub fn new(world: &World, client: SocketAddr, server: SocketAddr) -> Link {
        let mut link = Link {
            client,
            server,
            to_server: Lane::default(),
            to_client: Lane::default(),
            client_held: true,
            server_held: true,
            server_dead: false,
            silent_until: None,
        };
        let one_in = world.weather.cut_one_in;
        if one_in > 0 && world.below(one_in) == 0 {
            // Short distances as likely as long ones: the first octets matter as much.
            let within = world.below(world.weather.cut_within_bytes.max(1)) + 1;
            let at = world.below(within);
            let style = match world.below(4) {
                0 => Style::Reset,
                1 => Style::Silence(Duration::from_secs(world.below(900))),
                _ => Style::OneWay,
            };
            let lane = match world.below(2) {
                0 => &mut link.to_server,
                _ => &mut link.to_client,
            };
            lane.cut = Some((at, style));
        }
        link
    }

    pub fn is_held(&self, end: End) -> bool {
        match end {
            End::Client => self.client_held,
            End::Server => self.server_held && !self.server_dead,
        }
    }

    /// The lane that brings octets to this end.
    fn lane_to(&mut self, end: End) -> &mut Lane {
        match end {
            End::Client => &mut self.to_client,
            End::Server => &mut self.to_server,
        }
    }

    pub fn reset(&mut self) {
        self.to_client.break_off();
        self.to_server.break_off();
    }

    pub fn server_died(&mut self) {
        self.server_dead = true;
        self.to_server.break_off();
        self.to_client.end();
    }

    pub fn server_vanished(&mut self, over: Instant) {
        self.server_dead = true;
        self.to_server.break_off();
        self.to_client.pieces.clear();
        self.to_client.queued_bytes = 0;
        self.silent_until = Some(over);
        self.to_client.wake();
    }

    fn cut(&mut self, to: End, style: Style) {
        match style {
            Style::Reset => self.reset(),
            Style::OneWay => {
                self.lane_to(to).break_off();
                self.lane_to(to.other()).end();
            }
            Style::Silence(silence) => {
                self.silent_until = Some(Instant::now() + silence);
                self.to_client.wake();
                self.to_server.wake();
            }
        }
    }

    /// A cut that is due, before the next octet of the lane to this end arrives.
    fn cut_if_due(&mut self, to: End) -> Option<String> {
        let lane = self.lane_to(to);
        let (at, style) = lane.cut?;
        if lane.delivered_bytes < at {
            return None;
        }
        lane.cut = None;
        let event = format!("{} cut at octet {at} to the {to:?}: {style:?}", self.client);
        self.cut(to, style);
        Some(event)
    }
}

/// One end of a simulated connection.
pub(crate) struct SimStream {
    net: SimNet,
    link: u64,
    end: End,
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for SimStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimStream({}, {:?})", self.link, self.end)
    }
}

/// What a reader is to do.
enum Next {
    Bytes(Bytes),
    Ended,
    WaitUntil(Instant),
    Wait,
}

impl SimStream {
    pub(super) fn new(net: SimNet, link: u64, end: End) -> SimStream {
        SimStream {
            net,
            link,
            end,
            timer: None,
        }
    }

    pub(crate) fn client(&self) -> SocketAddr {
        self.addresses().0
    }

    pub(crate) fn server(&self) -> SocketAddr {
        self.addresses().1
    }

    fn addresses(&self) -> (SocketAddr, SocketAddr) {
        let world = self.net.lock();
        let link = &world.links[&self.link];
        (link.client, link.server)
    }

    /// Says a last word and closes; what came meanwhile does not matter.
    pub(crate) fn say_last(self, word: &[u8]) {
        let mut left = word;
        while let Ok(Some(taken)) = self.take(left, Waker::noop()) {
            left = &left[taken.min(left.len())..];
            if left.is_empty() {
                break;
            }
        }
    }

    fn next(&self, most: usize, waker: &Waker) -> io::Result<Next> {
        let mut world = self.net.lock();
        let world = &mut *world;
        let link = world
            .links
            .get_mut(&self.link)
            .expect("because a link stays while an end is held");
        if let Some(event) = link.cut_if_due(self.end) {
            world.told.push(event);
        }
        if self.end == End::Server && link.server_dead {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let now = Instant::now();
        if let Some(until) = link.silent_until {
            if until > now {
                return Ok(Next::WaitUntil(until));
            }
            link.silent_until = None;
            link.reset();
        }
        let lane = link.lane_to(self.end);
        if lane.broken {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let left = lane
            .cut
            .map_or(u64::MAX, |(at, _)| at - lane.delivered_bytes);
        let most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some((at, piece)) = lane.pieces.front_mut() else {
            if lane.ended {
                return Ok(Next::Ended);
            }
            lane.reader = Some(waker.clone());
            return Ok(Next::Wait);
        };
        if *at > now {
            return Ok(Next::WaitUntil(*at));
        }
        let bytes = piece.split_to(most.min(piece.len()));
        if !piece.has_remaining() {
            lane.pieces.pop_front();
        }
        lane.queued_bytes -= bytes.len();
        lane.delivered_bytes += bytes.len() as u64;
        if let Some(writer) = lane.writer.take() {
            writer.wake();
        }
        Ok(Next::Bytes(bytes))
    }

    /// How much of it was taken; None: the lane is full.
    fn take(&self, bytes: &[u8], waker: &Waker) -> io::Result<Option<usize>> {
        let mut world = self.net.lock();
        let world = &mut *world;
        let latency = world.some_latency();
        let piece = 1 + world.below(world.weather.piece_bytes as u64) as usize;
        let window = world.weather.window_bytes;
        let link = world
            .links
            .get_mut(&self.link)
            .expect("because a link stays while an end is held");
        if self.end == End::Server && link.server_dead {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let reader_held = link.is_held(self.end.other()) || link.server_dead;
        let lane = link.lane_to(self.end.other());
        if lane.ended || !reader_held {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if lane.vanishing {
            return Ok(Some(bytes.len()));
        }
        let room = window.saturating_sub(lane.queued_bytes);
        if room == 0 {
            lane.writer = Some(waker.clone());
            return Ok(None);
        }
        let taken = bytes.len().min(room).min(piece);
        let at = (Instant::now() + latency).max(lane.last_at.unwrap_or_else(Instant::now));
        lane.last_at = Some(at);
        lane.queued_bytes += taken;
        lane.pieces
            .push_back((at, Bytes::copy_from_slice(&bytes[..taken])));
        if let Some(reader) = lane.reader.take() {
            reader.wake();
        }
        Ok(Some(taken))
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let until = match self.next(buf.remaining(), cx.waker())? {
                Next::Bytes(bytes) => {
                    buf.put_slice(&bytes);
                    return Poll::Ready(Ok(()));
                }
                Next::Ended => return Poll::Ready(Ok(())),
                Next::Wait => return Poll::Pending,
                Next::WaitUntil(at) => at,
            };
            let mut timer = Box::pin(sleep_until(until));
            if timer.as_mut().poll(cx).is_pending() {
                // Whatever else happens to the connection wakes the reader as well.
                self.listen(cx.waker());
                self.timer = Some(timer);
                return Poll::Pending;
            }
        }
    }
}

impl SimStream {
    fn listen(&self, waker: &Waker) {
        let mut world = self.net.lock();
        if let Some(link) = world.links.get_mut(&self.link) {
            link.lane_to(self.end).reader = Some(waker.clone());
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.take(bytes, cx.waker()) {
            Ok(Some(taken)) => Poll::Ready(Ok(taken)),
            Ok(None) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut world = self.net.lock();
        if let Some(link) = world.links.get_mut(&self.link) {
            link.lane_to(self.end.other()).end();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut world = self.net.lock();
        let Some(link) = world.links.get_mut(&self.link) else {
            return;
        };
        let unread = !link.lane_to(self.end).pieces.is_empty();
        match self.end {
            End::Client => link.client_held = false,
            End::Server => link.server_held = false,
        }
        if unread && !link.server_dead {
            // As the system does: what was not read makes it a reset, which may overtake the last
            // words.
            link.reset();
        } else {
            link.lane_to(self.end.other()).end();
            link.lane_to(self.end).wake();
        }
        if !link.client_held && !link.server_held {
            world.links.remove(&self.link);
        }
    }
}
