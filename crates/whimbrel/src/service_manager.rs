//! What systemd gives and wants to hear: listening sockets, and when the server is ready.
//!
//! Without systemd nothing is given and nobody listens. What never happens here: a session.

use crate::Outcome;
use crate::listeners::{KINDS, Row};
use listenfd::ListenFd;
use net::Port;
use sd_notify::NotifyState;

/// The names that systemd gives sockets, in their order, with `:` between.
const NAMES: &str = "LISTEN_FDNAMES";

/// Sockets that systemd bound for us. `FileDescriptorName=` names the kind of listener.
pub fn given() -> Outcome<Vec<(&'static Row, Port)>> {
    let names = std::env::var(NAMES).unwrap_or_default();
    let mut sockets = ListenFd::from_env();
    let names: Vec<&str> = names.split(':').collect();
    let mut all = Vec::new();
    for index in 0..sockets.len() {
        let name = names.get(index).copied().unwrap_or_default();
        // systemd calls a socket without a name by its unit.
        let row = KINDS.iter().find(|row| row.name == name).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|row| row.name).collect();
            format!(
                "systemd passed a socket named `{name}`; FileDescriptorName= must be one of {}",
                known.join(", ")
            )
        })?;
        let doing = |error| format!("systemd passed a socket for {name}: {error}");
        let socket = sockets.take_tcp_listener(index).map_err(doing)?;
        let socket = socket.ok_or_else(|| format!("systemd's socket for {name} was taken"))?;
        all.push((row, Port::given(socket).map_err(doing)?));
    }
    Ok(all)
}

/// All listeners accept.
pub fn tell_ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

pub fn tell_reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot tell systemd of the reload"),
    }
}

pub fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    // Does nothing where nobody wants to hear it.
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell systemd");
    }
}
