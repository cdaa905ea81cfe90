//! What may be said on the command line for administration: clap's tables.
//!
//! What never happens here: an effect; these are values.

use super::measure;
use super::request::{Algorithm, Level, QuotaWord, Switch, Use};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What every command of administration takes.
#[derive(Args, Clone)]
pub struct Common {
    /// The data folder: the server that runs on it is asked, or the folder is opened. If not said,
    /// the settings file says it; without one it is ./whimbrel-data.
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// The settings file; /etc/whimbrel/whimbrel.toml if not said.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Of commands that destroy something.
#[derive(Args, Clone, Copy)]
pub struct Sure {
    /// Do it without asking.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Args)]
pub struct DomainArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: DomainCommand,
}

#[derive(Subcommand)]
pub enum DomainCommand {
    /// Host a domain, make keys that it signs with, and say which DNS records it needs.
    Add {
        /// The domain, such as example.org.
        domain: String,
        /// The server's name for the DNS records, where no server runs that knows it.
        #[arg(long, value_name = "NAME")]
        hostname: Option<String>,
        /// Make no keys: its mail is not signed until `whimbrel dkim rotate` makes some.
        #[arg(long)]
        no_dkim: bool,
    },
    /// List the hosted domains.
    List,
    /// Show a domain and the DNS records that it needs.
    Show {
        /// The domain.
        domain: String,
        /// The server's name for the DNS records, where no server runs that knows it.
        #[arg(long, value_name = "NAME")]
        hostname: Option<String>,
    },
    /// Say where mail for unknown users goes.
    Set {
        /// The domain.
        domain: String,
        /// Send it to this account or alias.
        #[arg(long, value_name = "ADDRESS", required_unless_present = "no_catch_all")]
        catch_all: Option<String>,
        /// Refuse it.
        #[arg(long, conflicts_with = "catch_all")]
        no_catch_all: bool,
    },
    /// Host a domain no more; its accounts and aliases have to be removed first.
    Remove {
        /// The domain.
        domain: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args)]
pub struct AccountArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// Where a new password comes from; never from the command line, which others can read.
#[derive(Args, Clone, Copy)]
#[group(multiple = false)]
pub struct PasswordFrom {
    /// Take the first line of the standard input as the password.
    #[arg(long)]
    pub password_stdin: bool,
    /// Make a password and print it.
    #[arg(long)]
    pub generate: bool,
}

/// What may be set of an account.
#[derive(Args, Clone)]
pub struct AccountSettings {
    /// Whose account it is, for people; empty for nobody's.
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// How much it may hold: 500M, 10G, none, or default for the server's usual quota.
    #[arg(long, value_name = "SIZE", value_parser = measure::quota)]
    pub quota: Option<QuotaWord>,
    /// Whether anybody may log in.
    #[arg(long, value_name = "ON|OFF")]
    pub login: Option<Switch>,
    /// Whether mail to it is taken.
    #[arg(long, value_name = "ON|OFF")]
    pub mail: Option<Switch>,
    /// Whether it may log in by CRAM-MD5, for on-demand mail relay; on needs a new password, and keeps
    /// of it what would let a thief of the store log in.
    #[arg(long, value_name = "ON|OFF")]
    pub cram_md5: Option<Switch>,
    /// Whether it may log in by POP3's APOP; on needs a new password, each time, and keeps it readable: a
    /// thief of the store has it.
    #[arg(long, value_name = "ON|OFF")]
    pub apop: Option<Switch>,
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Make an account; the password is asked for at the terminal if no option says otherwise.
    Add {
        /// Its address, which is its login name.
        account: String,
        #[command(flatten)]
        from: PasswordFrom,
        /// Make it without a password: nobody can log in yet.
        #[arg(long, conflicts_with_all = ["password_stdin", "generate"])]
        no_password: bool,
        #[command(flatten)]
        settings: AccountSettings,
    },
    /// List the accounts, and removed ones that are still kept.
    List {
        /// Only those of this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
    },
    /// Show an account.
    Show {
        /// Its address.
        account: String,
    },
    /// Change an account; what is not said stays as it is.
    Set {
        /// Its address.
        account: String,
        #[command(flatten)]
        from: PasswordFrom,
        /// Ask for a new password at the terminal.
        #[arg(long, conflicts_with_all = ["password_stdin", "generate"])]
        password: bool,
        #[command(flatten)]
        settings: AccountSettings,
    },
    /// Remove an account; its mail is kept as long as the history is.
    Remove {
        /// Its address.
        account: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Bring back a removed account with its mail and password.
    Restore {
        /// The address that it had.
        account: String,
    },
}

#[derive(Args)]
pub struct HostArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: HostCommand,
}

#[derive(Subcommand)]
pub enum HostCommand {
    /// Make a domain a host: mail for every address of it goes to one account.
    Add {
        /// The domain, which has to be hosted already.
        host: String,
        /// The account.
        account: String,
        /// The second password; the first is the account's. None if neither is said.
        #[command(flatten)]
        from: PasswordFrom,
    },
    /// Change a host; what is not said stays as it is.
    Set {
        /// The domain.
        host: String,
        /// Another account for its mail from now on.
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        /// Another second password.
        #[command(flatten)]
        from: PasswordFrom,
        /// Ask for a new second password at the terminal.
        #[arg(long, conflicts_with_all = ["password_stdin", "generate"])]
        password: bool,
        /// Take the second password away; the account's stays.
        #[arg(long, conflicts_with_all = ["password", "password_stdin", "generate"])]
        no_second: bool,
    },
    /// List the hosts.
    List,
    /// Show a host.
    Show {
        /// The domain.
        host: String,
    },
    /// Make a domain a host no more; what the account has stays with it.
    Remove {
        /// The domain.
        host: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args)]
pub struct AliasArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: AliasCommand,
}

