//! Where in the log a time is.

use tidings_domain::Timestamp;
use tidings_event_store::{EventStore, Filter, Position, StoreError};

/// The last position, up to `head`, of what the store had taken at a time. The store's clock decides, and a clock may be set back:
/// then it is one of those places where the log goes over that time.
pub(super) async fn position_at(store: &dyn EventStore, at: Timestamp, head: Position) -> Result<Position, StoreError> {
    // what stands at or before `low` was taken by then, and what stands behind `high` later
    let (mut low, mut high) = (0, head.get());
    while low < high {
        let middle = Position::new(u64::midpoint(low, high));
        let next = store.read_all(middle, &Filter::All, 1).await?.events.into_iter().next();
        match next.filter(|next| next.position.get() <= high) {
            Some(next) if next.recorded_at <= at => low = next.position.get(),
            Some(_) | None => high = middle.get(),
        }
    }
    Ok(Position::new(low))
}
