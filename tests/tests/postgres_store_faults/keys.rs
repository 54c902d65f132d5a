//! Keys in PostgreSQL, as several nodes have them.

use std::collections::HashSet;

use tidings_event_store::{
    InstallationSecret, KeyError, Keyring, PostgresKeyBlocks, database::DatabaseUrl, keys::Lookup,
};
use tidings_tests::postgres::{Cluster, Database};

fn secret() -> InstallationSecret {
    InstallationSecret::from_bytes([7; 32])
}

async fn blocks(database: &Database<'_>, secret: &InstallationSecret) -> Result<PostgresKeyBlocks, KeyError> {
    let url = DatabaseUrl::parse("TIDINGS_KEYS", &database.url()).expect("it is a URL");
    PostgresKeyBlocks::open(&url, secret).await
}

async fn node(database: &Database<'_>) -> Keyring {
    Keyring::new(blocks(database, &secret()).await.expect("it opens"), &secret())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_nodes_hand_out_the_same_key() {
    let database = Cluster::shared().create_database();
    let mut seen = HashSet::new();
    let nodes: Vec<_> = [node(&database).await, node(&database).await, node(&database).await]
        .into_iter()
        .map(|node| {
            tokio::spawn(async move {
                let mut taken = vec![];
                for _ in 0..6_000 {
                    taken.push(node.take().await.expect("there are keys"));
                }
                taken
            })
        })
        .collect();
    for node in nodes {
        for key in node.await.expect("the node ends well") {
            assert!(seen.insert(key), "{key:?} twice");
        }
    }
    let after = node(&database).await.take().await.expect("there are keys");
    assert!(seen.insert(after), "{after:?} again after a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_destroys_is_gone_for_all_and_its_neighbours_stay() {
    let database = Cluster::shared().create_database();
    let (ours, theirs) = (node(&database).await, node(&database).await);
    let (gone, stays) = (ours.take().await.expect("a key"), ours.take().await.expect("a key"));
    theirs.load([gone, stays]).await.expect("both are there");
    assert_eq!(theirs.lookup(gone), ours.lookup(gone));
    ours.destroy(&[gone]).await.expect("it can be destroyed");
    // the log tells the other node, which destroys it once more
    theirs.destroy(&[gone]).await.expect("once more does nothing");
    assert_eq!(theirs.lookup(gone), Lookup::Destroyed);
    assert_eq!(theirs.lookup(stays), ours.lookup(stays));
    let dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'key_blocks'";
    assert_ne!(database.sql(dead), "", "the table is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_destroy_keys_of_one_block_both_have_their_way() {
    let database = Cluster::shared().create_database();
    let (ours, theirs) = (node(&database).await, node(&database).await);
    let mut keys = vec![];
    for _ in 0..40 {
        keys.push(ours.take().await.expect("a key"));
    }
    let (mine, yours) = keys.split_at(20);
    let (one, other) = tokio::join!(ours.destroy(mine), theirs.destroy(yours));
    assert_eq!((one, other), (Ok(()), Ok(())));
    let fresh = node(&database).await;
    fresh.load(keys.iter().copied()).await.expect("their blocks are there");
    assert!(keys.iter().all(|key| fresh.lookup(*key) == Lookup::Destroyed));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_is_noticed_and_the_place_of_erasures_never_goes_back() {
    let database = Cluster::shared().create_database();
    let ours = node(&database).await;
    let other = blocks(&database, &InstallationSecret::from_bytes([8; 32])).await;
    assert_eq!(other.err(), Some(KeyError::WrongSecret));
    for (set, then) in [(7, 7), (3, 7), (9, 9)] {
        ours.set_erased_to(tidings_event_store::Position::new(set)).await.expect("it is kept");
        assert_eq!(ours.erased_to().await.expect("it is there").get(), then);
    }
}
