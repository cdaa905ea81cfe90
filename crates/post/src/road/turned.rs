//! The connection by which a customer's server came and asked for its mail, roles turned: its greeting
//! comes next, then everything that waits, one transaction after another. [rfc2645 5.3]
//!
//! A host that broke off cannot be dialled again, so nothing is tried on it that may break it: where
//! it takes 8BITMIME all mail goes as that, and where it does not, as 7-bit. What never happens here:
//! the choice of what goes, a second connection.

use crate::customer::Customer;
use crate::road::attempt::{Carried, Load, Terms};
use crate::road::opening::{Need, Opening};
use crate::road::pool::Key;
use crate::road::route::{Destination, Hop, Next, Place, Security, Sources};
use crate::road::talk::Talk;
use crate::road::{Road, attempt};
use net::Conn;
use smtp::Protection;
use smtp::client::Protocol;

/// A turned connection that is ready for mail.
pub(crate) struct Turned {
    road: Road,
    talk: Talk,
    destination: Destination,
    hop: Hop,
}

impl Road {
    /// Reads the customer's greeting and says EHLO. `heard` came already. The TLS that the connection
    /// has, or has not, stays: it cannot be made again if it fails. The error is for people.
    pub(crate) async fn turned(
        &self,
        customer: &Customer,
        conn: Conn,
        heard: &[u8],
    ) -> Result<Turned, String> {
        let place = Place::Tcp(conn.peer());
        let opening = Opening {
            protocol: Protocol::Smtp,
            name: (&self.settings().hostname).into(),
            host: "",
            need: Need::Clear,
            authorities: &self.settings().authorities,
            login: None,
            patience: self.settings().patience,
            random: self.random(),
        };
        let opened = opening.open_after(conn, heard).await;
        let talk = opened.map_err(|not_open| match (not_open.reply, not_open.why) {
            (Some(reply), _) => format!("{} {}", reply.code(), reply.lines().join(" ")),
            (None, why) => why.unwrap_or_default(),
        })?;
        Ok(Turned {
            road: self.clone(),
            talk,
            destination: Destination {
                domain: None,
                next: Next::PickUp(customer.name.clone()),
                sources: Sources::default(),
            },
            hop: Hop {
                name: None,
                place,
                security: Security::Unsigned,
            },
        })
    }
}

impl Turned {
    /// Whether another message may go.
    pub fn is_open(&self) -> bool {
        self.talk.is_open()
    }

    /// Hands over one message: an attempt like every other, but that there is no other host.
    pub async fn carry(&mut self, load: &Load, terms: Terms) -> Carried {
        let key = Key {
            destination: self.destination.clone(),
            place: self.hop.place.clone(),
            protection: Protection::AsPublished,
        };
        let way = attempt::Turned {
            destination: &self.destination,
            hop: &self.hop,
            key,
        };
        self.road.carry_on(&mut self.talk, way, load, terms).await
    }

    /// Says goodbye. [rfc2645 5]
    pub async fn quit(self) {
        self.talk.quit().await;
    }
}
