//! What each command does and refuses, whether a server runs or not.

use crate::house::{Done, Server, folder, run, run_with};
use serde_json::{Value, json};
use std::path::Path;

/// Every command, one after the other, its words between spaces, and what stands on its standard input.
const SCRIPT: &[(&str, &str)] = &[
    (
        "domain add example.org --hostname mx.example.org --no-dkim",
        "",
    ),
    ("domain add Example.ORG", ""),
    ("domain add not..one", ""),
    (
        "account add ann@example.org --password-stdin --quota 10M",
        "kept-from-all-eyes\n",
    ),
    ("account add ben@example.org --no-password --name Ben", ""),
    ("account add ann@example.org --no-password", ""),
    ("account add ann@elsewhere.org --no-password", ""),
    ("account add cat@example.org", ""),
    ("account add cat@example.org --password-stdin", "\n"),
    ("account set ben@example.org", ""),
    ("account set ben@example.org --login off --mail off", ""),
    ("account set ben@example.org --login on --mail off", ""),
    ("account set ben@example.org --login on --mail on", ""),
    ("account show bne@example.org", ""),
    ("quota set ben@example.org 1G", ""),
    ("quota show ben@example.org", ""),
    ("quota remove ben@example.org", ""),
    ("quota set ben@example.org much", ""),
    ("quota add ben@example.org default", ""),
    ("quota add ben@example.org 2G", ""),
    ("quota add ben@example.org 3G", ""),
    ("quota list --domain example.org", ""),
    (
        "alias add all@example.org ann@example.org ben@example.org",
        "",
    ),
    ("alias add all@example.org ann@example.org", ""),
    ("alias set all@example.org ben@example.org", ""),
    ("alias set none@example.org ben@example.org", ""),
    ("alias add far@example.org x@elsewhere.org", ""),
    (
        "alias set far@example.org x@elsewhere.org --owner y@elsewhere.org",
        "",
    ),
    (
        "alias set far@example.org x@elsewhere.org --owner ann@example.org",
        "",
    ),
    ("alias show far@example.org", ""),
    ("alias remove far@example.org --yes", ""),
    ("alias add near@example.org nobody@example.org", ""),
    ("alias add *@example.org all@example.org", ""),
    ("alias add *@example.org all@example.org", ""),
    ("alias list --domain example.org", ""),
    ("alias show *@example.org", ""),
    ("alias remove *@example.org --yes", ""),
    ("alias remove all@example.org", ""),
    ("alias remove all@example.org --yes", ""),
    ("alias show all@example.org", ""),
    ("mailbox add ann@example.org Lists/rust", ""),
    ("mailbox add ann@example.org Old --special-use archive", ""),
    ("mailbox add ann@example.org a//b", ""),
    ("mailbox rename ann@example.org Lists Groups", ""),
    ("mailbox set ann@example.org Groups", ""),
    (
        "mailbox set ann@example.org Groups/rust --special-use \\Sent",
        "",
    ),
    (
        "mailbox set ann@example.org Sent --special-use none --unsubscribe",
        "",
    ),
    (
        "mailbox set ann@example.org Groups/rust --special-use \\Sent --subscribe",
        "",
    ),
    (
        "mailbox set ann@example.org inbox --special-use archive",
        "",
    ),
    ("mailbox set ann@example.org Groups/rsut --subscribe", ""),
    (
        "mailbox set ann@example.org Groups --subscribe --unsubscribe",
        "",
    ),
    ("mailbox list ann@example.org", ""),
    ("mailbox show ann@example.org Groups/rsut", ""),
    ("mailbox remove ann@example.org Groups/rust", ""),
    ("mailbox remove ann@example.org Groups/rust --yes", ""),
    ("mailbox remove ann@example.org INBOX --yes", ""),
    ("domain set example.org --catch-all ann@example.org", ""),
    ("domain set example.org --no-catch-all", ""),
    ("dkim list", ""),
    ("dkim rotate far.invalid --no-wait", ""),
    ("dkim show example.org", ""),
    ("dkim show example.org s1", ""),
    ("dkim add example.org --selector -", ""),
    ("dkim retire example.org s1 --yes", ""),
    ("dkim remove example.org s1", ""),
    ("domain remove example.org --yes", ""),
    ("domain show exmaple.org", ""),
    ("session end 999999", ""),
    ("account restore ann@example.org", ""),
    (
        "domain add xyz.demon.test --no-dkim --hostname mx.example.org",
        "",
    ),
    ("host add nowhere.demon.test ann@example.org", ""),
    ("host add xyz.demon.test quizzical-zephyr@example.org", ""),
    ("host add example.org ann@example.org", ""),
    ("host set xyz.demon.test --no-second", ""),
    (
        "host add xyz.demon.test ann@example.org --password-stdin",
        "hidden-from-all-eyes\n",
    ),
    ("host set xyz.demon.test", ""),
    ("host set xyz.demon.test --no-second --generate", ""),
    ("host list", ""),
    (
        "host set xyz.demon.test --no-second --account ben@example.org",
        "",
    ),
    ("host show xyz.demon.test", ""),
    ("host show example.org", ""),
    ("host remove xyz.demon.test", ""),
    ("host remove xyz.demon.test --yes", ""),
    ("host remove example.org --yes", ""),
    ("account set ann@example.org --apop on", ""),
    (
        "account set ann@example.org --apop on --password-stdin",
        "read-by-all-eyes\n",
    ),
    (
        "account set ann@example.org --password-stdin",
        "unread-by-all-eyes\n",
    ),
];

