//! Whether the server does what it is for: `/health` asks.
//!
//! What never happens here: a repair, HTTP.

use httpd::Health;
use net::{Sessions, Stop};
use store::{Db, State};

/// `worry` is what somebody should look at while mail is taken all the same.
pub fn of(db: &Db, sessions: &Sessions, stop: &Stop, worry: Option<String>) -> Health {
    if stop.is_stopped() {
        return Health::Ill("the server stops".to_owned());
    }
    match db.state() {
        State::Writable => {}
        State::ReadOnly { why } => return Health::Ill(format!("the store takes no writes: {why}")),
        State::Full => {
            let why = "the disk is nearly full, so new mail is not taken";
            return Health::Ill(why.to_owned());
        }
    }
    let starved = sessions.starved();
    match starved.is_empty() {
        true => worry.map_or(Health::Fine, Health::Degraded),
        false => Health::Ill(format!(
            "the system gives no connections to: {}",
            starved.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{Files, Partition, Settings, SimFailure};

    fn of_store(db: &Db) -> Health {
        of(db, &Sessions::default(), &Stop::new(), None)
    }

    async fn write(db: &Db) -> bool {
        let mut edit = db.edit(Partition(1)).await;
        edit.put(b"k".to_vec(), b"v".to_vec());
        edit.submit().await.is_ok()
    }

    #[tokio::test]
    async fn a_store_that_takes_no_writes_is_ill() {
        let (files, disk) = Files::sim(1);
        let db = Db::open(files, Settings::default()).unwrap();
        assert!(write(&db).await);
        assert_eq!(of_store(&db), Health::Fine);
        // The commit's sync, and the new log file after it.
        disk.fail_at(disk.operations() + 2, SimFailure::InputOutput);
        disk.fail_at(disk.operations() + 3, SimFailure::NoSpace);
        assert!(!write(&db).await);
        match of_store(&db) {
            Health::Ill(why) => assert!(why.contains("takes no writes"), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_server_that_stops_says_so() {
        let stop = Stop::new();
        stop.stop();
        let health = of(&Db::memory(), &Sessions::default(), &stop, None);
        assert_eq!(health, Health::Ill("the server stops".to_owned()));
    }

    #[test]
    fn a_worry_is_told_where_nothing_worse_is() {
        let (db, sessions, stop) = (Db::memory(), Sessions::default(), Stop::new());
        let worry = || Some("an old certificate".to_owned());
        let health = of(&db, &sessions, &stop, worry());
        assert_eq!(health, Health::Degraded("an old certificate".to_owned()));
        stop.stop();
        let health = of(&db, &sessions, &stop, worry());
        assert_eq!(health, Health::Ill("the server stops".to_owned()));
    }
}
