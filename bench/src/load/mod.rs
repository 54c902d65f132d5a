//! An HTTP/1.1 load generator that is cheap, because it shares the machine with what it measures.
//!
//! Requests are bytes made beforehand; an answer is parsed for its status and length only. Each connection is a task that
//! asks, waits and asks again (closed loop), or asks at times fixed beforehand (open loop).

mod connection;
mod drive;
mod request;
mod script;
mod timer;

pub(crate) use connection::Connection;
pub(crate) use drive::{Extent, Load, Outcome, Pace, drive, histogram};
pub(crate) use request::{get, post, put};
pub(crate) use script::Script;
pub(crate) use timer::Timer;
