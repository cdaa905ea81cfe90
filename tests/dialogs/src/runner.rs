//! Runs all scripts of a protocol against sessions that the test brings: over a pipe in memory or
//! over TCP on loopback.
//!
//! What never happens here: knowledge of one protocol.

use crate::house::House;
use crate::player::{Clients, Failure, play};
use crate::script::{Listener, Script};
use net::Conn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// How client and door are joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// In memory, with a buffer so small that answers have to wait for a reader.
    Pipe,
    /// Sockets on 127.0.0.1 with ports that the system picks.
    Tcp,
}

const PIPE_BYTES: usize = 4_096;

/// A client that has connected; the session owns it all.
pub struct Visit {
    pub house: House,
    pub script: Arc<Script>,
    pub listener: Listener,
    pub conn: Conn,
}

/// Plays all scripts of `tests/dialogs/PROTOCOL`, each against a house of its own; panics with
/// all failures.
pub async fn run_all<F, Fut>(protocol: &str, transport: Transport, session: F)
where
    F: Fn(Visit) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let scripts = crate::scripts(protocol);
    assert!(
        !scripts.is_empty(),
        "no dialogue file in {}",
        crate::folder(protocol).display()
    );
    let count = scripts.len();
    let mut failures = Vec::new();
    for script in scripts {
        let danger = script.danger.clone();
        if let Err(failure) = run(script, transport, session.clone()).await {
            failures.push(format!("{failure}\n  guards: {danger}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count} dialogues over {transport:?} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Plays one script against a new house.
pub async fn run<F, Fut>(script: Script, transport: Transport, session: F) -> Result<(), Failure>
where
    F: Fn(Visit) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let script = Arc::new(script);
    let house = House::of(&script)
        .await
        .map_err(|reason| Failure(format!("{}: setup: {reason}", script.name)))?;
    let clients = Clients {
        tls: house.tls_client.clone(),
        own: house.tls_clients.clone(),
        kept: house.kept.clone(),
    };
    let connect = async |listener: Listener| {
        let (client, server) = match transport {
            Transport::Pipe => Conn::pipe_between(client_address(), door_address(), PIPE_BYTES),
            Transport::Tcp => over_tcp().await?,
        };
        let (house, script) = (house.clone(), Arc::clone(&script));
        let session = session.clone();
        tokio::spawn(async move {
            let conn = match listener.is_tls_at_once() {
                true => server.start_tls(&house.tls_server).await,
                false => Ok(server),
            };
            // A handshake that fails shows in the player as a lost connection.
            if let Ok(conn) = conn {
                session(Visit {
                    house,
                    script,
                    listener,
                    conn,
                })
                .await;
            }
        });
        Ok(client)
    };
    play(&script, &clients, connect).await
}

async fn over_tcp() -> std::io::Result<(Conn, Conn)> {
    let listener = net::Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let client = net::dial(listener.local_addr()).await?;
    let server = listener.accept().await?;
    Ok((client, server))
}

fn client_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000))
}

fn door_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 2_525))
}
