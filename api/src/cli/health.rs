//! Asks a running server whether it is ready: what a container runs to see how it is, where there is neither shell nor curl.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// How long the connection may take to be made, and each part of the answer to come.
const WITHIN: Duration = Duration::from_secs(2);

/// The most that is read of the answer, in bytes: its first line.
const MOST: u64 = 256;

/// Why a server is not healthy, in one sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unhealthy {
    /// Nobody knows where it listens.
    #[error("TIDINGS_LISTEN has port 0, which does not tell where the server listens")]
    NoPort,
    /// It cannot be asked.
    #[error("{address} does not answer: {source}")]
    Silent {
        /// Who was asked.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// It is starting, stopping, or without its stores.
    #[error("{address} is not ready: {answer:?}")]
    NotReady {
        /// Who was asked.
        address: SocketAddr,
        /// The first line of the answer.
        answer: String,
    },
}

/// Asks the server that listens there. Returns when it says that it is ready.
pub(super) fn ask(listen: SocketAddr) -> Result<(), Unhealthy> {
    if listen.port() == 0 {
        return Err(Unhealthy::NoPort);
    }
    let address = reachable(listen);
    let answer = first_line(address).map_err(|source| Unhealthy::Silent { address, source })?;
    if answer.split(' ').nth(1) == Some("200") { Ok(()) } else { Err(Unhealthy::NotReady { address, answer }) }
}

/// Whoever listens on all addresses is asked on this machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    let own = if listen.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
    SocketAddr::new(own, listen.port())
}

fn first_line(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    let request = format!("GET /health/ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(MOST)).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// A server that gives one answer; its address, once it listens.
    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            // to the empty line that ends the request: closing before would cut the answer off
            while line != "\r\n" {
                line.clear();
                asked.read_line(&mut line).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn a_server_that_says_it_is_ready_is_healthy_wherever_it_listens() {
        let address = answering("HTTP/1.1 200 OK\r\n\r\n");
        ask(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())).unwrap();
    }

    #[test]
    fn one_that_is_stopping_or_says_nothing_is_not() {
        for answer in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", ""] {
            assert!(matches!(ask(answering(answer)), Err(Unhealthy::NotReady { .. })));
        }
    }

    #[test]
    fn one_that_is_not_there_is_not() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(ask(free), Err(Unhealthy::Silent { .. })));
        assert!(matches!(ask(SocketAddr::from(([0, 0, 0, 0], 0))), Err(Unhealthy::NoPort)));
    }
}
