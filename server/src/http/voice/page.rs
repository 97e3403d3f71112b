//! Owns how errors speak to people: the branded error page, in their language, with a number that the log knows.
//! Never touches protocols: what an application may be told travels by redirect, not by this page.

use crate::{
    http::{
        extract::params::ParamsFault,
        layer::{ClientAddress, CrossOrigin, CspNonce, Reference},
    },
    page::{Brand, ErrorPage, Label, Locale, Look, Page, Pages, Trouble},
};
use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode, Uri,
    header::{ACCEPT, ACCEPT_LANGUAGE, ORIGIN, RETRY_AFTER, USER_AGENT},
    request::Parts,
};
use portico_core::{
    account::AccountFault,
    connector::ConnectorError,
    id::ReferenceId,
    model::{EventKind, TenantSettings},
    port::{
        BoxError,
        store::{Store, StoreError},
    },
    watch::{TurnedAway, Watch},
};
use std::sync::Arc;

/// The error of handlers that answer people: what a visitor is told, and apart from it what the log is told.
///
/// As a response it has the status and no words; [`dressed`] around the router gives it the page.
#[derive(Clone, Debug)]
pub struct PageFault {
    trouble: Trouble,
    detail: Option<String>,
    cause: Option<Arc<BoxError>>,
    brand: Option<Box<Brand>>,
    retry: Option<String>,
    foreign: Option<CrossOrigin>,
}

impl PageFault {
    /// The visitor is told this.
    pub fn new(trouble: Trouble) -> Self {
        Self { trouble, detail: None, cause: None, brand: None, retry: None, foreign: None }
    }

    /// The log is told this, the visitor is not.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(Arc::new(cause.into()));
        self
    }

    /// The application's developer is told this, on the page and in the protocol's words. Never a secret.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// In the colours of this organization, not the tenant's.
    #[must_use]
    pub fn in_brand(mut self, brand: Brand) -> Self {
        self.brand = Some(Box::new(brand));
        self
    }

    /// The visitor can start again there: a path of ours, or an application's checked login address.
    #[must_use]
    pub fn retry_at(mut self, place: impl Into<String>) -> Self {
        self.retry = Some(place.into());
        self
    }

    /// What the visitor is told.
    pub fn trouble(&self) -> Trouble {
        self.trouble
    }
}

impl IntoResponse for PageFault {
    fn into_response(self) -> Response {
        let mut response = self.trouble.status().into_response();
        if self.trouble.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for PageFault {
    fn from(error: StoreError) -> Self {
        Self::new(trouble_of_store(&error)).because(error)
    }
}

impl From<ConnectorError> for PageFault {
    fn from(error: ConnectorError) -> Self {
        Self::new(trouble_of(&error)).because(error)
    }
}

/// What a visitor is told when a connector fails.
pub(crate) const fn trouble_of(error: &ConnectorError) -> Trouble {
    match error {
        ConnectorError::Missing(_) => Trouble::BadRequest,
        ConnectorError::Protocol(_) | ConnectorError::Rejected(_) => Trouble::SignInRejected,
        ConnectorError::Unavailable(_) => Trouble::SignInUnavailable,
        ConnectorError::Busy => Trouble::Busy,
        ConnectorError::Misconfigured(_) => Trouble::Misconfigured,
        ConnectorError::Store(error) => trouble_of_store(error),
        ConnectorError::Memo | _ => Trouble::Internal,
    }
}

/// What a visitor is told when the store fails.
pub(crate) const fn trouble_of_store(error: &StoreError) -> Trouble {
    if matches!(error, StoreError::Unavailable(_)) { Trouble::Unavailable } else { Trouble::Internal }
}

impl From<AccountFault> for PageFault {
    fn from(fault: AccountFault) -> Self {
        match fault {
            AccountFault::Connector(error) => error.into(),
            AccountFault::Store(error) => error.into(),
            other => Self::new(Trouble::Internal).because(other),
        }
    }
}

impl From<ParamsFault> for PageFault {
    fn from(fault: ParamsFault) -> Self {
        Self::new(Trouble::BadRequest).with_detail(fault.to_string())
    }
}

impl From<CrossOrigin> for PageFault {
    fn from(foreign: CrossOrigin) -> Self {
        Self { foreign: Some(foreign), ..Self::new(Trouble::ForeignForm).because(foreign) }
    }
}

impl IntoResponse for CrossOrigin {
    fn into_response(self) -> Response {
        PageFault::from(self).into_response()
    }
}

/// What gives error pages their looks.
pub struct Wardrobe {
    pages: Arc<Pages>,
    store: Arc<dyn Store>,
    watch: Watch,
}

impl Wardrobe {
    /// The pages, where the tenant's name and colours are kept, and what notes forged forms.
    pub fn new(pages: Arc<Pages>, store: Arc<dyn Store>, watch: Watch) -> Self {
        Self { pages, store, watch }
    }

    /// A form that did not come from a page of ours is in the tenant's log (`security.md` OP-25, §3.11).
    async fn note(&self, foreign: CrossOrigin, came: Came, reference: &ReferenceId) {
        let text = |value: Option<HeaderValue>| value?.to_str().ok().map(str::to_owned);
        let noted = self.watch.note(TurnedAway {
            kind: EventKind::CsrfRejected,
            reason: foreign.to_string(),
            description: "A form was refused that no page of ours had sent.",
            ip: came.address.0,
            user_agent: text(came.user_agent),
            path: came.uri.path().to_owned(),
            origin: text(came.origin),
            reference: reference.clone(),
        });
        match noted.await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(%reference, reason = %foreign, "a forged form is not in the log: too many");
            }
            Err(error) => tracing::error!(%reference, %error, "a forged form is not in the log"),
        }
    }
}

