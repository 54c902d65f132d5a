//! End-to-end stories: what people do with a real server over HTTP, one file for each subject.

mod accounts;
mod blocks;
mod browsers;
mod changing;
mod closing;
mod connections;
mod consistency;
mod contacts;
mod data_directory;
mod direct;
mod groups;
mod https;
mod idempotency;
mod import;
mod inbox;
mod limits;
mod live;
mod operating;
mod pages;
mod presence;
mod privacy;
mod problems;
mod reading;
mod sending;
mod sessions;
