//! The log: lines on standard error.
//!
//! `WHIMBREL_LOG` sets what is logged, such as `debug` or `imapd=trace,info`. What never happens
//! here: a word for the person who started the program; those go to standard output.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const VARIABLE: &str = "WHIMBREL_LOG";

pub fn start() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .with_env_var(VARIABLE)
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
