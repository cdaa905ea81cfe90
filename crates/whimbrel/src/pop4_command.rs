//! `whimbrel pop4`: a small client of POP4 (docs/pop4.md), a command a line, for scripts and for looking.
//!
//! What the server answers is printed as it is; lists without their dots. A command that is refused
//! ends the session without QUIT, so nothing that waits for QUIT happens. What never happens here: a
//! password on the command line, and a wish to understand the answers.

use crate::Outcome;
use crate::admin::password_once;
use crate::arguments::{Pop4Arguments, Pop4Tls};
use bytes::BytesMut;
use net::time::{Duration, timeout};
use net::{Answer, Conn, DnsSettings, Dnssec, Resolver, TlsClient, dial};
use pop::{Stuffer, Unstuffer};
use std::io::{BufRead, Write, stdin, stdout};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Octets of the first line of an answer.
const LINE_BYTES: usize = 64 * 1024;

/// A command was refused.
const REFUSED: u8 = 1;
/// A file or line of the person's cannot be used (EX_NOINPUT of sysexits).
const NO_INPUT: u8 = 66;
/// There is no such server (EX_UNAVAILABLE).
const UNAVAILABLE: u8 = 69;
/// The connection was lost, or the server does not speak POP4 (EX_PROTOCOL).
const PROTOCOL: u8 = 76;
/// The login was refused (EX_NOPERM).
const NO_LOGIN: u8 = 77;

/// Why the session ends: how the program does, and what is told.
struct Trouble(u8, String);

type Done<T> = Result<T, Trouble>;

pub async fn run(arguments: Pop4Arguments) -> Outcome<ExitCode> {
    Ok(match session(&arguments).await {
        Ok(exit) => exit,
        Err(Trouble(exit, text)) => {
            eprintln!("whimbrel: {text}");
            ExitCode::from(exit)
        }
    })
}

async fn session(arguments: &Pop4Arguments) -> Done<ExitCode> {
    let password = password(arguments)?;
    let mut server = Server::connect(arguments).await?;
    server.log_in(&arguments.user, &password).await?;
    let mut given = arguments.commands.iter();
    let mut refused = None;
    loop {
        let command = match arguments.commands.is_empty() {
            true => input_line()?,
            false => given.next().cloned(),
        };
        let Some(command) = command else { break };
        if command.trim().is_empty() {
            continue;
        }
        match server.command(&command).await {
            Ok(true) => return Ok(exit_of(refused)),
            Ok(false) => {}
            Err(Trouble(REFUSED, text)) if arguments.keep_going => {
                eprintln!("whimbrel: {text}");
                refused = Some(REFUSED);
            }
            Err(trouble) => return Err(trouble),
        }
    }
    server.command("QUIT").await?;
    Ok(exit_of(refused))
}

fn exit_of(refused: Option<u8>) -> ExitCode {
    refused.map_or(ExitCode::SUCCESS, ExitCode::from)
}

fn password(arguments: &Pop4Arguments) -> Done<String> {
    let text = match &arguments.password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text =
                text.map_err(|error| Trouble(NO_INPUT, format!("{}: {error}", path.display())))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
        None if arguments.password_stdin => input_line()?.unwrap_or_default(),
        None => password_once().map_err(|text| Trouble(NO_INPUT, text))?,
    };
    Ok(text)
}

/// A line of the standard input without its end; None behind the last.
fn input_line() -> Done<Option<String>> {
    let mut line = String::new();
    let read = stdin().lock().read_line(&mut line);
    let read = read.map_err(|error| Trouble(NO_INPUT, format!("the standard input: {error}")))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok((read > 0).then_some(line))
}

struct Server {
    conn: Conn,
    input: BytesMut,
}

