//! The write side over the real event store and the real keys, in a directory of its own for each test.

// every module is one of tests, helpers too: there a failed `unwrap` is how a test says no
#[cfg(test)]
mod accesses;
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod contacts;
#[cfg(test)]
mod conversations;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod factor;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod history;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod model;
#[cfg(test)]
mod names;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod store;
