use std::{collections::HashMap, convert::Infallible};

use proptest::prelude::*;

use super::*;

/// Full tiles in memory.
#[derive(Default)]
struct Memory(HashMap<(u32, u64), Vec<Hash>>);

impl FullTiles for Memory {
    fn full_tile(&self, level: u32, index: u64) -> io::Result<Vec<Hash>> {
        self.0.get(&(level, index)).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn grown(leaves: &[Hash]) -> (Edge, Memory) {
    let (mut edge, mut memory) = (Edge::default(), Memory::default());
    for leaf in leaves {
        let Ok(()) = edge.push(*leaf, |tile| {
            memory.0.insert((tile.level, tile.index), tile.hashes);
            Ok::<_, Infallible>(())
        });
    }
    (edge, memory)
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| Hash::of_leaf(&n.to_be_bytes())).collect()
}

/// The eight leaves of the certificate-transparency reference implementation.
fn reference() -> Vec<Hash> {
    let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    inputs.iter().map(|input| Hash::of_leaf(&hex::decode(input).unwrap())).collect()
}

fn shown(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex::encode(hash.0)).collect()
}

#[test]
fn roots_and_proofs_are_those_of_the_reference_implementation() {
    let (edge, memory) = grown(&reference());
    let tree = Tree::new(&edge, &memory);
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, root) in (1..).zip(roots) {
        assert_eq!(hex::encode(tree.root_at(size).unwrap().0), root);
    }
    assert_eq!(
        shown(&tree.inclusion(5, 8).unwrap()),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        shown(&tree.consistency(6, 8).unwrap()),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert!(tree.consistency(8, 8).unwrap().is_empty());
}

#[test]
fn what_the_tree_does_not_have_is_not_proved() {
    let (edge, memory) = grown(&leaves(10));
    let tree = Tree::new(&edge, &memory);
    for refused in [tree.inclusion(10, 10), tree.inclusion(3, 3), tree.inclusion(0, 11), tree.consistency(3, 11)] {
        assert!(matches!(refused, Err(ProofError::OutOfRange(_))));
    }
    assert!(matches!(tree.consistency(4, 3), Err(ProofError::OutOfRange(3))));
    assert!(tree.leaf(10).is_err() && tree.root_at(11).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Sizes on both sides of one tile and of a second level.
    #[test]
    fn every_proof_checks_and_no_other_does(size in 1_u64..1_500, a in 0_u64..1_500, b in 0_u64..1_500) {
        let all = leaves(size);
        let (edge, memory) = grown(&all);
        let tree = Tree::new(&edge, &memory);
        let to = 1 + a % size;
        let (index, from) = (b % to, b % (to + 1));
        let root = tree.root_at(to).unwrap();
        prop_assert_eq!(root, grown(&all[..usize::try_from(to).unwrap()]).0.root());

        let proof = tree.inclusion(index, to).unwrap();
        prop_assert!(proof.len() <= 11);
        let leaf = tree.leaf(index).unwrap();
        prop_assert_eq!(root_of_inclusion(leaf, index, to, &proof), Some(root));
        prop_assert_ne!(root_of_inclusion(Hash::of_leaf(b"other"), index, to, &proof), Some(root));
        prop_assert_eq!(root_of_inclusion(leaf, to, to, &proof), None);

        let old = tree.root_at(from).unwrap();
        let proof = tree.consistency(from, to).unwrap();
        prop_assert!(is_consistent((from, old), (to, root), &proof));
        if from > 0 {
            prop_assert!(!is_consistent((from, Hash::of_leaf(b"other")), (to, root), &proof));
            prop_assert!(!is_consistent((from, old), (to, Hash::of_leaf(b"other")), &proof));
        }
    }
}
