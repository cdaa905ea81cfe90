//! A web server that hands out one MTA-STS policy by HTTPS, at port 443 of a host.
//!
//! What never happens here: a look at the path; whatever is asked for, it is the policy.

use crate::authority::Shown;
use crate::namespaces::{Host, enter};
use rustls::{ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub struct PolicyHost {
    host: Host,
    shared: Arc<Shared>,
}

struct Shared {
    policy: Mutex<String>,
    asked: AtomicUsize,
    ended: AtomicBool,
}

impl PolicyHost {
    pub fn start(host: &Host, shown: &Shown, policy: &str) -> PolicyHost {
        let shared = Arc::new(Shared {
            policy: Mutex::new(policy.replace('\n', "\r\n")),
            asked: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let (ready, is_ready) = channel();
        let (space, of_thread, config) = (host.space.clone(), shared.clone(), shown.server());
        std::thread::spawn(move || {
            let listener = enter(&space)
                .and_then(|()| TcpListener::bind("[::]:443").map_err(|error| error.to_string()));
            let listener = match listener {
                Ok(listener) => listener,
                Err(reason) => return drop(ready.send(Err(reason))),
            };
            // The test waits for it.
            let _ = ready.send(Ok(()));
            for stream in listener.incoming().flatten() {
                if of_thread.ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(connection) = ServerConnection::new(config.clone()) else {
                    continue;
                };
                let shared = of_thread.clone();
                std::thread::spawn(move || answer(StreamOwned::new(connection, stream), &shared));
            }
        });
        let began = is_ready.recv().expect("because the thread says so first");
        began.unwrap_or_else(|reason| panic!("{}: {reason}", host.name));
        PolicyHost {
            host: host.clone(),
            shared,
        }
    }

    /// How often the policy was handed out.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

impl Drop for PolicyHost {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes it; if it has ended there is nothing to wake.
        let _ = TcpStream::connect_timeout(&(self.host.v4, 443).into(), Duration::from_secs(1));
    }
}

/// Reads a request's head and answers it. A client that does not trust the certificate ends it here.
fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>, shared: &Shared) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    shared.asked.fetch_add(1, Ordering::Relaxed);
    let policy = shared
        .policy
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let reply = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{policy}",
        policy.len()
    );
    // It may be gone already.
    let _ = stream.write_all(reply.as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
}
