//! Subscriptions: what is there after a place, then what comes.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use tidings_domain::StreamName;
use tidings_event_store::{Filter, Position, RecordedEvent};
use tokio::{sync::watch, time::timeout};
use tonic::Status;

use super::{Desk, last_version};
use crate::{
    Gatekeeper, PAGE,
    filter::EventFilter,
    proto::event_store::client::streams::ReadResp,
    request::{Asked, From, Target},
    status::asked,
    wire::{self, Reached},
};

/// How often it is asked whether the reader still may read.
const RECHECK_EVERY: Duration = Duration::from_secs(1);

/// A subscription: confirmed first, then everything after its place, `caught_up` at the end of the log and each time it
/// is reached again after the reader `fell_behind`.
pub(crate) struct Following {
    desk: Desk,
    gate: Arc<dyn Gatekeeper>,
    stopping: watch::Receiver<bool>,
    head: watch::Receiver<Position>,
    place: Place,
    filter: Option<EventFilter>,
    ready: VecDeque<ReadResp>,
    caught_up: bool,
    /// Events looked at since the reader was last told where this is.
    unreported: u64,
    checked: Instant,
}

enum Place {
    Log(Position),
    Stream(StreamName, u64),
}

impl Place {
    async fn of(target: Target, desk: &Desk) -> Result<Self, Status> {
        let store = &*desk.store;
        Ok(match target {
            Target::All(From::Start) => Self::Log(Position::START),
            Target::All(From::At(position)) => Self::Log(Position::new(position)),
            Target::All(From::End) => Self::Log(asked(store.head()).await?),
            Target::Stream(stream, From::Start) => Self::Stream(stream, 0),
            Target::Stream(stream, From::At(revision)) => Self::Stream(stream, revision.saturating_add(1)),
            Target::Stream(stream, From::End) => {
                let last = last_version(store, &stream).await?;
                Self::Stream(stream, last)
            }
        })
    }

    const fn reached(&self) -> Reached {
        match self {
            Self::Log(position) => Reached::Position(*position),
            Self::Stream(_, version) => Reached::Version(*version),
        }
    }
}

impl Following {
    pub(crate) async fn begin(
        desk: Desk,
        gate: Arc<dyn Gatekeeper>,
        stopping: watch::Receiver<bool>,
        asked: Asked,
    ) -> Result<Self, Status> {
        let head = desk.store.watch_head();
        let place = Place::of(asked.target, &desk).await?;
        let ready = VecDeque::from([wire::confirmation()]);
        let (caught_up, unreported, checked) = (false, 0, Instant::now());
        let filter = asked.filter;
        Ok(Self { desk, gate, stopping, head, place, filter, ready, caught_up, unreported, checked })
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<ReadResp, Status>> + Send {
        stream::try_unfold(self, |mut following| async move {
            let answer = following.next().await?;
            Ok(Some((answer, following)))
        })
    }

    async fn next(&mut self) -> Result<ReadResp, Status> {
        loop {
            self.check().await?;
            if let Some(answer) = self.ready.pop_front() {
                return Ok(answer);
            }
            // what comes from now on is seen either in the page or in the head
            let seen = *self.head.borrow_and_update();
            let (events, at_end) = self.page().await?;
            if events.is_empty() && at_end {
                if self.caught_up {
                    self.wait(seen).await?;
                } else {
                    self.reach_end();
                }
                continue;
            }
            if self.caught_up && !at_end {
                self.caught_up = false;
                self.ready.push_back(wire::fell_behind(self.place.reached()));
            }
            self.take(events).await?;
        }
    }

    /// The next page, and whether it reaches the end.
    async fn page(&mut self) -> Result<(Vec<Arc<RecordedEvent>>, bool), Status> {
        let store = &*self.desk.store;
        match &mut self.place {
            Place::Log(after) => {
                let page = asked(store.read_all(*after, &Filter::All, PAGE)).await?;
                let at_end = page.scanned_to == *after || page.events.len() < PAGE;
                *after = page.scanned_to;
                Ok((page.events, at_end))
            }
            Place::Stream(stream, after) => {
                let events = asked(store.read_stream(stream, *after, PAGE)).await?;
                *after = events.last().map_or(*after, |last| last.version);
                let at_end = events.len() < PAGE;
                Ok((events, at_end))
            }
        }
    }

    async fn take(&mut self, events: Vec<Arc<RecordedEvent>>) -> Result<(), Status> {
        let Some(filter) = &self.filter else {
            self.ready.extend(self.desk.render(&events).await?);
            return Ok(());
        };
        let wanted: Vec<_> = events.iter().filter(|event| filter.admits(event)).cloned().collect();
        let mut answers = self.desk.render(&wanted).await?.into_iter();
        let mut wanted = wanted.iter().peekable();
        for event in &events {
            if wanted.next_if(|wanted| wanted.position == event.position).is_some() {
                self.ready.extend(answers.next());
            }
            self.unreported += 1;
            if self.unreported >= filter.checkpoint_interval {
                self.unreported = 0;
                self.ready.push_back(wire::checkpoint(event.position));
            }
        }
        Ok(())
    }

    fn reach_end(&mut self) {
        self.caught_up = true;
        if let (Place::Log(position), 1..) = (&self.place, self.unreported) {
            self.unreported = 0;
            self.ready.push_back(wire::checkpoint(*position));
        }
        self.ready.push_back(wire::caught_up(self.place.reached()));
    }

    /// Waits until the head has moved, or it is time to ask whether the reader still may read.
    async fn wait(&mut self, seen: Position) -> Result<(), Status> {
        let stops = || Status::unavailable("the server stops: subscribe again from where you are");
        tokio::select! {
            moved = timeout(RECHECK_EVERY, self.head.wait_for(|head| *head > seen)) => match moved {
                Ok(Ok(_)) | Err(_) => Ok(()),
                Ok(Err(_)) => Err(stops()),
            },
            _ = self.stopping.wait_for(|stop| *stop) => Err(stops()),
        }
    }

    async fn check(&mut self) -> Result<(), Status> {
        if *self.stopping.borrow() {
            return Err(Status::unavailable("the server stops: subscribe again from where you are"));
        }
        if self.checked.elapsed() >= RECHECK_EVERY {
            self.gate.still_admits(&self.desk.pass).await?;
            self.checked = Instant::now();
        }
        Ok(())
    }
}
