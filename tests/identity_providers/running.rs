//! Owns an identity provider as a process in a folder of its own: its keys, its start, its end.
//! Never touches which provider it is.

use portico_fixtures::saml_document::{Keys, public_key_pem};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use url::Url;

/// How long a provider may take to start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a provider has to know of the gateway's connection.
#[derive(Clone, Debug)]
pub(crate) struct ServiceDescription {
    /// The metadata that the gateway publishes.
    pub(crate) metadata: String,
    /// The connection's entity ID.
    pub(crate) entity_id: String,
    /// Where responses go.
    pub(crate) acs: String,
    /// Where logout messages go.
    pub(crate) logout: String,
    /// What it signs with, as a PEM file.
    pub(crate) signing: String,
    /// What may be encrypted for it, as a PEM file.
    pub(crate) encryption: String,
}

/// A folder for a provider, with its keys, and the port it will have.
pub(crate) struct Place {
    folder: TempDir,
    /// The port.
    pub(crate) port: u16,
}

impl Place {
    /// A fresh one.
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = &Keys::of_this_run().current;
        fs::write(folder.path().join("idp.key"), key.private_pem()).expect("the key is written");
        fs::write(folder.path().join("idp.crt"), key.certificate_pem()).expect("the certificate is written");
        fs::write(folder.path().join("variant"), "default").expect("the variant is written");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr());
        Self { folder, port: port.expect("a port").port() }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Start the provider, and wait until it publishes its metadata there.
    pub(crate) async fn start(self, mut command: Command, metadata: &str) -> Provider {
        let log = File::create(self.path("output")).expect("a file");
        let errors = log.try_clone().expect("a file");
        command.stdin(Stdio::null()).stdout(log).stderr(errors).process_group(0);
        let process =
            Process(command.spawn().expect("the provider starts; tests/install.sh test installs it"));
        let base = format!("http://127.0.0.1:{}", self.port);
        let provider = Provider {
            metadata: format!("{base}{metadata}"),
            base,
            login: Login { name: ("username", "alice"), password: ("password", "secret-alice") },
            place: self,
            _process: process,
        };
        provider.answers().await;
        provider
    }
}

/// The fields of a provider's login form, with what Alice types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    /// Who she is.
    pub(crate) name: (&'static str, &'static str),
    /// Her password.
    pub(crate) password: (&'static str, &'static str),
}

/// A provider that runs. It ends, with all that it started, when this is dropped.
pub(crate) struct Provider {
    // Dropped first: the folder goes when nothing runs in it any more.
    _process: Process,
    /// Where it is.
    pub(crate) base: String,
    /// Where its metadata is.
    pub(crate) metadata: String,
    /// How Alice signs in there.
    pub(crate) login: Login,
    place: Place,
}

impl Provider {
    /// The same; Alice signs in so.
    pub(crate) fn with(self, login: Login) -> Self {
        Self { login, ..self }
    }

    /// The provider's address.
    pub(crate) fn url(&self) -> Url {
        self.base.parse().expect("a URL")
    }

    /// Tell it of the gateway's connection.
    pub(crate) fn introduce(&self, service: &ServiceDescription) {
        let certificate = |pem: &str| -> String {
            pem.lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().concat()
        };
        let public = public_key_pem(&service.encryption);
        let description = json!({
            "entityId": service.entity_id,
            "acs": service.acs,
            "slo": service.logout,
            "certificate": service.signing,
            "encryptionCertificate": service.encryption,
            "encryptionPublicKey": public,
            "signingData": certificate(&service.signing),
            "encryptionData": certificate(&service.encryption),
        });
        fs::write(self.place.path("service.json"), description.to_string()).expect("it is written");
        fs::write(self.place.path("service.xml"), &service.metadata).expect("it is written");
    }

    /// Answer so from now on.
    pub(crate) fn vary(&self, variant: &str) {
        fs::write(self.place.path("variant"), variant).expect("it is written");
    }

    /// What it has said so far, for those who look for what went wrong.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.place.path("output")).unwrap_or_default()
    }

    /// Wait until it publishes its metadata.
    async fn answers(&self) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            let answer = http.get(&self.metadata).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the provider publishes nothing at {}: {}", self.metadata, self.said());
    }
}

/// A process that is ended with its group when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process_group(group, Signal::KILL);
        }
        let _gone = self.0.wait();
    }
}

/// Where `tests/install.sh test` puts what does not come from Debian.
pub(crate) fn installed(what: &str) -> PathBuf {
    let target = std::env::current_exe().expect("a program");
    // `<target>/debug/deps/identity_providers-…`
    let target = target.ancestors().nth(3).expect("a target folder");
    let path = target.join("identity-providers").join(what);
    assert!(path.exists(), "{} is missing: tests/install.sh test installs it", path.display());
    path
}

/// A file of this folder.
pub(crate) fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("identity_providers").join(name)
}
