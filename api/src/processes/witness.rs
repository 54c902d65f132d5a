//! Sends signed heads to a witness: whoever keeps them out of this installation's reach makes rewriting the log noticeable.

use std::time::Duration;

use reqwest::{Client, Url, header::CONTENT_TYPE, redirect::Policy};
use tokio::{sync::watch, time::sleep};

/// Heads go out at most so often: each covers all before it.
const SEND_EVERY: Duration = Duration::from_secs(10);
const WITHIN: Duration = Duration::from_secs(10);
/// How often one head is tried, each time after twice as long a wait.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Posts the newest head whenever there is another one, as `text/plain`; any 2xx is an acknowledgement. A head that is not
/// taken after some tries is given up: the next one says more.
pub async fn witness(url: Url, mut newest: watch::Receiver<Option<String>>) {
    let client = match Client::builder().timeout(WITHIN).redirect(Policy::none()).build() {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "no witness can be asked"),
    };
    while newest.changed().await.is_ok() {
        let mut wait = FIRST_WAIT;
        for left in (0..TRIES).rev() {
            // by now there may be a newer one
            let note = newest.borrow_and_update().clone();
            let Some(note) = note else { break };
            let Err(why) = post(&client, &url, note).await else { break };
            metrics::counter!("tidings_witness_failures_total").increment(1);
            if left == 0 {
                tracing::warn!(%why, "the witness has not taken a signed head; the next one is tried again");
            } else {
                sleep(wait).await;
                wait *= 2;
            }
        }
        sleep(SEND_EVERY).await;
    }
}

async fn post(client: &Client, url: &Url, note: String) -> Result<(), String> {
    let request = client.post(url.clone()).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(note);
    // the address may hold a password
    let response = request.send().await.map_err(|error| error.without_url().to_string())?;
    if response.status().is_success() { Ok(()) } else { Err(format!("it answered {}", response.status())) }
}
