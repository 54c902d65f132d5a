//! What each operation costs as the log grows: at ten thousand events, at a hundred thousand, and on.
//!
//! A made chat log is imported into one data directory, on and on, once with its messages spread over many groups and once with
//! all of them in one. At each size everything is measured by itself, without a reference: what counts is how it changes.

mod log;
mod measure;

pub(crate) use log::Talk;
pub(crate) use measure::Measuring;

use super::{offline, progress};
use crate::error::BenchError;
use crate::options::Options;
use crate::report::{Check, Growth};
use crate::target::{Place, Target as _, Tidings, dataset, username};
use log::Log;

/// Lines of one import: what is on the disk beside the data stays small.
const LINES_AT_ONCE: u64 = 1_000_000;

/// Measures over messages in many groups, and in one.
pub(crate) async fn measure(
    options: &Options,
    place: &Place,
    checks: &mut Vec<Check>,
) -> Result<Vec<Growth>, BenchError> {
    let mut grown = Vec::new();
    for talk in &options.growth_into {
        grown.push(grow(options, place, *talk, checks).await?);
    }
    Ok(grown)
}

async fn grow(options: &Options, place: &Place, talk: Talk, checks: &mut Vec<Check>) -> Result<Growth, BenchError> {
    let dir = place.dir.join(format!("growth-{}", talk.name().replace(' ', "-")));
    let (mut log, mut growth) = (Log::new(talk), Growth::new(talk.name()));
    let file = place.dir.join("growth.ndjson");
    log.begin(&file)?;
    offline::timed(Tidings::import(place, &dir, &file), place, 1).await?;
    let names: Vec<String> = (0..dataset::USERS).map(username).collect();
    let channels: Vec<(usize, String)> = (0..=dataset::HOT_GROUP).map(|group| (group, log::channel(group))).collect();
    Tidings::let_in(place, &dir, &names).await?;
    let mut sizes = options.growth.clone();
    sizes.sort_unstable();
    for size in sizes {
        progress(&format!("growth, {}: on to {size} events", talk.name()))?;
        let mut imported = None;
        loop {
            let missing = size.saturating_sub(Tidings::events(&dir)?).min(LINES_AT_ONCE);
            if missing == 0 {
                break;
            }
            log.go_on(&file, missing)?;
            imported = Some(offline::timed(Tidings::import(place, &dir, &file), place, missing).await?);
        }
        std::fs::remove_file(&file)?;
        let measuring = Measuring {
            name: &format!("growth, {}", talk.name()),
            place,
            dir: &dir,
            talk,
            names: &names,
            channels: &channels,
            common: ["kernel", "driver"],
            rare: &[log::RARE.to_owned()],
            plain: true,
        };
        growth.sizes.push(measuring.at_this_size(imported, checks).await?);
    }
    let check = offline::verify::<Tidings>(place, &dir).await?;
    checks.push(Check { what: format!("growth, {}: {}", talk.name(), check.what) });
    // the next needs the room
    std::fs::remove_dir_all(&dir)?;
    Ok(growth)
}
