//! Owns `portico saml`: why a response was refused, and the key pairs that partners know.
//! Never touches how a response is judged: `security::saml` does.

use portico_core::time::{Clock, SystemClock};
use portico_fixtures::{
    api::Api,
    saml_document::{Keys, Place, Recipe, Signing},
    saml_idp::{SamlIdp, SamlIdpConfig},
};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long the gateway may take to start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// An administrator's machine: a folder with a configuration, and a gateway that serves.
struct Desk {
    folder: TempDir,
    issuer: String,
    serving: Option<Child>,
}

/// What a command said: its exit code, its output, and its errors.
struct Said(i32, String, String);

impl Desk {
    fn open() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: format!("http://localhost:{port}/"),
            serving: None,
        };
        let configuration = format!(
            "data_dir = {:?}\n[server]\nlisten = \"127.0.0.1:{port}\"\nissuer = {:?}\nadmin_listen = \"127.0.0.1:0\"\n",
            desk.path("data"),
            desk.issuer,
        );
        fs::write(desk.path("portico.toml"), configuration).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portico-under-test"));
        for (name, _value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PORTICO_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Type a command in the folder.
    fn types(&self, arguments: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said(status.code().unwrap(), text(stdout), text(stderr))
    }

    /// Make the store ready, serve, and get a client of the Management API.
    async fn serve(&mut self) -> Api {
        let Said(code, told, errors) = self.types(&["bootstrap", "--json"]);
        assert_eq!(code, 0, "{told}{errors}");
        let made: Value = serde_json::from_str(&told).unwrap();
        let of = |name: &str| made[name].as_str().unwrap().to_owned();
        let errors = fs::File::create(self.path("errors")).unwrap();
        let serving = self.command(&["serve"]).stdout(Stdio::null()).stderr(errors).spawn();
        self.serving = Some(serving.unwrap());
        let issuer = self.issuer.parse().unwrap();
        let began = tokio::time::Instant::now();
        loop {
            match Api::connect(&issuer, &of("client_id"), &of("client_secret")).await {
                Ok(api) => return api,
                Err(error) if began.elapsed() > PATIENCE => {
                    panic!("{error}: {}", fs::read_to_string(self.path("errors")).unwrap())
                }
                Err(_not_yet) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Serve, with a connection `metahexa` to the bank's identity provider.
    async fn serve_the_bank(&mut self) -> (Api, SamlIdp) {
        let api = self.serve().await;
        let idp = SamlIdp::start(SamlIdpConfig::new("MetaHexa Bank")).await.unwrap();
        let options = json!({ "metadataXml": idp.metadata() });
        let connection = json!({ "name": "metahexa", "strategy": "samlp", "options": options });
        api.post("connections", connection).await.unwrap();
        (api, idp)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(mut serving) = self.serving.take() {
            let _gone = serving.kill();
            let _gone = serving.wait();
        }
    }
}

#[tokio::test]
async fn an_administrator_finds_out_why_a_response_was_refused() {
    let mut desk = Desk::open();
    let (_api, idp) = desk.serve_the_bank().await;
    let place = Place {
        issuer: idp.entity_id(),
        audience: "urn:auth0:localhost:metahexa".to_owned(),
        acs: format!("{}login/callback?connection=metahexa", desk.issuer),
    };
    let mut recipe = Recipe::new(&place, Some("_the-request"), SystemClock.now());
    recipe.sign_assertion = Some(Signing::with(&Keys::of_this_run().current));
    fs::write(desk.path("good.b64"), recipe.posted()).unwrap();

    let Said(code, told, errors) = desk.types(&["saml", "explain", "good.b64", "--connection", "metahexa"]);
    assert_eq!(code, 0, "{told}{errors}");
    for line in
        ["ok    well_formed", "ok    signature", "ok    audience", "accepted at ", "the profile has: "]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(!told.contains("low@metahexa.example") && !told.contains("FAIL"), "no contents: {told}");

    // Recorded yesterday, it is too old now; it was good when it came.
    let late = SystemClock.now().plus(Duration::from_hours(24)).iso();
    let asked = ["saml", "explain", "good.b64", "--connection", "metahexa", "--at", &late];
    let Said(code, told, errors) = desk.types(&asked);
    assert_eq!(code, 1, "{told}{errors}");
    assert!(told.lines().last().is_some_and(|line| line.starts_with("FAIL  issue_instant")), "{told}");
    assert!(errors.contains("refused (issued_too_long_ago): "), "{errors}");

    // The document as XML, meant for another: what was expected, what came, and what to change where.
    recipe.conditions.as_mut().unwrap().audiences = vec![vec!["urn:a".to_owned()]];
    fs::write(desk.path("wrong.xml"), recipe.written().written()).unwrap();
    let Said(code, told, errors) = desk.types(&["saml", "explain", "wrong.xml", "--connection", "metahexa"]);
    assert_eq!(code, 1, "{told}{errors}");
    assert!(told.contains("ok    signature") && told.contains("FAIL  audience"), "{told}");
    for part in ["refused (audience_wrong)", "`urn:a`", "`urn:auth0:localhost:metahexa`", "identity provider"]
    {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    assert!(!format!("{told}{errors}").contains("low@metahexa.example"), "no contents: {told}{errors}");

    // Wrong use is told apart.
    let Said(code, _, errors) = desk.types(&["saml", "explain", "good.b64", "--connection", "nobody"]);
    assert_eq!(code, 1);
    assert!(errors.contains("there is no connection `nobody`; check --connection"), "{errors}");
    let Said(code, _, errors) = desk.types(&["saml", "explain", "none.b64", "--connection", "metahexa"]);
    assert_eq!(code, 1);
    assert!(errors.contains("none.b64"), "{errors}");
    let asked = ["saml", "explain", "good.b64", "--connection", "metahexa", "--at", "yesterday"];
    let Said(code, _, errors) = desk.types(&asked);
    assert_eq!(code, 2);
    assert!(errors.contains("2026-11-24T12:00:00Z"), "{errors}");
}

/// The pairs that a list shows: purpose, state and name.
fn pairs(listed: &str) -> Vec<(String, String, String)> {
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        (next(), next(), next())
    };
    listed.lines().map(pair).collect()
}

#[tokio::test]
async fn an_administrator_rotates_the_key_pairs_that_partners_know() {
    let mut desk = Desk::open();
    let (api, _idp) = desk.serve_the_bank().await;

    let Said(code, told, errors) = desk.types(&["saml", "keys"]);
    assert_eq!(code, 0, "{told}{errors}");
    let before = pairs(&told);
    let named = |pairs: &[(String, String, String)], purpose: &str, state: &str| {
        let found: Vec<_> = pairs
            .iter()
            .filter(|pair| pair.0 == purpose && pair.1 == state)
            .map(|pair| pair.2.clone())
            .collect();
        assert!(found.len() <= 1, "{pairs:?}");
        found.into_iter().next()
    };
    assert_eq!(before.len(), 4, "{told}");
    let (old, next) = (named(&before, "signing", "current"), named(&before, "signing", "next").unwrap());
    assert!(old.is_some() && named(&before, "encryption", "current").is_some(), "{told}");
    assert!(!told.contains("PRIVATE"), "{told}");

    let Said(code, told, errors) = desk.types(&["saml", "rotate", "signing"]);
    assert_eq!(code, 0, "{told}{errors}");
    assert!(told.starts_with(&format!("signing with {next} from now on")), "{told}");
    let Said(_, told, _) = desk.types(&["saml", "keys"]);
    let after = pairs(&told);
    assert_eq!(named(&after, "signing", "current"), Some(next.clone()), "{told}");
    assert_eq!(named(&after, "signing", "previous"), old, "{told}");
    assert_ne!(named(&after, "signing", "next"), Some(next));
    assert_eq!(named(&after, "encryption", "current"), named(&before, "encryption", "current"));
    let Said(code, _, errors) = desk.types(&["saml", "rotate", "everything"]);
    assert_eq!(code, 2);
    assert!(errors.contains("signing") && errors.contains("encryption"), "{errors}");

    // A gateway that starts now publishes the pair that was next, and the one after it.
    let mut serving = desk.serving.take().unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    let errors = fs::File::create(desk.path("errors")).unwrap();
    desk.serving = Some(desk.command(&["serve"]).stdout(Stdio::null()).stderr(errors).spawn().unwrap());
    let began = tokio::time::Instant::now();
    let published = loop {
        match api.page("samlp/metadata?connection=metahexa").await {
            Ok(published) => break published,
            Err(error) if began.elapsed() > PATIENCE => panic!("{error}"),
            Err(_not_yet) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert!(published.matches("use=\"signing\"").count() >= 2, "{published}");
}
