//! Proofs from a log of a million leaves, with its tiles on disk.

use std::hint::black_box;

use criterion::Criterion;
use tidings_notary::{
    Edge, Hash, Ledger, Signer, Tiles, Tree,
    edge::FullTile,
    tree::{is_consistent, root_of_inclusion},
};

use crate::world::directory;

const LEAVES: u64 = 1_000_000;
const AT_ONCE: u64 = 10_000;
const SEED: u64 = 0x5EED;

pub(crate) fn bench(criterion: &mut Criterion) {
    let directory = directory();
    let signer = Signer::from_seed(&[3; 32]).expect("a key");
    let mut ledger = Ledger::open(Tiles::at(directory.path()), signer).expect("a ledger");
    for first in (0..LEAVES).step_by(usize::try_from(AT_ONCE).expect("a step")) {
        let entries: Vec<_> = (first..first + AT_ONCE).map(|index| (1 + index, leaf(index))).collect();
        ledger.append(&entries).expect("appended");
    }
    let tree = Tree::new(ledger.edge(), ledger.tiles());
    let root = ledger.edge().root();
    let mut random = fastrand::Rng::with_seed(SEED);

    let mut proving = criterion.benchmark_group("prove in 1,000,000 leaves");
    proving.bench_function("inclusion", |bencher| {
        bencher.iter(|| tree.inclusion(random.u64(..LEAVES), LEAVES));
    });
    proving.bench_function("consistency", |bencher| {
        bencher.iter(|| tree.consistency(random.u64(1..LEAVES), LEAVES));
    });
    let (index, from) = (LEAVES / 3, LEAVES / 2 + 1);
    let inclusion = tree.inclusion(index, LEAVES).expect("a proof");
    proving.bench_function("check an inclusion", |bencher| {
        bencher.iter(|| root_of_inclusion(leaf(index), index, LEAVES, black_box(&inclusion)) == Some(root));
    });
    let (old, consistency) = (tree.root_at(from).expect("a root"), tree.consistency(from, LEAVES).expect("a proof"));
    proving.bench_function("check a consistency", |bencher| {
        bencher.iter(|| is_consistent((from, old), (LEAVES, root), black_box(&consistency)));
    });
    let (mut edge, leaf) = (Edge::default(), leaf(0));
    proving.bench_function("add a leaf", |bencher| {
        bencher.iter(|| {
            edge.push(black_box(leaf), |full: FullTile| {
                black_box(full);
                Ok::<_, ()>(())
            })
        });
    });
}

fn leaf(index: u64) -> Hash {
    Hash::of_leaf(&index.to_be_bytes())
}