impl Server {
    async fn connect(arguments: &Pop4Arguments) -> Done<Server> {
        let usual = match arguments.tls {
            Pop4Tls::AtOnce => 995,
            Pop4Tls::Stls | Pop4Tls::None => 110,
        };
        let port = arguments.port.unwrap_or(usual);
        let mut conn = dialled(&arguments.server, port).await?;
        if arguments.tls == Pop4Tls::AtOnce {
            conn = secured(conn, arguments).await?;
        }
        let input = BytesMut::new();
        let mut server = Server { conn, input };
        let greeting = server.answer("the connection").await;
        let greeting = greeting.map_err(|Trouble(_, text)| Trouble(PROTOCOL, text))?;
        if !greeting.contains(pop::pop4::TOKEN) {
            let text = format!("the server does not speak POP4: {greeting}");
            return Err(Trouble(PROTOCOL, text));
        }
        if arguments.tls != Pop4Tls::Stls {
            return Ok(server);
        }
        server.say("STLS").await?;
        let answer = server.answer("STLS").await;
        answer.map_err(|Trouble(_, text)| Trouble(PROTOCOL, text))?;
        // what came before the handshake is no answer to what is said under it
        Ok(Server {
            conn: secured(server.conn, arguments).await?,
            input: BytesMut::new(),
        })
    }

    async fn log_in(&mut self, user: &str, password: &str) -> Done<()> {
        for (word, value) in [("USER", user), ("PASS", password)] {
            if value.contains(['\r', '\n', '\0']) {
                let text = "there is no such name or password".to_owned();
                return Err(Trouble(NO_INPUT, text));
            }
            self.say(&format!("{word} {value}")).await?;
            let answer = self.answer(word).await;
            answer.map_err(|Trouble(exit, text)| match exit {
                REFUSED => Trouble(NO_LOGIN, text),
                exit => Trouble(exit, text),
            })?;
        }
        Ok(())
    }

    /// One command, and what it needs; says whether it was QUIT.
    async fn command(&mut self, line: &str) -> Done<bool> {
        if line.contains(['\r', '\n', '\0']) {
            let text = "a command is one line".to_owned();
            return Err(Trouble(NO_INPUT, text));
        }
        let (line, file) = match line.split_once(" < ") {
            Some((line, file)) => (line, Some(file.trim())),
            None => (line, None),
        };
        let words: Vec<String> = line
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_uppercase)
            .collect();
        let word = words.first().map_or("", String::as_str);
        let is_message = matches!(word, "STOR" | "XTND");
        let message = match (is_message, file) {
            (true, Some(file)) => Some(read(file)?),
            (true, None) | (false, None) => None,
            (false, Some(_)) => {
                let text = format!("{word} takes no message");
                return Err(Trouble(NO_INPUT, text));
            }
        };
        self.say(line).await?;
        let said = self.answer(line).await?;
        if is_message {
            println!("{said}");
            let message = match message {
                Some(message) => message,
                None => message_from_input()?,
            };
            self.send(&message).await?;
            println!("{}", self.answer(line).await?);
            return Ok(false);
        }
        println!("{said}");
        if has_list(word, words.len()) {
            self.list().await?;
        }
        Ok(word == "QUIT")
    }

    async fn say(&mut self, line: &str) -> Done<()> {
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    /// A message with its dots doubled, and the dot behind it.
    async fn send(&mut self, message: &[u8]) -> Done<()> {
        let (mut out, mut stuffer) = (Vec::new(), Stuffer::new());
        stuffer.push(message, &mut out);
        stuffer.finish(&mut out);
        self.write(&out).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Done<()> {
        match timeout(PATIENCE, self.conn.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(lost(&error.to_string())),
            Err(_) => Err(lost("the server does not read")),
        }
    }

    async fn more(&mut self) -> Done<()> {
        match timeout(PATIENCE, self.conn.read(&mut self.input)).await {
            Ok(Ok(0)) => Err(lost("the server has ended it")),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(lost(&error.to_string())),
            Err(_) => Err(lost("no answer came in time")),
        }
    }

    /// The first line of an answer; an error if it is not `+OK`.
    async fn answer(&mut self, to: &str) -> Done<String> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line = self.input.split_to(end + 1);
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                return match line.starts_with("+OK") {
                    true => Ok(line),
                    false => Err(Trouble(REFUSED, format!("{to}: {line}"))),
                };
            }
            if self.input.len() > LINE_BYTES {
                return Err(lost("an answer without an end"));
            }
            self.more().await?;
        }
    }

    /// The rest of a list, up to its dot, to the standard output.
    async fn list(&mut self) -> Done<()> {
        let mut unstuffer = Unstuffer::new();
        loop {
            let mut text = Vec::new();
            let read = unstuffer.push(&self.input, &mut text);
            let _ = self.input.split_to(read);
            let written = stdout().write_all(&text);
            written.map_err(|error| Trouble(NO_INPUT, format!("the output: {error}")))?;
            if unstuffer.is_ended() {
                return Ok(());
            }
            self.more().await?;
        }
    }
}

