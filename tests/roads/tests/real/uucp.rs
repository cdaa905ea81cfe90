//! Mail over UUCP, both ways, by Debian's Taylor UUCP: in every form, with the link cut in the middle,
//! and with the server away.

use roads::until;
use roads::uucp::Pair;

const FORMS: [&str; 4] = ["rmail", "rsmtp", "rcsmtp", "rgsmtp"];

/// Lines that no packing makes small.
fn noise(lines: u32, mut state: u32) -> String {
    let mut text = String::new();
    for _ in 0..lines {
        for _ in 0..9 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push_str(&format!("{state:08x}"));
        }
        text.push('\n');
    }
    text
}

#[test]
fn mail_goes_both_ways_in_every_form() {
    let Some(pair) = Pair::begin() else { return };
    let (alpha, beta) = (&pair.alpha, &pair.beta);
    for form in FORMS {
        let to = format!("ann@{form}.beta.test");
        alpha.send(&[&to], &format!("by {form}"), ".\n..two\nFrom here\n");
    }
    alpha.send(&["ann@beta.uucp"], "by path", "path\n");
    alpha.send(&["beta!ann"], "by bang", "bang\n");
    beta.send(&["ann@rgsmtp.alpha.test"], "back", "back\n");
    // somebody of a leaf, known to the world by an address here
    beta.admin(&["alias", "add", "leaf@beta.test", "ann@alpha.uucp"], "");
    beta.send(&["leaf@beta.test"], "to the leaf", "leaf\n");
    alpha.call(None);
    beta.execute();
    alpha.execute();
    for form in FORMS {
        let text = beta.messages(&format!("by {form}"), 1).remove(0);
        assert!(
            text.starts_with("Return-Path: <ann@alpha.test>\r\n"),
            "{text}"
        );
        assert!(text.contains("Received: from alpha.uucp"), "{text}");
        assert!(text.contains("via UUCP"), "{text}");
        assert!(
            text.ends_with("\r\n\r\n.\r\n..two\r\nFrom here\r\n"),
            "{text}"
        );
    }
    beta.messages("by path", 1);
    beta.messages("by bang", 1);
    alpha.messages("back", 1);
    alpha.messages("to the leaf", 1);
}

#[test]
fn a_link_that_is_cut_loses_nothing_and_doubles_nothing() {
    let Some(pair) = Pair::begin() else { return };
    let (alpha, beta) = (&pair.alpha, &pair.beta);
    for (number, form) in (0..).zip(FORMS) {
        let to = format!("ann@{form}.beta.test");
        alpha.send(&[&to], &format!("cut {form}"), &noise(300, number));
    }
    // in the greeting, in the first file, in a later one
    for octets in [20, 9_000, 30_000] {
        alpha.call(Some(octets));
        beta.execute();
    }
    alpha.call(None);
    beta.execute();
    beta.execute();
    // what came twice would be there before this
    alpha.send(&["ann@rsmtp.beta.test"], "the last", "x\n");
    alpha.call(None);
    beta.execute();
    beta.messages("the last", 1);
    for (number, form) in (0..).zip(FORMS) {
        let text = beta.messages(&format!("cut {form}"), 1).remove(0);
        let whole = noise(300, number).replace('\n', "\r\n");
        assert!(text.ends_with(&whole), "{form} is not whole");
    }
}

#[test]
fn while_the_server_is_away_what_comes_waits_for_it() {
    let Some(mut pair) = Pair::begin() else {
        return;
    };
    for form in FORMS {
        let to = format!("ann@{form}.beta.test");
        pair.alpha.send(&[&to], &format!("away {form}"), "x\n");
    }
    pair.alpha.call(None);
    pair.beta.kill();
    pair.beta.execute();
    pair.beta.start();
    pair.beta.messages("away", FORMS.len());
}

#[test]
fn what_is_refused_comes_back_and_nobody_sends_through_us() {
    let Some(pair) = Pair::begin() else { return };
    let (alpha, beta) = (&pair.alpha, &pair.beta);
    // in a batch, the server tells the sender, by UUCP
    alpha.send(&["nobody@rgsmtp.beta.test"], "in vain", "x\n");
    alpha.call(None);
    beta.execute();
    // rmail says it to uuxqt
    let message = b"From eve Mon Nov 23 01:20:09 2026 remote from alpha\nSubject: through\n\nx\n";
    alpha.uux(&["beta!rmail", "(eve@elsewhere.test)"], message);
    alpha.uux(&["beta!rmail", "(delta!eve)"], message);
    alpha.uux(&["beta!rmail", "(beta!ann)"], message);
    alpha.uux(
        &["beta!rsmtp"],
        b"MAIL FROM:<a@x.test>\nRCPT TO:<ann@beta.test>\nDATA\nSubject: torn\n",
    );
    alpha.call(None);
    beta.execute();
    beta.messages("through", 1);
    let log = beta.log();
    assert_eq!(log.matches("Execution failed").count(), 3, "{log}");
    until("the report is there", || {
        alpha.call(None);
        alpha.execute();
        (alpha.count("could not be delivered") == 1).then_some(())
    });
}
