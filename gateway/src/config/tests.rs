use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::*;

fn sources(file: Option<&std::path::Path>, variables: &[(&str, &str)]) -> Sources {
    Sources {
        flags: Overrides { config: file.map(Into::into), ..Overrides::default() },
        environment: variables.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect(),
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn refusal(variables: &[(&str, &str)]) -> String {
    sources(None, variables).load().unwrap_err().to_string()
}

#[test]
fn with_no_file_no_variable_and_no_flag_the_defaults_run_one_machine() {
    let settings = sources(None, &[("PATH", "/bin")]).load().unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:9001");
    assert_eq!(settings.high_volume.inline_max, 1 << 20);
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_the_default() {
    let file =
        file("data_dir = '/file'\n[server]\nlisten = '127.0.0.1:1'\nregion = 'file'\n[log]\nlevel = 'error'");
    let mut sources = sources(
        Some(file.path()),
        &[
            ("TERRACE_DATA_DIR", "/env"),
            ("TERRACE_SERVER__LISTEN", "127.0.0.1:2"),
            ("TERRACE_LOG__LEVEL", "warn"),
        ],
    );
    sources.flags.listen = Some("127.0.0.1:3".parse().unwrap());
    let settings = sources.load().unwrap();
    assert_eq!(settings.server.listen.port(), 3);
    assert_eq!(settings.data_dir.to_str(), Some("/env"));
    assert_eq!(settings.log.level, "warn");
    assert_eq!(settings.server.region, "file");
    assert_eq!(settings.admin, AdminSettings::default());
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let settings = sources(
        None,
        &[
            ("TERRACE_HIGH_VOLUME__INLINE_MAX", "64KiB"),
            ("TERRACE_HIGH_VOLUME__DURABILITY", "interval"),
            ("TERRACE_RECLAIM__GRACE", "250ms"),
            ("TERRACE_SERVER__MAX_CONNECTIONS", "7"),
            ("TERRACE_AUTH__PRESIGNED_V2", "false"),
            ("TERRACE_ETAG__MODE", "revision"),
            ("TERRACE_SPACE__RESERVE", "1048576"),
            ("TERRACE_SERVER__DOMAIN", "s3.example.com"),
            ("TERRACE_TRACES__SAMPLE", "0.25"),
        ],
    )
    .load()
    .unwrap();
    assert_eq!(settings.high_volume.inline_max, 64 << 10);
    assert_eq!(settings.high_volume.durability, DurabilitySetting::Interval);
    assert_eq!(settings.reclaim.grace, Duration::from_millis(250));
    assert_eq!(settings.server.max_connections, 7);
    assert!(!settings.auth.presigned_v2);
    assert_eq!(settings.etag.mode, EtagMode::Revision);
    assert_eq!(settings.space.reserve, Some(1 << 20));
    assert_eq!(settings.server.domain.as_deref(), Some("s3.example.com"));
    assert_eq!(settings.traces.sample.get(), 0.25);
}

#[test]
fn an_unknown_key_of_a_file_is_refused_with_its_line() {
    let file = file("[server]\nlisten = '127.0.0.1:1'\nlissten = '127.0.0.1:1'\n");
    let error = sources(Some(file.path()), &[]).load().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("line 3") && source.contains("lissten"), "{source}");
}

#[test]
fn every_unknown_or_ill_typed_variable_is_refused_by_name() {
    let refused = refusal(&[
        ("TERRACE_SERVER__LISSTEN", "127.0.0.1:1"),
        ("TERRACE_SEVER__LISTEN", "127.0.0.1:1"),
        ("TERRACE_SERVER__MAX_CONNECTIONS", "many"),
        ("TERRACE_RECLAIM__GRACE", "5"),
        ("TERRACE_SERVER", "x"),
        ("TERRACE_SERVER__TLS", "x"),
        ("TERRACE_HIGH_VOLUME__BACKEND", "sqlite"),
    ]);
    for name in [
        "TERRACE_SERVER__LISSTEN",
        "TERRACE_SEVER__LISTEN",
        "TERRACE_SERVER__MAX_CONNECTIONS",
        "TERRACE_RECLAIM__GRACE",
        "TERRACE_SERVER: ",
        "TERRACE_SERVER__TLS",
        "TERRACE_HIGH_VOLUME__BACKEND",
    ] {
        assert!(refused.contains(name), "{name} is not named in: {refused}");
    }
}

#[test]
fn what_kubernetes_says_of_a_service_called_terrace_is_not_taken_for_settings() {
    let links = [
        ("TERRACE_SERVICE_HOST", "10.0.0.1"),
        ("TERRACE_SERVICE_PORT", "9000"),
        ("TERRACE_SERVICE_PORT_S3", "9000"),
        ("TERRACE_PORT", "tcp://10.0.0.1:9000"),
        ("TERRACE_PORT_9000_TCP", "tcp://10.0.0.1:9000"),
        ("TERRACE_PORT_9000_TCP_ADDR", "10.0.0.1"),
        ("TERRACE_ADMIN_PORT_9001_TCP_PROTO", "tcp"),
        ("TERRACE_REQUIRE", "restic"),
    ];
    assert_eq!(sources(None, &links).load().unwrap(), Settings::default());
    assert!(refusal(&[("TERRACE_PORT_9000", "1")]).contains("TERRACE_PORT_9000"));
}

#[test]
fn spans_go_to_a_plain_address_with_headers_that_are_not_shown() {
    let settings = sources(
        None,
        &[
            ("TERRACE_TRACES__ENDPOINT", "http://collector:4318/otlp/"),
            ("TERRACE_TRACES__HEADERS", "authorization=Bearer sesame, x-scope=a"),
        ],
    )
    .load()
    .unwrap();
    assert_eq!(settings.traces.target().unwrap(), "http://collector:4318/otlp/v1/traces");
    let headers = settings.traces.header_map().unwrap();
    assert_eq!(
        (&headers["authorization"], &headers["x-scope"]),
        (&"Bearer sesame".parse().unwrap(), &"a".parse().unwrap())
    );
    assert!(
        !settings.to_toml().unwrap().contains("sesame")
            && !format!("{settings:?} {headers:?}").contains("sesame")
    );
    assert_eq!(Settings::default().traces.target(), None);

    for (name, wrong) in [
        ("ENDPOINT", "https://collector:4318"),
        ("ENDPOINT", "collector:4318"),
        ("ENDPOINT", "http://user:password@collector:4318"),
        ("ENDPOINT", "http://collector:4318/?token=x"),
        ("ENDPOINT", ""),
        ("SAMPLE", "1.5"),
        ("SAMPLE", "-0.1"),
        ("SAMPLE", "NaN"),
        ("HEADERS", "authorization"),
        ("HEADERS", "a b=c"),
        ("TIMEOUT", "0s"),
        ("TIMEOUT", "61s"),
    ] {
        let refused =
            refusal(&[(&format!("TERRACE_TRACES__{name}"), wrong)]).to_ascii_lowercase().replace("__", ".");
        assert!(
            refused.contains(&format!("traces.{}", name.to_ascii_lowercase())),
            "{name}={wrong}: {refused}"
        );
    }
    for (text, sample) in [("0", Some(0.0)), ("1", Some(1.0)), ("0.5", Some(0.5)), ("2", None), ("nan", None)]
    {
        let file = file(&format!("[traces]\nsample = {text}\n"));
        assert_eq!(
            check_file(file.path()).ok().map(|settings| settings.traces.sample.get()),
            sample,
            "{text}"
        );
    }
}

#[test]
fn all_problems_are_reported_at_once_with_their_paths() {
    let refused = refusal(&[
        ("TERRACE_HIGH_VOLUME__BACKEND", "fdb"),
        ("TERRACE_LONG_TERM__BACKEND", "gcs"),
        ("TERRACE_HIGH_VOLUME__INLINE_MAX", "2MiB"),
        ("TERRACE_SERVER__TLS__CERT_FILE", "/x"),
        ("TERRACE_AUTH__ACCESS_KEY", "KEYKEY"),
        ("TERRACE_RECLAIM__SWEEP_AGE", "10ms"),
        ("TERRACE_LOG__LEVEL", "terrace=loud"),
        ("TERRACE_SERVER__MAX_CONNECTIONS", "0"),
        ("TERRACE_ADMIN__LISTEN", "127.0.0.1:9000"),
    ]);
    for path in [
        "high_volume.backend: fdb is not in this build yet",
        "long_term.backend: gcs is not in this build yet",
        "high_volume.inline_max",
        "server.tls: needs both cert_file and key_file",
        "auth.secret_key: missing: set TERRACE_AUTH__SECRET_KEY",
        "reclaim.sweep_age",
        "log.level",
        "server.max_connections",
        "admin.listen",
    ] {
        assert!(refused.contains(path), "{path} is not in: {refused}");
    }
}

#[test]
fn a_secret_is_read_from_its_file_twin_and_a_higher_layer_replaces_either_form() {
    let secret = file("from-a-file-0123\n");
    let path = secret.path().to_str().unwrap();
    let keys = |extra: &[(&'static str, &str)]| {
        let mut variables = vec![("TERRACE_AUTH__ACCESS_KEY", "KEYKEY")];
        variables.extend_from_slice(extra);
        sources(None, &variables)
    };
    let settings = keys(&[("TERRACE_AUTH__SECRET_KEY_FILE", path)]).load().unwrap();
    assert_eq!(settings.auth.secret_key.unwrap().expose(), "from-a-file-0123");

    let below = file(&format!("[auth]\nsecret_key_file = '{path}'"));
    let mut layered = keys(&[("TERRACE_AUTH__SECRET_KEY", "from-a-variable")]);
    layered.flags.config = Some(below.path().into());
    assert_eq!(layered.load().unwrap().auth.secret_key.unwrap().expose(), "from-a-variable");

    let both =
        keys(&[("TERRACE_AUTH__SECRET_KEY_FILE", path), ("TERRACE_AUTH__SECRET_KEY", "from-a-variable")]);
    assert!(both.load().unwrap_err().to_string().contains("auth.secret_key"));

    let missing = keys(&[("TERRACE_AUTH__SECRET_KEY_FILE", "/nowhere")]).load().unwrap_err().to_string();
    assert!(missing.contains("auth.secret_key_file") && missing.contains("/nowhere"), "{missing}");
}

#[test]
fn a_secret_is_shown_by_no_rendering_of_the_settings() {
    let settings = sources(
        None,
        &[("TERRACE_AUTH__ACCESS_KEY", "KEYKEY"), ("TERRACE_AUTH__SECRET_KEY", "sesame-open-sesame")],
    )
    .load()
    .unwrap();
    let (printed, debugged) = (settings.to_toml().unwrap(), format!("{settings:?}"));
    assert!(!printed.contains("sesame") && !debugged.contains("sesame"));
    assert!(printed.contains("secret_key = \"<redacted>\""), "{printed}");
    let (credentials, _) = Credentials::resolve(&settings).unwrap();
    assert!(!format!("{credentials:?}").contains("sesame"));
}

#[test]
fn printed_settings_read_back_as_the_same_settings() {
    let printed = Settings::default().to_toml().unwrap();
    assert_eq!(check_file(file(&printed).path()).unwrap(), Settings::default(), "{printed}");
}

#[test]
fn generated_keys_are_kept_for_their_owner_alone_and_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Settings { data_dir: directory.path().join("new/data"), ..Settings::default() };
    let (first, path) = Credentials::resolve(&settings).unwrap();
    let path = path.unwrap();
    assert_eq!(path, settings.data_dir.join("credentials"));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(first.access_key.starts_with("TERR") && first.access_key.len() == 20);
    assert_eq!(first.secret_key.expose().len(), 40);
    assert_eq!(Credentials::resolve(&settings).unwrap().0, first);
    let names: Vec<_> =
        std::fs::read_dir(&settings.data_dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["credentials"]);

    let other = Settings { data_dir: directory.path().join("other"), ..Settings::default() };
    assert_ne!(Credentials::resolve(&other).unwrap().0, first);
}

#[test]
fn another_address_without_keys_is_refused_and_names_both_variables() {
    let mut settings = Settings::default();
    settings.server.listen = "0.0.0.0:9000".parse().unwrap();
    let refused = Credentials::resolve(&settings).unwrap_err().to_string();
    assert!(refused.contains("TERRACE_AUTH__ACCESS_KEY") && refused.contains("TERRACE_AUTH__SECRET_KEY"));
}

#[test]
fn damaged_keys_are_refused_without_showing_what_the_file_holds() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("credentials"), "access_key = \"A\"\nsecret_key = \"sesame\nx")
        .unwrap();
    let settings = Settings { data_dir: directory.path().into(), ..Settings::default() };
    let error = Credentials::resolve(&settings).unwrap_err();
    let shown = format!("{error} {:?} {}", error, std::error::Error::source(&error).unwrap());
    assert!(shown.contains("credentials") && !shown.contains("sesame"), "{shown}");
}
