//! CAPA [rfc2449 5]: what works on this connection, and nothing else.

use crate::session::Session;
use crate::table::Doing;
use pop::Reply;

pub(crate) fn run(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let capabilities = capabilities(session);
        session
            .machine
            .send(Reply::Begin("capability list follows"));
        for capability in &capabilities {
            session.machine.send(Reply::Line(capability));
        }
        session.machine.send(Reply::End);
        Ok(())
    })
}

/// The same before and after login [rfc2449 5]; what needs TLS shows only under TLS [rfc2595 4].
fn capabilities(session: &Session) -> Vec<String> {
    let mut capabilities: Vec<String> = [
        "TOP",
        "UIDL",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "PIPELINING",
        // mail is never removed here by its age
        "EXPIRE NEVER",
    ]
    .map(str::to_owned)
    .to_vec();
    if session.takes_passwords() {
        capabilities.push("USER".to_owned());
    }
    let mechanisms = session.mechanisms();
    if !mechanisms.is_empty() {
        capabilities.push(format!("SASL {}", mechanisms.join(" ")));
    }
    if session.may_start_tls() {
        capabilities.push("STLS".to_owned());
    }
    capabilities.push("IMPLEMENTATION Whimbrel".to_owned());
    capabilities
}
