use super::*;
use crate::{CHUNK_BYTES, blobs::FileBlobs};
use futures::{StreamExt, TryStreamExt};
use tempfile::TempDir;
use tidings_event_store::{InstallationSecret, SqliteKeyBlocks};
use uuid::Uuid;

struct Fixture {
    vault: Vault,
    keyring: Keyring,
    place: Place,
    author_key: KeyId,
    directory: TempDir,
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let secret = InstallationSecret::from_bytes([7; 32]);
    let blocks = SqliteKeyBlocks::open(&directory.path().join("keys.db"), &secret).unwrap();
    let keyring = Keyring::new(blocks, &secret);
    let root = directory.path().join("attachments");
    let blobs = Arc::new(FileBlobs::open(&root).unwrap());
    let vault = Vault::open(blobs, keyring.clone(), &root.join("incoming")).unwrap();
    let (key, author_key) = (keyring.take().await.unwrap(), keyring.take().await.unwrap());
    let place = Place { id: AttachmentId::new(Uuid::from_u128(7)), key, part: Part::File };
    Fixture { vault, keyring, place, author_key, directory }
}

impl Fixture {
    async fn keep(&self, bytes: &[u8]) {
        let mut writer = self.vault.begin(self.place, self.author_key).await.unwrap();
        // in pieces that end anywhere
        for piece in bytes.chunks(50_001) {
            writer.write(piece).await.unwrap();
        }
        let looked = self.vault.look(writer.finish().await.unwrap(), "text/plain").await.unwrap();
        self.vault.keep(looked.file).await.unwrap();
    }

    async fn read(&self, size: usize, range: Range<usize>) -> Result<Vec<u8>, ReadError> {
        let range = range.start as u64..range.end as u64;
        let pieces = self.vault.read(self.place, self.author_key, size as u64, range).await?;
        Ok(pieces.try_collect::<Vec<_>>().await?.concat())
    }

    fn stored(&self) -> PathBuf {
        self.directory.path().join("attachments").join(self.place.to_string())
    }
}

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 31 % 251).to_le_bytes()[0]).collect()
}

