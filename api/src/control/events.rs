//! Prints the log, one event a line, as it is stored: what is sealed stays sealed.

use serde::Serialize;
use serde_json::value::RawValue;
use tidings_event_store::{Filter, Position, RecordedEvent};

use super::{Ended, OperationError, Operator, Report, Reports, report};

const PAGE: usize = 1_000;

#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    stream: &'a str,
    version: u64,
    id: uuid::Uuid,
    name: &'a str,
    recorded_at: String,
    data: &'a RawValue,
    metadata: &'a RawValue,
}

fn line(event: &RecordedEvent) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Line {
        position: event.position.get(),
        stream: event.stream.as_str(),
        version: event.version,
        id: event.id,
        name: &event.name,
        recorded_at: event.recorded_at.to_string(),
        data: serde_json::from_slice(&event.data)?,
        metadata: serde_json::from_slice(&event.metadata)?,
    })
}

impl Operator {
    pub(super) async fn print_events(&self, after: u64, follow: bool, reports: &Reports) -> Ended {
        let mut head = self.store.watch_head();
        let (mut at, mut printed) = (Position::new(after), 0_u64);
        loop {
            let page = self.store.read_all(at, &Filter::All, PAGE).await;
            let page = page.map_err(|error| OperationError::Failed(error.to_string()))?;
            for event in &page.events {
                let line = line(event).map_err(|error| {
                    OperationError::Failed(format!("the event at position {} is damaged: {error}", event.position))
                })?;
                report(reports, Report::Line(line)).await?;
                printed += 1;
            }
            if page.scanned_to > at {
                at = page.scanned_to;
                continue;
            }
            if !follow {
                return Ok((0, format!("{printed} events")));
            }
            tokio::select! {
                changed = head.wait_for(|head| *head > at) => {
                    changed.map_err(|_| OperationError::Failed("the event store has stopped".to_owned()))?;
                }
                () = reports.closed() => return Err(OperationError::Gone),
            }
        }
    }
}
