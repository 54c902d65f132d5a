//! Processes: what follows the log and acts on it, each step of which may be done again without harm.
//!
//! They are not views: a rebuild never starts one.

mod collecting;
mod erasing;
mod expiring;
mod forgetting;
mod notarizing;
mod observing;
mod scheduling;
mod verifying;
mod witness;

use tokio::{sync::watch, task::JoinHandle};

use crate::{
    clock,
    config::{Config, NodeRole},
    stores::Stores,
};

pub use collecting::Collecting;
pub use erasing::Erasing;
pub use expiring::Expiring;
pub use forgetting::{Asked, Forgetting, ForgettingError};
pub(crate) use forgetting::{ERASING_CATEGORIES, erasing_name, is_erasing};
pub use notarizing::{KEY as NOTARY_KEY, Notarizing};
pub use observing::observe;
pub use scheduling::Scheduling;
pub use verifying::Verifying;
pub use witness::witness;

/// Starts all but [`Forgetting`], which has begun before anything was served, and tells what is to be erased.
pub fn start(config: &Config, stores: &Stores, asked: watch::Receiver<Asked>) -> Vec<JoinHandle<()>> {
    let scheduling = Scheduling::new(stores.commands.clone(), stores.views.queries(), clock::now);
    let mut started = vec![
        tokio::spawn(scheduling.run()),
        tokio::spawn(Expiring::new(stores, config.retention, asked.clone()).run()),
    ];
    if config.role != NodeRole::Projector {
        started.push(tokio::spawn(Collecting::new(stores, config.attachments.unused).run()));
        started.push(tokio::spawn(Erasing::new(stores, asked).run()));
    }
    if let Some(from) = stores.shared_from {
        started.push(tokio::spawn(observe(stores.store.clone(), stores.commands.clone(), from)));
    }
    started
}
