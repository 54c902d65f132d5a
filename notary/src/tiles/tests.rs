use super::*;
use crate::{
    checkpoint::Checkpoint,
    key::Signer,
    tree::{Tree, is_consistent},
};

fn signer() -> Signer {
    Signer::from_seed(&[3; 32]).unwrap()
}

fn open(directory: &Path) -> Result<Ledger, Broken> {
    Ledger::open(Tiles::at(directory), signer())
}

/// Entries with gaps between their positions.
fn entries(indexes: std::ops::Range<u64>) -> Vec<(u64, Hash)> {
    indexes.map(|index| (10 + index * 3, Hash::of_leaf(&index.to_be_bytes()))).collect()
}

#[test]
fn tiles_lie_where_the_specification_has_them() {
    let at = |level, index, width| tile_path(Path::new(""), level, index, width).display().to_string();
    assert_eq!(at(0, 0, None), "tile/0/000");
    assert_eq!(at(1, 1_234_067, None), "tile/1/x001/x234/067");
    assert_eq!(at(0, 273, Some(112)), "tile/0/273.p/112");
}

#[test]
fn a_tree_goes_on_where_it_was_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut heads = vec![];
    for (from, to) in [(0, 1), (1, 255), (255, 256), (256, 700), (700, 700), (700, 66_000)] {
        let mut ledger = open(directory.path()).unwrap();
        assert_eq!(ledger.edge().size(), from);
        ledger.append(&entries(from..to)).unwrap();
        heads.extend(ledger.sign().unwrap());
        // what is added and not signed is added again
        ledger.append(&entries(to..to + 5)).unwrap();
    }
    assert_eq!(heads.len(), 5, "nothing new is not signed again");
    let ledger = open(directory.path()).unwrap();
    assert_eq!(ledger.last_position(), 10 + 65_999 * 3);
    assert_eq!(ledger.last_leaf().unwrap(), Some(entries(65_999..66_000)[0].1));
    let (tree, newest) = (Tree::new(ledger.edge(), ledger.tiles()), heads.last().unwrap().head);
    for Checkpoint { head, .. } in &heads {
        let proof = tree.consistency(head.size, newest.size).unwrap();
        assert!(is_consistent((head.size, head.root), (newest.size, newest.root), &proof));
    }
    let tiles = ledger.tiles();
    assert_eq!(tiles.index_of(10 + 3 * 300, 66_000).unwrap(), Some(300));
    assert_eq!(tiles.index_of(11, 66_000).unwrap(), None, "between two positions there is nothing");
    assert_eq!(tiles.index_of(10 + 3 * 300, 300).unwrap(), None);
    let partial = |level: &str| fs::read_dir(directory.path().join(level)).unwrap().count();
    assert_eq!((partial("tile/1/001.p"), partial("tile/0/257.p")), (1, 1), "older partial tiles are gone");
}

#[test]
fn what_is_torn_is_built_anew_and_must_be_the_same() {
    for torn in ["tile/0/000", "tile/1/000.p/2", "tile/0/002.p/88", "positions"] {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path()).unwrap();
        ledger.append(&entries(0..600)).unwrap();
        let head = ledger.sign().unwrap().unwrap().head;
        drop(ledger);
        fs::write(directory.path().join(torn), b"").unwrap();
        let mut ledger = open(directory.path()).unwrap();
        assert_eq!(ledger.edge().size(), 0, "{torn}");
        assert!(ledger.sign().unwrap().is_none(), "nothing shorter is signed");
        ledger.append(&entries(0..600)).unwrap();
        ledger.sign().unwrap();
        assert_eq!(open(directory.path()).unwrap().edge().root(), head.root, "{torn}");
    }
}

#[test]
fn another_log_is_not_signed_over_the_one_that_was() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path()).unwrap();
    ledger.append(&entries(0..600)).unwrap();
    ledger.sign().unwrap();
    fs::remove_dir_all(directory.path().join("tile")).unwrap();
    let mut ledger = open(directory.path()).unwrap();
    let mut rewritten = entries(0..700);
    rewritten[17].1 = Hash::of_leaf(b"something else");
    assert!(matches!(ledger.append(&rewritten), Err(Broken::Rewritten { size: 600, .. })));
    let other = Signer::from_seed(&[4; 32]).unwrap();
    assert!(matches!(Ledger::open(Tiles::at(directory.path()), other), Err(Broken::Checkpoint(..))));
}
