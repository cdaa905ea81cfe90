//! The log: lines on standard error, and the same lines for those who follow a running server.
//!
//! `WHIMBREL_LOG` sets what is logged, such as `debug` or `imapd=trace,info`, and goes before the
//! settings file. A line bears what is known of its session: the fields of the spans around it stand
//! beside its own. What never happens here: a word for the person who started the program; those go
//! to standard output.

mod followed;
mod line;

pub use followed::{Follower, Hub};

use crate::settings::LogFormat;
use followed::Lines;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

const VARIABLE: &str = "WHIMBREL_LOG";
/// systemd sets it for a program whose lines go to the journal, which has its own times.
const JOURNAL: &str = "JOURNAL_STREAM";
const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
pub const USUAL_LEVEL: &str = "info";

/// The way to change what is logged, and to follow it.
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    hub: Hub,
}

impl Log {
    /// What is logged from now on; `WHIMBREL_LOG` goes before it.
    pub fn set_level(&self, level: &str) -> Result<(), String> {
        self.filter
            .reload(chosen(level)?)
            .map_err(|error| error.to_string())
    }

    /// Who gives lines to those who follow.
    pub fn hub(&self) -> Hub {
        self.hub.clone()
    }
}

/// A level, or levels by place.
///
/// ```text
/// filter = piece *("," piece)
/// piece  = level / place "=" level
/// ```
pub fn filter(text: &str) -> Result<EnvFilter, String> {
    for piece in text.split(',') {
        let is_level = LEVELS.contains(&piece.to_ascii_lowercase().as_str());
        if !is_level && !piece.contains(['=', '[']) {
            return Err(format!("`{piece}` is no level"));
        }
    }
    let parsed = EnvFilter::builder().parse(text);
    parsed.map_err(|error| error.to_string())
}

fn chosen(level: &str) -> Result<EnvFilter, String> {
    match std::env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => {
            filter(&text).map_err(|error| format!("the variable {VARIABLE}: {error}"))
        }
        _ => filter(level),
    }
}

/// Logs from now on. Once in a process.
pub fn start(level: &str, format: LogFormat) -> Result<Log, String> {
    let (filter, handle) = reload::Layer::new(chosen(level)?);
    let has_times = std::env::var_os(JOURNAL).is_none();
    let text = || {
        fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
    };
    let lines = match (format, has_times) {
        (LogFormat::Json, _) => Lines::to_standard_error().boxed(),
        (LogFormat::Text, true) => text().boxed(),
        (LogFormat::Text, false) => text().without_time().boxed(),
    };
    let hub = Hub::new();
    let registry = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(hub.layer());
    registry.try_init().map_err(|error| error.to_string())?;
    Ok(Log {
        filter: handle,
        hub,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_levels_from_slips() {
        for fine in [
            "info",
            "DEBUG",
            "imapd=debug,info",
            "warn,smtpd::session=trace",
        ] {
            assert!(filter(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "verbose", "info,verbos", "imapd=loud"] {
            assert!(filter(wrong).is_err(), "{wrong}");
        }
    }
}
