//! Owns a person with a browser, and the application that they log in to.
//! Never touches figures.

use crate::{
    gateway::{Gateway, now},
    seed::{APPLICATION, AUDIENCE, PASSWORD, World},
};
use anyhow::{Context, Result, anyhow, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use portico_fixtures::browser::{Browser, Network, Transport};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use url::{Url, form_urlencoded};

/// A user, their browser, and the application.
pub(crate) struct Person<'g> {
    gateway: &'g Gateway,
    number: usize,
    wire: Arc<Wire>,
    browser: Browser,
}

/// Connections to a gateway that are kept, and the time that was spent waiting for it.
#[derive(Default)]
pub(crate) struct Wire {
    network: Network,
    nanoseconds: AtomicU64,
}

/// What an application asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// An ID token, and an access token that only we can read.
    Login,
    /// An ID token, and an access token of an API: two signatures.
    ApiAccess,
}

impl Wire {
    /// The time spent waiting since this was asked last.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.swap(0, Relaxed))
    }
}

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        // The application is here: what its page costs is nobody's figure.
        if request.uri().to_string().starts_with(APPLICATION) {
            return Ok(Response::new(Bytes::new()));
        }
        let began = now();
        let answer = self.network.send(request).await;
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(took, Relaxed);
        answer
    }
}

impl<'g> Person<'g> {
    /// This user of the gateway, with a new browser.
    pub(crate) fn new(gateway: &'g Gateway, number: usize, wire: &Arc<Wire>) -> Self {
        let number = number % gateway.world.users();
        let transport: Arc<dyn Transport> = Arc::<Wire>::clone(wire);
        Self { gateway, number, wire: Arc::clone(wire), browser: Browser::new(transport) }
    }

    /// Somebody whose account is elsewhere, with a new browser that reaches it by this transport.
    pub(crate) fn elsewhere(gateway: &'g Gateway, wire: &Arc<Wire>, transport: &Arc<dyn Transport>) -> Self {
        Self { gateway, number: 0, wire: Arc::clone(wire), browser: Browser::new(Arc::clone(transport)) }
    }

    /// Sign in there, by this connection, and let the application have its tokens.
    pub(crate) async fn sign_in(&mut self, connection: &str) -> Result<()> {
        let mut url: Url = self.authorize(Wanted::Login)?.parse()?;
        url.query_pairs_mut().append_pair("connection", connection);
        self.browser.open(url.as_str()).await?;
        self.browser.carry_on().await?;
        self.exchange().await
    }

    /// Log in with the password, and let the application have its tokens.
    pub(crate) async fn log_in(&mut self) -> Result<()> {
        self.browser.open(&self.authorize(Wanted::Login)?).await?;
        let email = World::email(self.number);
        self.browser.submit(&[("username", &email), ("password", PASSWORD)]).await?;
        self.exchange().await
    }

    /// Be let in again by the session, and let the application have its tokens.
    pub(crate) async fn come_back(&mut self, wanted: Wanted) -> Result<()> {
        self.browser.open(&self.authorize(wanted)?).await?;
        self.exchange().await
    }

    /// An authorization request (RFC 6749 §4.1.1) with PKCE, state and nonce.
    fn authorize(&self, wanted: Wanted) -> Result<String> {
        let mut url = self.gateway.issuer.join("authorize")?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", self.gateway.world.client.as_str())
                .append_pair("redirect_uri", &format!("{APPLICATION}/callback"))
                .append_pair("scope", "openid profile email")
                .append_pair("state", "app-state")
                .append_pair("nonce", "app-nonce")
                .append_pair("code_challenge", CHALLENGE)
                .append_pair("code_challenge_method", "S256")
                .append_pair("organization", self.gateway.world.organization(self.number).as_str());
            if matches!(wanted, Wanted::ApiAccess) {
                query.append_pair("audience", AUDIENCE);
            }
        }
        Ok(url.into())
    }

    /// Redeem the code that the browser brought (RFC 6749 §4.1.3).
    async fn exchange(&self) -> Result<()> {
        let page = self.browser.page.as_ref().context("no page")?;
        let code = code(&page.url).with_context(|| format!("no code at {}: {}", page.url, page.text()))?;
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", self.gateway.world.client.as_str())
            .append_pair("client_secret", &self.gateway.world.secret)
            .append_pair("redirect_uri", &format!("{APPLICATION}/callback"))
            .append_pair("code_verifier", VERIFIER)
            .append_pair("code", &code)
            .finish();
        let request = Request::post(self.gateway.issuer.join("oauth/token")?.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))?;
        let answer = self.wire.send(request).await.map_err(|problem| anyhow!(problem))?;
        let text = String::from_utf8_lossy(answer.body());
        ensure!(answer.status().is_success() && text.contains("id_token"), "{}: {text}", answer.status());
        Ok(())
    }
}

fn code(url: &Url) -> Option<String> {
    url.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
}

/// A verifier and its challenge (RFC 7636 appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
