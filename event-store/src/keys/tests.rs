use super::*;
use tidings_domain::KeyId;

fn secret() -> InstallationSecret {
    InstallationSecret::from_bytes([7; 32])
}

fn keyring(directory: &tempfile::TempDir) -> Keyring {
    Keyring::new(SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret()).unwrap(), &secret())
}

/// Opens the key store as soon as the keyring before has ended what it had begun in the background.
async fn when_free(directory: &tempfile::TempDir) -> Keyring {
    loop {
        match SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret()) {
            Ok(blocks) => return Keyring::new(blocks, &secret()),
            Err(KeyError::Refused(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn key(keyring: &Keyring, id: KeyId) -> [u8; 32] {
    let Lookup::Key(key) = keyring.lookup(id) else { panic!("{id:?} is not there") };
    *key
}

#[tokio::test]
async fn no_key_is_handed_out_twice_even_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let keyring = when_free(&directory).await;
        for _ in 0..5_000 {
            let id = keyring.take().await.unwrap();
            assert!(seen.insert(id), "{id:?} twice");
        }
    }
}

#[tokio::test]
async fn a_key_is_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = keyring(&directory);
    let id = first.take().await.unwrap();
    let bytes = key(&first, id);
    drop(first);
    let second = when_free(&directory).await;
    assert_eq!(second.lookup(id), Lookup::NotLoaded);
    second.load([id]).await.unwrap();
    assert_eq!(key(&second, id), bytes);
}

#[tokio::test]
async fn a_batch_may_need_more_blocks_than_are_kept_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let keyring = keyring(&directory);
    let mut ids = Vec::new();
    for _ in 0..200_000 {
        ids.push(keyring.take().await.unwrap());
    }
    let loaded = keyring.load(ids.iter().copied()).await.unwrap();
    assert!(ids.iter().all(|id| matches!(loaded.lookup(*id), Lookup::Key(_))));
}

#[tokio::test]
async fn a_destroyed_key_is_gone_for_good_and_its_neighbours_stay() {
    let directory = tempfile::tempdir().unwrap();
    let first = keyring(&directory);
    let (gone, stays) = (first.take().await.unwrap(), first.take().await.unwrap());
    let bytes = key(&first, stays);
    first.destroy(&[gone]).await.unwrap();
    first.destroy(&[gone]).await.unwrap();
    assert_eq!((first.lookup(gone), key(&first, stays)), (Lookup::Destroyed, bytes));
    drop(first);
    let second = when_free(&directory).await;
    second.load([gone, stays]).await.unwrap();
    assert_eq!((second.lookup(gone), key(&second, stays)), (Lookup::Destroyed, bytes));
}

#[tokio::test]
async fn a_wrong_secret_is_noticed_before_it_does_harm() {
    let directory = tempfile::tempdir().unwrap();
    keyring(&directory).take().await.unwrap();
    let other = InstallationSecret::from_bytes([8; 32]);
    let opened = SqliteKeyBlocks::open(&directory.path().join("keys.db"), &other);
    assert_eq!(opened.err(), Some(KeyError::WrongSecret));
}

#[tokio::test]
async fn a_foreign_file_and_one_in_use_are_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    std::fs::write(&path, "a diary, not a database").unwrap();
    assert!(matches!(SqliteKeyBlocks::open(&path, &secret()), Err(KeyError::Refused(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"a diary, not a database");
    std::fs::remove_file(&path).unwrap();
    let _held = SqliteKeyBlocks::open(&path, &secret()).unwrap();
    assert!(matches!(SqliteKeyBlocks::open(&path, &secret()), Err(KeyError::Refused(_))));
}

#[test]
fn a_secret_is_made_once_and_only_its_owner_may_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let made = InstallationSecret::load_or_create(&path).unwrap();
    let read = InstallationSecret::load_or_create(&path).unwrap();
    assert_eq!(*made.derive("a"), *read.derive("a"));
    assert_ne!(*made.derive("a"), *made.derive("b"));
    let permissions = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(permissions & 0o777, 0o600);
    std::fs::write(&path, "nonsense").unwrap();
    assert!(matches!(InstallationSecret::load_or_create(&path), Err(SecretError::Malformed { .. })));
    assert!(matches!(InstallationSecret::from_text("short"), Err(SecretError::TooShort)));
}
