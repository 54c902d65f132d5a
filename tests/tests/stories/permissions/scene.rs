//! Who asks, and what they find.

use std::{
    io::Cursor,
    time::{SystemTime, UNIX_EPOCH},
};

use image::{DynamicImage, ImageFormat};
use reqwest::Method;
use serde_json::{Value, json};
use tidings_domain::{Timestamp, values::TotpSecret};
use tidings_tests::app::{Call, PASSWORD, Person, TestApp, id, multipart, multipart_type};

use super::rows::{Row, Where};

/// What devices are called here.
pub(super) const DEVICE: &str = "phone";
/// Where nobody listens: the port is that of `discard`.
pub(super) const HOOK: &str = "http://127.0.0.1:9/";

fn clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("before the year 292278994"))
}

pub(super) fn in_an_hour() -> String {
    clock().plus_millis(3_600_000).to_string()
}

/// What a device publishes; the fallback is for as many as ask.
pub(super) fn keys() -> Value {
    json!({"identity_key": "00000000", "key_packages": ["00000001"], "fallback_key_package": "00000002"})
}

/// Large enough to have a small one.
fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    DynamicImage::new_rgb8(640, 400).write_to(&mut bytes, ImageFormat::Png).expect("it is written to memory");
    bytes.into_inner()
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Anonymous,
    Suspended,
    Stranger,
    Former,
    Member,
    Sender,
    Admin,
    Owner,
    Operator,
    Auditor,
}

impl Who {
    pub(super) const ALL: [Self; 10] = [
        Self::Anonymous,
        Self::Suspended,
        Self::Stranger,
        Self::Former,
        Self::Member,
        Self::Sender,
        Self::Admin,
        Self::Owner,
        Self::Operator,
        Self::Auditor,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Suspended => "suspended",
            Self::Stranger => "stranger",
            Self::Former => "former",
            Self::Member => "member",
            Self::Sender => "sender",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

/// Everybody, signed in.
pub(super) struct People {
    app: TestApp,
    /// In the order of [`Who::ALL`]; the first, anonymous, is somebody whose token is not used.
    all: Vec<Person>,
    /// Has nothing to do with anything, but for a device.
    pub(super) other: Person,
    /// Is asked to be a contact.
    asked: Person,
    /// Is blocked.
    blocked: Person,
}

/// What a request is about.
pub(super) struct Scene<'a> {
    pub(super) app: &'a TestApp,
    /// Who asks.
    pub(super) caller: Person,
    /// A plain member of the group, who is not who asks.
    pub(super) member: &'a Person,
    /// Somebody with an account.
    pub(super) other: &'a Person,
    /// Somebody who is asked to be a contact.
    pub(super) asked: &'a Person,
    /// Somebody who is blocked.
    pub(super) blocked: &'a Person,
    pub(super) group: String,
    pub(super) message: String,
    /// The id of what the sender has made.
    pub(super) owned: String,
    /// A code for the secret that was offered.
    pub(super) otp: String,
}

impl People {
    pub(super) async fn gather(app: &TestApp) -> Self {
        let mut all = vec![];
        for who in Who::ALL {
            all.push(app.person(who.name()).await);
        }
        let (other, asked, blocked) =
            (app.person("other").await, app.person("asked").await, app.person("blocked").await);
        let people = Self { app: app.clone(), all, other, asked, blocked };
        people.other.put(format!("/v1/users/me/devices/{DEVICE}"), keys()).await.expect(200);
        app.tool_done(&["grant", &people.of(Who::Operator).username, "operator"]);
        app.tool_done(&["grant", &people.of(Who::Auditor).username, "auditor"]);
        let suspend = format!("/v1/admin/users/{}/suspend", people.of(Who::Suspended).id);
        people.of(Who::Operator).post(suspend, None).await.expect(204);
        people
    }

    pub(super) fn of(&self, who: Who) -> &Person {
        let nth = Who::ALL.iter().position(|one| *one == who).expect("all are in it");
        &self.all[nth]
    }

    /// A group and a message in it that nobody else is at work on.
    async fn group(&self) -> (String, String) {
        let of = |who| self.of(who);
        let owner = of(Who::Owner);
        let (former, plain) = (of(Who::Former), [of(Who::Member), of(Who::Sender), of(Who::Admin)]);
        let group = owner.group("asked about", &[plain.as_slice(), &[former, &self.other]].concat()).await;
        let member = |person: &Person| format!("/v1/conversations/{group}/members/{}", person.id);
        owner.put(member(of(Who::Admin)), json!({"role": "admin"})).await.expect(200);
        let message = id(&of(Who::Sender).send(&group, "asked about, too").await);
        owner.delete(member(former)).await.expect(204);
        (group, message)
    }

