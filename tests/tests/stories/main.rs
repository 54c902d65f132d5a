//! End-to-end stories: what people do with a real server over HTTP, one file for each subject.

mod accounts;
mod changing;
mod closing;
mod consistency;
mod data_directory;
mod direct;
mod groups;
mod idempotency;
mod import;
mod inbox;
mod live;
mod operating;
mod pages;
mod privacy;
mod problems;
mod reading;
mod sending;
mod sessions;
