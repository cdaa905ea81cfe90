//! A session's connection and protocol machine together: events in, responses out, with bounds on
//! time and on what waits in memory. What never happens here: the meaning of a command.

use crate::limits;
use bytes::BytesMut;
use imap::{Event, Refusal, Response, Server};
use mail::LoginClient;
use net::time::{Instant, sleep, sleep_until, timeout};
use net::{Conn, GivenUp, Stop, TlsServer, Turns};
use std::time::Duration;

/// How long a client may go on with a write once the server stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Why a session is over.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By LOGOUT; everything is said.
    LoggedOut,
    /// The client closed, or the connection broke.
    Closed,
    /// The client did not read what it asked for.
    Stalled,
    /// The client said nothing for too long.
    Silent,
    /// It did not log in in time.
    NoLogin,
    /// The server stops.
    Stopping,
    /// The client cannot be followed any more.
    Confused(Refusal),
    /// Too many commands that are none.
    TooManyBad,
    TooManyFailedLogins,
    MailboxGone,
    /// In the middle of a response; nothing more can be said.
    Broken,
}

/// How long a read may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// Until then, whatever comes: the time to log in.
    LoginUntil(Instant),
    /// Until then: IDLE.
    Until(Instant),
    /// As long as something comes this often.
    Silence(Duration),
}

pub(crate) struct Wire {
    /// Taken only while TLS is being made.
    conn: Option<Conn>,
    machine: Server,
    input: BytesMut,
    stop: Stop,
    write_stall: Duration,
    pub patience: Patience,
    pub turns: Turns,
}

impl Wire {
    pub fn new(conn: Conn, stop: Stop, write_stall: Duration, patience: Patience) -> Wire {
        Wire {
            conn: Some(conn),
            machine: Server::new(),
            input: BytesMut::new(),
            stop,
            write_stall,
            patience,
            turns: Turns::default(),
        }
    }

    pub fn has_tls(&self) -> bool {
        self.conn.as_ref().is_some_and(|conn| conn.tls().is_some())
    }

    /// The client as logins see it.
    pub fn login_client(&self) -> Result<LoginClient, Ended> {
        let conn = self.conn.as_ref().ok_or(Ended::Closed)?;
        Ok(LoginClient::of(conn, "imap"))
    }

    /// The machine, for what only some commands ask of it.
    pub fn machine(&mut self) -> &mut Server {
        &mut self.machine
    }

    /// Where a `FetchWriter` writes.
    pub fn out(&mut self) -> &mut Vec<u8> {
        self.machine.out()
    }

    /// Queues a response; `flush` or `ease` writes it.
    pub fn say(&mut self, response: &Response) {
        self.machine.send(response);
    }

    /// The next event; what waits is written first, so that nobody waits for the other.
    /// Cancel-safe if nothing waits to be written.
    pub async fn event(&mut self) -> Result<Event, Ended> {
        loop {
            match self.machine.next() {
                Some(Event::Fatal(refusal)) => return Err(Ended::Confused(refusal)),
                Some(event) => return Ok(event),
                None => {}
            }
            self.flush().await?;
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Ended> {
        let (deadline, over) = match self.patience {
            Patience::LoginUntil(at) => (at, Ended::NoLogin),
            Patience::Until(at) => (at, Ended::Silent),
            Patience::Silence(silence) => (Instant::now() + silence, Ended::Silent),
        };
        let conn = self.conn.as_mut().ok_or(Ended::Closed)?;
        let (stop, input) = (&self.stop, &mut self.input);
        let read = async {
            tokio::select! {
                biased;
                () = stop.stopped() => Err(Ended::Stopping),
                // before the read, which a flood keeps ready
                () = sleep_until(deadline) => Err(over),
                read = conn.read(input) => Ok(read),
            }
        };
        match self.turns.wait(read).await? {
            Ok(0) | Err(_) => Err(Ended::Closed),
            Ok(_) => {
                let received = self.machine.receive(&self.input);
                self.input.clear();
                received.map_err(|_| Ended::Closed)
            }
        }
    }

    /// Writes what waits if it is much. No further command is read meanwhile, so that a client
    /// that does not read holds up only itself [rfc3501 5.3] [rfc9051 5.3].
    pub async fn ease(&mut self) -> Result<(), Ended> {
        if self.machine.output_len() < limits::OUTPUT_BYTES {
            return Ok(());
        }
        self.flush().await
    }

    /// Writes what waits.
    pub async fn flush(&mut self) -> Result<(), Ended> {
        let output = self.machine.output();
        for piece in output.chunks(limits::WRITE_BYTES) {
            let conn = self.conn.as_mut().ok_or(Ended::Closed)?;
            let cut_off = async {
                self.stop.stopped().await;
                sleep(STOP_GRACE).await;
            };
            tokio::select! {
                biased;
                written = timeout(self.write_stall, conn.write_all(piece)) => match written {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(Ended::Closed),
                    Err(_) => return Err(Ended::Stalled),
                },
                () = cut_off => return Err(Ended::Stalled),
            }
        }
        Ok(())
    }

    /// Makes TLS; what the client sent in the clear behind STARTTLS is gone [rfc3501 6.2.1].
    pub async fn start_tls(&mut self, tls: &TlsServer) -> Result<(), Ended> {
        let conn = self.conn.take().ok_or(Ended::Closed)?;
        self.input.clear();
        let conn = conn.start_tls(tls).await.map_err(|_| Ended::Closed)?;
        self.machine.tls_started();
        self.conn = Some(conn);
        Ok(())
    }

    /// Does what the client waits for, unless it goes away or the server stops.
    pub async fn attend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let conn = self.conn.as_mut().ok_or(Ended::Closed)?;
        conn.attend(&self.stop, work)
            .await
            .map_err(|why| match why {
                GivenUp::Closed => Ended::Closed,
                GivenUp::Stopped => Ended::Stopping,
            })
    }

    /// Is the server stopping? Long commands ask between two messages.
    pub fn check_stop(&self) -> Result<(), Ended> {
        match self.stop.is_stopped() {
            true => Err(Ended::Stopping),
            false => Ok(()),
        }
    }

    /// The last words and the end.
    pub async fn close(mut self, last_words: Option<Response>) {
        if let Some(response) = last_words {
            self.say(&response);
        }
        // Whoever does not read the last words has not much of us to wait for.
        let _ = timeout(STOP_GRACE, self.flush()).await;
        if let Some(conn) = self.conn.take() {
            let _ = timeout(STOP_GRACE, conn.close()).await;
        }
    }
}
