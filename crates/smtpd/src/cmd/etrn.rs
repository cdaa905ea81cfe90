//! ETRN: a customer's server is there now and wants its mail. [rfc1985 5]
//!
//! The mail goes its usual way, over a connection of our own: who asks cannot lead it elsewhere.

use crate::customer::{asking, is_asked_for};
use crate::reply;
use crate::session::Session;
use crate::table::Doing;
use addr::Domain;
use post::customer::{Customer, Holds};
use smtp::{Command, Malformed, Node, Reply};

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Etrn(node) = command else {
        unreachable!("the table gives ETRN to this function")
    };
    Box::pin(async move {
        let customers = &session.door.settings.customers;
        if customers.is_empty() {
            session.bad(reply::malformed(&Malformed::NotImplemented("ETRN")));
            return Ok(());
        }
        let login = session.client.login.as_ref();
        let addresses = login.map_or(&[][..], |login| login.addresses());
        let peer = session.client.peer.ip();
        let reply = match asking(customers, &node, peer, addresses) {
            // it goes over no connection of ours
            Some(customer) if customer.who.holds == Holds::UntilAtrn => {
                reply::node_not_queued(&node)
            }
            Some(customer) => start(session, &node, &customer.who).await,
            None => reply::node_not_allowed(&node),
        };
        session.send(reply);
        Ok(())
    })
}

/// Clients that ask for several domains stop at the first for which nothing waits (fetchmail), so
/// they are told that only where nothing waits for any of them.
async fn start(session: &Session, node: &Node, customer: &Customer) -> Reply {
    let post = &session.door.post;
    let is_meant = |domain: &Domain| customer.has(domain) && is_asked_for(node, domain);
    let is_his = |domain: &Domain| customer.has(domain);
    let started = match post.hurry(&is_meant).await {
        Ok(Some(0)) => post.waiting(&is_his).map(|others| (0, others)),
        Ok(Some(messages)) => Ok((messages, messages)),
        Ok(None) => return reply::node_not_queued(node),
        Err(fault) => Err(fault),
    };
    match started {
        Ok((0, 0)) => reply::node_has_nothing(node),
        Ok((0, _)) => reply::node_queuing(node),
        Ok((messages, _)) => reply::node_started(node, messages),
        Err(fault) => {
            tracing::error!(target: "smtp", session = session.id, %fault, "fault");
            reply::node_not_queued(node)
        }
    }
}
