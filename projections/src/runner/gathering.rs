//! Letting events gather while the log is busy.

use std::time::Duration;

use tidings_event_store::Position;

use super::opening::Setting;

/// A busy worker lets time go by between two batches: a transaction for every few events would take the machine from those who
/// write them, and many events touch few pages more than a few do. At least so much…
const GATHER: Duration = Duration::from_millis(1);
/// …and as long as nobody waits for what has come, so much. Four times as much saved nothing that could be measured.
const GATHER_UNSEEN: Duration = Duration::from_millis(25);

/// How long one that is not prompt rests, at least and at most; and how long for the time that it worked.
const REST: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
const REST_FOR_WORK: u32 = 4;

/// Lets events come in, for as long as nobody wants to see them.
pub(super) async fn gather(setting: &mut Setting, position: Position) {
    tokio::time::sleep(GATHER).await;
    unless_wanted(setting, position, GATHER_UNSEEN).await;
}

/// The same for a projection that is not prompt: it leaves the machine to the others most of the time, however much there is to
/// do. `took` is how long its last batch did.
pub(super) async fn rest(setting: &mut Setting, position: Position, took: Duration) {
    unless_wanted(setting, position, (took * REST_FOR_WORK).clamp(REST.0, REST.1)).await;
}

async fn unless_wanted(setting: &mut Setting, position: Position, most: Duration) {
    let mut wanted = setting.shared.wanted(setting.projection).subscribe();
    tokio::select! {
        _ = wanted.wait_for(|wanted| *wanted > position) => {}
        _ = setting.stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(most) => {}
    }
}
