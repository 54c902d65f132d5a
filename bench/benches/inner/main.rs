//! The inner parts that everything else is made of, each alone: how long one takes, and what it grows with.
//!
//! `cargo bench -p tidings-bench` runs them all, `-- seal` those with that in their name. All data is the same every time.

mod appending;
mod asking;
mod deciding;
mod folding;
mod proving;
mod sealing;
mod world;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// Short, for all of it should be run often: a difference of some hundredths shows.
fn brief() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(30)
}

criterion_group! {
    name = inner;
    config = brief();
    targets = deciding::bench, sealing::bench, appending::bench, folding::bench, asking::bench, proving::bench
}
criterion_main!(inner);
