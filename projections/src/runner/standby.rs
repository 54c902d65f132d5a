//! A projection that another node folds: standing by for its lease, and doing what is asked for without it.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{
    opening::{Setting, retry_parked},
    port::{Opened, ViewsError},
    serving::Lease,
    worker::Control,
};

/// How often the lease is asked for.
const ASK: Duration = Duration::from_millis(500);

/// Waits until this node is to fold the projection. None when it is to stop.
pub(super) async fn stand_by(
    setting: &Setting,
    control: &mut mpsc::Receiver<Control>,
) -> Option<(Box<dyn Lease>, Opened)> {
    let mut stop = setting.stop.clone();
    loop {
        if setting.folds {
            let asked = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => None,
                asked = lead(setting) => Some(asked),
            };
            match asked {
                None => return None,
                Some(Ok(Some(leading))) => return Some(leading),
                Some(Ok(None)) => {}
                Some(Err(error)) => {
                    tracing::debug!(%error, projection = setting.projection.name(), "the lease cannot be asked for");
                    setting.state().waits(&error);
                }
            }
        }
        let asked_for = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            Some(request) = control.recv() => Some(request),
            () = tokio::time::sleep(ASK) => None,
        };
        if let Some(request) = asked_for {
            carry_out(setting, request).await;
        } else if *stop.borrow() {
            return None;
        }
    }
}

/// Takes the lease and opens the view, if no other node has it.
pub(super) async fn lead(setting: &Setting) -> Result<Option<(Box<dyn Lease>, Opened)>, ViewsError> {
    let Some(lease) = setting.views.lease(setting.projection).await? else { return Ok(None) };
    let opened = setting.views.open(setting.projection).await?;
    Ok(Some((lease, opened)))
}

/// What is asked of a node that does not fold. Whoever does finds its view moved by another hand, and opens it anew.
async fn carry_out(setting: &Setting, request: Control) {
    match request {
        Control::Swap(next, reply) => {
            let source = setting.source();
            let swapped = source.swap_in(setting.views.as_ref(), next, setting.state().position()).await;
            reply.send(swapped.map(drop)).ok();
        }
        Control::Retry(reply) => {
            let outcome = match setting.views.open(setting.projection).await {
                Ok(Opened::Serving(mut generation)) => {
                    retry_parked(setting, generation.as_mut()).await.map(|applied| applied.events)
                }
                Ok(Opened::Build(why)) => Err(ViewsError::Unavailable(format!("no view serves: {why}"))),
                Err(error) => Err(error),
            };
            reply.send(outcome).ok();
        }
    }
}
