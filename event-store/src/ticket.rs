//! An append under way.

use std::{future::Future, pin::Pin, task};

use tokio::sync::oneshot;

use crate::port::{AppendError, Appended, StoreError};

/// An append under way: a future that is answered when the outcome is durable. Dropping it does not undo the append.
#[derive(Debug)]
pub struct AppendTicket(Ticket);

#[derive(Debug)]
enum Ticket {
    Waiting(oneshot::Receiver<Result<Appended, AppendError>>),
    Refused(Option<StoreError>),
}

impl AppendTicket {
    /// A ticket and the end that answers it.
    pub fn new() -> (oneshot::Sender<Result<Appended, AppendError>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(Ticket::Waiting(receiver)))
    }

    /// A ticket for what was never begun.
    pub const fn refused(error: StoreError) -> Self {
        Self(Ticket::Refused(Some(error)))
    }
}

impl Future for AppendTicket {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        let gone = || AppendError::Store(StoreError::Unavailable("the writer has stopped".to_owned()));
        match &mut self.0 {
            Ticket::Waiting(receiver) => {
                Pin::new(receiver).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(gone())))
            }
            Ticket::Refused(error) => task::Poll::Ready(Err(error.take().map_or_else(gone, AppendError::Store))),
        }
    }
}
