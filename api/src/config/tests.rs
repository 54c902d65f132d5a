use super::*;
use crate::transport::CertificateSource;

fn load(settings: &Settings) -> Result<Config, String> {
    Config::load(settings).map_err(|error| error.to_string())
}

fn in_file(text: &str) -> Settings {
    let path = std::env::temp_dir().join(format!("tidings-config-{}.toml", uuid::Uuid::new_v4()));
    std::fs::write(&path, text).unwrap();
    Settings { config: Some(path), ..Settings::default() }
}

#[test]
fn flags_win_over_the_file_and_the_file_over_the_defaults() {
    let file = in_file("listen = \"127.0.0.1:9000\"\nmessages_window_days = 7\n");
    let config = load(&Settings { listen: Some("127.0.0.1:0".to_owned()), ..file }).unwrap();
    assert_eq!((config.listen.port(), config.messages_window_days), (0, 7));
    assert_eq!((config.log.as_str(), config.data_dir.to_str()), ("info", Some("./data")));
}

#[test]
fn a_wrong_setting_is_named_in_one_sentence() {
    for (settings, named) in [
        (in_file("listen = \"nowhere\""), "TIDINGS_LISTEN"),
        (in_file("lisen = \"127.0.0.1:1\""), "lisen"),
        (in_file("messages_window_days = -1"), "messages_window_days"),
        (in_file("log = \"=,=\""), "TIDINGS_LOG"),
        (in_file("trusted_proxies = \"10.0.0.0/33\""), "TIDINGS_TRUSTED_PROXIES"),
        (in_file("cors_origins = \"chat.example\""), "TIDINGS_CORS_ORIGINS"),
        (in_file("rebuild_share = 0.0"), "TIDINGS_REBUILD_SHARE"),
        (in_file("verify_hours = -1.0"), "TIDINGS_VERIFY_HOURS"),
        (in_file("verify_sample = 501"), "TIDINGS_VERIFY_SAMPLE"),
        (in_file("exports_hours = 0"), "TIDINGS_EXPORTS_HOURS"),
        (in_file("exports_max_mib = 0"), "TIDINGS_EXPORTS_MAX_MIB"),
        (in_file("max_connections = 0"), "TIDINGS_MAX_CONNECTIONS"),
        (in_file("client_timeout = 0"), "TIDINGS_CLIENT_TIMEOUT"),
        (in_file("attachments = \"ftp://x\""), "TIDINGS_ATTACHMENTS"),
        (in_file("attachments = \"s3://\""), "TIDINGS_ATTACHMENTS"),
        (in_file("attachments_max_mib = 0"), "TIDINGS_ATTACHMENTS_MAX_MIB"),
        (in_file("attachments = \"s3://b\"\ns3_endpoint = \"b\""), "TIDINGS_S3_ENDPOINT"),
        (in_file("attachments = \"s3://b\"\ns3_access_key_id = \"b\""), "TIDINGS_S3_ACCESS_KEY_ID"),
        (in_file("tls_cert = \"a.pem\""), "TIDINGS_TLS_CERT"),
        (in_file("tls_key = \"a.pem\""), "TIDINGS_TLS_KEY"),
        (Settings { config: Some("/nowhere/tidings.toml".into()), ..Settings::default() }, "TIDINGS_CONFIG"),
    ] {
        let error = load(&settings).unwrap_err();
        assert!(error.contains(named) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn acme_is_checked_before_an_authority_is_asked() {
    let acme = |text: &str| {
        let tls = load(&in_file(&format!("data_dir = \"there\"\n{text}"))).map(|config| config.edge.tls)?;
        match tls {
            Some(CertificateSource::Acme(settings)) => Ok(settings),
            Some(CertificateSource::Files(_)) | None => Err("no ACME".to_owned()),
        }
    };
    let settings =
        acme("acme_domains = \"chat.example, www.chat.example\"\nacme_contact = \"root@chat.example\"").unwrap();
    assert_eq!(settings.domains, ["chat.example", "www.chat.example"]);
    assert_eq!(settings.contact, ["mailto:root@chat.example"]);
    assert_eq!(settings.cache.to_str(), Some("there/acme"));
    assert!(settings.directory.starts_with("https://acme-v02."));
    for (text, named) in [
        ("acme_domains = \"*.chat.example\"", "TIDINGS_ACME_DOMAINS"),
        ("acme_domains = \"10.0.0.1\"", "TIDINGS_ACME_DOMAINS"),
        ("acme_domains = \"a.example\"\ntls_cert = \"a\"\ntls_key = \"b\"", "TIDINGS_ACME_DOMAINS"),
        ("acme_domains = \"a.example\"\nacme_directory = \"http://x\"", "TIDINGS_ACME_DIRECTORY"),
        ("acme_domains = \"a.example\"\nacme_contact = \"nobody\"", "TIDINGS_ACME_CONTACT"),
        ("acme_contact = \"a@b.example\"", "TIDINGS_ACME_CONTACT"),
    ] {
        let error = acme(text).unwrap_err();
        assert!(error.starts_with(named), "{text}: {error}");
    }
}

#[test]
fn a_collector_gets_traces_at_its_own_path() {
    let endpoint = |text: &str| load(&in_file(&format!("otlp_endpoint = {text:?}"))).map(|config| config.otlp_endpoint);
    assert_eq!(endpoint("http://localhost:4318").unwrap().as_deref(), Some("http://localhost:4318/v1/traces"));
    assert_eq!(endpoint("https://traces.example/mine").unwrap().as_deref(), Some("https://traces.example/mine"));
    assert!(endpoint("localhost:4318").unwrap_err().starts_with("TIDINGS_OTLP_ENDPOINT"));
}

#[test]
fn each_part_goes_to_its_engine_and_no_password_is_printed() {
    let text = "event_store = \"postgres://user:hunter2@db/x\"\nviews = \"postgres://user:hunter2@db/y\"";
    let config = load(&in_file(text)).unwrap();
    assert!(matches!(&config.engines.events, LogEngine::Postgres(url) if url.place().database == "x"));
    assert!(matches!(config.engines.keys, Engine::Sqlite));
    assert_eq!((config.drain.as_secs(), load(&in_file("")).unwrap().drain.as_secs()), (2, 0));
    assert!(!format!("{config:?}").contains("hunter2"));
    for (text, named) in [
        ("event_store = \"mysql://user:hunter2@db/x\"", "TIDINGS_EVENT_STORE"),
        ("keys = \"postgres://user:hunter2@db/x\"", "TIDINGS_SECRET"),
        ("views_read = \"postgres://user:hunter2@db/x\"", "TIDINGS_VIEWS_READ"),
    ] {
        let error = load(&in_file(text)).unwrap_err();
        assert!(error.starts_with(named) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn attachments_go_to_files_or_a_bucket_and_no_secret_is_printed() {
    let config = load(&in_file("")).unwrap().attachments;
    assert!(matches!((config.place, config.max_bytes), (AttachmentPlace::Files, 26_214_400)));
    let text =
        "attachments = \"s3://bucket/some/where\"\ns3_access_key_id = \"ada\"\ns3_secret_access_key = \"hunter2\"";
    let config = load(&in_file(text)).unwrap();
    let AttachmentPlace::S3(place) = &config.attachments.place else { panic!("a bucket") };
    assert_eq!((place.bucket.as_str(), place.prefix.as_str()), ("bucket", "some/where"));
    assert!(place.credentials.is_some() && !format!("{config:?}").contains("hunter2"));
}

#[test]
fn the_secret_is_never_printed() {
    let config = load(&in_file("secret = \"0123456789abcdef0123456789abcdef\"")).unwrap();
    assert!(!format!("{config:?}").contains("0123456789abcdef"));
    let error = load(&in_file("secret = \"hunter2\"")).unwrap_err();
    assert!(error.starts_with("TIDINGS_SECRET") && !error.contains("hunter2"));
}