    /// Somebody who may be spoiled: with the same roles, of no conversation.
    async fn fresh(&self, who: Who) -> Person {
        let person = self.app.person("fresh").await;
        match who {
            Who::Operator | Who::Auditor => {
                self.app.tool_done(&["grant", &person.username, who.name()]);
            }
            Who::Suspended => {
                let suspend = format!("/v1/admin/users/{}/suspend", person.id);
                self.of(Who::Operator).post(suspend, None).await.expect(204);
            }
            Who::Anonymous | Who::Stranger | Who::Former | Who::Member | Who::Sender | Who::Admin | Who::Owner => {}
        }
        person
    }

    /// What the request needs to be there. Who is suspended has nothing of their own: it could not be made.
    async fn scene(&self, about: Where, who: Who, caller: Person) -> Scene<'_> {
        let (other, asked, blocked) = (&self.other, &self.asked, &self.blocked);
        let mut scene = Scene {
            app: &self.app,
            caller,
            member: other,
            other,
            asked,
            blocked,
            group: String::new(),
            message: String::new(),
            owned: String::new(),
            otp: "000000".to_owned(),
        };
        let able = who != Who::Suspended;
        match about {
            Where::Group => (scene.group, scene.message) = self.group().await,
            Where::Picture => {
                let group = self.group().await.0;
                let picture = self.of(Who::Sender).upload("picture.png", &picture()).await;
                self.of(Who::Sender).send_files(&group, None, &[&picture]).await;
                (scene.group, scene.owned) = (group, id(&picture));
            }
            Where::Scheduled => {
                let later = json!({"to": [other.id], "body": "later", "send_at": in_an_hour()});
                scene.owned = id(&self.of(Who::Sender).post("/v1/scheduled", later).await.expect(201).json);
            }
            Where::Webhook => {
                let hook = json!({"url": HOOK});
                scene.owned = id(&self.of(Who::Sender).post("/v1/webhooks", hook).await.expect(201).json);
            }
            Where::TotpOffered if able => scene.otp = offered(&scene.caller).await,
            Where::Totp if able => {
                let otp = offered(&scene.caller).await;
                scene.caller.put("/v1/users/me/totp", json!({"otp": otp})).await.expect(200);
            }
            Where::Device if able => {
                scene.caller.put(format!("/v1/users/me/devices/{DEVICE}"), keys()).await.expect(200);
            }
            Where::Export if able => scene.owned = exported(&scene.caller).await,
            Where::Export => scene.owned = uuid::Uuid::nil().to_string(),
            Where::Anything | Where::TotpOffered | Where::Totp | Where::Device => {}
        }
        scene
    }

    /// Takes away again what there may only be a few of.
    async fn tidy(&self, row: &Row, scene: &Scene<'_>) {
        if matches!(row.about, Where::Webhook) {
            let gone = self.of(Who::Sender).delete(format!("/v1/webhooks/{}", scene.owned)).await.status;
            assert!(matches!(gone, 204 | 404), "{gone}");
        }
    }

    /// The status that somebody gets.
    pub(super) async fn ask(&self, row: &Row, who: Who) -> String {
        let caller = if row.spoils { self.fresh(who).await } else { self.of(who).clone() };
        let scene = self.scene(row.about, who, caller).await;
        let mut path = row.path.to_owned();
        for (name, value) in [("{conversation}", &scene.group), ("{message}", &scene.message)] {
            path = path.replace(name, value);
        }
        for (name, value) in (row.names)(&scene) {
            path = path.replace(&format!("{{{name}}}"), &value);
        }
        assert!(!path.contains('{'), "{} {path}: what stands for it?", row.method);
        path.push_str(row.query);
        let method: Method = row.method.parse().expect("it is one");
        let mut call: Call = self.app.call(method, path);
        if who != Who::Anonymous {
            call = call.token(&scene.caller.access_token);
        }
        if row.uploads {
            call = call.bytes(&multipart_type(), multipart("file", "notes.txt", b"notes"));
        }
        if let Some(body) = (row.body)(&scene) {
            call = call.json(body);
        }
        for (name, value) in row.headers {
            call = call.header(name, value);
        }
        let status = call.status().await.to_string();
        self.tidy(row, &scene).await;
        status
    }
}

/// A code for a secret that this person was just offered.
async fn offered(person: &Person) -> String {
    let offer = person.post("/v1/users/me/totp", None).await.expect(200);
    let secret: TotpSecret = serde_json::from_value(offer["secret"].clone()).expect("base32");
    secret.code_at(clock()).expect("a code")
}

impl Scene<'_> {
    /// What signs the other one in.
    pub(super) fn credentials(&self) -> Value {
        json!({"username": self.other.username, "password": PASSWORD})
    }
}

/// An export that is ready.
async fn exported(person: &Person) -> String {
    let id = id(&person.post("/v1/users/me/exports", None).await.expect(202).json);
    while person.get(format!("/v1/users/me/exports/{id}")).await.expect(200)["state"] != "ready" {
        tokio::task::yield_now().await;
    }
    id
}
