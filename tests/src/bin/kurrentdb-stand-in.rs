//! What stands in for a KurrentDB server where none can be had: its protocol over one SQLite file.
//!
//! `kurrentdb-stand-in FILE ADDRESS` says on standard output where it listens, and ends when its standard input does, so
//! that none is left behind by a test that was killed.

use std::{
    error::Error,
    io::{Read, Write},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tidings_domain::Timestamp;
use tidings_event_store::SqliteEventStore;
use tidings_grpc::LogServer;
use tokio::{net::TcpListener, sync::watch};

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("usage: kurrentdb-stand-in FILE ADDRESS".into());
    };
    let store = Arc::new(SqliteEventStore::open(file.as_ref(), now)?);
    let listener = TcpListener::bind(address).await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    std::io::stdout().flush()?;
    let (stop, stopped) = watch::channel(false);
    std::thread::spawn(move || {
        // nothing is ever said; the end is what counts
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        stop.send_replace(true);
    });
    LogServer::throw_away(store).serve(listener, stopped).await?;
    Ok(())
}
