//! Mail on the road, between real servers: each test is a world of its own.

mod peers;
mod scripted;
