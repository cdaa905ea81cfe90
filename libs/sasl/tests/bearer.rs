//! OAUTHBEARER and XOAUTH2 as their specifications show them, and as broken clients have them.

use sasl::{Bearer, Bindings, Claim, Exchange, Failure, Mechanism, Step, Terms, TokenRefusal};

fn start(mechanism: Mechanism, message: &str) -> (Exchange, Step) {
    let terms = Terms {
        nonce: "",
        host: "mail.example.test",
        bindings: &Bindings::default(),
        offered: &[],
    };
    Exchange::start(mechanism, terms, Some(message.as_bytes()))
}

fn bearer(name: Option<&str>, token: &str) -> Step {
    Step::Check(Claim::Token(Bearer {
        name: name.map(str::to_owned),
        token: token.into(),
    }))
}

#[test]
fn takes_a_token_as_rfc_7628_shows_it() {
    // [rfc7628 3.1] [rfc7628 4.1] [rfc6750 2.1]
    let message = "n,a=user@example.com,\u{1}host=server.example.com\u{1}port=143\u{1}\
        auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}";
    let (mut exchange, step) = start(Mechanism::OAuthBearer, message);
    let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
    assert_eq!(step, bearer(Some("user@example.com"), token));
    assert_eq!(exchange.accept(), Step::Done);
    // no name, another spelling of the scheme, a key that nobody knows
    let (_, step) = start(
        Mechanism::OAuthBearer,
        "n,,\u{1}x=y\u{1}auth=bearer t\u{1}\u{1}",
    );
    assert_eq!(step, bearer(None, "t"));
}

#[test]
fn tells_what_would_help_and_fails_whatever_the_client_says_to_it() {
    // [rfc7628 3.2.2] [rfc7628 3.2.3] [rfc7628 4.3]
    let told = TokenRefusal {
        scope: Some("mail".into()),
        openid_configuration: Some("https://example.com/.well-known/openid-configuration".into()),
    };
    for (answer, failure) in [
        (&b"AQ=="[..], Failure::Refused),
        (b"", Failure::Refused),
        (b"*", Failure::Cancelled),
    ] {
        let (mut exchange, _) = start(Mechanism::OAuthBearer, "n,,\u{1}auth=Bearer t\u{1}\u{1}");
        let error = r#"{"status":"invalid_token","scope":"mail","openid-configuration":"https://example.com/.well-known/openid-configuration"}"#;
        assert_eq!(exchange.refuse(&told), Step::Challenge(error.into()));
        assert_eq!(exchange.respond_line(answer), Step::Failed(failure));
        assert_eq!(exchange.accept(), Step::Failed(Failure::Malformed));
    }
    let (mut exchange, _) = start(Mechanism::XOAuth2, "user=t\u{1}auth=Bearer t\u{1}\u{1}");
    let error = r#"{"status":"401","schemes":"Bearer","scope":"mail"}"#;
    assert_eq!(exchange.refuse(&told), Step::Challenge(error.into()));
    assert_eq!(exchange.respond(b""), Step::Failed(Failure::Refused));
}

#[test]
fn takes_a_token_in_googles_form() {
    let message = "user=someuser@example.com\u{1}auth=Bearer ya29.vF9dft4qmTc2Nvb3Rlcg\u{1}\u{1}";
    let (_, step) = start(Mechanism::XOAuth2, message);
    assert_eq!(
        step,
        bearer(Some("someuser@example.com"), "ya29.vF9dft4qmTc2Nvb3Rlcg")
    );
}

#[test]
fn refuses_what_is_not_as_the_grammar_says() {
    // [rfc7628 3.1] [rfc6750 2.1]
    for message in [
        "",
        "\u{1}",
        "n,,",
        "n,,\u{1}",
        "n,,\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}",
        "n,,\u{1}auth=Bearer t",
        "n,,\u{1}auth=Bearer\u{1}\u{1}",
        "n,,\u{1}auth=Bearer \u{1}\u{1}",
        "n,,\u{1}auth=Bearer a b\u{1}\u{1}",
        "n,,\u{1}auth=Bearer ===\u{1}\u{1}",
        "n,,\u{1}auth=Basic dGlt\u{1}\u{1}",
        "n,,\u{1}auth=Bearer t\u{1}auth=Bearer u\u{1}\u{1}",
        "n,,\u{1}1=x\u{1}auth=Bearer t\u{1}\u{1}",
        "p=tls-exporter,,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,a=,\u{1}auth=Bearer t\u{1}\u{1}",
        "n,tim,\u{1}auth=Bearer t\u{1}\u{1}",
    ] {
        let (_, step) = start(Mechanism::OAuthBearer, message);
        assert_eq!(step, Step::Failed(Failure::Malformed), "{message:?}");
    }
    for message in [
        "",
        "auth=Bearer t\u{1}\u{1}",
        "user=t\u{1}\u{1}",
        "user=t\u{1}auth=Bearer t\u{1}",
    ] {
        let (_, step) = start(Mechanism::XOAuth2, message);
        assert_eq!(step, Step::Failed(Failure::Malformed), "{message:?}");
    }
}

#[test]
fn debug_shows_no_token() {
    let shown = format!("{:?}", bearer(Some("tim"), "verysecret"));
    assert!(
        shown.contains("tim") && !shown.contains("verysecret"),
        "{shown}"
    );
}
