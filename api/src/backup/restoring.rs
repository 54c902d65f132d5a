//! Restoring a backup: it is verified, a new data directory is made of it, what was erased since is erased again, and only then
//! does it take the place of what was there.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::ExposeSecret;
use tidings_event_store::{
    Codec, EventStore, InstallationSecret, Keyring, Position,
    keys::WrappedBlock,
    postgres::PostgresRefill,
    refill::Refill,
    sqlite::{SqliteRefill, hold},
};

use tidings_projections::runner::{Opened, Projection};

use super::{again, attached, checking::Backup, erasures::ERASURES, failed, files, gathering::gather, lines::KeysLine};
use crate::{
    config::{AttachmentPlace, Config, EVENTS, Engine, LogEngine},
    control::{self, OperationError, Report, Reports, report},
    exports, notary,
    processes::Forgetting,
    stores::{self, Stores},
};

/// Where, below the data directory, the new one is made.
const BUILDING: &str = "restoring";
/// What that is called once it is whole and takes the place of the old one. A server does not start while it is there.
pub const UNFINISHED: &str = "restored";

const PAGE: usize = 5_000;
const BLOCKS: usize = 1_024;

/// What to restore, and how.
#[derive(Debug, Clone)]
pub struct RestoreRequest {
    /// The backup.
    pub directory: PathBuf,
    /// Its keys.
    pub keys: PathBuf,
    /// Lists of erasures that the backup may not know of.
    pub erasures: Vec<PathBuf>,
    /// Replace a data directory that is not empty.
    pub force: bool,
    /// The verifier key, for who does not trust the one in the backup.
    pub key: Option<String>,
}

/// Restores a backup into the stores that are configured.
pub async fn restore(config: &Config, request: &RestoreRequest, reports: &Reports) -> Result<String, OperationError> {
    let data_dir = &config.data_dir;
    refuse_what_is_in_use(config).await?;
    let backup = Backup::open(&request.directory, &request.keys)?;
    backup.check(request.key.as_deref(), reports).await?;
    files::make(data_dir).map_err(failed)?;
    // whatever has no socket in it
    let _log = hold(&data_dir.join(EVENTS)).map_err(failed)?;
    let _keys = hold(&data_dir.join("keys.db")).map_err(failed)?;
    let there = whats_there(data_dir)?;
    if !there.is_empty() && !request.force {
        let (data_dir, first) = (data_dir.display(), there[0].display());
        return Err(OperationError::Failed(format!(
            "{data_dir} is not empty (there is {first}): with --force it is replaced, and what was erased there stays erased"
        )));
    }
    let building = data_dir.join(BUILDING);
    files::make(&building).map_err(failed)?;
    let new = Config { data_dir: building.clone(), ..config.clone() };
    let filled = async {
        gather(data_dir, [&building, &data_dir.join(UNFINISHED)], &backup, &request.erasures)?;
        clear(&building, &[ERASURES])?;
        fill(&new, &backup, reports).await
    };
    // what was there is there as before
    let (events, erased) = filled.await.inspect_err(|_| drop(remove(&building)))?;
    swap(data_dir, &building, &there)?;
    Ok(format!("{events} events are restored, up to position {}; {erased} erasures were made again", backup.position()))
}

async fn refuse_what_is_in_use(config: &Config) -> Result<(), OperationError> {
    let data_dir = config.data_dir.display();
    if control::is_served(&config.data_dir).await.map_err(failed)? {
        return Err(OperationError::Failed(format!("a server uses {data_dir}: stop it first")));
    }
    match config.engines.events {
        LogEngine::Sqlite | LogEngine::Postgres(_) => Ok(()),
        LogEngine::KurrentDb(_) => Err(OperationError::Failed(super::KURRENTDB.to_owned())),
    }
}

/// What is in the data directory, but for what this program leaves in an empty one.
fn whats_there(data_dir: &Path) -> Result<Vec<PathBuf>, OperationError> {
    let mut there = vec![];
    for entry in fs::read_dir(data_dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name != BUILDING && name != "lost+found" && path.extension().is_none_or(|extension| extension != "lock") {
            there.push(path);
        }
    }
    there.sort_unstable();
    Ok(there)
}

/// What a server keeps in its data directory and makes anew, or a backup holds. Whatever else is there stays: certificates, or
/// the backup itself.
fn is_of_a_server(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stores = [EVENTS, "keys.db", "commands.db", "views"];
    let others = [attached::ATTACHMENTS, notary::DIRECTORY, exports::DIRECTORY, "past", "secret", control::SOCKET];
    stores.iter().any(|store| name.starts_with(store)) || others.contains(&name.as_str())
}

/// Everything in a directory goes, but for these.
fn clear(directory: &Path, but: &[&str]) -> Result<(), OperationError> {
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !but.iter().any(|name| entry.file_name() == *name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), OperationError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(failed)
}

