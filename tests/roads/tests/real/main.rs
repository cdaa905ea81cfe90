//! Mail on the road, between real servers: each test is a world of its own.

mod dead_ends;
mod exchange;
mod failures;
mod old_pop;
mod on_demand;
mod operator;
mod peers;
mod policies;
mod scripted;
mod silent;
mod three;
mod uucp;