#[derive(Subcommand)]
pub enum AliasCommand {
    /// Make an alias; *@DOMAIN catches mail for all unknown users of the domain.
    Add {
        /// The address that is to lead elsewhere.
        alias: String,
        /// The accounts, aliases or addresses elsewhere that it leads to.
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<String>,
        /// Make it a list: failures are told to this address here, not to those who write to it.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
    },
    /// List the aliases.
    List {
        /// Only those of this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
    },
    /// Show where an alias leads.
    Show {
        /// The alias.
        alias: String,
    },
    /// Let an alias lead to other targets than before.
    Set {
        /// The alias.
        alias: String,
        /// The accounts, aliases or addresses elsewhere that it leads to from now on.
        #[arg(required = true, value_name = "TARGET")]
        targets: Vec<String>,
        /// Make it a list of this address.
        #[arg(long, value_name = "ADDRESS")]
        owner: Option<String>,
        /// Make it no list any more: failures are told to those who write to it.
        #[arg(long, conflicts_with = "owner")]
        no_owner: bool,
    },
    /// Remove an alias; mail that lies in accounts stays.
    Remove {
        /// The alias.
        alias: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args)]
pub struct DkimArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: DkimCommand,
}

#[derive(Subcommand)]
pub enum DkimCommand {
    /// List the keys that domains sign with.
    List {
        /// Only those of this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
    },
    /// Show the DNS records of a domain's keys.
    Show {
        /// The domain.
        domain: String,
        /// Only this key.
        selector: Option<String>,
    },
    /// Make one more key; it signs when the DNS shows its record.
    Add {
        /// The domain.
        domain: String,
        /// How it signs.
        #[arg(long, value_name = "ALGORITHM", default_value = "ed25519")]
        algorithm: Algorithm,
        /// Its name; made from the day if not said.
        #[arg(long, value_name = "NAME")]
        selector: Option<String>,
        /// Let it sign at once, with all others that wait; nobody can verify that until the DNS
        /// has the record.
        #[arg(long)]
        now: bool,
    },
    /// Exchange a domain's keys: make new ones, print their DNS records, wait until the DNS shows
    /// them, switch. Interrupted, it goes on where it was.
    Rotate {
        /// The domain.
        domain: String,
        /// Switch at once; nobody can verify what is signed until the DNS has the records.
        #[arg(long)]
        now: bool,
        /// Print the records and leave the rest to the running server, which looks again and again.
        #[arg(long, conflicts_with = "now")]
        no_wait: bool,
    },
    /// Let a key sign no more; its secret is forgotten.
    Retire {
        /// The domain.
        domain: String,
        /// The key.
        selector: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Forget a retired key.
    Remove {
        /// The domain.
        domain: String,
        /// The key.
        selector: String,
    },
}

#[derive(Args)]
pub struct MailboxArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: MailboxCommand,
}

#[derive(Subcommand)]
pub enum MailboxCommand {
    /// Make a mailbox, and those above it that are missing.
    Add {
        /// The account.
        account: String,
        /// The mailbox; / stands between levels.
        mailbox: String,
        /// What it is for, so that mail programs find it.
        #[arg(long, value_name = "USE", ignore_case = true)]
        special_use: Option<Use>,
    },
    /// List an account's mailboxes with what they hold.
    List {
        /// The account.
        account: String,
    },
    /// Show one mailbox.
    Show {
        /// The account.
        account: String,
        /// The mailbox.
        mailbox: String,
    },
    /// Change what a mailbox is for, or whether it is subscribed; what is not said stays as it is.
    /// `rename` gives it another name.
    Set {
        /// The account.
        account: String,
        /// The mailbox.
        mailbox: String,
        /// What it is for, so that mail programs find it; one mailbox of an account has each use.
        #[arg(long, value_name = "USE", ignore_case = true)]
        special_use: Option<Use>,
        /// Let mail programs show it that show what is subscribed.
        #[arg(long)]
        subscribe: bool,
        /// Let them show it no more.
        #[arg(long, conflicts_with = "subscribe")]
        unsubscribe: bool,
    },
    /// Give a mailbox another name; those below it move with it.
    Rename {
        /// The account.
        account: String,
        /// The mailbox.
        mailbox: String,
        /// Its new name.
        to: String,
    },
    /// Remove a mailbox with its messages; the history keeps them for its time.
    Remove {
        /// The account.
        account: String,
        /// The mailbox.
        mailbox: String,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args)]
