//! `whimbrel verify`: checks a data folder and says what was found.
//!
//! What never happens here: a repair.

use crate::arguments::VerifyArguments;
use crate::{Outcome, own_files};
use mail::{Admin, Mail, MailSettings, VerifyReport};
use net::{Clock, Random};
use std::process::ExitCode;
use store::{Db, Fault, Files};

/// Problems of the road that are told.
const TOLD_OF_ROAD: usize = 100;

pub async fn run(arguments: VerifyArguments) -> Outcome<ExitCode> {
    let store = own_files::store_in(&arguments.data);
    if !store.is_dir() {
        // Opening would make a new, empty one.
        return Err(format!(
            "{} is no data folder of Whimbrel",
            arguments.data.display()
        ));
    }
    let files = Files::real(&store).map_err(|error| error.to_string())?;
    let db = Db::open(files, store::Settings::default()).map_err(|error| error.to_string())?;
    let opened = db.open_report();
    for damage in &opened.damage {
        println!("problem: {damage}");
    }
    if opened.torn_tail_bytes > 0 {
        let bytes = opened.torn_tail_bytes;
        println!("note: {bytes} bytes of a last commit that was never acknowledged are left out");
    }
    let admin = Admin::owner_of(&db);
    let mail = Mail::open(
        db.clone(),
        Clock::system(),
        Random::system(),
        MailSettings::default(),
    )
    .await;
    let mail = mail.map_err(|fault| fault.to_string())?;
    let report = mail.verify(&admin, |line| println!("{line}")).await;
    let report = report.map_err(|fault| fault.to_string())?;
    let on_the_road = check_road(&mail).map_err(|fault| fault.to_string())?;
    drop(mail);
    db.close().await;
    Ok(tell(&report, opened.damage.len() + on_the_road))
}

/// The rows of queue and trails; gives the number of problems.
fn check_road(mail: &Mail) -> Result<usize, Fault> {
    let mut problems = 0;
    post::queue::check(&mail.road(), |found| {
        problems += 1;
        if problems <= TOLD_OF_ROAD {
            println!(
                "problem: the road: {found}\n  advice: what of it can be read goes on; \
                 `whimbrel queue damaged` shows the rest and can take it out"
            );
        }
    })?;
    if problems > TOLD_OF_ROAD {
        println!("… and {} more on the road", problems - TOLD_OF_ROAD);
    }
    Ok(problems)
}

fn tell(report: &VerifyReport, damage: usize) -> ExitCode {
    for problem in &report.problems {
        println!(
            "problem: {}: {}\n  advice: {}",
            problem.place, problem.found, problem.advice
        );
    }
    if report.problems_left_out > 0 {
        println!("… and {} more problems", report.problems_left_out);
    }
    println!(
        "looked at {} accounts, {} mailboxes, {} messages, {} on the road, {} changes, {} bodies ({} bytes)",
        report.accounts,
        report.mailboxes,
        report.messages,
        report.on_the_road,
        report.changes,
        report.bodies,
        report.body_bytes
    );
    let problems = report.problems.len() as u64 + report.problems_left_out + damage as u64;
    if problems == 0 {
        println!("all is well");
        ExitCode::SUCCESS
    } else {
        println!("{problems} problems");
        ExitCode::FAILURE
    }
}
