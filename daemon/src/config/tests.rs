//! Configuration from maps and texts; the real environment is never read.

use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let home = [("HOME", "/home/op")];
    home.iter().chain(pairs).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(file: &str, pairs: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigErrors> {
    Config::load(Some((PathBuf::from("/etc/t.toml"), file.to_owned())), &env(pairs), flags)
}

fn errors(file: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    load(file, pairs, &Flags::default()).unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_set_gives_the_documented_defaults() {
    let config = Config::load(None, &env(&[]), &Flags::default()).unwrap();
    assert_eq!(config.gate.listen.to_string(), "127.0.0.1:7480");
    assert_eq!(config.gate.body_limit_bytes, 512 * 1024);
    assert_eq!((config.gate.connections_max, config.gate.connections_per_address_max), (4096, 256));
    assert_eq!(config.data_dir, Path::new("/home/op/.local/share/tollgate"));
    assert_eq!(config.socket.path, Path::new("/home/op/.local/share/tollgate/admin.sock"));
    assert_eq!((config.socket.mode, config.socket.group), (0o600, None));
    assert_eq!(config.limits.shutdown, Duration::from_secs(10));
    assert_eq!(config.log.level, LogLevel::Info);
    assert!(config.log.redact_members.contains(&"api_key".to_owned()));
    assert!(config.describe().iter().all(|setting| setting.origin == Origin::Default));
}

#[test]
fn surroundings_decide_directories_and_files() {
    let xdg = env(&[("XDG_DATA_HOME", "/d"), ("XDG_RUNTIME_DIR", "/run/user/7"), ("XDG_CONFIG_HOME", "/c")]);
    let config = Config::load(None, &xdg, &Flags::default()).unwrap();
    assert_eq!(config.data_dir, Path::new("/d/tollgate"));
    assert_eq!(config.socket.path, Path::new("/run/user/7/tollgate/admin.sock"));
    let files = Config::default_files(&xdg);
    assert_eq!(files, [PathBuf::from("/c/tollgate/tollgate.toml"), PathBuf::from("/etc/tollgate/tollgate.toml")]);

    let root = Flags { as_root: true, ..Flags::default() };
    let config = Config::load(None, &BTreeMap::new(), &root).unwrap();
    assert_eq!(config.data_dir, Path::new("/var/lib/tollgate"));
    assert_eq!(config.socket.path, Path::new("/run/tollgate/admin.sock"));
}

#[test]
fn flag_beats_variable_beats_file_and_each_says_so() {
    let file = "data_dir = \"/file\"\n[gate]\nlisten = \"127.0.0.1:1\"\nconnections = 7\n[log]\nlevel = \"warn\"\n";
    let pairs = [("TOLLGATE_LISTEN", "127.0.0.1:2"), ("TOLLGATE_LOG_LEVEL", "debug")];
    let flags = Flags { listen: Some("127.0.0.1:3".into()), ..Flags::default() };
    let config = load(file, &pairs, &flags).unwrap();
    assert_eq!(config.gate.listen.port(), 3);
    assert_eq!(config.log.level, LogLevel::Debug);
    assert_eq!(config.gate.connections_max, 7);
    assert_eq!(config.socket.path, Path::new("/file/admin.sock"));
    let origin = |key: &str| config.describe().iter().find(|s| s.key == key).unwrap().origin.to_string();
    assert_eq!(origin("gate.listen"), "--listen");
    assert_eq!(origin("log.level"), "TOLLGATE_LOG_LEVEL");
    assert_eq!(origin("gate.connections"), "/etc/t.toml:4");
    assert_eq!(origin("gate.body_limit"), "default");
}

#[test]
fn lists_come_as_arrays_or_with_commas() {
    let file = "[gate]\nhost_allowlist = [\"noc.example\", \"NOC2\"]\n";
    let config = load(file, &[("TOLLGATE_REDACT_MEMBERS", "pin, Cvc")], &Flags::default()).unwrap();
    assert_eq!(config.gate.host_allowlist, ["noc.example", "noc2"]);
    assert_eq!(config.log.redact_members, ["pin", "cvc"]);
}

#[test]
fn the_service_for_incidents_about_itself_is_named_with_its_team() {
    let config = load("[self]\nservice = \"Ops/Tollgate\"\n", &[], &Flags::default()).unwrap();
    assert_eq!(config.self_service.as_deref(), Some("Ops/Tollgate"));
    assert_eq!(load("", &[], &Flags::default()).unwrap().self_service, None);
}

#[test]
fn everything_wrong_is_reported_together_with_its_place() {
    let file = "data_dri = \"/x\"\n[gate]\nlisten = \"here\"\nbody_limit = 1\n[gate.tls]\ncert = \"x\"\n[zoo]\na = 1\n";
    let got = errors(file, &[("TOLLGATE_LISTN", "x"), ("TOLLGATE_SHUTDOWN", "soon"), ("TOLLGATE_VAR_X", "fine")]);
    let expected = [
        "/etc/t.toml:1: data_dri: unknown setting, did you mean data_dir?",
        "/etc/t.toml:3: gate.listen: not an address",
        "/etc/t.toml:4: gate.body_limit: write bytes",
        "/etc/t.toml:5: gate.tls: unknown setting",
        "/etc/t.toml:7: zoo: unknown setting",
        "TOLLGATE_LISTN: unknown variable, did you mean TOLLGATE_LISTEN?",
        "TOLLGATE_SHUTDOWN: limits.shutdown: write a time",
    ];
    assert_eq!(got.len(), expected.len(), "{got:#?}");
    for line in expected {
        assert!(got.iter().any(|error| error.starts_with(line)), "{line} is not in {got:#?}");
    }
}

#[test]
fn broken_file_is_reported_with_its_line() {
    let got = errors("data_dir = \"/x\"\n[gate\nlisten = 5\n", &[]);
    assert!(got[0].starts_with("/etc/t.toml:2: "), "{got:#?}");
}

#[test]
fn plain_http_beyond_this_host_needs_a_line_that_the_error_shows() {
    for listen in ["0.0.0.0:7480", "[::]:7480", "192.0.2.1:80"] {
        let got = errors("", &[("TOLLGATE_LISTEN", listen)]);
        assert_eq!(got.len(), 1);
        assert!(got[0].contains(&format!("[gate]\n    listen = \"{listen}\"\n    allow_plain_http = true")), "{got:?}");
        load("[gate]\nallow_plain_http = true\n", &[("TOLLGATE_LISTEN", listen)], &Flags::default()).unwrap();
    }
    load("", &[("TOLLGATE_LISTEN", "[::ffff:127.0.0.1]:1")], &Flags::default()).unwrap();
}

#[test]
fn bad_values_of_every_kind_are_refused() {
    for (variable, value) in [
        ("TOLLGATE_ALLOW_PLAIN_HTTP", "yes"),
        ("TOLLGATE_BODY_LIMIT", "99999999999GiB"),
        ("TOLLGATE_CONNECTIONS", "0"),
        ("TOLLGATE_DATA_DIR", "relative"),
        ("TOLLGATE_HOST_ALLOWLIST", "noc.example:80"),
        ("TOLLGATE_LOG_LEVEL", "loud"),
        ("TOLLGATE_ORIGIN_ALLOWLIST", "*"),
        ("TOLLGATE_SEGMENT_TIME", "2h"),
        ("TOLLGATE_SELF_SERVICE", "Tollgate"),
        ("TOLLGATE_SOCKET", ""),
        ("TOLLGATE_SOCKET_GROUP", "wheel"),
        ("TOLLGATE_SOCKET_MODE", "0666"),
        ("TOLLGATE_SOCKET_MODE", "0060"),
    ] {
        assert_eq!(errors("", &[(variable, value)]).len(), 1, "{variable}={value}");
    }
}

#[test]
fn every_default_parses_and_every_name_is_there_once() {
    let mut names: Vec<&str> = keys::KEYS.iter().flat_map(|key| [key.name, key.variable]).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(Config::load(None, &env(&[]), &Flags::default()).unwrap().describe().len(), keys::KEYS.len());
}

#[test]
fn certificate_and_key_come_together_and_make_other_hosts_welcome() {
    let load = |text: &str| Config::load(Some(("t.toml".into(), text.to_owned())), &BTreeMap::new(), &Flags::default());
    let alone = load("[gate]\ntls_key = \"/k.pem\"").unwrap_err().to_string();
    assert!(alone.contains("gate.tls_key") && alone.contains("set gate.tls_certificate too"), "{alone}");
    let both = "[gate]\nlisten = \"0.0.0.0:7480\"\ntls_certificate = \"/c.pem\"\ntls_key = \"/k.pem\"";
    assert_eq!(load(both).unwrap().gate.tls.unwrap().certificate, PathBuf::from("/c.pem"));
    let plain = load("[gate]\nlisten = \"0.0.0.0:7480\"").unwrap_err().to_string();
    assert!(plain.contains("tls_certificate") && plain.contains("allow_plain_http = true"), "{plain}");
}

#[test]
fn a_schedule_of_backups_says_where_to_and_how_they_are_locked() {
    let load = |text: &str| Config::load(Some(("t.toml".into(), text.to_owned())), &BTreeMap::new(), &Flags::default());
    assert!(load("").unwrap().backup.is_none());
    let nowhere = load("[backup]\nevery = \"24h\"").unwrap_err().to_string();
    assert!(nowhere.contains("backup.every") && nowhere.contains("set backup.to too"), "{nowhere}");
    let unlocked = load("[backup]\nevery = \"24h\"\nto = \"/mnt/usb\"").unwrap_err().to_string();
    assert!(unlocked.contains("set backup.passphrase_file too"), "{unlocked}");
    let whole = "[backup]\nevery = \"24h\"\nto = \"/mnt/usb\"\npassphrase_file = \"/etc/p\"";
    let plan = load(whole).unwrap().backup.unwrap();
    assert_eq!((plan.every, plan.keep), (Duration::from_secs(86_400), 7));
}