/// Whether the answer to this word, with so many words in all, is a list or a message.
fn has_list(word: &str, words: usize) -> bool {
    match word {
        "CAPA" | "RETR" | "TOP" | "*ENV" | "LFLD" | "LFLG" | "LPRT" | "RPRT" => true,
        "LIST" | "UIDL" | "LANG" => words == 1,
        _ => false,
    }
}

/// Lines of the standard input up to a dot alone; dots are not doubled.
fn message_from_input() -> Done<Vec<u8>> {
    let mut message = Vec::new();
    while let Some(line) = input_line()?.filter(|line| line != ".") {
        message.extend_from_slice(line.as_bytes());
        message.extend_from_slice(b"\r\n");
    }
    Ok(message)
}

/// A message in a file, with CRLF lines whatever it has.
fn read(file: &str) -> Done<Vec<u8>> {
    let octets =
        std::fs::read(file).map_err(|error| Trouble(NO_INPUT, format!("{file}: {error}")))?;
    let mut message = Vec::with_capacity(octets.len());
    for line in octets.split_inclusive(|byte| *byte == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        message.extend_from_slice(bare.strip_suffix(b"\r").unwrap_or(bare));
        message.extend_from_slice(b"\r\n");
    }
    Ok(message)
}

/// Any of the server's addresses.
async fn dialled(server: &str, port: u16) -> Done<Conn> {
    let unavailable = |why: String| Trouble(UNAVAILABLE, format!("{server}:{port}: {why}"));
    let mut why = "it has no address".to_owned();
    for address in addresses(server).await.map_err(unavailable)? {
        match dial(SocketAddr::new(address, port)).await {
            Ok(conn) => return Ok(conn),
            Err(error) => why = error.to_string(),
        }
    }
    Err(unavailable(why))
}

async fn addresses(server: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = server.parse() {
        return Ok(vec![address]);
    }
    if server.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    if server.contains(':') {
        return Err("this is neither a name nor an address; a port is said by --port".to_owned());
    }
    let settings = DnsSettings {
        dnssec: Dnssec::Off,
        ..DnsSettings::default()
    };
    let resolver = Resolver::new(&settings).map_err(|error| error.to_string())?;
    match resolver.addresses(server).await {
        Answer::Found { value, .. } => Ok(value),
        _ => Err("the DNS knows no address of it".to_owned()),
    }
}

async fn secured(conn: Conn, arguments: &Pop4Arguments) -> Done<Conn> {
    let tls = match &arguments.ca {
        Some(path) => {
            let cannot = |why: String| Trouble(NO_INPUT, format!("{}: {why}", path.display()));
            let pem = std::fs::read_to_string(path).map_err(|e| cannot(e.to_string()))?;
            TlsClient::trusting_pem(&pem).map_err(|e| cannot(e.to_string()))?
        }
        None => TlsClient::trusting_the_web(),
    };
    let name = arguments.tls_name.as_ref().unwrap_or(&arguments.server);
    match timeout(PATIENCE, conn.connect_tls(&tls, name)).await {
        Ok(Ok(conn)) => Ok(conn),
        Ok(Err(error)) => Err(lost(&format!("TLS: {error}"))),
        Err(_) => Err(lost("TLS: no answer came in time")),
    }
}

fn lost(why: &str) -> Trouble {
    Trouble(PROTOCOL, format!("the connection is lost: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_the_name_is_told_where_it_belongs() {
        let why = addresses("mail.example.org:110").await.unwrap_err();
        assert!(why.contains("--port"), "{why}");
        assert!(addresses("::1").await.is_ok());
    }
}