/// What each answers, with the words that lead to it.
fn script(data: &Path) -> Vec<(String, Done)> {
    let mut told = Vec::new();
    for (words, input) in SCRIPT {
        for json in [false, true] {
            let mut words: Vec<&str> = words.split(' ').collect();
            words.extend(json.then_some("--json"));
            told.push((words.join(" "), run_with(data, &words, input)));
        }
    }
    told
}

#[test]
fn commands_do_the_same_on_a_running_and_on_a_stopped_server() {
    let (_folder, stopped) = folder();
    let (_other, running) = folder();
    let server = Server::start(&running);
    let (a, b) = (script(&stopped), script(&server.data));
    for ((words, stopped), (_, running)) in a.iter().zip(&b) {
        // Where a server runs there are sessions, and the domain of `try`.
        let of_try = |text: &str| text.replace(", example.test", "");
        if !words.starts_with("session") {
            assert_eq!(stopped.succeeded, running.succeeded, "{words}");
            assert_eq!(stopped.out, of_try(&running.out), "{words}");
            assert_eq!(stopped.err, of_try(&running.err), "{words}");
        }
        assert!(
            !stopped.out.contains("all-eyes") && !stopped.err.contains("all-eyes"),
            "{words}"
        );
    }
    tells_why(&a);
}

