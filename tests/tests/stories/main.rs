//! End-to-end stories: what people do with a real server over HTTP, one file for each subject.

mod accounts;
mod changing;
mod direct;
mod groups;
mod inbox;
mod pages;
mod reading;
mod sending;
mod sessions;
