//! A way to servers of this machine that may change: what a load balancer is, or an address that moves to another machine.
#![expect(clippy::missing_panics_doc, reason = "everything here panics where the test is to fail")]

use std::sync::{Arc, PoisonError, RwLock};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Takes connections on a port of its own and leads them to others. It ends with the value.
#[derive(Debug)]
pub struct Front {
    port: u16,
    targets: Arc<RwLock<Vec<u16>>>,
    accepting: JoinHandle<()>,
}

impl Front {
    /// One that leads nowhere yet: whoever connects is turned away.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a loopback interface");
        let port = listener.local_addr().expect("it listens").port();
        let targets: Arc<RwLock<Vec<u16>>> = Arc::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&targets)));
        Self { port, targets, accepting }
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Leads whoever connects from now on to these ports in turn. Those who are connected stay where they are.
    pub fn lead_to(&self, ports: &[u16]) {
        ports.clone_into(&mut self.targets.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Where it leads now.
    pub fn targets(&self) -> Vec<u16> {
        self.targets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, targets: Arc<RwLock<Vec<u16>>>) {
    let mut turn: usize = 0;
    while let Ok((client, _)) = listener.accept().await {
        turn = turn.wrapping_add(1);
        let target = {
            let targets = targets.read().unwrap_or_else(PoisonError::into_inner);
            turn.checked_rem(targets.len()).map(|nth| targets[nth])
        };
        if let Some(port) = target {
            tokio::spawn(forward(client, port));
        }
    }
}

/// Both ways, until one of the two has ended.
async fn forward(mut client: TcpStream, port: u16) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("it is a socket");
    }
    // whoever was cut off notices by itself
    tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
}