/// What is refused, and words of the reason.
const REASONS: &[(&str, &str)] = &[
    ("domain add Example.ORG", "exists already"),
    ("domain add not..one", "no domain"),
    (
        "account add ann@elsewhere.org --no-password",
        "hosted are: example.org",
    ),
    (
        "account add cat@example.org",
        "--password-stdin or --generate",
    ),
    (
        "account add cat@example.org --password-stdin",
        "empty password",
    ),
    ("account set ben@example.org", "nothing is to be changed"),
    (
        "account set ben@example.org --login on --mail off",
        "--login off",
    ),
    ("account show bne@example.org", "nearest: ben@example.org"),
    ("quota set ben@example.org much", "“much” is no size"),
    (
        "alias set none@example.org ben@example.org",
        "aliases of example.org: all@example.org",
    ),
    (
        "alias set far@example.org x@elsewhere.org --owner y@elsewhere.org",
        "has to be an address here",
    ),
    (
        "alias add near@example.org nobody@example.org",
        "there is no account nobody@example.org",
    ),
    (
        "alias remove all@example.org",
        "--yes says that it is meant",
    ),
    ("mailbox add ann@example.org a//b", "cannot be a mailbox"),
    ("quota add ben@example.org default", "say a size, or none"),
    ("quota add ben@example.org 3G", "has a quota of its own"),
    (
        "mailbox set ann@example.org Groups",
        "nothing is to be changed",
    ),
    (
        "mailbox set ann@example.org inbox --special-use archive",
        "INBOX is where mail comes in",
    ),
    (
        "mailbox set ann@example.org Groups/rsut --subscribe",
        "nearest: Groups/rust",
    ),
    (
        "mailbox set ann@example.org Groups --subscribe --unsubscribe",
        "cannot be used with",
    ),
    (
        "mailbox show ann@example.org Groups/rsut",
        "nearest: Groups/rust",
    ),
    (
        "mailbox remove ann@example.org INBOX --yes",
        "INBOX cannot be deleted",
    ),
    ("domain remove example.org --yes", "still has accounts"),
    ("dkim rotate far.invalid --no-wait", "no domain far.invalid"),
    ("dkim show example.org s1", "example.org has no keys"),
    ("dkim add example.org --selector -", "“-” is no selector"),
    ("dkim retire example.org s1 --yes", "there is no key s1"),
    ("dkim remove example.org s1", "there is no key s1"),
    ("session end 999999", "no server runs"),
    ("account restore ann@example.org", "no removed account"),
    (
        "host add nowhere.demon.test ann@example.org",
        "nowhere.demon.test",
    ),
    (
        "host add xyz.demon.test quizzical-zephyr@example.org",
        "there is no account quizzical-zephyr@example.org",
    ),
    (
        "host add example.org ann@example.org",
        "has addresses of other accounts",
    ),
    ("host set xyz.demon.test --no-second", "is no host"),
    ("host set xyz.demon.test", "nothing is to be changed"),
    (
        "host set xyz.demon.test --no-second --generate",
        "cannot be used with",
    ),
    ("host show example.org", "example.org is no host"),
    ("host remove xyz.demon.test", "--yes says that it is meant"),
    ("host remove example.org --yes", "example.org is no host"),
    (
        "account set ann@example.org --apop on",
        "APOP needs a new password",
    ),
];

/// What is refused says why.
fn tells_why(told: &[(String, Done)]) {
    let refused = |words: &str| {
        let found = told
            .iter()
            .find(|(w, _)| w == words)
            .unwrap_or_else(|| panic!("{words}"));
        assert!(!found.1.succeeded, "{words}");
        found.1.err.clone()
    };
    for (words, part) in REASONS {
        let err = refused(words);
        assert!(err.contains(part), "{part} in {err}");
    }
}

#[test]
fn an_answer_in_json_says_what_the_text_says() {
    let (_folder, data) = folder();
    let done = run(&data, &["domain", "add", "example.org", "--json"]).json();
    assert_eq!(done["domain"]["records"][0]["type"], "MX");
    let made = run(&data, &["account", "add", "ann", "--generate", "--json"]).json();
    assert_eq!(made["password"].as_str().unwrap().len(), 20);
    assert_eq!(made["done"].as_array().unwrap().len(), 1);
    let shown = run(&data, &["account", "show", "ann", "--json"]).json();
    let account = &shown["account"];
    assert_eq!(account["account"], "ann@example.org");
    assert_eq!(
        (&account["login"], &account["has_password"]),
        (&json!(true), &json!(true))
    );
    let refused = run(&data, &["account", "show", "bob", "--json"]);
    assert!(!refused.succeeded);
    assert_eq!(refused.json()["refused"]["kind"], "not-found");
    let none = run(&data.join("nowhere"), &["domain", "list"]);
    assert!(
        !none.succeeded && none.err.contains("there is no data folder"),
        "{none:?}"
    );
}