/// What the log is told of a request that was refused.
struct Came {
    address: ClientAddress,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    origin: Option<HeaderValue>,
}

impl Came {
    fn of(parts: &Parts) -> Self {
        Self {
            address: ClientAddress::of(&parts.extensions),
            uri: parts.uri.clone(),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            origin: parts.headers.get(ORIGIN).cloned(),
        }
    }
}

/// The router with its [`PageFault`]s as pages: each is logged once, under the number that the page shows.
pub fn dressed(router: Router, wardrobe: Arc<Wardrobe>) -> Router {
    router.layer(middleware::from_fn_with_state(wardrobe, dress))
}

/// The answer where there is no route: a page for people, a status for programs.
pub async fn nothing_here(headers: HeaderMap) -> Response {
    let reads_pages = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("text/html"));
    if reads_pages {
        PageFault::new(Trouble::NotFound).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn dress(State(wardrobe): State<Arc<Wardrobe>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(Reference(reference)) = Reference::from_request_parts(&mut parts, &()).await;
    let Ok(CspNonce(nonce)) = CspNonce::from_request_parts(&mut parts, &()).await;
    let accept_language =
        parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let came = Came::of(&parts);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    let Some(fault) = response.extensions_mut().remove::<PageFault>() else { return response };

    let (name, status) = (fault.trouble.name(), fault.trouble.status());
    let cause = fault.cause.as_ref().map(|cause| sentence_of(&***cause)).unwrap_or_default();
    if status.is_server_error() {
        tracing::error!(%reference, trouble = name, cause, "a page could not be shown");
    } else {
        tracing::info!(%reference, trouble = name, cause, "a visitor was refused");
    }
    if let Some(foreign) = fault.foreign {
        wardrobe.note(foreign, came, &reference).await;
    }
    // The page is shown even when the store is what broke: then in our own colours, and without waiting for it again.
    let settings: TenantSettings = if fault.trouble == Trouble::Unavailable {
        TenantSettings::default()
    } else {
        let read = wardrobe.store.read(|unit| Box::pin(async move { unit.tenant().settings().await }));
        read.await.unwrap_or_default()
    };
    let look = Look {
        brand: fault.brand.map_or_else(|| Brand::of(None, &settings), |brand| *brand),
        locale: Locale::choose(&[], accept_language.as_deref(), &settings.enabled_locales),
        nonce,
    };
    let page = ErrorPage {
        trouble: fault.trouble,
        reference: reference.to_string(),
        detail: fault.detail.map(|detail| Label::new(&detail)),
        retry: fault.retry,
    };
    let mut dressed = wardrobe.pages.render(&Page::Error(page), &look);
    // Cookies that the handler set, and when to come back.
    let (undressed, _) = response.into_parts();
    dressed.headers_mut().extend(
        undressed
            .headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .filter(|(name, _)| !matches!(*name, http::header::CONTENT_LENGTH | http::header::CONTENT_TYPE)),
    );
    dressed
}

/// The error and what caused it, in one line.
fn sentence_of(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::layer::{Hosts, Layers, TrustedProxies};
    use axum::{
        body::{Body, to_bytes},
        routing::get,
    };
    use http::header;
    use portico_core::{
        entropy::{Entropy, SystemEntropy},
        model::Color,
        testing::FakeClock,
    };
    use std::time::Duration;
    use tower::ServiceExt;

    async fn get_page(fault: PageFault, language: &str) -> (StatusCode, HeaderMap, String) {
        let store = portico_store::temporary().await.unwrap();
        let settings = TenantSettings {
            friendly_name: Some("Travel0".to_owned()),
            enabled_locales: vec!["en".to_owned(), "nl".to_owned()],
            ..TenantSettings::default()
        };
        store
            .write(|unit| Box::pin(async move { unit.tenant().set_settings(&settings).await }))
            .await
            .unwrap();
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let watch = Watch::new(Arc::clone(&store), Arc::new(FakeClock::default()), Arc::clone(&entropy));
        let wardrobe = Arc::new(Wardrobe::new(Arc::new(Pages::new().unwrap()), store, watch));
        let handler = move || {
            let fault = fault.clone();
            async move { ([(header::SET_COOKIE, "a=b")], fault) }
        };
        let layers = Layers {
            issuer: "http://localhost:8000/".parse().unwrap(),
            hosts: Hosts::of(&"http://localhost:8000/".parse().unwrap()),
            trusted_proxies: TrustedProxies::default(),
            entropy,
            timeout: Duration::from_mins(1),
        };
        let router = layers.around(dressed(Router::new().route("/", get(handler)), wardrobe));
        let request = Request::get("/").header("host", "localhost:8000").header(ACCEPT_LANGUAGE, language);
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_fault_is_a_page_with_a_number_and_without_its_cause() {
        let fault = PageFault::new(Trouble::Internal).because("the secret cause");
        let (status, headers, html) = get_page(fault, "en").await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(html.contains("Something went wrong on our side") && html.contains("Travel0"), "{html}");
        assert!(html.contains(headers["x-request-id"].to_str().unwrap()), "the page shows the log's number");
        assert!(!html.contains("secret cause"));
        assert_eq!(headers[header::SET_COOKIE], "a=b", "what the handler set is kept");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
        assert!(
            html.contains(&format!("<style nonce=\"{nonce}\">")),
            "its styles carry the nonce of the policy"
        );
    }

    #[tokio::test]
    async fn a_fault_speaks_the_visitors_language_and_wears_its_organizations_colours() {
        let brand = Brand {
            title: Label::new("Hoekstra & Associates"),
            primary: Color::parse("#7a1f3d").ok(),
            ..Brand::default()
        };
        let fault =
            PageFault::new(Trouble::Busy).in_brand(brand).retry_at("/u/login?state=x").with_detail("<b>");
        let (status, headers, html) = get_page(fault, "nl-BE, en;q=0.5").await;
        assert_eq!((status, headers[RETRY_AFTER].to_str().unwrap()), (StatusCode::SERVICE_UNAVAILABLE, "2"));
        assert!(html.contains("lang=\"nl\"") && html.contains("Het is erg druk"), "{html}");
        assert!(html.contains("Hoekstra &amp; Associates") && html.contains("--primary: #7a1f3d"));
        assert!(html.contains("href=\"/u/login?state=x\"") && html.contains("&lt;b&gt;"));
    }

    #[tokio::test]
    async fn a_place_that_is_not_there_is_a_page_for_people_alone() {
        let answer = |accept: &'static str| async move {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            let response = nothing_here(headers).await;
            (response.status(), response.extensions().get::<PageFault>().is_some())
        };
        assert_eq!(answer("text/html,*/*;q=0.8").await, (StatusCode::NOT_FOUND, true));
        assert_eq!(answer("application/json").await, (StatusCode::NOT_FOUND, false));
    }

    #[test]
    fn a_cause_is_told_with_its_own_cause() {
        let error = ConnectorError::Unavailable("connection refused".into());
        assert_eq!(sentence_of(&error), "the identity provider cannot be reached: connection refused");
        assert_eq!(PageFault::from(error).trouble(), Trouble::SignInUnavailable);
    }
}