pub struct QuotaArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: QuotaCommand,
}

#[derive(Subcommand)]
pub enum QuotaCommand {
    /// List what accounts hold and may hold.
    List {
        /// Only those of this domain.
        #[arg(long, value_name = "DOMAIN")]
        domain: Option<String>,
    },
    /// Show what an account holds and may hold.
    Show {
        /// The account.
        account: String,
    },
    /// Give an account a quota of its own; refused if it has one.
    Add {
        /// The account.
        account: String,
        /// 500M, 10G, or none.
        #[arg(value_parser = measure::quota)]
        quota: QuotaWord,
    },
    /// Set an account's quota.
    Set {
        /// The account.
        account: String,
        /// 500M, 10G, none, or default for the server's usual quota.
        #[arg(value_parser = measure::quota)]
        quota: QuotaWord,
    },
    /// Take away an account's own quota: the server's usual one holds.
    Remove {
        /// The account.
        account: String,
    },
}

#[derive(Args)]
pub struct SessionArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: SessionCommand,
}

#[derive(Subcommand)]
pub enum SessionCommand {
    /// List the sessions that run.
    List {
        /// Only those of this account.
        #[arg(long, value_name = "ADDRESS")]
        account: Option<String>,
    },
    /// End a session; its client is told goodbye.
    End {
        /// The number of the session, as the list and the log show it.
        #[arg(required_unless_present = "account", conflicts_with = "account")]
        id: Option<u64>,
        /// End all sessions of this account.
        #[arg(long, value_name = "ADDRESS")]
        account: Option<String>,
    },
}

#[derive(Args)]
pub struct QueueArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: QueueCommand,
}

/// Which entries of the queue are meant; all that is said must fit.
#[derive(Args, Clone)]
pub struct EntryFilter {
    /// Only what goes to this domain.
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Only what comes from this address; <> for reports.
    #[arg(long, value_name = "ADDRESS")]
    pub sender: Option<String>,
    /// Only what was handed in so long ago or longer: 10m, 4h, 2d.
    #[arg(long, value_name = "SPAN", value_parser = measure::seconds)]
    pub older: Option<u64>,
}

/// Which entries something is done with.
#[derive(Args, Clone)]
pub struct Entries {
    /// Messages by their ids, as the list and the log show them.
    #[arg(value_name = "ID", required_unless_present_any = ["domain", "sender", "older", "all"])]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub filter: EntryFilter,
    /// All that is in the queue.
    #[arg(long, conflicts_with_all = ["ids", "domain", "sender", "older"])]
    pub all: bool,
}

#[derive(Subcommand)]
pub enum QueueCommand {
    /// List what waits to travel on to other servers, the oldest first.
    List {
        #[command(flatten)]
        filter: EntryFilter,
        /// At most so many.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: Option<u32>,
    },
    /// Show a message that waits: its recipients, what was tried, what was said.
    Show {
        /// The message's id.
        id: String,
    },
    /// Try at once, whatever was planned; what is held stays.
    Retry {
        #[command(flatten)]
        entries: Entries,
    },
    /// Keep back until it is released.
    Hold {
        #[command(flatten)]
        entries: Entries,
    },
    /// Let go on what was held.
    Release {
        #[command(flatten)]
        entries: Entries,
    },
    /// List rows that cannot be read or lead nowhere, with what is known of them.
    Damaged {
        /// Only those of messages with these ids.
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Take them out for good; nobody is told.
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        sure: Sure,
    },
    /// Take out for good; the sender is not told, unless `--return` is said.
    Remove {
        #[command(flatten)]
        entries: Entries,
        /// Tell the sender by a report that it was not delivered.
        #[arg(long = "return")]
        returned: bool,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args)]
pub struct WhyArguments {
    #[command(flatten)]
    pub common: Common,
    /// The id that the server told after 250, a Message-ID, or the address of a sender or recipient.
    pub about: String,
    /// At most so many messages, the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

#[derive(Args)]
pub struct LogArguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: LogCommand,
}

#[derive(Subcommand)]
pub enum LogCommand {
    /// Show the running server's log lines as they are written.
    Follow {
        /// Only lines of this account's sessions and mail.
        #[arg(long, value_name = "ADDRESS")]
        account: Option<String>,
        /// Only lines of this session.
        #[arg(long, value_name = "ID")]
        session: Option<u64>,
        /// Only lines of this message, by the id that its sender was told.
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        /// Only lines at least as grave as this.
        #[arg(long, value_name = "LEVEL", default_value = "info")]
        level: Level,
    },
}
