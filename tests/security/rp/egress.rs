//! Owns RP-21: whom a connection's options can make us call. Nobody but public hosts, and those the operator lists.
//! Never touches what is said there.

use super::{Bank, Canary, IDENTIFIED, connect, outcome};
use async_trait::async_trait;
use bytes::Bytes;
use portico_core::{
    connector::ConnectorFactory,
    port::http::{HttpClient, HttpError},
};
use portico_egress::{AllowEntry, Egress, EgressPolicy, Lookup};
use portico_fixtures::oidc_idp::{Fault, Mischief};
use portico_oidc::OidcFactory;
use serde_json::json;
use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// An address of this machine on which nothing else listens at 8443, the one odd port that needs no permission.
const HOST: Ipv4Addr = Ipv4Addr::new(127, 31, 7, 21);

/// Gives each name the addresses that are next in line, and the last ones for ever.
pub(in crate::security) struct Script(Mutex<Vec<Vec<IpAddr>>>, AtomicUsize);

impl Script {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed =
            answers.iter().map(|addresses| addresses.iter().map(|text| text.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(parsed.collect()), AtomicUsize::new(0)))
    }

    /// How often names were looked up.
    pub(in crate::security) fn lookups(&self) -> usize {
        self.1.load(SeqCst)
    }
}

#[async_trait]
impl Lookup for Script {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.1.fetch_add(1, SeqCst);
        let mut answers = self.0.lock().unwrap();
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

/// The way out, with this on the operator's list, where names have these addresses one after another.
pub(in crate::security) fn egress(allow: &[&str], answers: &[&[&str]]) -> (Egress, Arc<Script>) {
    let script = Script::new(answers);
    let allow: Vec<AllowEntry> = allow.iter().map(|entry| entry.parse().unwrap()).collect();
    let policy = EgressPolicy { allow, ..EgressPolicy::default() };
    (Egress::with_lookup(policy, script.clone()).unwrap(), script)
}

async fn ask(egress: &Egress, url: &str) -> Result<u16, HttpError> {
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    egress.send(request).await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn rp_21_no_disguise_of_an_address_is_called() {
    let canary = Canary::listen_on((HOST, 8443).into()).await;
    let (egress, _) = egress(&[], &[&["127.31.7.21"]]);
    for host in [
        "127.31.7.21",
        "2132739861",
        "0x7f1f0715",
        "0177.037.07.025",
        "127.2033429",
        "[::ffff:127.31.7.21]",
        "[::ffff:7f1f:715]",
        "[::127.31.7.21]",
        "[64:ff9b::127.31.7.21]",
        "[2002:7f1f:715::]",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "localhost",
        "localhost.",
        "LocalHost",
        "idp.localhost",
        "idp.example",
        "idp.example.",
    ] {
        let refused = ask(&egress, &format!("https://{host}:8443/")).await.unwrap_err();
        assert!(matches!(refused, HttpError::Refused { .. }), "{host}: {refused:?}");
    }
    for url in [
        "http://idp.example/",
        "gopher://127.31.7.21:8443/",
        "ftp://127.31.7.21/",
        "https://u@127.31.7.21:8443/",
    ] {
        assert!(matches!(ask(&egress, url).await, Err(HttpError::Refused { .. })), "{url}");
    }
    assert_eq!(canary.hits(), 0);
    let _no_tls = ask(&self::egress(&["127.31.7.21:8443"], &[&[]]).0, "https://127.31.7.21:8443/").await;
    assert_eq!(canary.hits(), 1, "the operator may list it, and then it is called");
}

#[tokio::test]
async fn rp_21_every_address_of_a_name_is_vetted_and_only_a_vetted_one_is_called() {
    let canary = Canary::listen_on((Ipv4Addr::new(127, 31, 7, 22), 8443).into()).await;
    for answers in [
        &[&["127.31.7.22"][..]][..],
        &[&["8.8.8.8", "127.31.7.22"][..]],
        &[&["2606:4700::1111", "::ffff:127.31.7.22"][..]],
        &[&["64:ff9b::7f1f:716"][..]],
        &[&["169.254.169.254"][..]],
    ] {
        let (egress, script) = egress(&[], answers);
        let refused = ask(&egress, "https://rebind.example:8443/").await.unwrap_err();
        assert!(matches!(refused, HttpError::Refused { .. }), "{answers:?}: {refused:?}");
        assert_eq!(script.1.load(SeqCst), 1);
    }
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn rp_21_a_name_is_looked_up_once_so_a_second_answer_changes_nothing() {
    let bank = Bank::open().await;
    let port = bank.idp.address().port();
    let canary = Canary::listen_on((Ipv4Addr::new(127, 31, 7, 23), port).into()).await;
    // The first answer is the bank; every later one is the canary.
    let (egress, script) = egress(&[&format!("idp.test:{port}")], &[&["127.0.0.1"], &["127.31.7.23"]]);
    let status =
        ask(&egress, &format!("http://idp.test:{port}/.well-known/openid-configuration")).await.unwrap();
    assert_eq!((status, bank.idp.seen().discovery, script.1.load(SeqCst)), (200, 1, 1));
    assert_eq!(canary.hits(), 0);
    // A listed name is no way to the metadata service of a cloud.
    let (egress, _) = self::egress(&["idp.test:80"], &[&["169.254.169.254"]]);
    assert!(matches!(ask(&egress, "http://idp.test:80/").await, Err(HttpError::Refused { .. })));
}

#[tokio::test]
async fn rp_21_a_connection_to_a_private_address_is_refused_without_telling_why() {
    let bank = Bank::open().await;
    let unlisted =
        connect(bank.name, &bank.idp, bank.clock.clone(), json!({}), EgressPolicy::default()).await;
    let bank = Bank { connector: unlisted, ..bank };
    let told = bank.login().await;
    assert_eq!(told, format!("misconfigured: `{}` may not be reached from here", bank.idp.discovery_url()));
    assert_eq!(bank.idp.seen().discovery, 0);

    for url in [
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "ftp://idp.example/",
        "http://10.0.0.1/",
        "//idp.example",
    ] {
        let options = json!({"discovery_url": url, "client_id": "a", "client_secret": "b"});
        let problems = OidcFactory::oidc().check(&options).unwrap_err();
        assert_eq!(problems[0].pointer, "/discovery_url", "{url}");
    }
}

#[tokio::test]
async fn rp_21_a_redirect_to_a_private_address_is_not_followed() {
    let bank = Bank::open().await;
    let canary = Canary::listen().await;
    for status in [301, 302, 307, 308] {
        let fault = Some(Fault::Redirect(status, canary.url()));
        bank.idp.set_mischief(Mischief { discovery_fault: fault, ..Mischief::default() });
        let told = outcome(bank.begin().await.map(|_begun| panic!("it went on")));
        assert_eq!(told, "rejected: discovery_status", "{status}");
    }
    assert_eq!(canary.hits(), 0);
    bank.idp.set_mischief(Mischief::default());
    assert_eq!(bank.login().await, IDENTIFIED);
}
