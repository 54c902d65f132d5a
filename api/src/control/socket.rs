//! Operations through the server that holds the data directory.

use std::{io, path::Path};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
    task::JoinSet,
};

use super::{Operation, Operator, Report};

/// The socket's name in the data directory.
pub const SOCKET: &str = "control.sock";
/// Reports that may wait for a slow reader.
const WAITING_REPORTS: usize = 1_000;
/// The first line of a request is short.
const LONGEST_REQUEST: u64 = 64 * 1024;

/// Takes operations until the returned guard's task is aborted. The socket is its owner's alone.
pub fn listen(data_dir: &Path, operator: Operator) -> io::Result<tokio::task::JoinHandle<()>> {
    let path = data_dir.join(SOCKET);
    // where nothing embedded is in the directory, nothing else keeps a second server out
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        let why = format!("another server uses {}: give each node a data directory of its own", data_dir.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    }
    // what a killed server left
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(tokio::spawn(async move {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let operator = operator.clone();
                        running.spawn(async move {
                            if let Err(error) = serve(stream, &operator).await {
                                tracing::debug!(%error, "an operation's caller has gone");
                            }
                        });
                    }
                    Err(error) => tracing::warn!(%error, "the control socket does not accept"),
                },
                Some(_) = running.join_next() => {}
            }
        }
    }))
}

async fn serve(stream: UnixStream, operator: &Operator) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut input = BufReader::new(read);
    let mut line = String::new();
    (&mut input).take(LONGEST_REQUEST).read_line(&mut line).await?;
    let operation: Operation = serde_json::from_str(&line)?;
    let (reports, mut waiting) = mpsc::channel(WAITING_REPORTS);
    let run = operator.run(operation, input, reports);
    let tell = async {
        while let Some(report) = waiting.recv().await {
            write.write_all(format!("{}\n", serde_json::to_string(&report)?).as_bytes()).await?;
        }
        write.shutdown().await
    };
    // when nobody reads any more, `waiting` is dropped and the operation notices
    tokio::join!(run, tell).1
}

/// Takes the socket away when the server stops.
pub fn unlink(data_dir: &Path) {
    if let Err(error) = std::fs::remove_file(data_dir.join(SOCKET)) {
        tracing::debug!(%error, "the control socket is left behind");
    }
}

/// Whether a server holds this data directory.
pub async fn is_served(data_dir: &Path) -> io::Result<bool> {
    match UnixStream::connect(data_dir.join(SOCKET)).await {
        Ok(_) => Ok(true),
        // left by a server that was killed, or never there
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The reports of an operation in the server that holds this data directory.
pub async fn connect(
    data_dir: &Path,
    operation: &Operation,
    input: impl AsyncBufRead + Unpin + Send + 'static,
) -> io::Result<mpsc::Receiver<Report>> {
    let stream = UnixStream::connect(data_dir.join(SOCKET)).await?;
    let (read, mut write) = stream.into_split();
    let request = format!("{}\n", serde_json::to_string(operation)?);
    let mut input = input;
    tokio::spawn(async move {
        let sent = async {
            write.write_all(request.as_bytes()).await?;
            tokio::io::copy_buf(&mut input, &mut write).await?;
            write.shutdown().await
        };
        if let Err(error) = sent.await {
            tracing::debug!(%error, "the server stopped reading");
        }
    });
    let (reports, waiting) = mpsc::channel(WAITING_REPORTS);
    tokio::spawn(async move {
        let mut lines = BufReader::new(read).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let Ok(report) = serde_json::from_str(&line) else { return };
            if reports.send(report).await.is_err() {
                return;
            }
        }
    });
    Ok(waiting)
}
