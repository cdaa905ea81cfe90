//! What may be said on the command line.
//!
//! What never happens here: an effect; these are values.

use crate::listeners::Kind;
use crate::settings::Smarthost;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where data lies when nothing else is said.
pub const DATA: &str = "./whimbrel-data";

#[derive(Args)]
pub struct TryArguments {
    /// The folder that keeps everything.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
    /// Listen on free ports instead of the usual ones.
    #[arg(long)]
    pub any_port: bool,
    /// Add the accounts user1 to userN.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "password")]
    #[arg(value_parser = clap::value_parser!(u32).range(..=MAX_ACCOUNTS))]
    pub accounts: u32,
    /// The password of user1 to userN.
    #[arg(long, requires = "accounts")]
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub password: Option<String>,
    /// Write addresses, accounts and process id to this file once all listeners accept.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Send mail for other domains to this server; without it, it is refused.
    #[arg(long, value_name = "HOST:PORT")]
    pub smarthost: Option<Smarthost>,
    #[command(flatten)]
    pub ports: Ports,
}

const MAX_ACCOUNTS: i64 = 100_000;

/// One option for each listener; the usual port is in [`crate::listeners::KINDS`].
#[derive(Args)]
pub struct Ports {
    #[arg(long, value_name = "PORT", help = "The port of SMTP")]
    pub smtp_port: Option<u16>,
    #[arg(
        long,
        value_name = "PORT",
        help = "The port of submission with STARTTLS"
    )]
    pub submission_port: Option<u16>,
    #[arg(
        long,
        value_name = "PORT",
        help = "The port of submission with TLS at once"
    )]
    pub submissions_port: Option<u16>,
    #[arg(
        long,
        value_name = "PORT",
        help = "A port for LMTP instead of a socket"
    )]
    pub lmtp_port: Option<u16>,
    /// The path of LMTP's socket; `lmtp` in the data folder if not said.
    #[arg(long, value_name = "PATH", conflicts_with = "lmtp_port")]
    pub lmtp_socket: Option<PathBuf>,
    #[arg(long, value_name = "PORT", help = "The port of IMAP with STARTTLS")]
    pub imap_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port of IMAP with TLS at once")]
    pub imaps_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port of POP3 with STLS")]
    pub pop3_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port of POP3 with TLS at once")]
    pub pop3s_port: Option<u16>,
    #[arg(long, value_name = "PORT", help = "The port of metrics and health")]
    pub metrics_port: Option<u16>,
}

impl Ports {
    pub fn of(&self, kind: Kind) -> Option<u16> {
        match kind {
            Kind::Smtp => self.smtp_port,
            Kind::Submission => self.submission_port,
            Kind::Submissions => self.submissions_port,
            Kind::Lmtp => self.lmtp_port,
            Kind::Submit => None,
            Kind::Imap => self.imap_port,
            Kind::Imaps => self.imaps_port,
            Kind::Pop3 => self.pop3_port,
            Kind::Pop3s => self.pop3s_port,
            Kind::Metrics => self.metrics_port,
            // there are no customers
            Kind::Odmr => None,
        }
    }
}

/// The password is the first line of a file or of the standard input, or is asked for.
#[derive(Args)]
pub struct Pop4Arguments {
    /// The server's name or address.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    pub server: String,
    /// Its port; 110, or 995 with TLS at once, if not said.
    #[arg(long)]
    pub port: Option<u16>,
    /// How the connection is secured.
    #[arg(long, value_enum, default_value_t = Pop4Tls::Stls)]
    pub tls: Pop4Tls,
    /// Trust the certificates in this file (PEM) instead of those that browsers trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The name that the server's certificate has, if it is not the one above.
    #[arg(long, value_name = "NAME")]
    pub tls_name: Option<String>,
    /// The login name.
    #[arg(long, value_name = "NAME")]
    pub user: String,
    /// Take the first line of this file as the password.
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    pub password_file: Option<PathBuf>,
    /// Take the first line of the standard input as the password.
    #[arg(long)]
    pub password_stdin: bool,
    /// Go on when a command is refused, and say QUIT at the end all the same.
    #[arg(long)]
    pub keep_going: bool,
    /// Commands, one an argument, such as "LFLD" or "STOR Sent seen < message.eml"; without any,
    /// lines of the standard input, and a message of STOR as lines up to a dot alone. QUIT is said
    /// at the end.
    #[arg(value_name = "COMMAND")]
    pub commands: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pop4Tls {
    /// By STLS, before the login.
    Stls,
    /// From the first octet on.
    AtOnce,
    /// Not at all.
    None,
}

#[derive(Args)]
pub struct ServeArguments {
    /// The settings file; /etc/whimbrel/whimbrel.toml if not said.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write addresses and process id to this file once all listeners accept.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Say whether a settings file is right and its certificates can be used.
    Check(ConfigFile),
    /// Print all settings as they hold with a settings file.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Only those that are not as usual.
        #[arg(long)]
        changed: bool,
    },
    /// Print a settings file to begin with: everything in it, commented out.
    Example,
    /// Print the reference of all settings, in Markdown.
    #[command(hide = true)]
    Reference,
}

#[derive(Args)]
pub struct ManArguments {
    /// The folder to write them to.
    pub folder: PathBuf,
}

/// Words that are not read here.
#[derive(Args)]
pub struct Words {
    /// The flags of Sendmail that programs use (-t -i -f -F -N -R -V -bs -bp -bv -q …), and
    /// recipients.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Words of `rmail`, which are not read here either.
#[derive(Args)]
pub struct Recipients {
    /// Recipients: addresses, bang paths, names here.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// There are none.
#[derive(Args)]
pub struct NoWords {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub words: Vec<String>,
}

#[derive(Args)]
pub struct CompletionsArguments {
    pub shell: clap_complete::Shell,
}

#[derive(Args)]
pub struct ConfigFile {
    /// The settings file; /etc/whimbrel/whimbrel.toml if not said.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args)]
pub struct VerifyArguments {
    /// The folder to check.
    #[arg(long, value_name = "DIR", default_value = DATA)]
    pub data: PathBuf,
}
