//! ATRN: a customer's server has logged in and takes its mail over this connection: whoever was the
//! client is the server from here on. [rfc2645 5.2.1] [rfc2645 5.3]
//!
//! What never happens here: an envelope, a word to the customer's server after the 250.

use crate::reply;
use crate::session::{End, Session};
use crate::table::Doing;
use post::customer::Holds;
use post::queue::{NoPickUp, PickUp, Until};
use smtp::Command;

pub(crate) fn run(session: &mut Session, command: Command) -> Doing<'_> {
    let Command::Atrn(domains) = command else {
        unreachable!("the table gives ATRN to this function")
    };
    Box::pin(async move {
        let Some(login) = &session.client.login else {
            session.send(reply::login_needed());
            return Ok(());
        };
        let mut customers = session.door.settings.customers.iter();
        let customer = customers.find(|customer| {
            customer.who.holds == Holds::UntilAtrn && customer.is_login(login.addresses())
        });
        let found = match customer {
            Some(customer) => session.door.post.pick_up(&customer.who.name, domains),
            None => Err(NoPickUp::NotYours),
        };
        match found {
            Ok(pick_up) => turn(session, pick_up).await,
            Err(why) => {
                session.send(reply::no_pick_up(why));
                Ok(())
            }
        }
    })
}

/// The session is over with it: the connection belongs to whoever hands over.
async fn turn(session: &mut Session, pick_up: PickUp) -> Result<(), End> {
    session.send(reply::turning());
    session.flush().await?;
    let conn = session.conn.take().ok_or(End::Lost)?;
    let heard = session.turned_over();
    let until = Until {
        session: &session.stop,
        server: &session.server_stop,
    };
    pick_up.hand_over(conn, &heard, until).await;
    Err(End::Turned)
}
