//! Programs of this machine that take something on their standard input: started without a shell,
//! fed, watched, and ended.
//!
//! No other crate starts a program. A program gets no environment but a PATH, no open file of ours,
//! and a process group of its own, which is ended as a whole when the time is over. What never happens
//! here: the meaning of what it answers.

use crate::limits;
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep, timeout_at};

/// Where programs are looked for whose name has no path.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How a program ended.
#[derive(Debug)]
pub enum ProgramEnd {
    Code(i32),
    /// It was killed, and not by us.
    Signal(i32),
    /// It took too long, and was killed by us.
    TimedOut,
    NotStarted(io::Error),
}

/// What a program came to.
#[derive(Debug)]
pub struct ProgramRan {
    pub end: ProgramEnd,
    /// The beginning of what it wrote to standard output and error.
    pub output: Vec<u8>,
}

/// Starts a program, gives it what `next` gives, and waits for its end. An error of `next` ends the
/// program before it has seen the end of its input. A program may leave its input unread.
pub async fn run_program<E>(
    command: &[String],
    within: Duration,
    next: impl FnMut() -> Result<Option<Bytes>, E>,
) -> Result<ProgramRan, E> {
    let mut running = match start(command) {
        Ok(running) => running,
        Err(error) => {
            return Ok(ProgramRan {
                end: ProgramEnd::NotStarted(error),
                output: Vec::new(),
            });
        }
    };
    let deadline = Instant::now() + within;
    let mut output = Vec::new();
    let (input, said) = (&mut running.input, &mut running.said);
    let worked = timeout_at(deadline, async {
        let read = async {
            read(said, &mut output).await;
            Ok(())
        };
        let feed = async {
            feed(input, next).await?;
            // only who got all of its input sees the end of it
            *input = None;
            Ok(())
        };
        tokio::try_join!(read, feed).map(drop)
    });
    match worked.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error),
        Err(_) => running.kill(),
    }
    let end = running.end(deadline).await;
    Ok(ProgramRan { end, output })
}

/// A program that runs; when it is dropped, it runs no more.
struct Running {
    child: Child,
    /// Closed by us when it is whole; else the program is ended first.
    input: Option<pipe::Sender>,
    said: Option<pipe::Receiver>,
    is_over: bool,
    is_killed: bool,
}

fn start(command: &[String]) -> io::Result<Running> {
    let Some((file, arguments)) = command.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let (said, to_us) = io::pipe()?;
    let mut child = Command::new(file)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(to_us.try_clone()?)
        .stderr(to_us)
        .spawn()?;
    let input = child.stdin.take().map(OwnedFd::from);
    let mut running = Running {
        child,
        input: None,
        said: None,
        is_over: false,
        is_killed: false,
    };
    running.input = input.map(pipe::Sender::from_owned_fd).transpose()?;
    running.said = Some(pipe::Receiver::from_owned_fd(said.into())?);
    Ok(running)
}

impl Running {
    /// The program and all that it has started.
    fn kill(&mut self) {
        if self.is_over {
            return;
        }
        self.is_killed = true;
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = pid {
            // it may have ended by itself just now
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Its end; it has mostly come when it has said all.
    async fn end(&mut self, deadline: Instant) -> ProgramEnd {
        let mut pause = Duration::from_millis(1);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.is_over = true;
                    return self.ended(status);
                }
                Ok(None) if Instant::now() >= deadline => self.kill(),
                Ok(None) => {}
                Err(error) => return ProgramEnd::NotStarted(error),
            }
            sleep(pause).await;
            pause = (pause * 2).min(limits::PROGRAM_PAUSE);
        }
    }

    fn ended(&self, status: ExitStatus) -> ProgramEnd {
        match (status.code(), status.signal()) {
            (Some(code), _) => ProgramEnd::Code(code),
            (None, _) if self.is_killed => ProgramEnd::TimedOut,
            (None, signal) => ProgramEnd::Signal(signal.unwrap_or_default()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            self.kill();
            // it was killed, so this does not take long; else it would stay as a zombie
            let _ = self.child.wait();
        }
    }
}

