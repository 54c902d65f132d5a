//! Letting events gather while the log is busy.

use std::time::Duration;

use tidings_event_store::Position;

use super::opening::Setting;

/// A busy worker lets time go by between two batches: a transaction for every few events would take the machine from those who
/// write them, and many events touch few pages more than a few do. At least so much…
const GATHER: Duration = Duration::from_millis(1);
/// …and as long as nobody waits for what has come, so much.
const GATHER_UNSEEN: Duration = Duration::from_millis(25);

/// Lets events come in, for as long as nobody wants to see them.
pub(super) async fn gather(setting: &mut Setting, position: Position) {
    tokio::time::sleep(GATHER).await;
    let mut wanted = setting.shared.wanted().subscribe();
    tokio::select! {
        _ = wanted.wait_for(|wanted| *wanted > position) => {}
        _ = setting.stop.wait_for(|stop| *stop) => {}
        () = tokio::time::sleep(GATHER_UNSEEN) => {}
    }
}
