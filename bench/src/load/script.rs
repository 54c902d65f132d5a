//! What every connection asks.

/// The requests of every connection, made beforehand.
#[derive(Debug)]
pub(crate) struct Script {
    lanes: Vec<Vec<Vec<u8>>>,
    repeats: bool,
}

impl Script {
    /// Each connection sends its requests in turn, over and over.
    pub(crate) fn repeating(lanes: Vec<Vec<Vec<u8>>>) -> Self {
        Self { lanes, repeats: true }
    }

    /// Each request is sent once, for it would mean something else the second time. A load ends when a connection has sent all of
    /// its own.
    pub(crate) fn once(lanes: Vec<Vec<Vec<u8>>>) -> Self {
        Self { lanes, repeats: false }
    }

    pub(crate) fn connections(&self) -> usize {
        self.lanes.len()
    }

    /// All requests of all connections, each counted once.
    pub(crate) fn requests(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// What the connection of this number sends, in so many rounds, or without an end where it can.
    pub(super) fn of(&self, connection: usize, rounds: Option<usize>) -> impl Iterator<Item = &[u8]> {
        let lane = &self.lanes[connection];
        let rounds = if self.repeats { rounds.unwrap_or(usize::MAX) } else { 1 };
        (0..rounds).flat_map(move |_| lane.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_repeats_or_ends() {
        let lanes = || vec![vec![b"a".to_vec(), b"b".to_vec()], vec![b"c".to_vec()]];
        let (over, once) = (Script::repeating(lanes()), Script::once(lanes()));
        assert_eq!((over.connections(), over.requests()), (2, 3));
        assert_eq!(over.of(0, None).take(5).collect::<Vec<_>>(), [b"a", b"b", b"a", b"b", b"a"]);
        assert_eq!(over.of(1, Some(2)).count(), 2);
        assert_eq!(once.of(0, None).count(), 2);
    }
}
