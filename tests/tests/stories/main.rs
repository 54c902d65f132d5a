//! End-to-end stories: what people do with a real server over HTTP, one file for each subject.

mod accounts;
mod changing;
mod consistency;
mod direct;
mod groups;
mod idempotency;
mod inbox;
mod live;
mod pages;
mod problems;
mod reading;
mod sending;
mod sessions;
