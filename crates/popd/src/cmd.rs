//! What each command does. Each function answers once; none parses a line or knows the store.

pub(crate) mod capa;
pub(crate) mod envelope;
pub(crate) mod flags;
pub(crate) mod folders;
pub(crate) mod international;
pub(crate) mod leave;
pub(crate) mod listing;
pub(crate) mod login;
pub(crate) mod mark;
pub(crate) mod parts;
pub(crate) mod retrieve;
pub(crate) mod stls;
pub(crate) mod submit;
pub(crate) mod upload;
