//! Everything outside the process: sockets, TLS, the DNS, the clock and randomness.
//!
//! No other crate opens a socket, reads the time or makes a random number. What never happens
//! here: a mail word, the disk of the data folder.
#![forbid(unsafe_code)]

mod certificate;
mod civil;
mod clock;
mod conn;
mod dialer;
mod dns;
mod http;
pub mod limits;
mod listener;
mod network;
mod program;
mod random;
mod serve;
mod sessions;
mod sim;
mod source;
mod stop;
mod tls;
mod trust;
mod turns;
mod unix;

pub use certificate::ClientCertificate;
pub use civil::{Civil, civil_from_days, days_from_civil};
pub use clock::{Clock, Time};
pub use conn::{ChannelBindings, Conn, GivenUp, TlsInfo};
pub use dialer::Dialer;
pub use dns::{
    Alias, Answer, DnsError, DnsFailure, DnsSettings, DnsWeather, Dnssec, Mx, Resolver, SimDns,
    Tlsa,
};
pub use http::{HttpClient, HttpError, HttpReply, Url};
pub use limits::READ_BYTES;
pub use listener::{Listener, Place, Port, dial, dial_unix};
pub use network::{Network, NetworkError};
pub use program::{ProgramEnd, ProgramRan, run_program};
pub use random::Random;
pub use serve::{Bounds, serve};
pub use sessions::{SessionEntry, SessionInfo, Sessions};
pub use sim::{SimNet, Weather};
pub use source::Source;
pub use stop::Stop;
pub use tls::{Certificates, Expiry, TlsClient, TlsError, TlsServer, self_signed};
pub use trust::{Authorities, TlsFailure, Trust, Untrusted, Voucher};
pub use turns::Turns;
pub use unix::Credentials;

/// Time passes through tokio's clock, which a simulation owns.
pub mod time {
    /// The type of the system's moments, for traits of libraries that name it. Nobody asks for one.
    pub use std::time::Instant as SystemMoment;
    pub use tokio::time::{Duration, Instant, sleep, sleep_until, timeout, timeout_at};

    /// The moment for measuring spans; other crates ask for it here and nowhere else.
    pub fn now() -> Instant {
        Instant::now()
    }
}