#[tokio::test]
async fn any_range_of_what_was_kept_is_read_back() {
    for length in [1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 6 * CHUNK_BYTES, 9 * CHUNK_BYTES + 77] {
        let (fixture, bytes) = (fixture().await, some_bytes(length));
        fixture.keep(&bytes).await;
        for range in [0..length, 0..1, length - 1..length, length / 3..length / 2 + 1, length / 2..length] {
            assert_eq!(fixture.read(length, range.clone()).await.unwrap(), bytes[range.clone()], "{length} {range:?}");
        }
        let stored = std::fs::read(fixture.stored()).unwrap();
        assert!(!stored.windows(16).any(|window| bytes.get(..16) == Some(window)), "nothing is in clear");
        assert_eq!(std::fs::read_dir(fixture.vault.spool.clone()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn wrong_bytes_are_never_given_out() {
    let (fixture, bytes) = (fixture().await, some_bytes(9 * CHUNK_BYTES + 77));
    fixture.keep(&bytes).await;
    let whole = std::fs::read(fixture.stored()).unwrap();
    let read = || fixture.read(bytes.len(), 0..bytes.len());
    let sealed = crate::seal::SEALED_CHUNK_BYTES;
    let (first, second) = (8..8 + sealed, 8 + sealed..8 + 2 * sealed);
    let mut flipped = whole.clone();
    flipped[20] ^= 1;
    let swapped = [&whole[..8], &whole[second.clone()], &whole[first.clone()], &whole[second.end..]].concat();
    let twice = [&whole[..8], &whole[first.clone()], &whole[first.clone()], &whole[second.end..]].concat();
    for (name, wrong) in [("flipped", flipped), ("swapped", swapped), ("twice", twice)] {
        std::fs::write(fixture.stored(), wrong).unwrap();
        assert!(matches!(read().await, Err(ReadError::Damaged { .. })), "{name}");
    }
    for cut in [whole.len() - 1, 8 + 3 * sealed, 8, 0] {
        std::fs::write(fixture.stored(), &whole[..cut]).unwrap();
        assert!(matches!(read().await, Err(ReadError::Blob(BlobError::Missing(_)))), "cut off at {cut}");
    }
    // cut off where a chunk ends, and said to be that short
    std::fs::write(fixture.stored(), &whole[..8 + 3 * sealed]).unwrap();
    assert!(matches!(fixture.read(3 * CHUNK_BYTES, 0..10).await, Ok(bytes) if bytes.len() == 10));
    assert!(fixture.read(3 * CHUNK_BYTES, 0..3 * CHUNK_BYTES).await.is_err());
}

#[tokio::test]
async fn damage_further_on_ends_the_reading_there() {
    let (fixture, bytes) = (fixture().await, some_bytes(9 * CHUNK_BYTES));
    fixture.keep(&bytes).await;
    let mut whole = std::fs::read(fixture.stored()).unwrap();
    *whole.last_mut().unwrap() ^= 1;
    std::fs::write(fixture.stored(), whole).unwrap();
    let size = bytes.len() as u64;
    let pieces = fixture.vault.read(fixture.place, fixture.author_key, size, 0..size).await.unwrap();
    let pieces: Vec<_> = pieces.collect().await;
    let (right, wrong): (Vec<_>, Vec<_>) = pieces.into_iter().partition(Result::is_ok);
    let right = right.into_iter().map(Result::unwrap).collect::<Vec<_>>().concat();
    assert_eq!((bytes.starts_with(&right), right.len(), wrong.len()), (true, 8 * CHUNK_BYTES, 1));
}

#[tokio::test]
async fn without_either_key_nothing_is_readable() {
    for nth in 0..2 {
        let fixture = fixture().await;
        fixture.keep(b"hello").await;
        fixture.keyring.destroy(&[[fixture.place.key, fixture.author_key][nth]]).await.unwrap();
        assert!(matches!(fixture.read(5, 0..5).await, Err(ReadError::Forgotten(_))));
        let begun = fixture.vault.begin(fixture.place, fixture.author_key).await;
        assert!(matches!(begun, Err(VaultError::Forgotten(_))));
    }
}

#[tokio::test]
async fn what_is_not_kept_leaves_nothing() {
    let fixture = fixture().await;
    let mut writer = fixture.vault.begin(fixture.place, fixture.author_key).await.unwrap();
    writer.write(&some_bytes(200_000)).await.unwrap();
    drop(writer);
    let mut writer = fixture.vault.begin(fixture.place, fixture.author_key).await.unwrap();
    writer.write(b"hello").await.unwrap();
    drop(writer.finish().await.unwrap());
    assert_eq!(std::fs::read_dir(&fixture.vault.spool).unwrap().count(), 0);
    let left = std::fs::File::create(fixture.vault.spool.join("left by a crash")).unwrap();
    left.set_modified(std::time::SystemTime::now() - 2 * LEFT_BEHIND).unwrap();
    std::fs::write(fixture.vault.spool.join("under way"), b"").unwrap();
    let (blobs, keyring, spool) = (fixture.vault.blobs.clone(), fixture.keyring.clone(), &fixture.vault.spool);
    Vault::open(blobs, keyring, spool).unwrap();
    assert!(!spool.join("left by a crash").exists() && spool.join("under way").exists());
}

#[tokio::test]
async fn a_picture_is_looked_at_through_the_seal() {
    let fixture = fixture().await;
    let mut png = Vec::new();
    let noise = image::RgbImage::from_fn(400, 300, |x, y| image::Rgb([x, y, x * y].map(|n| n.to_le_bytes()[0])));
    noise.write_to(&mut io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
    assert!(png.len() > 2 * CHUNK_BYTES, "{}", png.len());
    let mut writer = fixture.vault.begin(fixture.place, fixture.author_key).await.unwrap();
    writer.write(&png).await.unwrap();
    let looked = fixture.vault.look(writer.finish().await.unwrap(), "image/png").await.unwrap();
    let picture = looked.picture.unwrap();
    assert_eq!((picture.dimensions.width, picture.thumbnail.dimensions.height), (400, 240));
}