#[test]
fn a_mailbox_gets_a_special_use_that_no_other_has() {
    let (_folder, data) = folder();
    run(&data, &["domain", "add", "example.org", "--no-dkim"]);
    run(&data, &["account", "add", "ann", "--no-password"]);
    run(&data, &["mailbox", "add", "ann", "Out"]);
    let set = |words: &[&str]| {
        let all = [&["mailbox", "set", "ann"], words].concat();
        run(&data, &all)
    };
    let taken = set(&["Out", "--special-use", "\\Sent", "--unsubscribe"]);
    let way = "`whimbrel mailbox set ann@example.org 'Sent' --special-use none`";
    assert!(!taken.succeeded && taken.err.contains(way), "{taken:?}");
    let shown = |name| run(&data, &["mailbox", "show", "ann", name, "--json"]).json();
    // all or nothing
    assert_eq!(shown("Out")["mailbox"]["subscribed"], json!(true));
    assert!(set(&["Sent", "--special-use", "none"]).succeeded);
    assert!(set(&["Out", "--special-use", "SENT", "--unsubscribe"]).succeeded);
    assert_eq!(shown("Sent")["mailbox"]["special_use"], Value::Null);
    let out = shown("Out");
    assert_eq!(out["mailbox"]["special_use"], "\\Sent");
    assert_eq!(out["mailbox"]["subscribed"], json!(false));
    // The same again is no error, and a use that is its own is not taken by another.
    assert!(set(&["Out", "--special-use", "sent", "--unsubscribe"]).succeeded);
    // What a rename leaves behind can be taken back [rfc9051 6.3.7].
    assert!(set(&["Out", "--subscribe"]).succeeded);
    run(&data, &["mailbox", "rename", "ann", "Out", "Gone"]);
    assert!(set(&["Out", "--unsubscribe"]).succeeded);
    assert!(!set(&["Out", "--unsubscribe"]).succeeded);
    assert!(!set(&["Out", "--special-use", "none"]).succeeded);
}

#[test]
fn a_password_that_attackers_try_first_is_not_set() {
    // [rfc9051 11.7 #2]
    let (folder, data) = folder();
    run(&data, &["domain", "add", "example.org", "--no-dkim"]);
    let add = |name: &str, password: &str| {
        let words = ["account", "add", name, "--password-stdin"];
        run_with(&data, &words, &format!("{password}\n"))
    };
    for password in [
        "password",
        "ChangeMe1",
        "ann",
        "ann@example.org",
        "Example2026!",
    ] {
        let done = add("ann", password);
        assert!(!done.succeeded, "{password}");
        assert!(done.err.contains("attackers try first"), "{done:?}");
        assert!(done.err.contains("--generate"), "{done:?}");
    }
    let done = add("ann", "xq7-Zt");
    assert!(done.err.contains("less than 8 characters"), "{done:?}");
    let list = run(&data, &["account", "list", "--json"]).json();
    assert_eq!(list["accounts"], json!([]), "nothing was changed");
    assert!(add("ann", "plum trees in the rain").succeeded);
    let words = ["account", "set", "ann", "--password-stdin"];
    let done = run_with(&data, &words, "letmein\n");
    assert!(!done.succeeded, "{done:?}");
    assert!(run(&data, &["account", "set", "ann", "--generate"]).succeeded);
    // A server for tests may say otherwise.
    let config = folder.path().join("whimbrel.toml");
    let text = "hostname = \"a.example\"\n[login]\nweak_passwords = \"allow\"\n";
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let words = [&words[..], &["--config", config]].concat();
    assert!(run_with(&data, &words, "letmein\n").succeeded);
}

#[test]
fn a_removed_account_comes_back_by_command() {
    let (_folder, data) = folder();
    run(&data, &["domain", "add", "example.org", "--no-dkim"]);
    run(&data, &["account", "add", "ann", "--no-password"]);
    run(&data, &["mailbox", "add", "ann", "Kept"]);
    let removed = run(&data, &["account", "remove", "ann", "--yes"]);
    assert!(
        removed
            .out
            .contains("whimbrel account restore ann@example.org"),
        "{removed:?}"
    );
    let listed = run(&data, &["account", "list", "--json"]).json();
    assert!(listed["accounts"][0]["kept_until"].is_string(), "{listed}");
    assert!(run(&data, &["account", "restore", "ann"]).succeeded);
    let boxes = run(&data, &["mailbox", "list", "ann"]);
    assert!(boxes.out.contains("Kept"), "{boxes:?}");
    let verified = run(&data, &["verify"]);
    assert!(
        verified.succeeded && verified.out.contains("all is well"),
        "{verified:?}"
    );
}