/// A program that closes its input has seen enough of it.
async fn feed<E>(
    input: &mut Option<pipe::Sender>,
    mut next: impl FnMut() -> Result<Option<Bytes>, E>,
) -> Result<(), E> {
    while let (Some(piece), Some(input)) = (next()?, input.as_mut()) {
        if input.write_all(&piece).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads to the end, and keeps the beginning.
async fn read(said: &mut Option<pipe::Receiver>, output: &mut Vec<u8>) {
    let Some(said) = said else { return };
    let mut octets = [0; 4 * 1024];
    while let Ok(read @ 1..) = said.read(&mut octets).await {
        let room = limits::PROGRAM_OUTPUT_BYTES.saturating_sub(output.len());
        output.extend_from_slice(&octets[..read.min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(command: &[&str], input: &str, within: Duration) -> ProgramRan {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let mut pieces = vec![None, Some(Bytes::copy_from_slice(input.as_bytes()))];
        let next = || Ok::<_, ()>(pieces.pop().flatten());
        run_program(&command, within, next).await.unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_program_gets_its_input_and_says_what_it_says() {
        let ran = run(&["cat"], "hello\n", LONG).await;
        assert!(matches!(ran.end, ProgramEnd::Code(0)), "{ran:?}");
        assert_eq!(ran.output, b"hello\n");
        let ran = run(
            &["/bin/sh", "-c", "echo out; echo err >&2; exit 75"],
            "",
            LONG,
        )
        .await;
        assert!(matches!(ran.end, ProgramEnd::Code(75)), "{ran:?}");
        assert_eq!(ran.output, b"out\nerr\n");
    }

    #[tokio::test]
    async fn an_argument_is_one_argument_whatever_it_holds() {
        let ran = run(
            &["printf", "%s|", "a b; touch /x", "$(id)", "'\""],
            "",
            LONG,
        )
        .await;
        assert_eq!(
            String::from_utf8_lossy(&ran.output),
            "a b; touch /x|$(id)|'\"|"
        );
    }

    #[tokio::test]
    async fn a_program_has_no_environment_of_ours() {
        let ran = run(&["/usr/bin/env"], "", LONG).await;
        assert_eq!(
            String::from_utf8_lossy(&ran.output),
            format!("PATH={PATH}\n")
        );
    }

    #[tokio::test]
    async fn a_program_need_not_read_and_may_say_more_than_is_kept() {
        let ran = run(&["true"], &"x".repeat(1_000_000), LONG).await;
        assert!(matches!(ran.end, ProgramEnd::Code(0)), "{ran:?}");
        let ran = run(&["cat"], &"x".repeat(1_000_000), LONG).await;
        assert!(matches!(ran.end, ProgramEnd::Code(0)), "{ran:?}");
        assert_eq!(ran.output.len(), limits::PROGRAM_OUTPUT_BYTES);
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended_with_all_that_it_started() {
        let within = Duration::from_millis(50);
        for script in [
            "exec sleep 1000",
            "sleep 1000 & sleep 1000",
            "exec >&- 2>&-; exec sleep 1000",
        ] {
            let ran = run(&["/bin/sh", "-c", script], "", within).await;
            assert!(matches!(ran.end, ProgramEnd::TimedOut), "{script}: {ran:?}");
        }
        let ran = run(&["/bin/sh", "-c", "kill -SEGV $$"], "", LONG).await;
        assert!(matches!(ran.end, ProgramEnd::Signal(11)), "{ran:?}");
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_started() {
        let ran = run(&["/nowhere/program"], "", LONG).await;
        assert!(matches!(ran.end, ProgramEnd::NotStarted(_)), "{ran:?}");
        assert!(matches!(
            run(&[], "", LONG).await.end,
            ProgramEnd::NotStarted(_)
        ));
    }

    #[tokio::test]
    async fn input_that_cannot_be_read_ends_the_program_before_its_end() {
        let command = ["cat".to_owned()];
        let failed = run_program(&command, LONG, || Err("unreadable")).await;
        assert_eq!(failed.unwrap_err(), "unreadable");
    }
}
