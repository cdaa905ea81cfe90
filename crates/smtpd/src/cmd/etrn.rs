//! ETRN: a customer's server is there now and wants its mail. [rfc1985 5]
//!
//! The mail goes its usual way, over a connection of our own: who asks cannot lead it elsewhere.

use crate::customer::{is_asked_for, may_start};
use crate::reply;
use crate::session::Session;
use crate::table::Doing;
use addr::Domain;
use smtp::{Command, Malformed};

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Etrn(node) = command else {
        unreachable!("the table gives ETRN to this function")
    };
    Box::pin(async move {
        let customers = &session.door.settings.etrn;
        if customers.is_empty() {
            session.bad(reply::malformed(&Malformed::NotImplemented("ETRN")));
            return Ok(());
        }
        let login = session.client.login.as_ref();
        let addresses = login.map_or(&[][..], |login| login.addresses());
        let reply = if may_start(customers, &node, session.client.peer.ip(), addresses) {
            let is_meant = |domain: &Domain| is_asked_for(&node, domain);
            match session.door.post.hurry(&is_meant).await {
                Ok(Some(messages)) => reply::node_started(&node, messages),
                Ok(None) => reply::node_not_queued(&node),
                Err(fault) => {
                    tracing::error!(target: "smtp", session = session.id, %fault, "fault");
                    reply::node_not_queued(&node)
                }
            }
        } else {
            reply::node_not_allowed(&node)
        };
        session.send(reply);
        Ok(())
    })
}
