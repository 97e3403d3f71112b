//! Owns whole logins through a SAML identity provider: from the application's request to its tokens, over HTTP.
//! Never touches the bank's own time: it answers in this process.

use super::{
    documents::{Bank, CONNECTION, GROUPS},
    peers::Peers,
};
use crate::{
    gateway::Gateway,
    person::{Person, Wire},
    table::Figure,
};
use anyhow::{Result, anyhow};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use portico_fixtures::{
    api::text,
    browser::Transport,
    saml_document::{Element, inflated},
};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use url::Url;

/// Logins per CPU second of the server, against those of another bridge.
pub(crate) async fn figure(gateway: &Gateway, peers: &Peers) -> Result<Figure> {
    let mut bank = Bank::new();
    let host = gateway.issuer.host_str().unwrap_or_default();
    bank.place.audience = format!("urn:auth0:{host}:{CONNECTION}");
    bank.place.acs = format!("{}login/callback?connection={CONNECTION}", gateway.issuer);
    connect(gateway, &bank).await?;
    let wire = Arc::<Wire>::default();
    let bank = Arc::new(bank);
    let transport: Arc<dyn Transport> =
        Arc::new(Between { wire: Arc::clone(&wire), bank: Arc::clone(&bank) });
    for _ in 0..20 {
        Person::elsewhere(gateway, &wire, &transport).sign_in(CONNECTION).await?;
    }
    let (mut ours, mut theirs) = (Duration::ZERO, Vec::new());
    for _ in 0..ROUNDS {
        let before = gateway.cpu()?;
        for _ in 0..LOGINS {
            Person::elsewhere(gateway, &wire, &transport).sign_in(CONNECTION).await?;
        }
        ours += gateway.cpu()?.saturating_sub(before);
        theirs.extend(peers.jackson(&bank, LOGINS)?);
    }
    let rate = f64::from(LOGINS * ROUNDS) / ours.as_secs_f64();
    let theirs = theirs.iter().sum::<f64>() / f64::from(ROUNDS);
    let missing =
        if theirs > 0.0 { String::new() } else { "; saml-jackson could not be installed".to_owned() };
    Ok(Figure {
        name: "SAML logins over HTTP per CPU second / saml-jackson",
        measured: format!("{:.1}", rate / theirs),
        asked: ">= 7",
        reached: theirs > 0.0 && rate / theirs >= 7.0,
        from: format!(
            "{rate:.0} ({:.2?} each); saml-jackson, no HTTP, {theirs:.0}{missing}",
            ours / (LOGINS * ROUNDS)
        ),
    })
}

/// Make the connection, for every organization's members to be.
async fn connect(gateway: &Gateway, bank: &Bank) -> Result<()> {
    let api = gateway.world.api(&gateway.issuer).await?;
    let connection = json!({
        "name": CONNECTION,
        "strategy": "samlp",
        "options": bank.options(),
        "enabled_clients": [gateway.world.client.as_str()],
    });
    let id = text(&api.post("connections", connection).await?, "id")?;
    let place = json!({"connection_id": id, "assign_membership_on_login": true});
    api.post(&format!("organizations/{}/enabled_connections", gateway.world.organization(0).as_str()), place)
        .await?;
    Ok(())
}

/// The way to the gateway and to the bank.
struct Between {
    wire: Arc<Wire>,
    bank: Arc<Bank>,
}

#[async_trait]
impl Transport for Between {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let address = request.uri().to_string();
        if !address.starts_with("http://idp.localhost:9/sso") {
            return self.wire.send(request).await;
        }
        let page = self.page(&address).map_err(|problem| problem.to_string())?;
        let answer = Response::builder().header(CONTENT_TYPE, "text/html").body(Bytes::from(page));
        answer.map_err(|problem| problem.to_string())
    }
}

impl Between {
    /// What the bank's page posts, as if somebody had signed in there.
    fn page(&self, address: &str) -> Result<String> {
        let address: Url = address.parse()?;
        let get = |name: &str| {
            let found = address.query_pairs().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned()).ok_or_else(|| anyhow!("no {name}"))
        };
        let request = Element::read(&inflated(&get("SAMLRequest")?)?)?;
        let answer = self.bank.answer(request.attribute("ID"), GROUPS).written().written();
        Ok(format!(
            "<form method=\"post\" action=\"{}\" data-auto-post><input name=\"SAMLResponse\" value=\"{}\"><input \
             name=\"RelayState\" value=\"{}\"></form>",
            self.bank.place.acs,
            STANDARD.encode(answer),
            get("RelayState")?
        ))
    }
}

/// How often both take turns.
const ROUNDS: u32 = 3;
/// Logins a turn.
const LOGINS: u32 = 300;
