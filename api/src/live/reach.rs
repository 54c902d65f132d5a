//! How far the hub may go.

use tidings_event_store::Position;
use tokio::sync::watch;

/// Two positions that move. Over a shared log both are the same one.
#[derive(Clone)]
pub(super) struct Reach {
    /// What can be pushed without the views.
    pub(super) log: watch::Receiver<Position>,
    /// What they show. May be ahead of the other by a moment, too.
    pub(super) views: watch::Receiver<Position>,
}

impl Reach {
    /// Waits until one of them moves; both, then. None when nobody moves one any more.
    pub(super) async fn moved(&mut self) -> Option<(Position, Position)> {
        let moved = tokio::select! {
            moved = self.log.changed() => moved,
            moved = self.views.changed() => moved,
        };
        moved.ok()?;
        Some(self.seen())
    }

    /// One after the other: to look at one holds off whoever moves it, and who would look again behind them would wait for ever.
    fn seen(&mut self) -> (Position, Position) {
        let log = *self.log.borrow_and_update();
        let views = *self.views.borrow_and_update();
        (log, views)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    /// Long enough for any machine; nothing waits for it but what has failed.
    const PATIENCE: Duration = Duration::from_mins(1);

    #[test]
    fn one_position_that_is_both_is_looked_at_while_it_moves() {
        const MOVES: u64 = 200_000;
        let (moves, views) = watch::channel(Position::START);
        let mut reach = Reach { log: views.clone(), views };
        let (done, over) = mpsc::channel();
        let ended = done.clone();
        thread::spawn(move || {
            for at in 1..=MOVES {
                moves.send_replace(Position::new(at));
            }
            ended.send(()).unwrap();
        });
        thread::spawn(move || {
            while reach.seen().0 < Position::new(MOVES) {}
            done.send(()).unwrap();
        });
        for _ in 0..2 {
            over.recv_timeout(PATIENCE).expect("nobody waits for ever");
        }
    }
}