/// Eight at once on a stopped server wait for each other; on a running one they are one queue.
#[test]
fn of_those_who_add_the_same_account_at_once_one_succeeds() {
    let (_folder, stopped) = folder();
    let (_other, running) = folder();
    let server = Server::start(&running);
    for data in [&stopped, &server.data] {
        assert!(run(data, &["domain", "add", "example.org", "--no-dkim"]).succeeded);
        let done: Vec<Done> = std::thread::scope(|scope| {
            let add = || {
                run(
                    data,
                    &[
                        "account",
                        "add",
                        "ann@example.org",
                        "--no-password",
                        "--json",
                    ],
                )
            };
            let all: Vec<_> = (0..8).map(|_| scope.spawn(add)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(
            done.iter().filter(|one| one.succeeded).count(),
            1,
            "{done:?}"
        );
        for one in done.iter().filter(|one| !one.succeeded) {
            assert_eq!(
                one.json()["refused"]["kind"],
                Value::from("exists"),
                "{one:?}"
            );
        }
    }
}

/// Selectors by their state, as `dkim list` shows them.
fn selectors(data: &Path, state: &str) -> Vec<String> {
    let list = run(data, &["dkim", "list", "--json"]).json();
    let keys = list["dkim-keys"].as_array().unwrap().iter();
    keys.filter(|key| key["state"] == state)
        .map(|key| key["selector"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn keys_are_made_shown_exchanged_and_retired() {
    let (_folder, data) = folder();
    // two keys come with the domain, and its DNS is told of both
    let added = run(&data, &["domain", "add", "example.org"]);
    assert!(added.succeeded, "{added:?}");
    let waiting = selectors(&data, "waiting");
    assert_eq!(waiting.len(), 2, "{waiting:?}");
    let shown = run(&data, &["dkim", "show", "example.org"]);
    for selector in &waiting {
        let record = format!("{selector}._domainkey.example.org. IN TXT \"v=DKIM1; k=");
        assert!(added.out.contains(&record), "{added:?}");
        assert!(shown.out.contains(&record), "{shown:?}");
    }
    // a string of a TXT record has 255 octets at most
    let strings = shown.out.split('"').skip(1).step_by(2);
    assert!(strings.clone().count() > 2 && strings.clone().all(|one| one.len() <= 255));
    // no secret leaves the server
    assert!(shown.out.lines().all(|line| line.len() < 600), "{shown:?}");

    let now = run(&data, &["dkim", "rotate", "example.org", "--now"]);
    assert!(now.succeeded, "{now:?}");
    assert_eq!(selectors(&data, "active"), waiting);
    let again = run(&data, &["dkim", "rotate", "example.org", "--no-wait"]);
    assert!(again.out.matches(" IN TXT ").count() == 2, "{again:?}");
    let next = selectors(&data, "waiting");
    // the same command goes on with what it made
    run(&data, &["dkim", "rotate", "example.org", "--no-wait"]);
    assert_eq!(selectors(&data, "waiting"), next);
    let switched = run(&data, &["dkim", "rotate", "example.org", "--now", "--json"]);
    assert_eq!(switched.out.lines().count(), 1, "{switched:?}");
    assert_eq!(selectors(&data, "active"), next);
    assert_eq!(selectors(&data, "retired"), waiting);

    let early = run(&data, &["dkim", "remove", "example.org", &next[0]]);
    assert!(early.err.contains("is not retired"), "{early:?}");
    let unsure = run(&data, &["dkim", "retire", "example.org", &next[0]]);
    assert!(unsure.err.contains("--yes"), "{unsure:?}");
    let retired = run(&data, &["dkim", "retire", "example.org", &next[0], "--yes"]);
    assert!(
        retired.out.contains("leave its record in the DNS until"),
        "{retired:?}"
    );
    let twice = run(&data, &["dkim", "retire", "example.org", &next[0], "--yes"]);
    assert!(twice.err.contains("retired already"), "{twice:?}");
    let removed = run(&data, &["dkim", "remove", "example.org", &next[0]]);
    assert!(removed.succeeded, "{removed:?}");

    let words = ["dkim", "add", "example.org", "--selector", "mine", "--now"];
    assert!(run(&data, &words).succeeded);
    assert!(selectors(&data, "active").contains(&"mine".to_owned()));
    assert!(run(&data, &words).err.contains("selector already"));
}
