use super::*;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use reqwest::dns::{Addrs, Name, Resolving};
use tidings_domain::{
    KeyId, UserId,
    values::WebhookTopic,
    webhook::{Settings, Target},
};
use tokio::net::TcpListener;
use uuid::Uuid;

fn webhook(url: &str) -> Webhook {
    let target = Target { url: WebhookUrl::parse(url).unwrap(), secret: WebhookSecret::from_bytes(&[1; 32]) };
    Webhook {
        owner: UserId::new(Uuid::nil()),
        key: KeyId(1),
        settings: Settings { topics: vec![WebhookTopic::Message], conversation: None },
        target: Some(target),
        previous: None,
        paused: None,
        cursor: 0,
        moves: 0,
        failing_since: None,
        deleted: false,
    }
}

/// The example of the specification's own libraries.
#[test]
fn a_signature_is_as_the_specification_says() {
    let key: [u8; 24] = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap().try_into().unwrap();
    let signed = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &key),
        b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}",
    );
    assert_eq!(BASE64_STANDARD.encode(signed), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    let secret = WebhookSecret::from_bytes(&[7; 32]);
    let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), b"a.5.{}");
    assert_eq!(signature(&secret, "a", 5, b"{}"), format!("v1,{}", BASE64_STANDARD.encode(expected)));
}

#[test]
fn a_receiver_may_say_when_it_wants_to_be_asked_again() {
    let now = Timestamp::from_millis(1_614_265_330_000);
    assert_eq!(wanted("120", now), Some(Duration::from_mins(2)));
    assert_eq!(wanted("Thu, 25 Feb 2021 15:03:10 GMT", now), Some(Duration::from_mins(1)));
    assert_eq!(wanted("999999999", now), Some(LONGEST_RETRY_AFTER));
    for wrong in ["", "soon", "-1", "Thu, 25 Feb 2021 15:00:00 GMT"] {
        assert_eq!(wanted(wrong, now), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_number_that_leads_inside_is_refused_however_it_is_written() {
    let sender = Sender::new(false);
    for inside in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/",
        "https://localhost/",
        "https://a.localhost./",
        "https://[fe80::1]/",
        "https://100.64.1.1/",
        "http://example.org/",
    ] {
        assert!(sender.admits(&WebhookUrl::parse(inside).unwrap()).is_err(), "{inside}");
        assert!(sender.post(&webhook(inside), "a", vec![]).await.is_err(), "{inside}");
    }
    assert_eq!(sender.admits(&WebhookUrl::parse("https://example.org/").unwrap()), Ok(()));
    assert_eq!(Sender::new(true).admits(&WebhookUrl::parse("http://127.0.0.1/").unwrap()), Ok(()));
}

/// Answers with each of its lists in turn.
struct Changing(Vec<Vec<SocketAddr>>, AtomicUsize);

impl Resolve for Changing {
    fn resolve(&self, _: Name) -> Resolving {
        let nth = self.1.fetch_add(1, Ordering::Relaxed);
        let found = self.0[nth.min(self.0.len() - 1)].clone();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn a_name_whose_answer_changes_reaches_nobody_inside() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let inside: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let outside: SocketAddr = "192.0.2.1:0".parse().unwrap();
    let answers = [
        vec![vec![inside]],
        vec![vec!["[::ffff:127.0.0.1]:0".parse().unwrap()]],
        // judged public and inside together
        vec![vec!["8.8.8.8:0".parse().unwrap(), inside]],
        // inside for documents, then inside
        vec![vec![outside], vec![inside]],
    ];
    for answers in answers {
        let asked = Arc::new(Changing(answers, AtomicUsize::new(0)));
        let sender = Sender::resolving_by(asked.clone(), false);
        for _ in 0..2 {
            let refused = sender.post(&webhook(&format!("https://rebind.example:{port}/")), "a", vec![]).await;
            assert!(refused.unwrap_err().reason.contains("public internet"));
        }
        assert_eq!(asked.1.load(Ordering::Relaxed), 2, "judged at every connection");
    }
    // whoever had connected would be waiting now
    let waiting = futures::poll!(std::pin::pin!(listener.accept()));
    assert!(waiting.is_pending(), "nobody connected");
    // where it is allowed, the same name gets through
    let asked = Arc::new(Changing(vec![vec![inside]], AtomicUsize::new(0)));
    let sender = Sender::resolving_by(asked, true);
    let posting =
        tokio::spawn(
            async move { sender.post(&webhook(&format!("http://rebind.example:{port}/")), "a", vec![]).await },
        );
    let (connection, _) = listener.accept().await.unwrap();
    drop(connection);
    assert!(posting.await.unwrap().is_err());
}