/// Makes new stores of the backup, and erases again. How many events there are, and how many erasures were made.
async fn fill(config: &Config, backup: &Backup, reports: &Reports) -> Result<(u64, u64), OperationError> {
    let log = refill(config).await?;
    let secret = secret(config, backup)?;
    let keyring = stores::open_keys(config, &secret, false).await.map_err(failed)?;
    if !keyring.blocks(0, 1).await.map_err(failed)?.is_empty() {
        return Err(OperationError::Failed(
            "the database of the keys is not empty: restore into an empty one".to_owned(),
        ));
    }
    must_have_no_views(config).await?;
    let events = put_back_log(log, backup, reports).await?;
    put_back_keys(&keyring, backup).await?;
    if let (Some(part), AttachmentPlace::Files) = (&backup.manifest.attachments, &config.attachments.place) {
        attached::put_back(&backup.directory, part, &config.data_dir)?;
    }
    let kept = config.data_dir.join(notary::DIRECTORY);
    files::put(&kept.join("checkpoint"), backup.manifest.checkpoint.as_bytes()).map_err(failed)?;
    files::put(&kept.join("key"), format!("{}\n", backup.manifest.key).as_bytes()).map_err(failed)?;
    // before any view is made: what was erased is never in one
    let codec = Codec::new(keyring);
    let store: Arc<dyn EventStore> = stores::open_log(config).await.map_err(failed)?.0;
    let erased = again::erase_again(&config.data_dir.join(ERASURES), store.as_ref(), &codec).await?;
    store.close().await;
    drop((store, codec));
    // and all that follows from an erasure
    let stores = Stores::open(config).await.map_err(failed)?;
    let (store, codec) = (stores.store.clone(), stores.codec.clone());
    let forgetting = Forgetting::new(store, codec, stores.commands.clone(), stores.views.clone()).await;
    let caught_up = async { forgetting?.catch_up().await }.await;
    stores.close().await;
    caught_up.map_err(failed)?;
    Ok((events, erased))
}

/// Views of another log would be taken for those of this one.
async fn must_have_no_views(config: &Config) -> Result<(), OperationError> {
    if let Engine::Sqlite = config.engines.views {
        return Ok(());
    }
    let views = stores::open_views(config).await.map_err(failed)?;
    for projection in Projection::ALL {
        if let Opened::Serving(_) = views.open(projection).await.map_err(failed)? {
            return Err(OperationError::Failed(
                "the database of the views is not empty: restore into an empty one".to_owned(),
            ));
        }
    }
    views.close().await.map_err(failed)
}

async fn refill(config: &Config) -> Result<Box<dyn Refill>, OperationError> {
    let log: Box<dyn Refill> = match &config.engines.events {
        LogEngine::Sqlite => Box::new(SqliteRefill::open(&config.data_dir.join(EVENTS)).map_err(failed)?),
        LogEngine::Postgres(url) => Box::new(PostgresRefill::open(url).await.map_err(failed)?),
        LogEngine::KurrentDb(_) => return Err(OperationError::Failed(super::KURRENTDB.to_owned())),
    };
    if log.head() > Position::START {
        return Err(OperationError::Failed(
            "the database of the log is not empty: restore into an empty one".to_owned(),
        ));
    }
    Ok(log)
}

fn secret(config: &Config, backup: &Backup) -> Result<InstallationSecret, OperationError> {
    if let Some(text) = &config.secret {
        return InstallationSecret::from_text(text.expose_secret()).map_err(failed);
    }
    let (kept, path) = (backup.keys.join("secret"), config.data_dir.join("secret"));
    match files::copy(&kept, &path) {
        Ok(Some(_)) => InstallationSecret::load_or_create(&path).map_err(failed),
        Ok(None) => Err(OperationError::Failed(format!(
            "{} holds no secret: set TIDINGS_SECRET to the one the backup was made under",
            backup.keys.display()
        ))),
        Err(error) => Err(failed(error)),
    }
}

async fn put_back_log(mut log: Box<dyn Refill>, backup: &Backup, reports: &Reports) -> Result<u64, OperationError> {
    let (mut reading, mut done, mut page) = (backup.log(), 0, Vec::with_capacity(PAGE));
    loop {
        let line = reading.next()?;
        let ended = line.is_none();
        if let Some(line) = line {
            let kept = line.kept();
            page.push(kept.ok_or_else(|| OperationError::Failed(format!("{} has no command", reading.place())))?);
        }
        if page.len() == PAGE || (ended && !page.is_empty()) {
            log.fill(&page).await.map_err(failed)?;
            done += page.len() as u64;
            page.clear();
            let total = Some(backup.manifest.entries);
            report(reports, Report::Progress { what: "events restored".to_owned(), done, total }).await?;
        }
        if ended {
            log.finish().await.map_err(failed)?;
            return Ok(done);
        }
    }
}

async fn put_back_keys(keyring: &Keyring, backup: &Backup) -> Result<(), OperationError> {
    let (mut erased_to, mut blocks) = (0, vec![]);
    backup.for_each_key(|line| {
        match line {
            KeysLine::ErasedTo(position) => erased_to = position,
            KeysLine::Block(number, wrapped) => {
                blocks.push((number, WrappedBlock(BASE64_STANDARD.decode(wrapped).map_err(failed)?)));
            }
        }
        Ok(())
    })?;
    for some in blocks.chunks(BLOCKS) {
        keyring.put_back(some.to_vec()).await.map_err(failed)?;
    }
    // erasures of the log are gone over from there, and never from beyond its end
    let reached = Position::new(erased_to).min(backup.position());
    keyring.set_erased_to(reached).await.map_err(failed)
}

/// The new takes the place of the old. What is cut off here is done again by another restore: what was erased in the old log is
/// in the new directory's list by now.
fn swap(data_dir: &Path, building: &Path, there: &[PathBuf]) -> Result<(), OperationError> {
    let (whole, sync) = (data_dir.join(UNFINISHED), || fs::File::open(data_dir)?.sync_all());
    for old in there.iter().filter(|path| **path == whole) {
        remove(old)?;
    }
    fs::rename(building, &whole).map_err(failed)?;
    sync().map_err(failed)?;
    for old in there.iter().filter(|path| **path != whole && is_of_a_server(path)) {
        remove(old)?;
    }
    for entry in fs::read_dir(&whole).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let lock = Path::new(&name).extension().is_some_and(|extension| extension == "lock");
        if !lock && name != ERASURES {
            fs::rename(entry.path(), data_dir.join(name)).map_err(failed)?;
        }
    }
    sync().map_err(failed)?;
    fs::remove_dir_all(&whole).map_err(failed)
}
