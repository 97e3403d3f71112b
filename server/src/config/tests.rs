//! Owns the tests of configuration.
//! Never touches the environment of this process: tests bring their own.

use super::*;
use std::collections::BTreeSet;

const EXAMPLE: &str = include_str!("../../../portico.example.toml");

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portico.toml");
    std::fs::write(&file, text).unwrap();
    load_file(&file, &[], &[])
}

fn load_file(
    file: &Path,
    environment: &[(&str, &str)],
    said: &[(&'static str, String)],
) -> Result<Config, ConfigError> {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load_with(Some(file), Environment(environment), said)
}

/// The error's text, with the folder cut off the file's name.
fn complaint(text: &str) -> String {
    let error = load(text).unwrap_err().to_string();
    match error.find("portico.toml") {
        Some(at) if error.starts_with('`') => format!("`{}", &error[at..]),
        _ => error,
    }
}

#[test]
fn the_example_holds_the_defaults() {
    let example: Config = Figment::from(Toml::string(EXAMPLE)).extract().unwrap();
    assert_eq!(example, Config::default());
}

#[test]
fn the_example_documents_every_key_and_no_other() {
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|first: char| first.is_ascii_lowercase()) => {
                format!("{setting}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let full: Config = Figment::from(Toml::string(&uncommented)).extract().unwrap();
    let documented: toml::Table = uncommented.parse().unwrap();
    let known = toml::Table::try_from(&full).unwrap();
    assert_eq!(keys(&documented, ""), keys(&known, ""));
    for (key, value) in serde_json::to_value(&full).unwrap().as_object().unwrap() {
        assert!(!value.to_string().contains("null"), "every key of `{key}` has an example");
    }
}

fn keys(table: &toml::Table, above: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (key, value) in table {
        let path = format!("{above}{key}");
        match value.as_table() {
            Some(inner) => all.extend(keys(inner, &format!("{path}."))),
            None => _ = all.insert(path),
        }
    }
    all
}

#[test]
fn a_misspelt_key_is_an_error_that_names_the_nearest_one() {
    assert_eq!(
        complaint("[server]\n\nlissten = \"127.0.0.1:1\"\n"),
        "`portico.toml` line 3: there is no key `server.lissten`; did you mean `server.listen`?"
    );
    assert_eq!(
        complaint("[server.tls]\ncertificate = \"x\"\n"),
        "`portico.toml` line 2: there is no key `server.tls.certificate`; did you mean `server.tls.cert`?"
    );
    assert!(complaint("[sevrer]\n").ends_with("there is no key `sevrer`; did you mean `server`?"));
    assert!(
        complaint("[log]\nqqq = 1\n")
            .ends_with("there is no key `log.qqq`; there are: format, level, audit_days")
    );
}

#[test]
fn a_wrong_value_names_its_place_and_what_is_expected() {
    assert_eq!(
        complaint("[store]\npool = \"many\"\n"),
        "`portico.toml` line 2: `store.pool` must be usize, not string \"many\""
    );
    assert!(
        complaint("[log]\nformat = \"xml\"\n")
            .contains("line 2: `log.format` must be one of text, json, not `xml`")
    );
    assert!(complaint("[server\n").contains("is not valid TOML"));
    assert!(complaint("[server]\nlisten = \"here\"\n").contains("`server.listen`"));
}

#[test]
fn no_complaint_shows_a_secret() {
    for text in [
        "[store]\ndatabase_url = 12345\n",
        "[mail]\nsmtp_url = \"smtp://u:hunter2@\"\n",
        "[mail]\nsmtp_url = [\"hunter2\"]\n",
    ] {
        let complaint = complaint(text);
        assert!(!complaint.contains("hunter2") && !complaint.contains("12345"), "{complaint}");
    }
    let config = load("[mail]\nsmtp_url = \"smtps://u:hunter2@mail.example\"\n").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!serde_json::to_string(&config).unwrap().contains("hunter2"));
}

#[test]
fn a_secret_is_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://u:p@h/d\n").unwrap();
    let by_file = format!("[store]\ndatabase_url_file = {:?}\n", file.to_str().unwrap());
    assert_eq!(load(&by_file).unwrap().database_url(), "postgres://u:p@h/d");
    let twice = format!("{by_file}database_url = \"x.db\"\n");
    assert_eq!(
        load(&twice).unwrap_err().to_string(),
        "`store.database_url` and `store.database_url_file` are both set; keep one of them"
    );
    assert!(
        load("[mail]\nsmtp_url_file = \"/nowhere\"\n")
            .unwrap_err()
            .to_string()
            .contains("`/nowhere` cannot be read")
    );
}

#[test]
fn the_issuer_has_a_slash_and_a_host_of_its_own() {
    let issuer = |text: &str| {
        load(&format!("[server]\nissuer = {text:?}\n"))
            .map(|config| config.server.issuer().to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(issuer("https://login.example").unwrap(), "https://login.example/");
    assert_eq!(issuer("https://login.example/").unwrap(), "https://login.example/");
    assert_eq!(issuer("http://localhost:8000").unwrap(), "http://localhost:8000/");
    for wrong in [
        "http://login.example/",
        "https://login.example/portico",
        "https://u@login.example/",
        "https://login.example/?x",
        "ftp://x/",
    ] {
        assert!(issuer(wrong).unwrap_err().starts_with("`server.issuer` is"), "{wrong}");
    }
    assert_eq!(
        Config::load(None, &[("server.listen", "127.0.0.1:8123".to_owned())])
            .unwrap()
            .server
            .issuer()
            .as_str(),
        "http://localhost:8123/"
    );
    let error = load("[server]\nlisten = \"0.0.0.0:8000\"\n").unwrap_err();
    assert!(error.to_string().starts_with("`server.issuer` is missing"), "{error}");
}

#[test]
fn a_certificate_needs_its_key() {
    let complaint = |text: &str| load(text).unwrap_err().to_string();
    assert!(complaint("[server.tls]\ncert = \"a\"\n").starts_with("`server.tls.key` is missing"));
    assert!(complaint("[server.tls]\nkey = \"a\"\n").starts_with("`server.tls.cert` is missing"));
    assert!(
        complaint("[server.tls]\ncert = \"a\"\nkey = \"b\"\nself_signed = true\n")
            .starts_with("`server.tls.self_signed`")
    );
}

#[test]
fn values_that_fit_no_one_are_refused() {
    assert!(complaint("[server]\ntrusted_proxies = [\"proxy\"]\n").contains("`proxy` is not a network"));
    assert!(complaint("[password]\nmemory_kib = 1024\n").contains("`password.memory_kib` is too low"));
    assert!(
        complaint("[mail]\nfrom = \"nobody\"\nsmtp_url = \"smtp://localhost\"\n")
            .starts_with("`mail.from` is `nobody`")
    );
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portico.toml");
    std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\nconnections = 7\ndrain_seconds = 1\n")
        .unwrap();
    let mut environment = vec![
        ("PORTICO_SERVER__LISTEN", "127.0.0.1:2"),
        ("PORTICO_SERVER__CONNECTIONS", "8"),
        ("PORTICO_SERVER__TLS__SELF_SIGNED", "true"),
        ("PORTICO_SERVER__ALIASES", "[\"a\", \"b:1\"]"),
        ("HOME", "/root"),
    ];
    let said = [("server.listen", "127.0.0.1:3".to_owned())];
    let config = load_file(&file, &environment, &said).unwrap();
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.connections, 8);
    assert_eq!(config.server.drain_seconds, 1);
    assert_eq!(config.server.aliases, ["a", "b:1"]);
    assert_eq!(config.server.issuer().as_str(), "https://localhost:3/");

    environment.push(("PORTICO_SERVER__LISSTEN", "x"));
    assert_eq!(
        load_file(&file, &environment, &[]).unwrap_err().to_string(),
        "environment variable `PORTICO_SERVER__LISSTEN`: there is no key `server.lissten`; did you mean `server.listen`?"
    );
}
