//! Ports for servers that are started again where they were.

use tokio::net::TcpSocket;

/// A port of the loopback interface that nobody else is given while this lives, also where nobody listens on it now. A server
/// that says `SO_REUSEADDR` listens on it all the same, as those here do.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _held: TcpSocket,
}

impl Port {
    /// One that nobody has.
    pub(crate) fn hold() -> Self {
        let held = TcpSocket::new_v4().expect("the system has sockets");
        held.set_reuseaddr(true).expect("it is a socket");
        held.bind(([127, 0, 0, 1], 0).into()).expect("there is a loopback interface");
        let number = held.local_addr().expect("it is bound").port();
        Self { number, _held: held }
    }

    /// Its number.
    pub(crate) const fn number(&self) -> u16 {
        self.number
    }
}
