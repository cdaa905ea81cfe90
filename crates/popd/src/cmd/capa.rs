//! CAPA [rfc2449 5]: what works on this connection, and nothing else.

use crate::Expire;
use crate::session::Session;
use crate::table::Doing;
use crate::text::Text;
use pop::Reply;

pub(crate) fn run(session: &mut Session) -> Doing<'_> {
    Box::pin(async move {
        let capabilities = capabilities(session);
        session.begin(&Text::CapabilitiesFollow);
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
        "UTF8 USER",
        "LANG",
    ]
    .map(str::to_owned)
    .to_vec();
    capabilities.push(match session.door.settings.expire {
        Expire::Never => "EXPIRE NEVER".to_owned(),
        Expire::Days(days) => format!("EXPIRE {days}"),
    });
    let delay = session.door.settings.login_delay;
    if !delay.is_zero() {
        capabilities.push(format!("LOGIN-DELAY {}", delay.as_secs_f64().ceil()));
    }
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
    capabilities.push(pop::pop4::CAPABILITY.to_owned());
    capabilities.push("IMPLEMENTATION Whimbrel".to_owned());
    capabilities
}
